"""The area of interest: a box, or the polygons of a vector file, on a raster's pixels."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize

from geo_ovss.errors import AoiMissing, AoiOutside, AoiUnreadable

EDGE_PIECES = 64
"""A straight edge is bent by reprojection: it is cut into at least this many pieces along the scene before."""


class AreaOfInterest:
    """Polygons on the pixels of a grid.

    Parameters
    ----------
    shape : shapely geometry
        In pixels: x is the column, y the row.
    height, width : int
        Of the grid.
    """

    def __init__(self, shape: Any, height: int, width: int) -> None:
        self.shape, self.height, self.width = shape, height, width
        self._parts = shapely.get_parts(shape)
        self._tree = shapely.STRtree(self._parts)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Row, column, height and width that hold it on the grid."""
        left, top, right, bottom = np.round(self.shape.bounds, 6)
        row, col = max(int(np.floor(top)), 0), max(int(np.floor(left)), 0)
        return (
            row, col,
            max(min(int(np.ceil(bottom)), self.height) - row, 1), max(min(int(np.ceil(right)), self.width) - col, 1),
        )

    @property
    def digest(self) -> str:
        """Hash of the polygons, for the run's identity."""
        return hashlib.sha256(shapely.to_wkb(shapely.set_precision(self.shape, 1e-6))).hexdigest()

    def mask(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Pixels (height, width) of a box whose centre lies inside."""
        window = shapely.box(col, row, col + width, row + height)
        parts = self._parts[self._tree.query(window, predicate="intersects")]
        if not len(parts):
            return np.zeros((height, width), dtype=bool)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            here = Affine.translation(col, row)
            burned = rasterize([(p, 1) for p in parts], out_shape=(height, width), transform=here, dtype="uint8")
        return burned.astype(bool)


def read_aoi(
    aoi: str, crs: Any, transform: Affine, height: int, width: int, scene: str
) -> tuple[AreaOfInterest, list[str]]:
    """Lay an area of interest on a grid.

    Parameters
    ----------
    aoi : str
        ``xmin,ymin,xmax,ymax`` in the scene's CRS, or the path of a vector file in any CRS.
    crs : rasterio CRS, or None
    transform, height, width
        Of the grid.
    scene : str
        Its name, for messages.

    Returns
    -------
    area : AreaOfInterest
    messages : list of str

    Raises
    ------
    AoiMissing, AoiUnreadable, AoiOutside
    """
    box = _box(aoi)
    messages: list[str] = []
    shape = box if box is not None else _polygons(aoi, crs, transform, height, width, messages)
    inverse = ~transform
    on_pixels = shapely.transform(shape, lambda xy: np.stack(inverse * xy.T, axis=1))
    inside = shapely.intersection(shapely.make_valid(on_pixels), shapely.box(0, 0, width, height))
    polygons = [p for p in shapely.get_parts(shapely.get_parts(inside)) if p.geom_type == "Polygon" and p.area > 0]
    if not polygons:
        raise AoiOutside(aoi, scene)
    return AreaOfInterest(shapely.union_all(polygons), height, width), messages


def _box(aoi: str) -> Any | None:
    parts = aoi.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise AoiUnreadable(aoi, "a box has four numbers, xmin,ymin,xmax,ymax")
    left, bottom, right, top = numbers
    if left >= right or bottom >= top:
        raise AoiUnreadable(aoi, "its minimum is not below its maximum")
    return shapely.box(left, bottom, right, top)


def _polygons(aoi: str, crs: Any, transform: Affine, height: int, width: int, messages: list[str]) -> Any:
    """All polygons of a vector file in the scene's CRS."""
    if not aoi.startswith("/vsi") and "://" not in aoi and not Path(aoi).exists():
        raise AoiMissing(aoi)
    try:
        frame = gpd.read_file(aoi, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        raise AoiUnreadable(aoi, "it is no vector file") from error
    shapes = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else gpd.GeoSeries([])
    shapes = shapes[shapes.geom_type.isin(["Polygon", "MultiPolygon", "GeometryCollection"]) & ~shapes.is_empty]
    if shapes.empty:
        raise AoiUnreadable(aoi, "it holds no polygon")
    if shapes.crs is None or not crs:
        which = "The area of interest" if shapes.crs is None else "The scene"
        if (shapes.crs is None) != (not crs):
            messages.append(f"{which} has no CRS: its coordinates are taken as they are.")
        return shapely.union_all(shapely.make_valid(shapes.values))
    if shapes.crs != crs.to_wkt():
        shapes = _reproject(shapes, crs, transform, height, width)
    return shapely.union_all(shapely.make_valid(shapes.values))


def _reproject(shapes: gpd.GeoSeries, crs: Any, transform: Affine, height: int, width: int) -> gpd.GeoSeries:
    """Reproject to the scene's CRS, edges cut into pieces where they cross the scene, far ones left out."""
    corners = [transform * corner for corner in ((0, 0), (width, 0), (width, height), (0, height))]
    outline = shapely.segmentize(shapely.Polygon(corners), _longest(corners) / EDGE_PIECES)
    there = gpd.GeoSeries([outline], crs=crs.to_wkt()).to_crs(shapes.crs)
    left, bottom, right, top = there.total_bounds
    if np.isfinite([left, bottom, right, top]).all():
        reach = shapely.box(left, bottom, right, top).buffer(0.05 * max(right - left, top - bottom))
        shapes = shapes.make_valid().intersection(reach)
        shapes = shapes[~shapes.is_empty]
        shapes = shapes.segmentize(max(right - left, top - bottom) / EDGE_PIECES)
    return shapes.to_crs(crs.to_wkt())


def _longest(corners: list[Any]) -> float:
    sides = zip(corners, corners[1:] + corners[:1], strict=True)
    return max(float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in sides)
