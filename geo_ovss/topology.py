"""The borders of a label raster as a planar map: arcs that meet in nodes, each with the region on either side.

Every border between two regions is one arc, stored once. Polygons that are put together from arcs therefore share
their borders exactly, and what is done to an arc (simplifying, smoothing, straightening) is done to both neighbours.

The raster is read in strips. A strip gives pieces of arcs; a piece that ends on the edge between two strips in a point
which is no node is joined with its continuation at the end. The map does not depend on the height of the strips.

Points are (x, y) in pixels from the raster's upper left corner, y downward. Directions are numbered clockwise as they
look on the picture: 0 east, 1 south, 2 west, 3 north.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo_ovss.chains import chains, ranges
from geo_ovss.regions import Strip

EAST, SOUTH, WEST, NORTH = 1, 2, 4, 8           # bit of each direction in which a border leaves a grid point
_DEGREE = np.array([bin(bits).count("1") for bits in range(16)], np.uint8)
_STRAIGHT = np.isin(np.arange(16), [EAST | WEST, SOUTH | NORTH])


def _turns() -> NDArray[np.int8]:
    """For a point with two borders, [bits, the direction one came along, seen from the point] -> the way on."""
    table = np.full((16, 4), -1, np.int8)
    for bits in np.flatnonzero(_DEGREE == 2):
        a, b = (d for d in range(4) if bits >> d & 1)
        table[bits, a], table[bits, b] = b, a
    return table


_TURN = _turns()


@dataclass(frozen=True)
class Arcs:
    """Border lines, each stored once.

    Attributes
    ----------
    xy : (n, 2) array
        Points of all arcs, one arc after the other; int32 as extracted (corners only), float64 once changed.
    offsets : (arcs + 1,) int array
        Arc a is ``xy[offsets[a]:offsets[a + 1]]``, both ends included.
    left, right : (arcs,) int array
        Region on the left and right hand when walking the arc as one sees it on the picture; 0 is no label.
    closed : (arcs,) bool array
        A ring without any node; its first point is repeated at its end.
    """

    xy: NDArray
    offsets: NDArray[np.intp]
    left: NDArray[np.integer]
    right: NDArray[np.integer]
    closed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.left)

    def starts(self) -> NDArray:
        """First point of each arc, (arcs, 2)."""
        return self.xy[self.offsets[:-1]]

    def ends(self) -> NDArray:
        """Last point of each arc, (arcs, 2)."""
        return self.xy[self.offsets[1:] - 1]

    def take(self, which: NDArray) -> Arcs:
        """The arcs at an index or mask."""
        index = np.flatnonzero(which) if which.dtype == bool else which
        lengths = np.diff(self.offsets)[index]
        points = ranges(self.offsets[:-1][index], lengths)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
        return Arcs(self.xy[points], offsets, self.left[index], self.right[index], self.closed[index])

    def in_raster_order(self, width: int) -> Arcs:
        """The arcs sorted by their first points, row by row; those that leave the same point clockwise from east.

        No two arcs leave a point in the same direction, so there is one such order, however the raster (`width` pixels
        wide) was read. What is done arc by arc, or breaks ties by an arc's number, depends on it.
        """
        begin = self.offsets[:-1]
        start = self.xy[begin]
        step = self.xy[begin + 1] - start
        direction = np.where(step[:, 0] != 0, 1 - np.sign(step[:, 0]), 2 - np.sign(step[:, 1]))
        return self.take(np.argsort((start[:, 1].astype(np.int64) * (width + 1) + start[:, 0]) * 4 + direction))

    def with_points(self, xy: NDArray, lengths: NDArray) -> Arcs:
        """The same arcs with other points, `lengths` of them each."""
        return replace(self, xy=xy, offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp))


def join_arcs(parts: list[Arcs]) -> Arcs:
    """Put lists of arcs one after the other.

    The list is emptied on the way, so that no more than one part is in memory twice.
    """
    points, arcs = sum(len(p.xy) for p in parts), sum(len(p) for p in parts)
    number = parts[0].left.dtype if parts else np.dtype(np.int32)
    xy, offsets = np.empty((points, 2), np.int32), np.zeros(arcs + 1, np.intp)
    left, right, closed = np.empty(arcs, number), np.empty(arcs, number), np.empty(arcs, bool)
    point = arc = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        here = slice(arc, arc + len(part))
        xy[point:point + len(part.xy)] = part.xy
        offsets[arc + 1:arc + 1 + len(part)] = part.offsets[1:] + point
        left[here], right[here], closed[here] = part.left, part.right, part.closed
        point, arc = point + len(part.xy), arc + len(part)
    return Arcs(xy, offsets, left, right, closed)


def strip_arcs(strip: Strip) -> tuple[Arcs, Arcs, NDArray[np.int64]]:
    """Arcs and pieces of arcs of one strip.

    Returns
    -------
    whole : Arcs
        Their regions are those of the strip.
    cut : Arcs
        Borders that end at the edge to the strip above or below, and may go on there.
    joints : (k, 2) int array
        Points on the strip's upper edge in which a piece from above goes on in this strip: two borders meet there.
    """
    height, width = strip.zones.shape
    zones = _framed(strip.zones, strip.zones_above)
    bits, above = _border_bits(zones, strip.last)
    whole = bits.copy()
    whole[0][above] |= NORTH
    joints = np.flatnonzero(above & (_DEGREE[whole[0]] == 2))
    node = _DEGREE[whole] > 2
    node[0] |= above
    if not strip.last:
        node[height] |= bits[height] > 0
    stop = (bits > 0) & (node | ~_STRAIGHT[bits])

    index = np.flatnonzero(stop)
    neighbour = _neighbours(stop, bits, index)
    y, x = np.divmod(index, width + 1)
    regions = _framed(strip.regions, strip.regions_above)
    points = np.stack([x, y + strip.row], axis=1).astype(np.int32)
    pieces = _Pieces(neighbour, bits.ravel()[index], node.ravel()[index])
    arcs = []
    for halves, lengths, closed in (pieces.direct(), pieces.chained()):
        first = halves[np.cumsum(lengths) - lengths] if len(lengths) else halves
        corner = regions[y[first >> 2] + _CORNER_ROW, x[first >> 2] + _CORNER_COLUMN]
        left = corner[first & 3, np.arange(len(first))]
        right = corner[(first + 1) & 3, np.arange(len(first))]
        offsets = np.concatenate([[0], np.cumsum(lengths + 1)]).astype(np.intp)
        xy = np.empty((offsets[-1], 2), np.int32)
        last = np.zeros(offsets[-1], bool)
        last[offsets[1:] - 1] = True
        xy[~last] = points[halves >> 2]
        tails = halves[np.cumsum(lengths) - 1] if len(lengths) else halves
        xy[last] = points[neighbour.ravel()[tails]]
        arcs.append(Arcs(xy, offsets, left, right, closed))
    top = np.stack([joints, np.full_like(joints, strip.row)], axis=1)
    found = join_arcs(arcs)
    edges = ([strip.row] if strip.row else []) + ([] if strip.last else [strip.row + height])
    cut = ~found.closed & (np.isin(found.starts()[:, 1], edges) | np.isin(found.ends()[:, 1], edges))
    return found.take(~cut), found.take(cut), top


# Pixels around grid point (y, x) of a framed array, clockwise from the north-east: what lies left of each direction.
_CORNER_ROW = np.array([0, 1, 1, 0])[:, None]
_CORNER_COLUMN = np.array([1, 1, 0, 0])[:, None]


def _framed(values: NDArray, above: NDArray) -> NDArray:
    """(h, W) -> (h + 2, W + 2): the row above on top, zeros around."""
    framed = np.zeros((values.shape[0] + 2, values.shape[1] + 2), values.dtype)
    framed[0, 1:-1] = above
    framed[1:-1, 1:-1] = values
    return framed


def _border_bits(zones: NDArray, last: bool) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Directions in which borders leave each grid point, (h + 1, W + 1), and the borders that come from above."""
    horizontal = (zones[:-1, 1:-1] != zones[1:, 1:-1]).view(np.uint8)
    if not last:
        horizontal[-1] = 0
    vertical = (zones[1:-1, :-1] != zones[1:-1, 1:]).view(np.uint8)
    bits = np.zeros((zones.shape[0] - 1, zones.shape[1] - 1), np.uint8)
    bits[:, :-1] |= horizontal * np.uint8(EAST)
    bits[:, 1:] |= horizontal * np.uint8(WEST)
    bits[:-1] |= vertical * np.uint8(SOUTH)
    bits[1:] |= vertical * np.uint8(NORTH)
    return bits, zones[0, :-1] != zones[0, 1:]


