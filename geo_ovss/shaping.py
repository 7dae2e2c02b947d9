"""What is done to the borders before they become polygons, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from geo_ovss.topology import Arcs

if TYPE_CHECKING:
    from geo_ovss.polygons import PlanarMap, PolygonOptions


def shape_arcs(planar: PlanarMap, options: PolygonOptions, names: Sequence[str]) -> Arcs:
    """Simplify, straighten and smooth the arcs of a map."""
    return planar.arcs
