"""Straightens the outlines of whole classes within the map: neighbours follow, and the map stays a map.

Only points move: corners of a building's outline, and the nodes where other borders end at it. A change is made when
no line then crosses another and nothing has come to lie on the other side of one; otherwise that outline stays.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_ovss.arc_index import ArcIndex
from geo_ovss.regularize import straighten
from geo_ovss.rings import RingTracer
from geo_ovss.topology import Arcs

LEAST_OVERLAP = 0.8
"""Outlines that share less of their joint area with the labels' own stay as they are."""

_BATCH_POINTS = 500_000
_SAME = 1e-9
_GRID = 256
"""Points come to lie on this fraction of a pixel, so that all arcs that end in one hold the very same numbers."""
_MARGIN_PIXELS = 4.0


def straighten_regions(arcs: Arcs, tracer: RingTracer, regions: NDArray[np.bool_], width: int, height: int,
                       units: NDArray[np.float64]) -> Arcs:
    """Straighten the rings of some regions, the largest first.

    Parameters
    ----------
    arcs : Arcs
        Simplified or smoothed arcs.
    tracer : RingTracer
        Of the arcs that these come from.
    regions : (n + 1,) bool array
        Which regions.
    width, height : int
        Size of the raster in pixels; points on its frame do not move.
    units : (2, 2) array
        From pixels to square units.
    """
    work = _Straightening(arcs, tracer, width, height, units)
    for first, last in tracer.batches(_BATCH_POINTS):
        rings = tracer.trace(first, last)
        wanted = np.flatnonzero(regions[rings.region])
        work.rings([rings.halves[rings.offsets[r]:rings.offsets[r + 1]] for r in wanted])
    return work.result()


