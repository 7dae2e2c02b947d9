"""The walk over a scene: exact in one block, the same whatever is asked for, gone on with after a kill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from conftest import write_scene
from torch.nn import functional as F

from geo_ovss.build import build
from geo_ovss.classify import upsample, word_logits
from geo_ovss.errors import StoreMismatch
from geo_ovss.methods.base import WindowTokens
from geo_ovss.presets import Preset
from geo_ovss.progress import Progress
from geo_ovss.published import run_published
from geo_ovss.raster import RasterOptions
from geo_ovss.segmenter import Segmenter

CLASSES = "road;water;tree;roof"


def all_features(store) -> np.ndarray:
    rows, cols = store.layout.token_shape
    out = np.zeros((rows, cols, store.info.dim), np.float16)
    for block in store.blocks:
        out[store.layout.core(*block).tokens(store.layout.token).slices()] = store.read_block(block)[0]
    return out


@pytest.mark.parametrize("method", ["gla-clearclip", "clearclip", "maskclip", "gla-sclip"])
def test_a_scene_of_one_block_is_the_published_method(tiny_preset: Preset, tmp_path: Path, method: str) -> None:
    path = write_scene(tmp_path / "small.tif", 128, 144)
    preset = tiny_preset.with_overrides(block=160, method=method)
    store = Segmenter(preset).encode(path)
    assert store.layout.single
    with rasterio.open(path) as source:
        picture = source.read().transpose(1, 2, 0)
    text = F.normalize(torch.randn(5, 32, generator=torch.Generator().manual_seed(3)), dim=-1)
    published = run_published(build(preset).method, picture, text).logits
    ours = upsample(word_logits(torch.from_numpy(all_features(store)).float(), text), torch.ones(8, 9), 16)
    # design, decision 1: equal but for the outermost half patch of a window, which clamps in the published form
    error = (ours - published).abs()
    inner = torch.ones_like(error[0], dtype=torch.bool)
    for edge in {e for start in (0, 32, 64, 80) for e in (start, start + 64)}:
        inner[max(edge - 8, 0) : edge + 8] = False
        inner[:, max(edge - 8, 0) : edge + 8] = False
    assert inner.any()
    assert error[:, inner].max() < 2e-3  # float16 features


def test_blocks_and_neighbours_make_one_scene(tiny_preset: Preset, scene: Path) -> None:
    store = Segmenter(tiny_preset).encode(scene)
    assert len(store.blocks) > 4
    lengths = np.linalg.norm(all_features(store).astype(np.float32), axis=-1)
    assert (lengths > 0.3).all()
    assert (lengths < 1.01).all()


@pytest.mark.parametrize("method", ["clearclip", "vanilla"])
def test_local_methods_do_not_depend_on_blocks(tiny_preset: Preset, scene: Path, method: str) -> None:
    small = all_features(Segmenter(tiny_preset, method=method).encode(scene))
    large = all_features(Segmenter(tiny_preset, method=method, block=416).encode(scene))
    np.testing.assert_allclose(small.astype(np.float32), large.astype(np.float32), atol=4e-3)


@pytest.mark.parametrize("mix", ["spliced", "windows"])
def test_a_part_gives_the_labels_of_the_whole(tiny_preset: Preset, scene: Path, mix: str) -> None:
    segmenter = Segmenter(tiny_preset, mix=mix)
    whole = segmenter.segment(scene, CLASSES).labels
    box = (500000 + 60, 5300000 - 150, 500000 + 130, 5300000 - 50)  # metres: columns 120..260, rows 100..300
    part = segmenter.segment(scene, CLASSES, options=RasterOptions(aoi=",".join(map(str, box)))).labels
    inside = np.zeros_like(whole, dtype=bool)
    inside[100:300, 120:260] = True
    assert (part[~inside] == 0).all()
    # windows and blocks hang on the raster's own grid: not 99.9 % but all labels are the same, up to the border
    np.testing.assert_array_equal(part[inside], whole[inside])


def test_no_data_has_no_label_and_is_not_encoded(tiny_preset: Preset, tmp_path: Path) -> None:
    path = write_scene(tmp_path / "hole.tif", 400, 400, nodata=0)
    with rasterio.open(path, "r+") as file:
        rgb = file.read()
        rgb[:, 100:350, 40:390] = 0
        file.write(rgb)
    segmenter = Segmenter(tiny_preset, bank=0)
    seen = []
    encode = segmenter.pipeline.method.encode
    segmenter.pipeline.method.encode = lambda pixels: seen.append(len(pixels)) or encode(pixels)  # type: ignore[method-assign]
    result = segmenter.segment(path, CLASSES)
    valid = (rgb != 0).any(0)
    np.testing.assert_array_equal(result.labels > 0, valid)
    layout = segmenter.scene_info(result.open_source()).layout
    live = [w for b in layout.blocks() for w in layout.windows(*b) if valid[w.slices()].any()]
    assert sum(seen) == len(live) < layout.window_count


def test_a_changed_raster_is_told_apart(tiny_preset: Preset, tmp_path: Path) -> None:
    segmenter, path = Segmenter(tiny_preset), write_scene(tmp_path / "a.tif", 200, 200)
    segmenter.encode(path, out=tmp_path / "store")
    write_scene(path, 200, 200, seed=5)
    with pytest.raises(StoreMismatch, match="raster"):
        segmenter.encode(path, out=tmp_path / "store")


def test_a_store_answers_again_and_again(tiny_preset: Preset, scene: Path, tmp_path: Path) -> None:
    segmenter = Segmenter(tiny_preset)
    store = segmenter.encode(scene, out=tmp_path / "s.features")
    direct = segmenter.segment(scene, CLASSES).labels
    later = Segmenter(tiny_preset)
    np.testing.assert_array_equal(later.query(tmp_path / "s.features", CLASSES).labels, direct)
    assert later._pipeline is None  # the text tower alone was loaded
    assert set(np.unique(later.query(store, "sea;car").labels)) <= {1, 2}


def test_a_full_accelerator_gets_smaller_batches(tiny_preset: Preset, scene: Path) -> None:
    class Listening(Progress):
        def message(self, text: str) -> None:
            heard.append(text)

    def holds_three(pixels: torch.Tensor) -> WindowTokens:
        if len(pixels) > 3:
            raise torch.OutOfMemoryError("full")
        return encode(pixels)

    heard: list[str] = []
    segmenter = Segmenter(tiny_preset, batch=8)
    encode = segmenter.pipeline.method.encode
    segmenter.pipeline.method.encode = holds_three  # type: ignore[method-assign]
    halved = all_features(segmenter.encode(scene, progress=Listening()))
    assert [text.split("with ")[1] for text in heard] == ["4 windows at once.", "2 windows at once."]
    small = all_features(Segmenter(tiny_preset, batch=2).encode(scene))
    np.testing.assert_allclose(halved.astype(np.float32), small.astype(np.float32), atol=4e-3)


def test_features_of_another_clip_are_refused(tiny_preset: Preset, scene: Path, tmp_path: Path) -> None:
    store = Segmenter(tiny_preset).encode(scene, out=tmp_path / "s.features")
    other = tmp_path / "other.json"
    source = Path(tiny_preset.clip)
    other.write_text(source.read_text())
    data = bytearray(source.with_suffix(".safetensors").read_bytes())
    data[-4:] = b"\x00\x00\x80\x3f"
    other.with_suffix(".safetensors").write_bytes(data)
    with pytest.raises(StoreMismatch, match=r"another CLIP \(tiny, not other\); delete it") as end:
        Segmenter(tiny_preset, clip=str(other)).query(store, CLASSES)
    assert len(str(end.value).removeprefix(str(store.path))) < 90  # fits a message bar
    same_name = tmp_path / "again" / "tiny.json"
    same_name.parent.mkdir()
    same_name.write_text(source.read_text())
    same_name.with_suffix(".safetensors").write_bytes(data)
    with pytest.raises(StoreMismatch, match=r"another CLIP \(other weights under the name tiny\)"):
        Segmenter(tiny_preset, clip=str(same_name)).query(store, CLASSES)
