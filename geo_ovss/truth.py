"""Ground truth on a scene's own grid: label rasters, label pictures, or polygons burned strip by strip.

Whatever the source, `read` gives class numbers: 1..K in the order of the class list, 0 where nothing is known.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from geo_ovss.errors import TruthAttributeMissing, TruthNotReadable, TruthSizeMismatch, TruthWithoutCrs
from geo_ovss.grid import Box
from geo_ovss.label_map import LabelMap

VECTOR_SUFFIXES = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".parquet", ".gml", ".kml")
ATTRIBUTES = ("class_name", "class", "class_id", "label", "category", "type", "name")
"""Attributes taken for the class, first found first, where none is named; `class_name` is this project's own."""

SAME_GRID_PIXELS = 0.01
"""Grids whose corners lie closer than this, in pixels, are one grid; more is a shift that has to be resampled."""

Labels = NDArray[np.uint16]


@dataclass(frozen=True)
class SceneGrid:
    """Where a scene's pixels lie.

    Attributes
    ----------
    height, width : int
        Pixels.
    transform : Affine
        From pixel (column, row) to the CRS; the identity for a plain picture.
    crs : CRS or None
    """

    height: int
    width: int
    transform: Affine
    crs: CRS | None

    @classmethod
    def of(cls, path: str | Path) -> SceneGrid:
        """The grid of a raster file."""
        with _opened(path) as source:
            return cls(source.height, source.width, source.transform, source.crs)

    @property
    def georeferenced(self) -> bool:
        """Whether pixels have a place on the ground (a plain picture has none)."""
        return self.transform != Affine.identity()

    def bounds(self, box: Box) -> tuple[float, float, float, float]:
        """The rectangle in the CRS around a pixel box: left, bottom, right, top."""
        corners = [(box.col, box.row), (box.right, box.row), (box.col, box.bottom), (box.right, box.bottom)]
        xs, ys = zip(*(self.transform * corner for corner in corners), strict=True)
        return min(xs), min(ys), max(xs), max(ys)


class Truth(Protocol):
    """The ground truth of one scene."""

    def read(self, box: Box) -> Labels:
        """Class numbers of a pixel box of the scene, (height, width); 0 is unknown."""
        ...


class RasterTruth:
    """A label raster or picture: one band of values (a palette counts as values), or three of colours.

    Parameters
    ----------
    path : path
        Anything rasterio opens.
    grid : SceneGrid
        The scene's grid. A raster on another grid is resampled to it, nearest value, where both are georeferenced.
    label_map : LabelMap
        From values to class numbers. The raster's own no-data and masked pixels are unknown.

    Raises
    ------
    TruthNotReadable, TruthSizeMismatch
    """

    def __init__(self, path: str | Path, grid: SceneGrid, label_map: LabelMap) -> None:
        self.path, self.grid, self.label_map = Path(path), grid, label_map
        own = _truth_grid(path)
        self._warp = grid.georeferenced and own.georeferenced and not _same_grid(own, grid)
        if not self._warp and (own.height, own.width) != (grid.height, grid.width):
            raise TruthSizeMismatch(path, (own.height, own.width), (grid.height, grid.width))

    def read(self, box: Box) -> Labels:
        """Class numbers of a pixel box of the scene."""
        window = Window(box.col, box.row, box.width, box.height)
        bands = [1, 2, 3] if self.label_map.by_colour else 1
        with _opened(self.path) as source:
            if self._warp:
                crs = source.crs or self.grid.crs
                with WarpedVRT(
                    source, src_crs=crs, crs=self.grid.crs or crs, transform=self.grid.transform,
                    width=self.grid.width, height=self.grid.height, resampling=Resampling.nearest, add_alpha=True,
                ) as warped:
                    values, known = warped.read(bands, window=window), warped.read(warped.count, window=window) > 0
            else:
                values, known = source.read(bands, window=window), source.dataset_mask(window=window) > 0
        numbers = self.label_map.apply(values)
        numbers[~known] = 0
        return numbers


