"""Fixtures that several test files share: a tiny CLIP with random weights, and small scenes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.transform import from_origin

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Real imagery and golden files, beside the project where they are at hand."""

TINY = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "layers": 3, "width": 64, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a tiny CLIP's config; random weights lie beside it."""
    import open_clip
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("clip")
    config = folder / "tiny.json"
    config.write_text(json.dumps(TINY))
    torch.manual_seed(0)
    open_clip.add_model_config(config)
    model = open_clip.create_model("tiny", pretrained=None)
    with torch.no_grad():
        for parameter in model.visual.parameters():
            parameter.mul_(2.0)  # random weights as they are make all patches alike
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "tiny.safetensors")
    return str(config)


@pytest.fixture
def tiny_preset(tiny_clip: str):
    """The preset `mini` over the tiny CLIP, its windows and blocks small enough for scenes of a few hundred pixels."""
    from geo_ovss.presets import get_preset

    return get_preset("mini").with_overrides(clip=tiny_clip, window=64, stride=32, block=128, halo=64, bank=16, batch=4)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread, as in a cluster's workers: another number of threads changes the last bits of products."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write_scene(path: Path, height: int, width: int, seed: int = 0, **profile: object) -> Path:
    """A GeoTIFF of smooth coloured noise at half a metre a pixel."""
    from scipy.ndimage import zoom

    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (3, height // 16 + 2, width // 16 + 2))
    rgb = np.stack([zoom(band, 16, order=1)[:height, :width] for band in coarse])
    rgb = (rgb * 0.8 + rng.uniform(0, 50, rgb.shape)).clip(12, 243).astype(np.uint8)
    settings = {"driver": "GTiff", "height": height, "width": width, "count": 3, "dtype": "uint8",
                "crs": "EPSG:32632", "transform": from_origin(500000, 5300000, 0.5, 0.5), "compress": "deflate"}
    with rasterio.open(path, "w", **settings | profile) as out:
        out.write(rgb)
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A scene of several blocks of the tiny preset, its size no multiple of anything."""
    return write_scene(tmp_path / "scene.tif", 411, 390)
