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
    """Rings of some regions, region by region, a region's outline before its holes.

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


class RingTracer:
    """Puts arcs together to rings, for any range of regions at a time.

    Parameters
    ----------
    arcs : Arcs
        As extracted: int points, between corners of pixels.
    regions : int
        Regions are numbered 1 to this.
    """

    def __init__(self, arcs: Arcs, regions: int) -> None:
        self.arcs, self.regions = arcs, regions
        half_region = np.stack([arcs.left, arcs.right], axis=1).ravel()
        self._order = np.argsort(half_region, kind="stable").astype(np.uint32 if len(arcs) < 1 << 31 else np.int64)
        self._begins = np.concatenate([[0], np.cumsum(np.bincount(half_region, minlength=regions + 1))])
        self._stride, self._rows = (int(arcs.xy[:, k].max(initial=0)) + 1 for k in (0, 1))

    def batches(self, points: int) -> Iterator[tuple[int, int]]:
        """Ranges of regions, (first, one after the last), with about `points` points of the arcs each."""
        lengths = np.diff(self.arcs.offsets)
        total = np.cumsum(np.bincount(self.arcs.left, lengths, self.regions + 1)
                          + np.bincount(self.arcs.right, lengths, self.regions + 1))
        total -= total[0]
        steps = np.arange(points, max(int(total[-1]), 1), points)
        cuts = np.unique(np.concatenate([[0], np.searchsorted(total, steps), [self.regions]]))
        yield from ((int(a) + 1, int(b) + 1) for a, b in pairwise(cuts))

    def halves_of(self, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Halves that have the regions from `first` to before `last` on their left, and which one."""
        begins = self._begins[first:last + 1]
        halves = self._order[begins[0]:begins[-1]].astype(np.int64)
        return halves, np.repeat(np.arange(first, last), np.diff(begins))

    def nodes(self) -> NDArray[np.int64]:
        """Numbers of the points in which arcs begin and end, (arcs, 2)."""
        return np.stack([xy[:, 1].astype(np.int64) * self._stride + xy[:, 0]
                         for xy in (self.arcs.starts(), self.arcs.ends())], axis=1)

    def trace(self, first: int, last: int) -> Rings:
        """Rings of the regions from `first` to before `last`.

        A region that touches itself in a corner gets two rings that touch there, as the simple-features rules ask.
        """
        halves, region = self.halves_of(first, last)
        key, direction = self._departures(halves)
        end_key, end_direction = self._departures(halves ^ 1)
        base = (region - first) * (self._rows * self._stride)
        order = np.argsort((base + key) * 4 + direction, kind="stable")
        halves, region, direction = halves[order], region[order], direction[order]
        leaving, arriving = (base + key)[order], (base + end_key)[order]
        heading = (end_direction[order] + 2) & 3
        # Around its region a half goes on where one of the same region leaves. Where the region meets itself across
        # the corner there are two of them; then the right one, which passes on the other side.
        successor = np.searchsorted(leaving, arriving)
        other = np.minimum(successor + 1, len(leaving) - 1)
        second = (leaving[other] == arriving) & (other > successor) & (direction[other] == (heading + 1) & 3)
        found = chains(np.where(second, other, successor))
        area = self._twice_areas(halves)[found.order]
        ring_area = np.add.reduceat(area, found.offsets[:-1]) if len(area) else area
        ring_region = region[found.heads()]
        rings = np.lexsort((np.arange(len(ring_region)), ring_area > 0, ring_region))
        lengths = np.diff(found.offsets)[rings]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
        return Rings(halves[found.order[ranges(found.offsets[:-1][rings], lengths)]], offsets, ring_region[rings])

    def _departures(self, halves: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where halves begin, as a number that goes up in raster order, and the direction in which they leave."""
        arc, backward = halves >> 1, (halves & 1).astype(bool)
        at = np.where(backward, self.arcs.offsets[1:][arc] - 1, self.arcs.offsets[:-1][arc])
        a = self.arcs.xy[at].astype(np.int64)
        dx, dy = (self.arcs.xy[at + np.where(backward, -1, 1)] - a).T
        direction = np.where(dx != 0, np.where(dx > 0, 0, 2), np.where(dy > 0, 1, 3))
        return a[:, 1] * self._stride + a[:, 0], direction

    def _twice_areas(self, halves: NDArray[np.int64]) -> NDArray[np.int64]:
        """Twice the signed area between each half and the origin; around an outline they add up to less than 0."""
        part = self.arcs.take(halves >> 1)
        x, y = part.xy.astype(np.int64).T
        step = np.zeros(len(x), np.int64)
        step[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
        step[part.offsets[1:] - 1] = 0
        areas = np.add.reduceat(step, part.offsets[:-1]) if len(part) else step
        return np.where(halves & 1, -areas, areas)


def build_polygons(arcs: Arcs, rings: Rings) -> NDArray[np.object_]:
    """Polygons of the regions of `rings`, in the coordinates of the arcs' points.

    `arcs` may be simplified or transformed ones, as long as they are the arcs that `rings` was traced from.
    """
    arc = rings.halves >> 1
    count = np.diff(arcs.offsets)[arc] - 1                       # the last point is the next half's first
    backward = (rings.halves & 1).astype(bool)
    origin = np.where(backward, arcs.offsets[1:][arc] - 1, arcs.offsets[:-1][arc])
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    points = np.repeat(origin, count) + within * np.repeat(np.where(backward, -1, 1), count)
    ring = np.repeat(np.repeat(np.arange(len(rings.region)), np.diff(rings.offsets)), count)
    outlines = shapely.linearrings(arcs.xy[points].astype(np.float64), indices=ring)
    new = np.concatenate([[False], rings.region[1:] != rings.region[:-1]])
    return shapely.polygons(outlines, indices=np.cumsum(new[:len(rings.region)]))
