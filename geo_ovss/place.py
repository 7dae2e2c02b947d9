"""From pixels to the map: the CRS of the output, curved edges, the antimeridian."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray

from geo_ovss.chains import ranges
from geo_ovss.measure import to_map
from geo_ovss.topology import Arcs

STEP_PIXELS = 32.0
"""Longest edge before a change of CRS, in pixels: a straight line of one CRS is curved in another, and what lies within
a pixel of a long edge must stay on its side of it."""


class Placement:
    """Puts arcs and polygons on the map.

    Parameters
    ----------
    crs : anything that pyproj understands, or None
        Of the raster.
    transform : Affine
        From (column, row) to that CRS.
    target : anything that pyproj understands, or None
        CRS of the output where it is another one.

    Attributes
    ----------
    crs : pyproj.CRS or None
        Of the output.
    crosses : bool
        The output is in longitudes and the raster crosses the antimeridian: polygons may come in two parts.
    """

    def __init__(self, crs: Any, transform: Affine, width: int, height: int, target: Any = None) -> None:
        own = None if crs is None else pyproj.CRS.from_user_input(crs)
        self.transform = transform
        self.crs = own if target is None else pyproj.CRS.from_user_input(target)
        self._transformer = None
        if own is not None and target is not None and own != self.crs:
            self._transformer = pyproj.Transformer.from_crs(own, self.crs, always_xy=True)
        self.crosses = self._crosses(width, height)

    def _crosses(self, width: int, height: int) -> bool:
        """Whether neighbouring points along the raster's frame lie on either side of longitude 180."""
        if self.crs is None or not self.crs.is_geographic:
            return False
        along = np.linspace(0, 1, 257)
        frame = np.concatenate([np.stack([along * width, np.full_like(along, r * height)], 1) for r in (0, 0.5, 1)])
        x = self._project(to_map(self.transform, frame))[:, 0]
        x = x[np.isfinite(x)]
        return bool(x.max(initial=0) > 180 or (np.abs(np.diff(x)) > 180).any())

    def _project(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._transformer is None:
            return xy
        return np.stack(self._transformer.transform(xy[:, 0], xy[:, 1]), axis=-1)

    def place(self, arcs: Arcs) -> Arcs:
        """Arcs in pixels to arcs in the output's CRS; across the antimeridian with longitudes from 0 to 360."""
        if self._transformer is not None:
            arcs = densify(arcs, STEP_PIXELS)
        xy = self._project(to_map(self.transform, arcs.xy.astype(np.float64)))
        if self.crosses:
            xy[:, 0] %= 360
            return split_at(arcs.with_points(xy, np.diff(arcs.offsets)), 180.0)
        return arcs.with_points(xy, np.diff(arcs.offsets))

    def place_line(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points in pixels to the output's CRS; across the antimeridian with longitudes from 0 to 360."""
        placed = self._project(to_map(self.transform, xy))
        if self.crosses:
            placed[:, 0] %= 360
        return placed

    def finish_lines(self, lines: NDArray[np.object_]) -> NDArray[np.object_]:
        """Lines as they go into the file: cut at the antimeridian."""
        if not self.crosses:
            return lines
        west, east = shapely.box(0, -90, 180, 90), shapely.box(180, -90, 360, 90)
        there = shapely.transform(shapely.intersection(lines, east), lambda xy: xy - (360, 0))
        parts = [shapely.get_parts(pair) for pair in zip(shapely.intersection(lines, west), there, strict=True)]
        return np.array([shapely.multilinestrings([p for p in part if shapely.get_type_id(p) == 1 and not p.is_empty])
                         for part in parts])

    def finish(self, polygons: NDArray[np.object_]) -> NDArray[np.object_]:
        """Polygons as they go into the file: outlines counter-clockwise, cut at the antimeridian."""
        if self.crosses:
            return np.array([_cut(polygon) for polygon in polygons])
        return shapely.orient_polygons(polygons)


def _cut(polygon: shapely.Geometry) -> shapely.Geometry:
    """A polygon with longitudes from 0 to 360 as a multipolygon with longitudes from -180 to 180."""
    west, east = shapely.box(0, -90, 180, 90), shapely.box(180, -90, 360, 90)
    there = shapely.transform(shapely.intersection(polygon, east), lambda xy: xy - (360, 0))
    parts = shapely.get_parts([shapely.intersection(polygon, west), there])
    parts = shapely.get_parts(parts)                       # of collections: where the line touches, points are found
    surface = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    return shapely.orient_polygons(shapely.multipolygons(parts[surface]))


def densify(arcs: Arcs, longest: float) -> Arcs:
    """Cut edges into equal parts no longer than `longest`, the same whichever way an arc is walked."""
    xy = arcs.xy.astype(np.float64)
    step = np.zeros_like(xy)
    step[:-1] = xy[1:] - xy[:-1]
    step[arcs.offsets[1:] - 1] = 0
    parts = np.maximum(np.ceil(np.hypot(*step.T) / longest), 1).astype(np.intp)
    share = ranges(np.zeros(len(parts), np.intp), parts) / np.repeat(parts, parts)
    points = np.repeat(xy, parts, axis=0) + np.repeat(step, parts, axis=0) * share[:, None]
    return arcs.with_points(points, np.add.reduceat(parts, arcs.offsets[:-1]) if len(arcs) else parts)


def split_at(arcs: Arcs, x: float) -> Arcs:
    """Add the points in which edges cross the line of constant x, so that neighbours are cut at the same points."""
    xy = arcs.xy
    after = np.concatenate([xy[1:], xy[-1:]])
    crossing = (xy[:, 0] - x) * (after[:, 0] - x) < 0
    crossing[arcs.offsets[1:] - 1] = False
    at = np.flatnonzero(crossing)
    a, b = xy[at], after[at]
    y = a[:, 1] + (b[:, 1] - a[:, 1]) * (x - a[:, 0]) / (b[:, 0] - a[:, 0])
    points = np.insert(xy, at + 1, np.stack([np.full_like(y, x), y], axis=1), axis=0)
    arc = np.repeat(np.arange(len(arcs)), np.diff(arcs.offsets))
    return arcs.with_points(points, np.diff(arcs.offsets) + np.bincount(arc[at], minlength=len(arcs)))
