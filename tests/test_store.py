"""The feature store: what is written comes back, what was damaged or belongs elsewhere is refused."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo_ovss.errors import DamagedStore, DiskFull, IncompleteStore, NotAFeatureStore, StoreMismatch
from geo_ovss.grid import Layout
from geo_ovss.presets import get_preset
from geo_ovss.quantize import dequantize, quantize
from geo_ovss.scene_info import SceneInfo
from geo_ovss.store import JOURNAL, SceneFeatures, disk_full_as_error

LAYOUT = Layout(700, 500, 64, 32, 16, 256, 64)


def make_info(**changes: object) -> SceneInfo:
    info = SceneInfo("scene", "scene.tif", None, (1.0, 0, 0, 0, -1.0, 0), LAYOUT, 8, None, {"a": 1}, {"clip": "x"},
                     asdict(get_preset("mini")), "0")
    return replace(info, **changes)  # type: ignore[arg-type]


def fill(store: SceneFeatures, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for block in store.blocks:
        core = LAYOUT.core(*block)
        grid = core.tokens(16)
        features = rng.normal(size=(grid.height, grid.width, 8))
        store.write_block(block, features, np.ones((core.height, core.width), bool))


def test_blocks_come_back(tmp_path: Path) -> None:
    store = SceneFeatures.create(tmp_path / "s", make_info())
    with pytest.raises(IncompleteStore, match="0 of 6 blocks"):
        SceneFeatures.open(tmp_path / "s")
    fill(store)
    again = SceneFeatures.open(tmp_path / "s")
    assert replace(again.info, preset={}) == replace(store.info, preset={})
    assert again.info.preset_object() == get_preset("mini")
    for block in again.blocks:
        np.testing.assert_array_equal(again.read_block(block)[0], store.read_block(block)[0])
    assert again.nbytes > 1000


def test_an_interrupted_store_is_gone_on_with(tmp_path: Path) -> None:
    store = SceneFeatures.create(tmp_path / "s", make_info())
    core = LAYOUT.core(0, 1)
    store.write_block((0, 1), np.ones((16, core.tokens(16).width, 8)), np.ones((core.height, core.width), bool))
    with (tmp_path / "s" / JOURNAL).open("a") as journal:
        journal.write("[0, 0, 12")  # killed in the middle of a line
    again = SceneFeatures.create(tmp_path / "s", make_info())
    assert again.finished((0, 1))
    assert not again.finished((0, 0))
    fill(again)
    assert SceneFeatures.open(tmp_path / "s").complete


@pytest.mark.parametrize(("change", "what"), [
    ({"raster": {"a": 2}}, "raster"), ({"pipeline": {"clip": "y"}}, "preset or model"), ({"version": "1"}, "version"),
    ({"aoi_box": (0, 0, 10, 10)}, "area of interest"),
])
def test_another_scene_is_refused(tmp_path: Path, change: dict[str, object], what: str) -> None:
    SceneFeatures.create(tmp_path / "s", make_info())
    with pytest.raises(StoreMismatch, match=what):
        SceneFeatures.create(tmp_path / "s", make_info(**change))


def test_damage_is_found(tmp_path: Path) -> None:
    fill(SceneFeatures.create(tmp_path / "s", make_info()))
    chunks = sorted(p for p in (tmp_path / "s" / "features").rglob("*") if p.is_file() and "json" not in p.name)
    chunks[0].unlink()
    with pytest.raises(DamagedStore, match="not what was written"):
        SceneFeatures.open(tmp_path / "s").read_block((0, 0))
    chunks[1].write_bytes(b"rubbish")
    with pytest.raises(DamagedStore):
        SceneFeatures.open(tmp_path / "s").read_block((0, 1))
    (tmp_path / "s" / "manifest.json").write_text("{")
    with pytest.raises(DamagedStore, match="manifest"):
        SceneFeatures.open(tmp_path / "s")


@pytest.mark.parametrize("part", ["features", "scales", "centres"])
def test_damage_of_eight_bits_is_found(tmp_path: Path, part: str) -> None:
    fill(SceneFeatures.create(tmp_path / "s", make_info(dtype="int8")))
    SceneFeatures.open(tmp_path / "s").read_block((0, 0))
    sorted(p for p in (tmp_path / "s" / part).rglob("*") if p.is_file() and "json" not in p.name)[0].unlink()
    with pytest.raises(DamagedStore, match="not what was written"):
        SceneFeatures.open(tmp_path / "s").read_block((0, 0))


@given(arrays(np.float32, (3, 4, 5), elements=st.floats(-2, 2, width=16)))
def test_eight_bits_are_near(features: np.ndarray) -> None:
    known = features.any(-1)
    back = dequantize(*quantize(features)).astype(np.float32)
    assert (back[~known] == 0).all()
    apart = np.abs(features - features[known].mean(0)).max(-1, keepdims=True)[known] if known.any() else 0
    halves = np.abs(features[known]) / 1024 + 1e-6  # they come back in half precision
    assert (np.abs(back - features)[known] <= apart * (0.5 / 127 + 1e-5) + halves).all()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAFeatureStore):
        SceneFeatures.open(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotAFeatureStore):
        SceneFeatures.open(tmp_path / "file")


def test_no_room_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="goes on from there"), disk_full_as_error(tmp_path):
        raise RuntimeError("codec failed") from OSError(28, "No space left on device")
    with pytest.raises(ValueError, match="other"), disk_full_as_error(tmp_path):
        raise ValueError("other")
