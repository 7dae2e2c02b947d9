"""Scenes as georeferenced files: one drawn scene, or a mosaic of any size streamed tile by tile."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from ..errors import OutputExists, OutputFolderMissing
from .classes import CLASSES, COARSE
from .light import jpeg_damage
from .scene import Scene, draw_scene

#: Upper left corner of a written scene in its CRS (m): easting and northing in the middle of a UTM zone.
ORIGIN = (500_000.0, 5_300_000.0)

#: Class name -> fine or coarse names that it stands for: the five coarse classes of the ground.
FIVE_CLASSES: dict[str, tuple[str, ...]] = {name: (name,) for name in COARSE[:5]}


def label_numbers(classes: Mapping[str, Sequence[str]]) -> npt.NDArray[np.uint8]:
    """Value in a label raster of each fine class: i for the i-th of `classes`, 0 for none.

    A fine class that is named itself goes there; else the class that names its coarse class takes it.

    Raises
    ------
    ValueError
        If a name is neither a fine nor a coarse class.
    """
    known = {name for name, _ in CLASSES} | set(COARSE)
    for names in classes.values():
        for name in names:
            if name not in known:
                raise ValueError(f"The generator has no class {name!r}.")
    table = np.zeros(len(CLASSES), np.uint8)
    for index, (fine, coarse) in enumerate(CLASSES):
        for wanted in (coarse, fine):
            for number, names in enumerate(classes.values(), start=1):
                if wanted in names:
                    table[index] = number
    return table


@contextmanager
def _whole_file(path: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when all went well."""
    if not path.parent.is_dir():
        raise OutputFolderMissing(path.parent)
    if path.exists() and not overwrite:
        raise OutputExists(path)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial.tif")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _transform(gsd: float, rotation_deg: float, origin: tuple[float, float]) -> Affine:
    return Affine.translation(*origin) * Affine.rotation(rotation_deg) * Affine.scale(gsd, -gsd)


def _wedge(shape: tuple[int, int], seed: int) -> npt.NDArray[np.bool_]:
    """True in a wedge without data along two sides of the picture, its edge a little uneven."""
    rng = Random(f"wedge {seed}")
    rows, cols = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    v, u = rows / shape[0], cols / shape[1]
    wave = 0.004 * np.sin(u * rng.uniform(20.0, 60.0)) + 0.004 * np.sin(v * rng.uniform(20.0, 60.0))
    return (v + u * rng.uniform(0.5, 0.9) + wave < rng.uniform(0.3, 0.45)) | (u + wave > rng.uniform(0.93, 0.96))


def _to_dtype(rgb: npt.NDArray[np.uint8], dtype: str, seed: int) -> npt.NDArray[Any]:
    """The picture in another type: uint16 as a 12-bit sensor's counts, float32 as reflectance."""
    if dtype == "uint8":
        return rgb
    rng = np.random.default_rng([seed, 12])
    fine = (rgb + rng.random(rgb.shape, dtype=np.float32)) / 256.0
    gain = rng.uniform(0.85, 1.15, 3).astype(np.float32)
    if dtype == "float32":
        return (0.02 + 0.55 * gain * fine**1.4).astype(np.float32)
    counts = 120.0 + 2300.0 * gain * fine**1.4
    limit = {"uint16": 4095, "int16": 4095}[dtype]
    return np.clip(counts, 1, limit).astype(dtype)