class VectorTruth:
    """Polygons with a class attribute, burned on the scene's grid; where several lie on a pixel the last one counts.

    Parameters
    ----------
    path : path
        Anything pyogrio or geopandas reads; only what meets the scene is read.
    grid : SceneGrid
    label_map : LabelMap
        From attribute values to class numbers.
    attribute : str, optional
        The column with the class; the first of `ATTRIBUTES` that there is.
    outside : int, default 0
        Class number of the pixels that no polygon covers; 0 leaves them unknown.

    Raises
    ------
    TruthNotReadable, TruthAttributeMissing, TruthWithoutCrs
    """

    def __init__(
        self, path: str | Path, grid: SceneGrid, label_map: LabelMap, attribute: str | None = None, outside: int = 0
    ) -> None:
        self.grid, self.outside = grid, outside
        frame = _read_vector(path, grid)
        column = attribute or next((name for name in ATTRIBUTES if name in frame.columns), "")
        if column not in frame.columns:
            raise TruthAttributeMissing(path, column or " or ".join(ATTRIBUTES), list(frame.columns))
        self._numbers = [label_map.number(value) for value in frame[column]]
        self._shapes = frame.geometry

    def read(self, box: Box) -> Labels:
        """Class numbers of a pixel box of the scene."""
        left, bottom, right, top = self.grid.bounds(box)
        hits = sorted(self._shapes.sindex.intersection((left, bottom, right, top)))
        shapes = [(self._shapes.iloc[i], self._numbers[i]) for i in hits]
        if not shapes:
            return np.full((box.height, box.width), self.outside, np.uint16)
        transform = self.grid.transform * Affine.translation(box.col, box.row)
        return rasterize(
            shapes, out_shape=(box.height, box.width), transform=transform, fill=self.outside, dtype=np.uint16
        )


def open_truth(
    path: str | Path, grid: SceneGrid, label_map: LabelMap, attribute: str | None = None, outside: int = 0
) -> Truth:
    """The ground truth in a file, by its suffix: polygons (`VectorTruth`) or a label raster (`RasterTruth`)."""
    if Path(path).suffix.lower() in VECTOR_SUFFIXES:
        return VectorTruth(path, grid, label_map, attribute, outside)
    return RasterTruth(path, grid, label_map)


def _truth_grid(path: str | Path) -> SceneGrid:
    try:
        return SceneGrid.of(path)
    except RasterioIOError as error:
        raise TruthNotReadable(path) from error


def _same_grid(one: SceneGrid, other: SceneGrid) -> bool:
    if (one.height, one.width) != (other.height, other.width):
        return False
    if one.crs and other.crs and one.crs != other.crs:
        return False
    to_other = ~other.transform * one.transform
    corners = [(0, 0), (one.width, 0), (0, one.height), (one.width, one.height)]
    moved = np.array([to_other * corner for corner in corners])
    return bool(np.abs(moved - np.array(corners)).max() < SAME_GRID_PIXELS)


def _read_vector(path: str | Path, grid: SceneGrid) -> Any:
    """The features that meet the scene, in its CRS, as a GeoDataFrame."""
    import geopandas
    from shapely.geometry import box as rectangle

    area = rectangle(*grid.bounds(Box(0, 0, grid.height, grid.width)))
    # A frame as mask is reprojected to the file's own CRS, so that only what meets the scene is read.
    mask = geopandas.GeoSeries([area], crs=grid.crs) if grid.crs else None
    try:
        if Path(path).suffix.lower() == ".parquet":
            frame = geopandas.read_parquet(path)
        else:
            frame = geopandas.read_file(path, mask=mask)
    except Exception as error:  # pyogrio, GDAL and pyarrow each raise their own
        raise TruthNotReadable(path) from error
    if frame.crs is not None and grid.crs is None:
        raise TruthWithoutCrs(path)
    if frame.crs is not None and frame.crs != grid.crs:
        frame = frame.to_crs(grid.crs)
    return frame[~(frame.geometry.is_empty | frame.geometry.isna())]


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    with warnings.catch_warnings():  # label pictures rarely have a geotransform; that is no news here
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as source:
            yield source
