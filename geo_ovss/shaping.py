"""What is done to the borders before they become polygons, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo_ovss.measure import to_map
from geo_ovss.simplify import simplify_arcs, smooth_arcs
from geo_ovss.topology import Arcs

if TYPE_CHECKING:
    from geo_ovss.polygons import PlanarMap, PolygonOptions

STAIRCASE_PIXELS = 1.0
"""Smoothing begins with a simplification of at least this tolerance: the steps of the pixels are no shape."""

METRES_PER_DEGREE = 111_320.0
"""Along the equator; for tolerances only."""


def tolerance_units(planar: PlanarMap) -> NDArray[np.float64]:
    """The (2, 2) matrix from pixels to units of the CRS; to metres for a geographic one; the unit without any."""
    if planar.crs is None:
        return np.eye(2)
    t = planar.transform
    matrix = np.array([[t.a, t.b], [t.d, t.e]])
    if planar.crs.is_geographic:
        latitude = to_map(t, np.array([planar.width / 2, planar.height / 2]))[1]
        matrix *= METRES_PER_DEGREE * np.array([[np.cos(np.radians(latitude))], [1.0]])
    return matrix


def shape_arcs(planar: PlanarMap, options: PolygonOptions, names: Sequence[str]) -> Arcs:
    """Simplify, straighten and smooth the arcs of a map."""
    arcs, width, height = planar.arcs, planar.width, planar.height
    units = tolerance_units(planar)
    tolerance = options.simplify
    if options.smooth:
        tolerance = max(tolerance, STAIRCASE_PIXELS * float(np.sqrt(abs(np.linalg.det(units)))))
    arcs = simplify_arcs(arcs, tolerance, width, height, units)
    if options.smooth:
        arcs = smooth_arcs(arcs, width, height)
    return arcs