def write_scene(
    path: str | Path,
    seed: int,
    size: tuple[int, int] | int,
    gsd: float,
    *,
    crs: str | None = "EPSG:32632",
    dtype: str = "uint8",
    nodata_wedge: bool = False,
    declare_nodata: bool = True,
    rotation_deg: float = 0.0,
    labels_path: str | Path | None = None,
    classes: Mapping[str, Sequence[str]] = FIVE_CLASSES,
    style: str | None = None,
    season: str | None = None,
    tile: int = 256,
    compress: str = "deflate",
    origin: tuple[float, float] = ORIGIN,
    overwrite: bool = False,
) -> Scene:
    """Draw a scene and write it as a tiled, compressed GeoTIFF.

    Parameters
    ----------
    path : path
        The GeoTIFF; it appears when whole.
    seed, size, gsd, style, season
        As in :func:`draw_scene`.
    crs : str or None
        Any CRS in metres; None writes no georeference at all.
    dtype : {"uint8", "uint16", "int16", "float32"}
        uint16 and int16 hold a 12-bit sensor's counts, float32 reflectance.
    nodata_wedge : bool
        Leave a wedge and a stripe along one side without data.
    declare_nodata : bool
        Declare it (0, NaN for float32). Otherwise the wedge is black with the noise of JPEG and says nothing.
    rotation_deg : float
        Rotation of the geotransform, counter-clockwise.
    labels_path : path, optional
        Also write the exact labels there, uint8: 0 is none (and no data), i the i-th of `classes`.
    classes : mapping of str to sequence of str
        Class name -> the fine or coarse names it stands for (:func:`label_numbers`).
    tile : int
        Side of the TIFF's tiles (pixels, a multiple of 16).
    compress : str
        GDAL's name of the compression.
    origin : (float, float)
        Upper left corner in the CRS (m).
    overwrite : bool
        Whether files that exist may be replaced.

    Returns
    -------
    Scene
        What was drawn, before the wedge was cut and the type changed.

    Raises
    ------
    OutputExists, OutputFolderMissing
        If a file is there already, or its folder is not.
    ValueError
        If an argument makes no scene.
    """
    if dtype not in ("uint8", "uint16", "int16", "float32"):
        raise ValueError(f"A scene is written as uint8, uint16, int16 or float32, not {dtype}.")
    numbers = label_numbers(classes)
    scene = draw_scene(seed, size, gsd, style=style, season=season)
    data = _to_dtype(scene.rgb, dtype, seed)
    empty = _wedge(scene.labels.shape, seed) if nodata_wedge else np.zeros(scene.labels.shape, bool)
    nodata: float | None = None
    if nodata_wedge and declare_nodata:
        nodata = float("nan") if dtype == "float32" else 0
        data = np.maximum(data, 1) if dtype != "float32" else data
        data = np.where(empty[..., None], np.asarray(nodata, data.dtype), data)
    elif nodata_wedge:
        data = np.where(empty[..., None], np.asarray(0, data.dtype), data)
        if dtype == "uint8":
            data = jpeg_damage(np.ascontiguousarray(data), 75)
    place = {} if crs is None else {"crs": crs, "transform": _transform(gsd, rotation_deg, origin)}
    options = {"tiled": True, "blockxsize": tile, "blockysize": tile, "compress": compress, **place}
    with _whole_file(Path(path), overwrite) as partial:
        with rasterio.open(partial, "w", driver="GTiff", dtype=dtype, count=3, nodata=nodata, photometric="RGB",
                           height=data.shape[0], width=data.shape[1], predictor=3 if dtype == "float32" else 2,
                           **options) as file:  # fmt: skip
            file.write(np.moveaxis(data, 2, 0))
    if labels_path is not None:
        labels = np.where(empty, np.uint8(0), numbers[scene.labels])
        with _whole_file(Path(labels_path), overwrite) as partial:
            with rasterio.open(partial, "w", driver="GTiff", dtype="uint8", count=1, height=labels.shape[0],
                               width=labels.shape[1], **options) as file:  # fmt: skip
                file.write(labels, 1)
                file.update_tags(classes=",".join(classes))
    return scene


class _Mosaic:
    """A scene of any size from a few drawn patches.

    Within a block of `run` x `run` cells one patch is repeated, mirrored in every second cell, so that it joins
    itself without a seam; where blocks meet, two sheets meet, as in any mosaic of orthophotos.
    """

    def __init__(self, seed: int, patch: int, gsd: float, patches: int, run: int, styles: Sequence[str] | None) -> None:
        rng = Random(f"mosaic {seed}")
        self.patch, self.run, self.seed = patch, run, seed
        self.scenes = [
            draw_scene(rng.getrandbits(31), patch, gsd, style=styles[k % len(styles)] if styles else None)
            for k in range(patches)
        ]

    def _cell(self, row: int, col: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        block = Random(f"{self.seed} {row // self.run} {col // self.run}")
        scene = self.scenes[block.randrange(len(self.scenes))]
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
    mosaic = _Mosaic(seed, patch, gsd, patches, run, styles)
    options: dict[str, Any] = {"driver": "GTiff", "dtype": "uint8", "height": shape[0], "width": shape[1], "crs": crs,
                               "transform": _transform(gsd, 0.0, origin), "tiled": True, "blockxsize": tile,
                               "blockysize": tile, "BIGTIFF": "YES"}  # fmt: skip
    colour: dict[str, Any] = {"count": 3, "compress": compress, "interleave": "pixel"}
    colour |= (
        {"photometric": "YCBCR", "JPEG_QUALITY": 90}
        if compress.lower() == "jpeg"
        else {"photometric": "RGB", "predictor": 2}
    )
    # GDAL's own cache of blocks defaults to a share of the machine's memory; the tiles are written once and whole.
    with rasterio.Env(GDAL_CACHEMAX=64), _whole_file(Path(path), overwrite) as partial:
        with rasterio.open(partial, "w", **options, **colour) as file:
            if labels_path is None:
                _stream(mosaic, shape, tile, file, None, numbers)
            else:
                with _whole_file(Path(labels_path), overwrite) as partial_labels, rasterio.open(
                    partial_labels, "w", **options, count=1, compress="deflate", zlevel=1
                ) as label_file:
                    label_file.update_tags(classes=",".join(classes))
                    _stream(mosaic, shape, tile, file, label_file, numbers)
            if compress.lower() != "jpeg":
                file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def _stream(
    mosaic: _Mosaic, shape: tuple[int, int], tile: int, file: Any, label_file: Any, numbers: npt.NDArray[np.uint8]
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
