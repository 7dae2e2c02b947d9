"""Roads of every rank, junctions, railways, tracks, bridges and car parks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from .canvas import Canvas, Points, Window
from .classes import ID
from .noise import Floats
from .world import World

#: A painted line: offset from the axis (m), width (m), dash on and off (m; off 0 is solid), yellow or white.
Mark = tuple[float, float, float, float, bool]


#: Below this pixel size (m) the corners of a bent road would show and are rounded.
SMOOTH_BELOW = 0.4


@dataclass(frozen=True)
class Road:
    """A road's cross-section.

    Parameters
    ----------
    width : float
        Carriageway (m).
    kerb : float
        Width of the pavement on each side (m), 0 for none.
    marks : tuple of Mark
        Painted lines.
    material, label : str
        Surface and class.
    lanes : int
        Wheel paths are drawn for as many.
    """

    width: float
    kerb: float = 0.0
    marks: tuple[Mark, ...] = ()
    material: str = "asphalt"
    label: str = "road"
    lanes: int = 2


def street(rng: Random, marked: bool = True, kerb: bool = True) -> Road:
    """A street of two lanes."""
    width = rng.uniform(5.5, 9.0)
    marks: tuple[Mark, ...] = ()
    if marked:
        marks = ((0.0, 0.14, *rng.choice(((3.0, 6.0), (2.0, 3.0), (6.0, 0.0))), rng.random() < 0.3),)
        if rng.random() < 0.4:
            marks += ((width / 2 - 0.4, 0.13, 5.0, 0.0, False), (0.4 - width / 2, 0.13, 5.0, 0.0, False))
    return Road(width, rng.uniform(1.3, 3.0) if kerb else 0.0, marks)


def avenue(rng: Random) -> Road:
    """Four to six lanes with a double middle line."""
    lanes = rng.choice((4, 4, 6))
    width = lanes * 3.3 + 1.5
    yellow = rng.random() < 0.5
    marks: list[Mark] = [(-0.2, 0.14, 5.0, 0.0, yellow), (0.2, 0.14, 5.0, 0.0, yellow)]
    marks += [(side * 3.3 * k, 0.14, 3.0, 6.0, False) for side in (-1, 1) for k in range(1, lanes // 2)]
    return Road(width, rng.uniform(2.0, 4.0), tuple(marks), lanes=lanes)


def carriageway(rng: Random, lanes: int | None = None) -> Road:
    """One direction of a freeway: lanes, shoulders, edge lines."""
    lanes = lanes or rng.choice((2, 3, 4, 5))
    edge = lanes * 1.85
    marks: list[Mark] = [(edge, 0.2, 5.0, 0.0, False), (-edge, 0.2, 5.0, 0.0, rng.random() < 0.5)]
    marks += [(-edge + 3.7 * k, 0.16, 3.5, 8.5, False) for k in range(1, lanes)]
    return Road(2.0 * edge + 4.5, 0.0, tuple(marks), rng.choice(("asphalt", "asphalt", "concrete")), "freeway", lanes)


def dirt_track(rng: Random) -> Road:
    """An unpaved way, usually two ruts."""
    return Road(rng.uniform(2.2, 4.5), 0.0, (), rng.choice(("soil", "gravel", "sand")), "dirt track", 1)


def smoothed(points: Points) -> Points:
    """The polyline (N, 2) with its corners cut twice (Chaikin 1974), its ends kept."""
    for _ in range(2 if len(points) > 2 else 0):
        near, far = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        points = np.concatenate([points[:1], np.stack([near, far], axis=1).reshape(-1, 2)[1:-1], points[-1:]])
    return points


def _pieces(points: Points, longest: float) -> list[tuple[float, float, float, float, float, float]]:
    """Segments of a polyline (N, 2), none over `longest` metres: (x, y of the middle, half length, angle, u0, overlap).

    `u0` is the distance along the line at the middle, `overlap` what closes the gap at the outer side of a bend.
    """
    pieces = []
    along = 0.0
    steps = np.diff(points, axis=0)
    angles = np.arctan2(steps[:, 1], steps[:, 0])
    for k, (step, angle) in enumerate(zip(steps, angles, strict=True)):
        length = float(np.hypot(*step))
        turn = max(
            (abs(math.remainder(float(angle - angles[j]), math.tau)) for j in (k - 1, k + 1) if 0 <= j < len(angles)),
            default=0.0,
        )
        count = max(1, math.ceil(length / longest))
        for i in range(count):
            x, y = points[k] + step * ((i + 0.5) / count)
            overlap = math.tan(min(turn, 1.5) / 2) if i in (0, count - 1) else 0.0
            pieces.append(
                (float(x), float(y), length / count / 2, float(angle), along + length * (i + 0.5) / count, overlap)
            )
        along += length
    return pieces


def _strip(canvas: Canvas, piece: tuple[float, float, float, float, float, float], half_width: float,
           ) -> tuple[Window, Floats, Floats, Floats] | None:  # fmt: skip
    """Window of a piece, (u, v) in it and the share of each pixel between the piece's two ends."""
    x, y, half, angle, u0, overlap = piece
    extra = overlap * half_width + 0.5 * canvas.gsd
    window = canvas.around(x, y, math.hypot(half + extra, half_width) + canvas.gsd)
    if window is None:
        return None
    u, v = window.local(x, y, angle)
    return window, u + np.float32(u0), v, canvas.band(u, half + extra)


