"""What is done to the borders before they become polygons, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo_ovss.errors import UnknownClass
from geo_ovss.measure import to_map
from geo_ovss.rings import RingTracer
from geo_ovss.simplify import simplify_arcs, smooth_arcs
from geo_ovss.straightening import straighten_regions
from geo_ovss.topology import Arcs

if TYPE_CHECKING:
    from geo_ovss.polygons import PlanarMap, PolygonOptions

STAIRCASE_PIXELS = 1.0
"""Smoothing begins with a simplification of at least this tolerance: the steps of the pixels are no shape."""

WALL_PIXELS = 1.5
"""Tolerance to which outlines are simplified at least before they are straightened."""

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


def shape_arcs(planar: PlanarMap, tracer: RingTracer, options: PolygonOptions, names: Sequence[str]) -> Arcs:
    """Simplify, smooth and straighten the arcs of a map.

    Parameters
    ----------
    tracer : RingTracer
        Of the map's arcs.

    Raises
    ------
    UnknownClass
        A class to be straightened is not in `names`.
    """
    arcs, width, height = planar.arcs, planar.width, planar.height
    units = tolerance_units(planar)
    pixel = float(np.sqrt(abs(np.linalg.det(units))))
    straight = class_mask(options.regularize, names)[np.append(0, planar.regions.class_id)]
    beside = straight[arcs.left] | straight[arcs.right]
    tolerance = max(options.simplify, STAIRCASE_PIXELS * pixel) if options.smooth else options.simplify
    if beside.any():
        arcs = simplify_arcs(arcs, max(tolerance, WALL_PIXELS * pixel), width, height, units, beside)
    arcs = simplify_arcs(arcs, tolerance, width, height, units, ~beside)
    if options.smooth:
        arcs = smooth_arcs(arcs, width, height, stays=beside)
    return straighten_regions(arcs, tracer, straight, width, height, units) if beside.any() else arcs


def class_mask(wanted: Sequence[str], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which classes (0 is no label) are among the wanted ones, (classes + 1,).

    Raises
    ------
    UnknownClass
    """
    mask = np.zeros(len(names) + 1, bool)
    for name in wanted:
        if name not in names:
            raise UnknownClass(name, names)
        mask[list(names).index(name) + 1] = True
    return mask