def _neighbours(stop: NDArray[np.bool_], bits: NDArray[np.uint8], index: NDArray[np.intp]) -> NDArray[np.int32]:
    """The next stop in each direction, (stops, 4), -1 where no border leads there."""
    rank = np.zeros(stop.shape, np.int32)
    rank.ravel()[index] = np.arange(len(index), dtype=np.int32)
    by_column = rank.T[stop.T]
    neighbour = np.full((len(index), 4), -1, np.int32)
    here = bits.ravel()[index]
    east = np.flatnonzero(here & EAST).astype(np.int32)
    neighbour[east, 0], neighbour[east + 1, 2] = east + 1, east
    south = np.flatnonzero(here[by_column] & SOUTH)
    upper, lower = by_column[south], by_column[south + 1]
    neighbour[upper, 1], neighbour[lower, 3] = lower, upper
    return neighbour


_Found = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]


@dataclass(frozen=True)
class _Pieces:
    """Links stops into lines. A half is ``4 * stop + direction``: the border that leaves a stop in a direction."""

    neighbour: NDArray[np.int32]
    bits: NDArray[np.uint8]
    node: NDArray[np.bool_]

    def direct(self) -> _Found:
        """Straight borders from node to node: (halves, one each, not closed)."""
        found = []
        for direction in (0, 1):
            to = self.neighbour[:, direction]
            stops = np.flatnonzero((to >= 0) & self.node & self.node[to])
            found.append(4 * stops + direction)
        halves = np.concatenate(found)
        return halves, np.ones(len(halves), np.intp), np.zeros(len(halves), bool)

    def chained(self) -> _Found:
        """All other borders: (halves of each line in order, halves in each, closed)."""
        to = self.neighbour.ravel()
        halves = np.flatnonzero((to >= 0) & ~(np.repeat(self.node, 4) & self.node[to]))
        place = np.full(len(to), -1, np.int32)
        place[halves] = np.arange(len(halves), dtype=np.int32)
        to = to[halves]
        back = ((halves & 3) + 2) & 3
        on = 4 * to.astype(np.intp) + _TURN[self.bits[to], back]
        found = chains(np.where(self.node[to], -1, place[on]))
        # Every line is found twice, once from either end; a ring once each way round.
        head, tail = halves[found.heads()], found.tails()
        turned = 4 * to[tail].astype(np.intp) + back[tail]
        keep = np.where(found.closed, head & 3 == 0, head < turned)
        lengths = np.diff(found.offsets)[keep]
        return halves[found.order[ranges(found.offsets[:-1][keep], lengths)]], lengths, found.closed[keep]
