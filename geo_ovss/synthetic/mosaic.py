"""A scene of any size, streamed tile by tile into a BigTIFF from a few drawn patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window

from ..atomic import writing
from .scene import Scene, draw_scene
from .write import FIVE_CLASSES, ORIGIN, label_numbers, north_up

#: Memory (bytes) that GDAL may keep of written blocks; its default is a share of the machine's.
GDAL_CACHE = 64 * 2**20


class Mosaic:
    """A scene of any size from a few patches, each drawn when it is first needed.

    Within a sheet of `run` x `run` cells one patch is repeated, mirrored in every second cell, so that it joins
    itself without a seam; where sheets meet there is a straight border, as in any mosaic of orthophotos.

    Parameters
    ----------
    seed, gsd
        As in :func:`~geo_ovss.synthetic.draw_scene`.
    patch : int
        Side of a patch (pixels).
    patches : int
        How many there are.
    run : int
        Side of a sheet in patches.
    styles : sequence of str or None
        The patches' styles in turn; None draws them at random.
    """

    def __init__(self, seed: int, patch: int, gsd: float, patches: int, run: int, styles: Sequence[str] | None) -> None:
        rng = Random(f"mosaic {seed}")
        self.seed, self.patch, self.gsd, self.run = seed, patch, gsd, run
        self._plans = [(rng.getrandbits(31), styles[k % len(styles)] if styles else None) for k in range(patches)]
        self._drawn: dict[int, Scene] = {}

    def _scene(self, index: int) -> Scene:
        if index not in self._drawn:
            seed, style = self._plans[index]
            self._drawn[index] = draw_scene(seed, self.patch, self.gsd, style=style)
        return self._drawn[index]

    def _cell(self, row: int, col: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        sheet = Random(f"{self.seed} {row // self.run} {col // self.run}")
        scene = self._scene(sheet.randrange(len(self._plans)))
        flip = (slice(None, None, -1 if row & 1 else 1), slice(None, None, -1 if col & 1 else 1))
        return scene.rgb[flip], scene.labels[flip]

    def read(self, row: int, col: int, height: int, width: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Picture (height, width, 3) and labels (height, width) of a window."""
        rgb, labels = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.uint8)
        side = self.patch
        for i in range(row // side, (row + height - 1) // side + 1):
            for j in range(col // side, (col + width - 1) // side + 1):
                top, left = max(row, i * side), max(col, j * side)
                bottom, right = min(row + height, (i + 1) * side), min(col + width, (j + 1) * side)
                part = (slice(top - i * side, bottom - i * side), slice(left - j * side, right - j * side))
                into = (slice(top - row, bottom - row), slice(left - col, right - col))
                picture, classes = self._cell(i, j)
                rgb[into], labels[into] = picture[part], classes[part]
        return rgb, labels


def write_large(
    path: str | Path,
    size: tuple[int, int] | int,
    gsd: float,
    seed: int,
    *,
    crs: str = "EPSG:32632",
    labels_path: str | Path | None = None,
    classes: Mapping[str, Sequence[str]] = FIVE_CLASSES,
    patch: int = 1024,
    patches: int = 6,
    run: int = 4,
    styles: Sequence[str] | None = None,
    tile: int = 512,
    compress: str = "jpeg",
    origin: tuple[float, float] = ORIGIN,
    overwrite: bool = False,
) -> None:
    """Write a scene of any size as a tiled BigTIFF, tile by tile, in memory that does not grow with it.

    A few patches are drawn and repeated: mirrored in every second cell, so that a patch joins itself without a seam,
    and changed every `run` cells along straight sheet borders. Picture and labels agree exactly but for the loss of
    the compression.

    Parameters
    ----------
    path, gsd, seed, crs, labels_path, classes, tile, origin, overwrite
        As in :func:`write_scene`.
    size : int or (int, int)
        Pixels a side, or (rows, columns); 20,000 and far more.
    patch : int
        Side of a drawn patch (pixels).
    patches : int
        How many are drawn.
    run : int
        Side of a sheet in patches.
    styles : sequence of str, optional
        The patches' styles in turn; by default at random.
    compress : str
        "jpeg" is quick and small; "deflate" or "zstd" keep every value.
    """
    shape = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    numbers = label_numbers(classes)
    mosaic = Mosaic(seed, min(patch, *shape), gsd, patches, run, styles)
    options: dict[str, Any] = {"driver": "GTiff", "dtype": "uint8", "height": shape[0], "width": shape[1], "crs": crs,
                               "transform": north_up(gsd, 0.0, origin), "tiled": True, "blockxsize": tile,
                               "blockysize": tile, "BIGTIFF": "YES"}  # fmt: skip
    colour: dict[str, Any] = {"count": 3, "compress": compress, "interleave": "pixel"}
    if compress.lower() == "jpeg":
        colour |= {"photometric": "YCBCR", "JPEG_QUALITY": 90}
    else:
        colour |= {"photometric": "RGB", "predictor": 2}
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE), ExitStack() as stack:
        partial = stack.enter_context(writing(Path(path), overwrite))
        file = stack.enter_context(rasterio.open(partial, "w", **options, **colour))
        label_file = None
        if labels_path is not None:
            partial = stack.enter_context(writing(Path(labels_path), overwrite))
            label_file = stack.enter_context(
                rasterio.open(partial, "w", **options, count=1, compress="deflate", zlevel=1)
            )
            label_file.update_tags(classes=",".join(classes))
        _stream(mosaic, shape, tile, file, label_file, numbers)


def _stream(
    mosaic: Mosaic, shape: tuple[int, int], tile: int, file: Any, label_file: Any, numbers: npt.NDArray[np.uint8]
) -> None:
    """Write all tiles in the order in which they lie in the file."""
    for row in range(0, shape[0], tile):
        for col in range(0, shape[1], tile):
            height, width = min(tile, shape[0] - row), min(tile, shape[1] - col)
            rgb, labels = mosaic.read(row, col, height, width)
            window = Window(col, row, width, height)
            file.write(np.moveaxis(rgb, 2, 0), window=window)
            if label_file is not None:
                label_file.write(numbers[labels], 1, window=window)
