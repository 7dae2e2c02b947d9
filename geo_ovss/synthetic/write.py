"""One drawn scene as a georeferenced file, its exact labels beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine

from ..atomic import writing
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


def north_up(gsd: float, rotation_deg: float, origin: tuple[float, float]) -> Affine:
    """The geotransform of a picture whose upper left corner is `origin`, turned counter-clockwise."""
    c, s = gsd * math.cos(math.radians(rotation_deg)), gsd * math.sin(math.radians(rotation_deg))
    return Affine(c, s, origin[0], s, -c, origin[1])


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
    place = {} if crs is None else {"crs": crs, "transform": north_up(gsd, rotation_deg, origin)}
    options: dict[str, Any] = {"driver": "GTiff", "height": data.shape[0], "width": data.shape[1], "tiled": True,
                               "blockxsize": tile, "blockysize": tile, "compress": compress, **place}  # fmt: skip
    colour = {"dtype": dtype, "count": 3, "nodata": nodata, "photometric": "RGB"}
    if compress.lower() in ("deflate", "lzw", "zstd"):
        colour["predictor"] = 3 if dtype == "float32" else 2
    with writing(Path(path), overwrite) as partial, rasterio.open(partial, "w", **colour, **options) as file:
        file.write(np.moveaxis(data, 2, 0))
    if labels_path is not None:
        labels = np.where(empty, np.uint8(0), numbers[scene.labels])
        options |= {"dtype": "uint8", "count": 1, "compress": "deflate"}
        with writing(Path(labels_path), overwrite) as partial, rasterio.open(partial, "w", **options) as file:
            file.write(labels, 1)
            file.update_tags(classes=",".join(classes))
    return scene
