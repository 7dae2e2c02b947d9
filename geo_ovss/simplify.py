"""Simplifies and smooths arcs of a planar map so that no two of them ever touch but in their nodes.

Both work on the whole map at once and give the same result in whatever order arcs come. What makes them safe is one
observation: in a map whose lines meet in nodes only, take a corner v of an arc with its neighbours p and n. If the
triangle p-v-n holds no other point of any arc, no other line passes through it either (it would have to cross p-v or
v-n, or end inside). So v can go, or the corner be cut within the triangle, and the map stays a map. Triangles of this
kind do not overlap one another unless they share an edge; all corners that are no neighbours can go at the same time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo_ovss.chains import ranges
from geo_ovss.topology import Arcs

RING_CORNERS = 4
"""Corners that a ring keeps at least: a small object stays a quadrilateral rather than a triangle."""

SMOOTHING_PASSES = 2
"""Passes of corner cutting; each doubles the points. After two, angles are a quarter of what they were."""

SMOOTHING_REACH = 3.0
"""Corners are cut this far from the corner at most, in pixels: long edges stay, whatever their length."""

_ROWS_AT_ONCE = 4_000_000
_NOWHERE = np.iinfo(np.int64).max


def simplify_arcs(arcs: Arcs, tolerance: float, width: int, height: int, units: NDArray | None = None,
                  which: NDArray[np.bool_] | None = None) -> Arcs:
    """Remove corners, least first, as long as no point of the original border is further away than `tolerance`.

    (Corners of pixels may be half a pixel further away: on a sloping border they stick out to either side.)

    The areas below which triangles go in the method of Visvalingam and Whyatt (1993), that coverage simplifiers use,
    tell the steps of pixels badly from shapes: a long low step has a large triangle. The distance from the original
    points to the new edge does not, and is what a tolerance means to its user.

    Nodes stay, and so do the points on the frame of the raster. Arcs that join the same two nodes keep a corner apart
    from the straight one, rings keep four.

    Parameters
    ----------
    arcs : Arcs
        With int points, in pixels.
    tolerance : float
        In the units that `units` leads to.
    width, height : int
        Size of the raster.
    units : (2, 2) array, optional
        Takes a vector (right, down) in pixels to one in the tolerance's units; pixels where it is left out.
    which : (arcs,) bool array, optional
        The arcs that are simplified; all where it is left out.
    """
    if not len(arcs) or tolerance <= 0:
        return arcs
    state = _Corners(arcs, width, height, np.eye(2) if units is None else np.asarray(units, np.float64))
    if which is not None:
        state.movable &= which[state.arc]
    state.judge(np.flatnonzero(state.movable), tolerance)
    while True:
        removed = 0
        while len(gone := state.removable()):
            state.remove(gone, tolerance)
            removed += len(gone)
        if not removed:
            return state.result()
        state.unblock(tolerance)


class _Corners:
    """Points of all arcs as linked lists.

    `error` is how far the border would move if a corner went, infinite for those that stay. Ties are broken by a
    scrambled position, so that a staircase does not go corner by corner from one end.
    """

    def __init__(self, arcs: Arcs, width: int, height: int, units: NDArray[np.float64]) -> None:
        self.arcs, self.stride, self.units = arcs, width + 1, units
        self.x, self.y = (arcs.xy[:, k] for k in (0, 1))
        count = len(self.x)
        first, last = arcs.offsets[:-1], arcs.offsets[1:] - 1
        self.arc = np.repeat(np.arange(len(arcs), dtype=np.int32), np.diff(arcs.offsets))
        place = np.int32 if count < 1 << 31 else np.int64
        self.before: NDArray[np.integer] = np.arange(-1, count - 1, dtype=place)
        self.after: NDArray[np.integer] = np.arange(1, count + 1, dtype=place)
        ring_first, ring_last = first[arcs.closed], last[arcs.closed]
        self.before[ring_first], self.after[ring_last - 1] = ring_last - 1, ring_first
        self.alive = np.ones(count, bool)
        self.alive[ring_last] = False
        self.movable = (self.x > 0) & (self.x < width) & (self.y > 0) & (self.y < height) & self.alive
        self.movable[first[~arcs.closed]] = self.movable[last[~arcs.closed]] = False
        self.key = self.y.astype(np.int64) * self.stride + self.x
        self.scramble = ((self.key * 2654435761) & 0xFFFFFFFF).astype(np.uint32)      # odd factor: one to one
        self.beside = [np.sign(arcs.xy[other] - arcs.xy).astype(np.int8)
                       for other in (np.maximum(self.before, 0), np.minimum(self.after, count - 1))]
        self.error = np.full(count, np.inf)
        self.blocked = np.zeros(count, bool)
        self.spare = np.diff(arcs.offsets) - 2 - _corners_to_keep(arcs, self.key)
        self.spare[arcs.closed] += 1
        by_key = np.argsort(self.key, kind="stable")
        self._by_key = by_key[self.alive[by_key]]
        self._by_key = self._by_key[np.concatenate([[True], np.diff(self.key[self._by_key]) > 0])]

    def judge(self, corners: NDArray[np.intp], tolerance: float) -> None:
        """Find the errors of corners; those above `tolerance` stay."""
        self.blocked[corners] = False
        self.error[corners] = np.inf
        corners = corners[self.spare[self.arc[corners]] > 0]
        for part in np.array_split(corners, len(corners) // _ROWS_AT_ONCE + 1):
            error = self._errors(part)
            self.error[part] = np.where(error <= tolerance, error, np.inf)

    def _errors(self, corners: NDArray[np.intp]) -> NDArray[np.float64]:
        """Largest distance from the original border between a corner's neighbours to the edge between them.

        The corners of pixels themselves do not count but the points half a pixel beside them: on a sloping border
        corners stick out to either side.
        """
        if not len(corners):
            return np.zeros(0)
        p, n = self.before[corners], self.after[corners]
        arc = self.arc[corners]
        first, ring = self.arcs.offsets[arc], np.diff(self.arcs.offsets)[arc] - 1
        between = np.where(n > p, n - p, n - p + ring) - 1
        of = np.repeat(np.arange(len(corners)), between)
        index = ranges(p.astype(np.intp) + 1, between)
        index = np.where(self.arcs.closed[arc][of], (index - first[of]) % ring[of] + first[of], index)
        edge = self._vectors(n, p)
        out, edge = self._vectors(index, p[of]), edge[of]
        square = np.maximum((edge**2).sum(axis=1), 1e-300)
        worst = np.zeros(len(of))
        for toward in self.beside:
            point = out + toward[index] / 2 @ self.units.T
            along = (point * edge).sum(axis=1) / square
            away = point - along.clip(0, 1)[:, None] * edge
            worst = np.maximum(worst, (away**2).sum(axis=1))
        return np.sqrt(np.maximum.reduceat(worst, np.cumsum(between) - between))

    def _vectors(self, to: NDArray[np.integer], start: NDArray[np.integer]) -> NDArray[np.float64]:
        """From points to points, (n, 2) in the tolerance's units."""
        return np.stack([self.x[to] - self.x[start], self.y[to] - self.y[start]], axis=1) @ self.units.T

    def removable(self) -> NDArray[np.intp]:
        """Corners that can go now: before their neighbours, with empty triangles."""
        while True:
            error = np.where(self.blocked, np.inf, self.error)
            want = np.flatnonzero(error < np.inf)
            for neighbour in (self.before, self.after):
                beside = neighbour[want]
                want = want[(error[want] < error[beside]) | (
                    (error[want] == error[beside]) & (self.scramble[want] < self.scramble[beside]))]
            if not len(want):
                return want
            empty = self.empty(want)
            self.blocked[want[~empty]] = True
            if empty.any():
                return self._within_spare(want[empty])

    def _within_spare(self, corners: NDArray[np.intp]) -> NDArray[np.intp]:
        """Of several corners of an arc, those that it can spare."""
        order = corners[np.lexsort((self.scramble[corners], self.error[corners], self.arc[corners]))]
        arc = self.arc[order]
        begins = np.flatnonzero(np.concatenate([[True], arc[1:] != arc[:-1]]))
        nth = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
        return order[nth < self.spare[arc]]

    def remove(self, gone: NDArray[np.intp], tolerance: float) -> None:
        """Take corners out, no two of which are neighbours."""
        p, n = self.before[gone], self.after[gone]
        self.after[p], self.before[n] = n, p
        self.alive[gone] = False
        self.error[gone] = np.inf
        self.spare -= np.bincount(self.arc[gone], minlength=len(self.spare))
        self._by_key = self._by_key[self.alive[self._by_key]]
        touched = np.unique(np.concatenate([p, n]))
        self.judge(touched[self.movable[touched]], tolerance)
        self.error[self.spare[self.arc] <= 0] = np.inf

    def unblock(self, tolerance: float) -> None:
        """Let corners try again whose triangles were not empty."""
        self.judge(np.flatnonzero(self.blocked & self.alive), tolerance)

    def empty(self, corners: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether the closed triangles of corners with their neighbours hold no other point."""
        triangle = np.stack([self.before[corners], corners, self.after[corners]], axis=1)
        x, y = (v[triangle].astype(np.int64) for v in (self.x, self.y))
        keys = self.key[self._by_key]
        rows = y.max(axis=1) - y.min(axis=1) + 1
        pieces = np.searchsorted(np.cumsum(rows), np.arange(_ROWS_AT_ONCE, rows.sum(), _ROWS_AT_ONCE))
        return np.concatenate([
            _points_within(x[part], y[part], keys, self.stride) == 3
            for part in np.split(np.arange(len(corners)), pieces)
        ])

    def result(self) -> Arcs:
        """The arcs of what is left."""
        last = self.arcs.offsets[1:] - 1
        ring = self.arcs.closed
        first_left = np.minimum.reduceat(np.where(self.alive, np.arange(len(self.alive)), len(self.alive)),
                                         self.arcs.offsets[:-1])
        source = np.arange(len(self.alive))
        source[last[ring]] = first_left[ring]
        keep = self.alive.copy()
        keep[last[ring]] = True
        lengths = np.add.reduceat(keep.astype(np.intp), self.arcs.offsets[:-1])
        return self.arcs.with_points(self.arcs.xy[source[keep]], lengths)


def _corners_to_keep(arcs: Arcs, key: NDArray[np.int64]) -> NDArray[np.intp]:
    """How many corners, ends not counted, each arc keeps at least."""
    start, end = key[arcs.offsets[:-1]], key[arcs.offsets[1:] - 1]
    pair = np.stack([np.minimum(start, end), np.maximum(start, end)], axis=1)
    _, which, shared = np.unique(pair, axis=0, return_inverse=True, return_counts=True)
    keep = np.where(shared[which.ravel()] > 1, 1, 0)
    keep[start == end] = RING_CORNERS - 1
    keep[arcs.closed] = RING_CORNERS
    return keep


def _points_within(x: NDArray[np.int64], y: NDArray[np.int64], keys: NDArray[np.int64],
                   stride: int) -> NDArray[np.int64]:
    """Grid points of a sorted list that lie in closed triangles, (n, 3) corners; exact."""
    top = y.min(axis=1)
    rows = y.max(axis=1) - top + 1
    of = np.repeat(np.arange(len(x)), rows)
    row = np.arange(len(of)) - np.repeat(np.cumsum(rows) - rows, rows) + top[of]
    low = np.full(len(of), _NOWHERE)
    high = np.full(len(of), -1)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        ax, ay, bx, by = x[of, a], y[of, a], x[of, b], y[of, b]
        spans = (row >= np.minimum(ay, by)) & (row <= np.maximum(ay, by))
        rise = by - ay
        flat = rise == 0
        run = ax * rise + (bx - ax) * (row - ay)
        rise = np.where(flat, 1, rise)
        left = np.where(flat, np.minimum(ax, bx), -(-run // rise))
        right = np.where(flat, np.maximum(ax, bx), run // rise)
        low = np.where(spans, np.minimum(low, left), low)
        high = np.where(spans, np.maximum(high, right), high)
    found = np.searchsorted(keys, row * stride + high, "right") - np.searchsorted(keys, row * stride + low, "left")
    return np.add.reduceat(found, np.cumsum(rows) - rows)


def smooth_arcs(arcs: Arcs, width: int, height: int, stays: NDArray[np.bool_] | None = None) -> Arcs:
    """Cut the corners of arcs (Chaikin 1974), but not those whose triangle with their neighbours is not empty.

    Parameters
    ----------
    arcs : Arcs
        With int points, in pixels.
    stays : (arcs,) bool array, optional
        Arcs that keep their corners.

    Returns
    -------
    Arcs
        With float points.
    """
    if not len(arcs):
        return arcs
    state = _Corners(arcs, width, height, np.eye(2))
    soft = state.movable.copy()
    if stays is not None:
        soft &= ~stays[state.arc]
    corners = np.flatnonzero(soft)
    soft[corners] = state.empty(corners) if len(corners) else False
    xy, offsets = arcs.xy.astype(np.float64), arcs.offsets
    for k in range(SMOOTHING_PASSES):
        xy, soft, offsets = _cut_corners(xy, soft, offsets, arcs.closed, SMOOTHING_REACH / 2**k)
    return arcs.with_points(xy, np.diff(offsets))


def _cut_corners(
    xy: NDArray[np.float64], soft: NDArray[np.bool_], offsets: NDArray[np.intp], closed: NDArray[np.bool_],
    reach: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Replace each soft corner by the points a quarter of the way to its neighbours, or at `reach` from it."""
    first, last = offsets[:-1], offsets[1:] - 1
    before, after = np.arange(len(xy)) - 1, np.minimum(np.arange(len(xy)) + 1, len(xy) - 1)
    before[first[closed]] = last[closed] - 1
    # The repeated first point of a ring stays one point: the first of the two that its corner becomes.
    parts = np.where(soft, 2, 1)
    index = np.repeat(np.arange(len(xy)), parts)
    begin = np.cumsum(parts) - parts
    second = np.arange(len(index)) > begin[index]
    toward = np.where(second, after[index], before[index])
    step = xy[toward] - xy[index]
    share = np.minimum(0.25, reach / np.maximum(np.hypot(*step.T), 1e-12))
    points = xy[index] + np.where(soft[index], share, 0.0)[:, None] * step
    ends = begin[last]
    points[ends[closed]] = points[begin[first[closed]]]
    return points, soft[index], np.concatenate([[0], np.cumsum(np.add.reduceat(parts, first))]).astype(np.intp)
