"""Areas and lengths on the ground, whatever the raster's CRS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray

from geo_ovss.regions import add_up

_SAMPLES = 33
"""Pixel areas are computed on a grid of this many points a side and interpolated: they change slowly."""


_SHORT_METRES = 500.0
"""Edges up to here are measured by formulas for short lines, many at a time. Their error is below a millionth of the
area; that of geodesic areas by GeographicLib is up to 1e-4 m2 by rounding, which is 1 % of a pixel of 10 cm."""


def _short_edges(geod: pyproj.Geod, lon: NDArray, lat: NDArray) -> tuple[NDArray, NDArray]:
    """Area between each edge and the equator (m2), and its length (m), for edges from each point to the next.

    The area is that of the spherical excess on the authalic sphere; the length that of the local radii of curvature.
    """
    e2, axis = geod.es, geod.a
    e = np.sqrt(e2)
    sine = np.sin(np.radians(lat))

    def surface(s: NDArray | float) -> NDArray:
        """Snyder (1987), equation 3-12: what authalic latitudes and the authalic radius are made of."""
        if e2 == 0:
            return np.asarray(2 * s)
        return (1 - e2) * (s / (1 - e2 * s * s) - np.log((1 - e * s) / (1 + e * s)) / (2 * e))

    pole = surface(1.0)
    half_tangent = np.tan(np.arcsin(np.clip(surface(sine) / pole, -1, 1)) / 2)
    turn = np.radians(np.diff(lon, append=lon[-1:]))
    turn -= 2 * np.pi * np.round(turn / (2 * np.pi))
    following = np.append(half_tangent[1:], half_tangent[-1:])
    excess = 2 * np.arctan(np.tan(turn / 2) * (half_tangent + following) / (1 + half_tangent * following))
    rise = np.radians(np.diff(lat, append=lat[-1:]))
    middle = np.radians(lat) + rise / 2
    curvature = 1 - e2 * np.sin(middle) ** 2
    north = axis * (1 - e2) / curvature**1.5 * rise
    east = axis / np.sqrt(curvature) * np.cos(middle) * turn
    return excess * axis**2 * pole / 2, np.hypot(north, east)


class Ground:
    """Measures on the ellipsoid of a CRS; in the plane for a local CRS; in its own units without any.

    Parameters
    ----------
    crs : anything that pyproj understands, or None

    Attributes
    ----------
    metric : bool
        False without a CRS: areas are in squared units of the coordinates (pixels), not m2.
    """

    def __init__(self, crs: Any) -> None:
        self.crs = None if crs is None else pyproj.CRS.from_user_input(crs)
        self.metric = self.crs is not None
        geodetic = None if self.crs is None else self.crs.geodetic_crs
        self._geod = None if geodetic is None else geodetic.get_geod()
        self._to_lonlat = None if geodetic is None else pyproj.Transformer.from_crs(self.crs, geodetic, always_xy=True)
        self._unit = 1.0
        if self.crs is not None and self._geod is None and self.crs.axis_info:
            self._unit = self.crs.axis_info[0].unit_conversion_factor or 1.0

    def areas_and_perimeters(self, polygons: NDArray[np.object_]) -> tuple[NDArray, NDArray]:
        """Area (m2) and length of all rings (m) of polygons and multipolygons in this CRS.

        Edges are geodesics between the polygons' points.
        """
        if self._geod is None or self._to_lonlat is None:
            return shapely.area(polygons) * self._unit**2, shapely.length(polygons) * self._unit
        parts, part_owner = shapely.get_parts(polygons, return_index=True)
        rings, ring_owner = shapely.get_rings(parts, return_index=True)
        xy, point_owner = shapely.get_coordinates(rings, return_index=True)
        lon, lat = self._to_lonlat.transform(xy[:, 0], xy[:, 1])
        ends = np.searchsorted(point_owner, np.arange(len(rings) + 1))
        area, length = self._rings(lon, lat, ends)
        hole = np.concatenate([[False], ring_owner[1:] == ring_owner[:-1]]) if len(rings) else np.zeros(0, bool)
        area = np.abs(area) * np.where(hole, -1, 1)
        owner = part_owner[ring_owner]
        return add_up(owner, area, len(polygons)), add_up(owner, length, len(polygons))

    def _rings(self, lon: NDArray, lat: NDArray, ends: NDArray[np.intp]) -> tuple[NDArray, NDArray]:
        """Signed areas (m2) and lengths (m) of closed rings; ring r has the points ``ends[r]`` to ``ends[r + 1]``."""
        assert self._geod is not None
        edge_area, edge_length = _short_edges(self._geod, lon, lat)
        edge_area[ends[1:] - 1] = edge_length[ends[1:] - 1] = 0
        if not len(ends[:-1]):
            return edge_area, edge_length
        area, length = (np.add.reduceat(edges, ends[:-1]) for edges in (edge_area, edge_length))
        for ring in np.flatnonzero(~(np.maximum.reduceat(edge_length, ends[:-1]) <= _SHORT_METRES)):
            part = slice(ends[ring], ends[ring + 1] - 1)
            area[ring], length[ring] = self._geod.polygon_area_perimeter(lon[part], lat[part])
        return area, length

    def lengths(self, lines: NDArray[np.object_]) -> NDArray[np.float64]:
        """Lengths (m) of lines in this CRS."""
        if self._geod is None or self._to_lonlat is None:
            return shapely.length(lines) * self._unit
        xy, owner = shapely.get_coordinates(lines, return_index=True)
        lon, lat = self._to_lonlat.transform(xy[:, 0], xy[:, 1])
        _, _, step = self._geod.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
        same = owner[1:] == owner[:-1]
        return add_up(owner[1:][same], np.asarray(step)[same], len(lines))


def to_map(transform: Affine, xy: NDArray) -> NDArray[np.float64]:
    """Points (..., 2) in pixels (column, row) to map coordinates."""
    x, y = xy[..., 0], xy[..., 1]
    t = transform
    return np.stack([t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f], axis=-1)


class PixelAreas:
    """Area of the pixels of a raster (m2; 1 without a CRS).

    Parameters
    ----------
    transform : Affine
        From (column, row) to the CRS.
    """

    def __init__(self, crs: Any, transform: Affine, width: int, height: int) -> None:
        columns, rows = (np.linspace(0, size, min(size + 1, _SAMPLES)) for size in (width, height))
        x, y = np.meshgrid(columns, rows)
        corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
        px, py = (a.ravel()[:, None] + corners[:, k] for k, a in enumerate((x, y)))
        area, _ = Ground(crs).areas_and_perimeters(shapely.polygons(to_map(transform, np.stack([px, py], axis=-1))))
        planar = abs(transform.determinant)
        grid = np.where(np.isfinite(area) & (area > 0), area, planar).reshape(x.shape)
        self._columns, self._rows, self._grid = columns, rows, grid

    def at(self, x: NDArray, y: NDArray) -> NDArray[np.float64]:
        """Area of a pixel at points in pixel coordinates."""
        weights_x, cx = _cell(self._columns, np.asarray(x, np.float64))
        weights_y, cy = _cell(self._rows, np.asarray(y, np.float64))
        g = self._grid
        upper = g[cy, cx] * (1 - weights_x) + g[cy, cx + 1] * weights_x
        lower = g[cy + 1, cx] * (1 - weights_x) + g[cy + 1, cx + 1] * weights_x
        return upper * (1 - weights_y) + lower * weights_y

    def middle(self) -> float:
        """Area of the pixel in the middle of the raster."""
        return float(self.at(np.array([self._columns.mean()]), np.array([self._rows.mean()]))[0])


def _cell(nodes: NDArray, values: NDArray) -> tuple[NDArray, NDArray[np.intp]]:
    """Share of the way through its cell, and the cell, for each value."""
    cell = np.clip(np.searchsorted(nodes, values, side="right") - 1, 0, len(nodes) - 2)
    return np.clip((values - nodes[cell]) / (nodes[cell + 1] - nodes[cell]), 0, 1), cell


def metres_per_pixel(crs: Any, transform: Affine, width: int, height: int) -> float | None:
    """Side of a square as large as the pixel in the middle of the raster; None without a CRS."""
    return None if crs is None else float(np.sqrt(PixelAreas(crs, transform, width, height).middle()))
