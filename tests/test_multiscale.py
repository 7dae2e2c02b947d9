"""Several scales of one scene: grids, averaging, resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo_ovss import cluster
from geo_ovss.errors import BadPresetValue
from geo_ovss.grid import Box
from geo_ovss.multiscale import ScaledRaster, StoreReader, resample
from geo_ovss.presets import Preset, get_preset
from geo_ovss.progress import Progress
from geo_ovss.raster import open_raster
from geo_ovss.segmenter import Segmenter


@pytest.mark.parametrize("factor", [1, 2, 3, 0.5, 1 / 3])
def test_a_scaled_raster_is_the_same_however_it_is_cut(scene: Path, factor: float) -> None:
    scaled = ScaledRaster(open_raster(scene), factor)
    assert scaled.height == -(-411 * scaled.finer // scaled.coarser)
    whole, valid = scaled.read(0, 0, scaled.height, scaled.width)
    rng = np.random.default_rng(0)
    for _ in range(6):
        row, col = int(rng.integers(scaled.height - 40)), int(rng.integers(scaled.width - 50))
        rgb, known = scaled.read(row, col, 40, 50)
        assert (rgb == whole[row:row + 40, col:col + 50]).all() and (known == valid[row:row + 40, col:col + 50]).all()


def test_larger_pixels_are_means(scene: Path) -> None:
    fine, _ = open_raster(scene).read(0, 0, 40, 60)
    coarse, _ = ScaledRaster(open_raster(scene), 2).read(0, 0, 20, 30)
    means = fine.reshape(20, 2, 30, 2, 3).astype(float).mean((1, 3))
    assert np.abs(coarse - means).max() <= 0.5


def test_invalid_pixels_do_not_enter_the_means() -> None:
    class HalfKnown:
        height = width = 4

        def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
            rgb, valid = np.full((height, width, 3), 200, np.uint8), np.ones((height, width), bool)
            rgb[:, 1::2], valid[:, 1::2] = 0, False
            rgb[2:], valid[2:] = 7, False
            return rgb, valid

    rgb, valid = ScaledRaster(HalfKnown(), 2).read(0, 0, 2, 2)  # type: ignore[arg-type]
    assert (rgb[0] == 200).all() and valid[0].all() and not valid[1].any()


class Store:
    """A store of one block that holds its own coordinates."""

    def __init__(self, rows: int, cols: int) -> None:
        self.array = np.stack(np.meshgrid(np.arange(rows) + 1.0, np.arange(cols) + 1.0, indexing="ij"), -1)

    def read(self, box: Box) -> np.ndarray:
        out = np.zeros((box.height, box.width, 2), np.float32)
        part = box.clip(Box(0, 0, *self.array.shape[:2]))
        out[part.shift(-box.row, -box.col).slices()] = self.array[part.slices()]
        return out


@pytest.mark.parametrize("factor", [1, 2, 4, 0.5])
def test_features_are_taken_at_the_same_ground(factor: float) -> None:
    """A scale that holds its own coordinates gives, on the scene's grid, the coordinates of the same place."""
    reader: Any = Store(40, 40)
    rows, known = resample(reader, Box(6, 9, 5, 4), factor)
    assert (known == 1).all()
    expected = (np.arange(6, 11) + 0.5) / factor + 0.5
    np.testing.assert_allclose(rows[:, 0, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(rows[0, :, 1], (np.arange(9, 13) + 0.5) / factor + 0.5, rtol=1e-6)


def test_the_edge_takes_what_there_is() -> None:
    reader: Any = Store(3, 3)
    rows, known = resample(reader, Box(0, 0, 6, 6), 2)
    assert (known == 1).all() and rows.min() >= 1 and rows.max() <= 3
    rows, known = resample(reader, Box(20, 20, 2, 2), 2)
    assert (known == 0).all() and (rows == 0).all()


def test_scales_are_averaged(scene: Path, tiny_preset: Preset) -> None:
    """Two scales give the mean of the two encodings; the same scale twice gives that scale."""
    def features(scales: list[float]) -> np.ndarray:
        store = Segmenter(tiny_preset, device="cpu", scales=scales).encode(scene)
        assert not list(store.path.glob("scale_*"))
        rows, cols = store.layout.token_shape
        return StoreReader(store).read(Box(0, 0, rows, cols))

    once, half = features([1]), features([0.5])
    np.testing.assert_allclose(features([1, 1]), once, atol=2e-3)
    np.testing.assert_allclose(features([1, 0.5]), (once + half) / 2, atol=2e-3)
    assert np.abs(once - half).max() > 0.05


def test_labels_of_several_scales(scene: Path, tiny_preset: Preset) -> None:
    segmenter = Segmenter(tiny_preset, device="cpu", scales=[1, 2])
    result = segmenter.segment(scene, "road,building,water")
    assert result.labels.shape == (411, 390) and (result.labels > 0).all()
    assert segmenter.pipeline.identity() != Segmenter(tiny_preset, device="cpu").pipeline.identity()


def test_an_interrupted_run_goes_on(scene: Path, tiny_preset: Preset, tmp_path: Path,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    from geo_ovss.store import SceneFeatures

    whole = Segmenter(tiny_preset, device="cpu", scales=[1, 2]).encode(scene, out=tmp_path / "whole")
    committed = SceneFeatures.commit
    blocks_of_scale_1 = len(whole.blocks)

    def stop(self: SceneFeatures, block: tuple[int, int], checks: tuple[int, int]) -> None:
        committed(self, block, checks)
        stop.count += 1  # type: ignore[attr-defined]
        if stop.count == blocks_of_scale_1 + 2:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    stop.count = 0  # type: ignore[attr-defined]
    monkeypatch.setattr(SceneFeatures, "commit", stop)
    with pytest.raises(KeyboardInterrupt):
        Segmenter(tiny_preset, device="cpu", scales=[1, 2]).encode(scene, out=tmp_path / "cut")
    stop.count = -1000  # type: ignore[attr-defined]
    again = Segmenter(tiny_preset, device="cpu", scales=[1, 2]).encode(scene, out=tmp_path / "cut")
    assert stop.count < -1000 + 2 * blocks_of_scale_1 + len(whole.blocks)  # type: ignore[attr-defined]
    for block in whole.blocks:
        for one, other in zip(whole.read_block(block), again.read_block(block), strict=True):
            assert (one == other).all()


@pytest.mark.usefixtures("one_thread")
def test_several_scales_on_a_cluster(scene: Path, tiny_preset: Preset, tmp_path: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Two worker processes, a few blocks at a time, give what one thread gives, and leave nothing else behind."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "IN_FLIGHT", 3)
    segmenter = Segmenter(tiny_preset, device="cpu", scales=[1, 2])
    whole = segmenter.encode(scene, out=tmp_path / "whole")
    with open_raster(scene) as raster:
        shared = cluster.encode_on_cluster(segmenter, raster, tmp_path / "shared", Progress(), workers=2)
    assert len(shared.blocks) > 3 and shared.complete
    for block in whole.blocks:
        np.testing.assert_array_equal(shared.read_block(block)[0], whole.read_block(block)[0])
        np.testing.assert_array_equal(shared.read_class_tokens(block), whole.read_class_tokens(block))
    assert {p.name for p in shared.path.iterdir()} == {p.name for p in whole.path.iterdir()}


@pytest.mark.parametrize("scales", [[1.5], [0.7], [0], [-1], [], ["1"]])
def test_scales_that_no_grid_has(scales: list[Any]) -> None:
    with pytest.raises(BadPresetValue):
        get_preset("mini").with_overrides(scales=scales)