class _Straightening:
    """The arcs as changed so far."""

    def __init__(self, arcs: Arcs, tracer: RingTracer, width: int, height: int, units: NDArray[np.float64]) -> None:
        self.arcs, self.size, self.units = arcs, (width, height), units
        self.pixel = float(np.sqrt(abs(np.linalg.det(units))))
        self.node = tracer.nodes()
        self.index = ArcIndex(arcs)
        self.changed: dict[int, NDArray[np.float64]] = {}
        self.moved: set[int] = set()
        ends = np.concatenate([self.node[:, 0], self.node[:, 1]])
        self._by_node = np.argsort(ends, kind="stable")
        self._nodes = ends[self._by_node]

    def points(self, arc: int) -> NDArray[np.float64]:
        """An arc as it is now, (n, 2) in pixels."""
        if arc in self.changed:
            return self.changed[arc]
        return self.arcs.xy[self.arcs.offsets[arc]:self.arcs.offsets[arc + 1]].astype(np.float64)

    def result(self) -> Arcs:
        """The arcs with all changes."""
        if not self.changed:
            return self.arcs
        parts, lengths, begin = [], np.diff(self.arcs.offsets), 0
        for arc in sorted(self.changed):
            parts += [self.arcs.xy[begin:self.arcs.offsets[arc]].astype(np.float64), self.changed[arc]]
            lengths[arc] = len(self.changed[arc])
            begin = self.arcs.offsets[arc + 1]
        return self.arcs.with_points(np.concatenate([*parts, self.arcs.xy[begin:].astype(np.float64)]), lengths)

    def rings(self, rings: Iterable[NDArray[np.int64]]) -> None:
        """Straighten rings, given by their halves, one after the other."""
        sized = []
        for halves in rings:
            extent = np.ptp(np.concatenate([self.points(int(h) >> 1) for h in halves]), axis=0)
            sized.append((-float(extent.prod()), int(halves[0]), halves))
        for _, _, halves in sorted(sized, key=lambda item: item[:2]):
            self._ring([int(h) for h in halves])

    def _ring(self, halves: list[int]) -> None:
        lines = [self.points(h >> 1)[::-1] if h & 1 else self.points(h >> 1) for h in halves]
        starts = [self.node[h >> 1, h & 1] for h in halves]
        ring = np.concatenate([line[:-1] for line in lines])
        counts = [len(line) - 1 for line in lines]
        fixed = np.concatenate([np.full(n, (h >> 1) in self.changed) for n, h in zip(counts, halves, strict=True)])
        fixed |= self._at_frame(ring)
        first = np.cumsum([0, *counts[:-1]])
        needed = np.zeros(len(ring), bool)
        for k, at in enumerate(first):
            if not self.arcs.closed[halves[k] >> 1]:
                needed[at] = True
                fixed[at] |= int(starts[k]) in self.moved or (halves[k - 1] >> 1) in self.changed
        if len(ring) < 4:
            return
        found = straighten(ring @ self.units.T, fixed, needed, self.pixel)
        if found is None:
            return
        keep = found[1]
        placed = np.where(fixed[:, None], ring, np.round(found[0] @ np.linalg.inv(self.units).T * _GRID) / _GRID)
        if not _alike(ring, placed[keep]):
            return
        changes, nodes = self._changes(halves, placed, keep, counts, [int(s) for s in starts])
        if self._safe(ring, placed[keep], changes, nodes, {h >> 1 for h in halves}):
            self.changed |= changes
            self.moved |= set(nodes)

    def _at_frame(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        return ((points == 0) | (points == np.array(self.size))).any(axis=1)

    def _changes(self, halves: list[int], placed: NDArray, keep: NDArray[np.bool_], counts: list[int],
                 starts: list[int]) -> tuple[dict[int, NDArray], dict[int, NDArray]]:
        """New points of all arcs that change, and the new places of the nodes."""
        nodes, changes = {}, {}
        begin = np.cumsum([0, *counts])
        for k, half in enumerate(halves):
            arc, part = half >> 1, slice(begin[k], begin[k + 1])
            if self.arcs.closed[arc]:
                line = placed[part][keep[part]]
                line = np.concatenate([line, line[:1]])
            else:
                nodes[starts[k]] = placed[begin[k]]
                line = np.concatenate([placed[part][keep[part]], placed[begin[(k + 1) % len(halves)]][None]])
            changes[arc] = line[::-1] if half & 1 else line
        for node, place in nodes.items():
            for arc, end in self._ends_at(node):
                if arc not in changes:
                    changes[arc] = self.points(arc).copy()
                changes[arc][-end] = place               # end 0 is the first point, 1 the last
        return changes, nodes

    def _ends_at(self, node: int) -> list[tuple[int, int]]:
        """(arc, 0 for its start or 1 for its end) of all arcs that end at a node."""
        low, high = np.searchsorted(self._nodes, [node, node + 1])
        return [(int(e) % len(self.arcs), int(e) // len(self.arcs)) for e in self._by_node[low:high]]

    def _safe(self, ring: NDArray, placed: NDArray, changes: dict[int, NDArray], nodes: dict[int, NDArray],
              outline: set[int]) -> bool:
        """Whether the map stays a map: nothing crosses, nothing changes sides."""
        around = np.concatenate([ring, placed, *(self._tips(arc, nodes) for arc in changes)])
        box = np.concatenate([around.min(axis=0) - _MARGIN_PIXELS, around.max(axis=0) + _MARGIN_PIXELS])
        moved = [_segments(line) for line in changes.values()]
        others = [_segments(self.changed[arc]) if arc in self.changed else self._near(arc, box)
                  for arc in self._arcs_in(box) if arc not in changes]
        new = np.concatenate(moved)
        new = new[_touches(new, box)]
        if (new[:, 0] == new[:, 1]).all(axis=1).any():
            return False
        if not _apart(new, np.concatenate([new, *others]), len(new)):
            return False
        if not all(self._same_order(node, changes) for arc in changes for node in set(self.node[arc].tolist())):
            return False
        swept = [shapely.symmetric_difference(shapely.polygons(ring), shapely.polygons(placed))]
        still = [np.zeros((0, 2)), *(o.reshape(-1, 2) for o in others)]
        for arc, line in changes.items():
            before = self.points(arc)
            if arc in outline:
                continue
            still.append(line[(line == before).all(axis=1)])
            for end, beside in ((0, 1), (-1, -2)):
                if not np.array_equal(before[end], line[end]):
                    swept.append(shapely.polygons([before[end], line[end], line[beside]]))
        points = np.concatenate(still)
        points = points[(points >= box[:2]).all(axis=1) & (points <= box[2:]).all(axis=1)]
        return not any(_holds(shape, points) for shape in swept)

    def _same_order(self, node: int, changes: dict[int, NDArray]) -> bool:
        """Whether the arcs that end at a node still do so in the same order around it."""
        ends = self._ends_at(node)
        orders = []
        for now in (self.points, lambda arc: changes.get(arc, self.points(arc))):
            angles = []
            for arc, end in ends:
                line = now(arc)
                dx, dy = line[-2] - line[-1] if end else line[1] - line[0]
                angles.append(np.arctan2(dy, dx))
            order = np.argsort(angles).tolist()
            orders.append(order[order.index(0):] + order[:order.index(0)])
        return bool(orders[0] == orders[1])

    def _tips(self, arc: int, nodes: dict[int, NDArray]) -> NDArray:
        """The first and last edges of an arc, where they hang on moved nodes."""
        line = self.points(arc)
        ends = zip(self.node[arc].tolist(), (line[:2], line[-2:]), strict=True)
        return np.concatenate([line[:0], *(edge for node, edge in ends if node in nodes)])

    def _arcs_in(self, box: NDArray) -> list[int]:
        return self.index.arcs_in(*box.tolist())

    def _near(self, arc: int, box: NDArray) -> NDArray:
        segments = _segments(self.points(arc))
        return segments[_touches(segments, box)]


def _alike(ring: NDArray, placed: NDArray) -> bool:
    """Whether a straightened ring is a ring and covers much the same as the one before."""
    if len(placed) < 4:
        return False
    old, new = shapely.polygons(ring), shapely.polygons(placed)
    if not (shapely.is_valid(old) and shapely.is_valid(new)):
        return False
    if shapely.is_ccw(shapely.get_exterior_ring(old)) != shapely.is_ccw(shapely.get_exterior_ring(new)):
        return False
    both = shapely.area(shapely.intersection(old, new))
    return bool(both >= LEAST_OVERLAP * (shapely.area(old) + shapely.area(new) - both))


def _holds(area: shapely.Geometry, points: NDArray) -> bool:
    """Whether a swept area holds points that have not moved; its own corners do not count."""
    corners = {tuple(corner) for corner in shapely.get_coordinates(area).tolist()}
    inside = points[shapely.intersects_xy(area, points)]
    return any(tuple(point) not in corners for point in inside.tolist())


def _segments(line: NDArray) -> NDArray:
    """(n, 2, 2) segments of a line."""
    return np.stack([line[:-1], line[1:]], axis=1)


def _touches(segments: NDArray, box: NDArray) -> NDArray[np.bool_]:
    return (segments.min(axis=1) <= box[2:]).all(axis=1) & (segments.max(axis=1) >= box[:2]).all(axis=1)


def _apart(new: NDArray, everything: NDArray, own: int) -> bool:
    """Whether segments meet others in common ends only; the first `own` of `everything` are the new ones themselves."""
    a = np.repeat(np.arange(len(new)), len(everything))
    b = np.tile(np.arange(len(everything)), len(new))
    both = (b > a) | (b >= own)
    a, b = a[both], b[both]
    close = ((new[a].min(axis=1) <= everything[b].max(axis=1) + _SAME)
             & (new[a].max(axis=1) >= everything[b].min(axis=1) - _SAME)).all(axis=1)
    a, b = a[close], b[close]
    one, two = shapely.linestrings(new[a]), shapely.linestrings(everything[b])
    equal = (np.abs(new[a][:, :, None] - everything[b][:, None]) < _SAME).all(axis=-1)       # ends of one, of two
    joined = equal.any(axis=(1, 2))
    if shapely.intersects(one[~joined], two[~joined]).any():
        return False
    # With a common end they may not lie on one another.
    free_one = new[a][joined][np.arange(joined.sum()), 1 - equal[joined].any(axis=2).argmax(axis=1)]
    free_two = everything[b][joined][np.arange(joined.sum()), 1 - equal[joined].any(axis=1).argmax(axis=1)]
    return not ((shapely.distance(shapely.points(free_one), two[joined]) < _SAME)
                | (shapely.distance(shapely.points(free_two), one[joined]) < _SAME)).any()
