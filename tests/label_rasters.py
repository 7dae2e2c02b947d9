"""Label rasters for the tests: written to real files, drawn by Hypothesis or by hand."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

UTM = Affine(0.5, 0, 400_000, 0, -0.5, 5_500_000)


def write_raster(path: Path, values: NDArray, *, crs: Any = "EPSG:32633", transform: Affine | None = UTM,
                 **profile: Any) -> Path:
    """Write one band as a tiled GeoTIFF."""
    place = {} if transform is None else {"transform": transform}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        _write(path, values, crs=crs, **place, **profile)
    return path


def _write(path: Path, values: NDArray, **profile: Any) -> None:
    with rasterio.open(path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
                       dtype=values.dtype, tiled=True, blockxsize=256, blockysize=256, **profile) as target:
        target.write(values, 1)


@st.composite
def label_arrays(draw: st.DrawFn, largest: int = 24, classes: int = 3) -> NDArray[np.uint8]:
    """Noise, blocks or blobs of 0 to `classes` classes."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["noise", "blocks", "blobs", "lines"]))
    labels = random.integers(0, classes + 1, (height, width))
    if kind == "blocks":
        labels = np.kron(labels, np.ones((4, 3), int))[:height, :width]
    elif kind == "blobs":
        smooth = [_blurred(random.random((height, width))) for _ in range(classes + 1)]
        labels = np.argmax(smooth, axis=0)
    elif kind == "lines":
        labels = np.where(random.random((height, width)) < 0.15, labels, 1)
    return labels.astype(np.uint8)


def _blurred(values: NDArray) -> NDArray:
    for axis in (0, 1):
        for _ in range(3):
            values = (np.roll(values, 1, axis) + values + np.roll(values, -1, axis)) / 3
    return values


def town(size: int = 400, seed: int = 0) -> NDArray[np.uint8]:
    """A drawn town: 1 building, 2 road, 3 vegetation, 4 water; buildings and roads at odd angles."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.full((size, size), 3, np.uint8)
    labels[np.abs(y - size * 0.15 - 0.25 * x) < 10] = 2
    labels[np.abs(x - size * 0.6 + 0.1 * y) < 7] = 2
    labels[np.hypot(x - size * 0.85, y - size * 0.8) < size * 0.12] = 4
    for _ in range(size // 12):
        cx, cy = random.uniform(0, size, 2)
        angle, (a, b) = random.uniform(0, np.pi / 2), random.uniform(6, 16, 2)
        u, v = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle), (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        inside = (np.abs(u) < a) & (np.abs(v) < b)
        if (labels[inside] == 3).all():
            labels[inside] = 1
    return labels
