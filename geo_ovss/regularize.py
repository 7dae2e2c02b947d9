"""Straightens the outline of a building toward its main direction; pure geometry, one ring at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DIAGONAL_DEGREES = 30.0
"""Walls that differ from both main directions by more than this stay diagonal."""

SHORTEST_WALL_PIXELS = 2.0
"""Steps between two parallel walls shorter than this are levelled: labels are not that exact."""

COHERENCE = 0.5
"""Below this share of its length in the main directions (0: none, 1: all), an outline is not angular and stays."""


def main_direction(ring: NDArray[np.float64]) -> tuple[float, float]:
    """The direction of most walls, in radians modulo a quarter turn, and the coherence of the ring, 0..1.

    Parameters
    ----------
    ring : (n, 2) array
        Without the repeated first point.
    """
    wall = np.roll(ring, -1, axis=0) - ring
    length, angle = np.hypot(*wall.T), np.arctan2(wall[:, 1], wall[:, 0])
    fourfold = np.exp(4j * angle)
    longest_count_most = (length**2 * fourfold).sum()
    direction = float(np.angle(longest_count_most) / 4)
    coherence = float((length * (fourfold * np.exp(-4j * direction)).real).sum() / max(length.sum(), 1e-300))
    return direction, coherence


def straighten(ring: NDArray[np.float64], fixed: NDArray[np.bool_], needed: NDArray[np.bool_], pixel: float,
               direction: float | None = None) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Turn walls parallel to the main direction or at right angles to it.

    Each run of walls with the same direction becomes one straight wall through their weighted middle; corners are where
    runs meet.

    Parameters
    ----------
    ring : (n, 2) array
        Corners in square units, without the repeated first point.
    fixed : (n,) bool array
        Corners that must not move.
    needed : (n,) bool array
        Corners that stay points of the ring, even on a straight wall.
    pixel : float
        Side of a pixel in the units of `ring`.
    direction : float, optional
        The main direction where it is known; else it is found.

    Returns
    -------
    (n, 2) array and (n,) bool array, or None
        New places of the corners, and which of them stay; None for a ring that is not angular.
    """
    found, coherence = main_direction(ring)
    if direction is None:
        direction = found
        if coherence < COHERENCE:
            return None
    turn = np.array([[np.cos(direction), -np.sin(direction)], [np.sin(direction), np.cos(direction)]])
    corners = ring @ turn                                   # walls along the axes now
    kind = _kinds(corners, pixel)
    kind = _level(corners, kind, fixed, pixel)
    run = _runs(kind)
    if run.max() < 3:
        return None
    lines = [_line(corners, kind, run == r, fixed) for r in range(run.max() + 1)]
    placed, keep = corners.copy(), needed | fixed
    for i in range(len(corners)):
        before, after = run[i - 1], run[i]
        if fixed[i]:
            continue
        if before == after:
            placed[i] = _foot(lines[after], corners[i])
        else:
            meet = _meeting(lines[before], lines[after])
            placed[i] = corners[i] if meet is None else meet
            keep[i] = True
    return np.where(fixed[:, None], ring, placed @ turn.T), keep


_ACROSS, _UP, _DIAGONAL = 0, 1, 2
_Line = tuple[NDArray[np.float64], NDArray[np.float64]]
"""A point and a direction."""


def _kinds(corners: NDArray[np.float64], pixel: float) -> NDArray[np.intp]:
    """Whether each wall, from each corner to the next, runs across, up or diagonally; short ones are never diagonal."""
    wall = np.abs(np.roll(corners, -1, axis=0) - corners)
    kind = np.where(wall[:, 0] >= wall[:, 1], _ACROSS, _UP)
    slope = np.degrees(np.arctan2(wall.min(axis=1), wall.max(axis=1)))
    long = np.hypot(*wall.T) >= 2 * SHORTEST_WALL_PIXELS * pixel
    return np.where((slope > DIAGONAL_DEGREES) & long, _DIAGONAL, kind)


def _level(corners: NDArray[np.float64], kind: NDArray[np.intp], fixed: NDArray[np.bool_],
           pixel: float) -> NDArray[np.intp]:
    """Give short steps between two parallel walls the direction of these, the shortest first."""
    kind = kind.copy()
    while True:
        run = _runs(kind)
        count = run.max() + 1
        if count <= 4:
            return kind
        best, least = -1, SHORTEST_WALL_PIXELS * pixel
        for r in range(count):
            members = np.flatnonzero(run == r)
            sides = {int(kind[run == (r - 1) % count][0]), int(kind[run == (r + 1) % count][0])}
            own = int(kind[members[0]])
            if own == _DIAGONAL or sides != {1 - own} or (fixed[members] & fixed[(members + 1) % len(kind)]).any():
                continue
            points = corners[np.append(members, (members + 1) % len(kind))]
            rise = float(np.ptp(points[:, own]))
            if rise < least:
                best, least = r, rise
        if best < 0:
            return kind
        members = run == best
        kind[members] = 1 - kind[members]


def _runs(kind: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number of the run that each wall belongs to, around the ring; diagonal walls are runs of their own."""
    new = (kind != np.roll(kind, 1)) | (kind == _DIAGONAL)
    if not new.any():
        return np.zeros(len(kind), np.intp)
    run = np.cumsum(new) - 1
    run[run < 0] = run.max()
    return run


def _line(corners: NDArray[np.float64], kind: NDArray[np.intp], members: NDArray[np.bool_],
          fixed: NDArray[np.bool_]) -> _Line:
    """The straight wall that stands for a run."""
    walls = np.flatnonzero(members)
    a, b = corners[walls], corners[(walls + 1) % len(corners)]
    own = int(kind[walls[0]])
    if own == _DIAGONAL:
        return a[0], b[0] - a[0]
    axis = 1 - own                                          # the coordinate that is the same along the wall
    held = np.concatenate([a[fixed[walls]], b[fixed[(walls + 1) % len(corners)]]])
    if len(held):
        level = float(held[:, axis].mean())
    else:
        weight = np.abs(b - a)[:, own] + 1e-9
        level = float(((a + b)[:, axis] / 2 * weight).sum() / weight.sum())
    point, along = np.zeros(2), np.zeros(2)
    point[axis], along[own] = level, 1.0
    return point, along


def _foot(line: _Line, point: NDArray[np.float64]) -> NDArray[np.float64]:
    start, along = line
    return start + along * ((point - start) @ along) / (along @ along)


def _meeting(one: _Line, two: _Line) -> NDArray[np.float64] | None:
    """Where two lines meet; None if they are all but parallel."""
    (p, u), (q, v) = one, two
    cross = u[0] * v[1] - u[1] * v[0]
    if abs(cross) < 0.1 * np.hypot(*u) * np.hypot(*v):
        return None
    t = ((q - p)[0] * v[1] - (q - p)[1] * v[0]) / cross
    return p + t * u