def add_road(world: World, points: Points, road: Road, *, layer: str = "road", height: float = 0.0) -> None:
    """A road along a polyline (N, 2). On layer "over" (with a height) it is a bridge and casts a shadow."""
    middle = points.mean(axis=0)
    radius = float(np.hypot(*(points - middle).T).max()) + road.width
    variant, wear = world.rng.randrange(4), world.rng.uniform(0.02, 0.1)

    def on_pieces(canvas: Canvas, paint_piece: object, half_width: float) -> None:
        reach = 0.5 * math.hypot(*canvas.shape) * canvas.gsd
        line = smoothed(points) if canvas.gsd < SMOOTH_BELOW else points
        for piece in _pieces(line, max(48.0 * canvas.gsd, 2.0 * half_width)):
            if math.hypot(piece[0] - canvas.centre[0], piece[1] - canvas.centre[1]) > reach + piece[2] + half_width:
                continue
            strip = _strip(canvas, piece, half_width)
            if strip is not None:
                paint_piece(canvas, *strip)  # type: ignore[operator]

    def kerb(canvas: Canvas, window: Window, u: Floats, v: Floats, ends: Floats) -> None:
        colour = world.palette["concrete"].texture(canvas, window, variant)
        canvas.paint(window, ends * canvas.band(v, road.width / 2 + road.kerb), colour, ID["pavement"], height)

    def surface(canvas: Canvas, window: Window, u: Floats, v: Floats, ends: Floats) -> None:
        colour = world.palette[road.material].texture(canvas, window, variant)
        if road.label == "dirt track":
            ruts = canvas.band(np.abs(v) - np.float32(0.8), 0.3)
            edge = np.float32(0.4) * canvas.noise(window, 0.8, 3.2)
            colour *= (1.0 + 0.12 * ruts)[..., None]
            alpha = ends * canvas.band(v + edge, road.width / 2) * (0.55 + 0.45 * ruts)
            canvas.paint(window, alpha, colour, ID[road.label], 0.0)
            return
        paths = canvas.waves(v + np.float32(road.width / (2.0 * road.lanes)), road.width / road.lanes / 1.0)
        colour *= (1.0 - np.float32(wear) * paths)[..., None]
        canvas.paint(window, ends * canvas.band(v, road.width / 2), colour, ID[road.label], height)

    def marking(canvas: Canvas, window: Window, u: Floats, v: Floats, ends: Floats) -> None:
        for offset, width, on, off, yellow in road.marks:
            alpha = canvas.band(v - np.float32(offset), width / 2) * (ends > 0.5)
            if off > 0.0:
                period = np.float32(on + off)
                alpha = alpha * canvas.band((u + np.float32(offset)) % period - period / 2, on / 2)
            canvas.paint(window, np.float32(0.85) * alpha, (214.0, 176.0, 88.0) if yellow else (226.0, 226.0, 222.0))

    x, y = float(middle[0]), float(middle[1])
    over = layer == "over"
    if road.kerb:
        width = road.width / 2 + road.kerb
        world.add(layer if over else "kerb", x, y, radius + road.kerb, lambda c: on_pieces(c, kerb, width))
    world.add(layer, x, y, radius, lambda c: on_pieces(c, surface, road.width / 2), None)
    if road.marks:

        def lines(canvas: Canvas) -> None:
            if canvas.gsd < 1.3:
                on_pieces(canvas, marking, road.width / 2)

        world.add("over item" if over else "marking", x, y, radius, lines)
    for px, py in points[1:-1:3]:
        world.features.setdefault(road.label, []).append((float(px), float(py)))


def add_railway(world: World, points: Points, tracks: int) -> None:
    """Parallel tracks on ballast: sleepers and two rails each."""
    half = tracks * 2.25 + 1.0
    middle = points.mean(axis=0)
    radius = float(np.hypot(*(points - middle).T).max()) + half

    def paint(canvas: Canvas) -> None:
        for piece in _pieces(points, max(48.0 * canvas.gsd, 2.0 * half)):
            strip = _strip(canvas, piece, half)
            if strip is None:
                continue
            window, u, v, ends = strip
            edge = np.float32(0.3) * canvas.noise(window, 0.4, 1.6)
            colour = world.palette["ballast"].texture(canvas, window)
            lane = (v + np.float32(tracks * 2.25)) % np.float32(4.5) - np.float32(2.25)
            within = (np.abs(v) < tracks * 2.25).astype(np.float32)
            sleepers = canvas.band(lane, 1.3) * canvas.band(u % np.float32(0.6) - np.float32(0.3), 0.13) * within
            colour += (np.float32(0.5) * sleepers)[..., None] * (np.float32(96.0) - colour)
            rails = canvas.band(np.abs(lane) - np.float32(0.75), 0.05) * within
            colour += rails[..., None] * (np.float32(205.0) - colour)
            canvas.paint(window, ends * canvas.band(v + edge, half), colour, ID["railway"], 0.0)

    world.add("road", float(middle[0]), float(middle[1]), radius, paint, "railway")
