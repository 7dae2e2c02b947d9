"""Joins pieces of arcs where the edge of a strip has cut them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo_ovss.chains import chains
from geo_ovss.topology import Arcs, join_arcs


def join_pieces(arcs: Arcs, joints: NDArray[np.integer], width: int) -> Arcs:
    """Join pieces at the points of `joints`, (k, 2), of a raster `width` pixels wide.

    Arcs come out as if the raster had been read at once: they begin at the end that comes first in raster order (of
    two borders that leave the same point, at the one that comes first clockwise from east), rings at their first
    point, eastward.
    """
    if not len(joints):
        return arcs
    stride = width + 1
    wanted = np.unique(joints[:, 1].astype(np.int64) * stride + joints[:, 0])
    starts, ends = (_keys(points, stride) for points in (arcs.starts(), arcs.ends()))
    at_start, at_end = (np.isin(keys, wanted) & ~arcs.closed for keys in (starts, ends))
    touched = np.flatnonzero(at_start | at_end)

    # Half 2p walks piece p from its start, 2p + 1 from its end. At a joint two halves leave; each goes on in the other.
    leaving = np.concatenate([2 * np.flatnonzero(at_start[touched]), 2 * np.flatnonzero(at_end[touched]) + 1])
    keys = np.concatenate([starts[touched][at_start[touched]], ends[touched][at_end[touched]]])
    one, two = leaving[np.argsort(keys, kind="stable")].reshape(-1, 2).T
    successor = np.full(2 * len(touched), -1, np.int64)
    successor[one ^ 1], successor[two ^ 1] = two, one
    found = chains(successor)

    pieces = [arcs.xy[arcs.offsets[p]:arcs.offsets[p + 1]] for p in touched]
    lines, left, right, closed = [], [], [], []
    for k, is_closed in enumerate(found.closed):
        halves = found.order[found.offsets[k]:found.offsets[k + 1]]
        line = _concatenated([pieces[h >> 1] if h % 2 == 0 else pieces[h >> 1][::-1] for h in halves], bool(is_closed))
        if is_closed:
            line = _from_first_point(line)
        if not _is_canonical(line, bool(is_closed), stride):
            continue                                             # the same line is found from its other end
        lines.append(line)
        piece, turned = touched[halves[0] >> 1], halves[0] & 1
        left.append(arcs.right[piece] if turned else arcs.left[piece])
        right.append(arcs.left[piece] if turned else arcs.right[piece])
        closed.append(bool(is_closed))
    kept = np.ones(len(arcs), bool)
    kept[touched] = False
    lengths = np.array([len(line) for line in lines], np.intp)
    joined = Arcs(np.concatenate(lines), np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp),
                  np.array(left, arcs.left.dtype), np.array(right, arcs.left.dtype), np.array(closed, bool))
    return join_arcs([arcs.take(kept), joined])


def _keys(points: NDArray, stride: int) -> NDArray[np.int64]:
    return points[:, 1].astype(np.int64) * stride + points[:, 0]


def _concatenated(parts: list[NDArray], closed: bool) -> NDArray:
    """One line from parts that begin where the one before ends; joints on a straight border go."""
    line = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    keep = np.ones(len(line), bool)
    keep[1:-1] = ~_straight(line[:-2], line[2:])
    line = line[keep]
    if closed and _straight(line[-2:-1], line[1:2])[0]:
        line = np.concatenate([line[1:-1], line[1:2]])
    return line


def _straight(before: NDArray, after: NDArray) -> NDArray[np.bool_]:
    """Whether the point between two grid points of a border, one before and one after, is no corner."""
    return (before == after).any(axis=1)


def _from_first_point(ring: NDArray) -> NDArray:
    """The ring turned so that it begins with its first point in raster order."""
    first = int(np.lexsort((ring[:-1, 0], ring[:-1, 1]))[0])
    return np.concatenate([ring[first:-1], ring[:first + 1]])


def _is_canonical(line: NDArray, closed: bool, stride: int) -> bool:
    if closed:
        return bool(line[1, 0] > line[0, 0])
    start, end = _keys(line[[0, -1]], stride)
    return bool(start < end) or bool(start == end and _direction(line[0], line[1]) < _direction(line[-1], line[-2]))


def _direction(a: NDArray, b: NDArray) -> int:
    dx, dy = b - a
    return (0 if dx > 0 else 2) if dx else (1 if dy > 0 else 3)
