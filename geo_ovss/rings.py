"""Arcs to polygons: which arcs follow each other around a region, which ring is the outline and which are holes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_ovss.chains import chains, ranges
from geo_ovss.topology import Arcs


@dataclass(frozen=True)
class Rings:
    """Rings of all regions, region by region, a region's outline before its holes.

    A *half* is an arc walked in one of its directions: ``2 * arc`` forward, ``2 * arc + 1`` backward.

    Attributes
    ----------
    halves : (n,) int array
        Halves of all rings in order; each has its region on the left.
    offsets : (rings + 1,) int array
        Ring r is ``halves[offsets[r]:offsets[r + 1]]``.
    region : (rings,) int array
        Goes up.
    """

    halves: NDArray[np.int64]
    offsets: NDArray[np.intp]
    region: NDArray[np.int64]

    def take(self, which: NDArray[np.bool_]) -> Rings:
        """The rings of a mask."""
        index = np.flatnonzero(which)
        lengths = np.diff(self.offsets)[index]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
        return Rings(self.halves[ranges(self.offsets[:-1][index], lengths)], offsets, self.region[index])


def trace_rings(arcs: Arcs) -> Rings:
    """Put arcs (as extracted: between corners of pixels, int points) together to rings.

    A region that touches itself in a corner gets two rings that touch there, as the simple-features rules ask.
    """
    half_region = np.stack([arcs.left, arcs.right], axis=1).ravel()
    successor = _successors(arcs, half_region)
    wanted = np.flatnonzero(half_region > 0)
    order = wanted[np.argsort(_departures(arcs)[wanted], kind="stable")]
    place = np.full(len(half_region), -1, np.int64)
    place[order] = np.arange(len(order))
    found = chains(place[successor[order]])
    halves = order[found.order]

    area = np.stack([_twice_areas(arcs), -_twice_areas(arcs)], axis=1).ravel()[halves]
    ring_area = np.add.reduceat(area, found.offsets[:-1]) if len(halves) else area
    region = half_region[halves[found.offsets[:-1]]]
    rings = np.lexsort((np.arange(len(region)), ring_area > 0, region))
    lengths = np.diff(found.offsets)[rings]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    return Rings(halves[ranges(found.offsets[:-1][rings], lengths)], offsets, region[rings])


def _twice_areas(arcs: Arcs) -> NDArray[np.int64]:
    """Twice the signed area between each arc and the origin; around an outline they add up to less than 0."""
    x, y = arcs.xy.astype(np.int64).T
    step = np.zeros(len(x), np.int64)
    step[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    step[arcs.offsets[1:] - 1] = 0
    return np.add.reduceat(step, arcs.offsets[:-1]) if len(arcs) else step


def _directions(a: NDArray, b: NDArray) -> NDArray[np.int64]:
    """Direction from points a to points b, on one row or column with them."""
    dx, dy = (b.astype(np.int64) - a).T
    return np.where(dx != 0, np.where(dx > 0, 0, 2), np.where(dy > 0, 1, 3))


def _departures(arcs: Arcs) -> NDArray[np.int64]:
    """A number for where each half begins and the direction in which it leaves; goes up in raster order."""
    first, last = arcs.offsets[:-1], arcs.offsets[1:] - 1
    points = np.stack([arcs.xy[first], arcs.xy[last]], axis=1).reshape(-1, 2).astype(np.int64)
    directions = np.stack([_directions(arcs.xy[first], arcs.xy[first + 1]),
                           _directions(arcs.xy[last], arcs.xy[last - 1])], axis=1).ravel()
    return (points[:, 1] * (int(arcs.xy[:, 0].max(initial=0)) + 1) + points[:, 0]) * 4 + directions


def _successors(arcs: Arcs, half_region: NDArray[np.int64]) -> NDArray[np.int64]:
    """The half that follows each half around the region on its left."""
    departures = _departures(arcs)
    keys = departures >> 2
    _, node = np.unique(keys, return_inverse=True)
    leaving = np.full((int(node.max(initial=-1)) + 1, 4), -1, np.int64)
    leaving[node, departures & 3] = np.arange(len(departures))
    node_at_end = node.reshape(-1, 2)[:, ::-1].ravel()
    heading = ((departures & 3).reshape(-1, 2)[:, ::-1].ravel() + 2) & 3
    left, straight, right = (leaving[node_at_end, (heading + turn) & 3] for turn in (3, 0, 1))
    # Keep close to the region; but where it meets itself across the corner, pass on the other side.
    itself = (left >= 0) & (right >= 0) & (half_region[right] == half_region)
    successor = np.where(itself, right, np.where(left >= 0, left, np.where(straight >= 0, straight, right)))
    closed = np.repeat(arcs.closed, 2)
    successor[closed] = np.flatnonzero(closed)
    return successor


def build_polygons(arcs: Arcs, rings: Rings, first: int, last: int) -> NDArray[np.object_]:
    """Polygons of rings ``first`` to ``last`` (exclusive), in the coordinates of the arcs' points.

    `arcs` may be simplified or transformed ones, as long as they are the arcs that `rings` was traced from.
    """
    offsets = rings.offsets[first:last + 1]
    halves = rings.halves[offsets[0]:offsets[-1]]
    arc = halves >> 1
    count = np.diff(arcs.offsets)[arc] - 1                       # the last point is the next half's first
    backward = (halves & 1).astype(bool)
    origin = np.where(backward, arcs.offsets[1:][arc] - 1, arcs.offsets[:-1][arc])
    step = np.where(backward, -1, 1)
    total = int(count.sum())
    within = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    points = np.repeat(origin, count) + within * np.repeat(step, count)
    ring = np.repeat(np.repeat(np.arange(last - first), np.diff(offsets)), count)
    outlines = shapely.linearrings(arcs.xy[points].astype(np.float64), indices=ring)
    region = rings.region[first:last]
    return shapely.polygons(outlines, indices=np.cumsum(np.concatenate([[0], region[1:] != region[:-1]])))


def batches(rings: Rings, arcs: Arcs, points: int) -> Iterator[tuple[int, int]]:
    """Ranges of rings of whole regions with about `points` points each."""
    if not len(rings.region):
        return
    per_half = np.diff(arcs.offsets)[rings.halves >> 1]
    total = np.cumsum(per_half)[rings.offsets[1:] - 1]
    begins = np.flatnonzero(np.concatenate([[True], rings.region[1:] != rings.region[:-1]]))
    before = np.concatenate([[0], total])[begins]
    cuts = begins[np.unique(np.searchsorted(before, np.arange(0, total[-1], points)).clip(0, len(begins) - 1))]
    edges = [*cuts.tolist(), len(rings.region)]
    yield from ((a, b) for a, b in pairwise(edges) if a < b)
