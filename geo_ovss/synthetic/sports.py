"""Sports grounds: tennis and basketball courts, pitches with running tracks, baseball diamonds, golf holes."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from .canvas import Canvas, Colour, Window
from .classes import ID
from .materials import Material, jitter
from .noise import Floats
from .trees import add_tree
from .world import World

_WHITE: Colour = (228.0, 228.0, 224.0)
_COURTS: tuple[tuple[Colour, Colour], ...] = (
    ((70, 112, 86), (152, 72, 60)), ((152, 78, 62), (74, 112, 80)), ((66, 96, 148), (84, 128, 92)),
    ((84, 124, 92), (84, 124, 92)), ((72, 104, 150), (60, 84, 124)), ((176, 108, 76), (176, 108, 76)),
    ((96, 122, 112), (122, 122, 116)),
)  # fmt: skip


def _outline(canvas: Canvas, u: Floats, v: Floats, half_u: float, half_v: float, width: float = 0.06) -> Floats:
    """Coverage of the four sides of a box."""
    along_u = canvas.band(np.abs(v) - np.float32(half_v), width) * canvas.band(u, half_u + width)
    along_v = canvas.band(np.abs(u) - np.float32(half_u), width) * canvas.band(v, half_v + width)
    return np.maximum(along_u, along_v)


def _ring(canvas: Canvas, u: Floats, v: Floats, radius: float, width: float) -> Floats:
    return canvas.band(np.hypot(u, v) - np.float32(radius), width)


def add_courts(world: World, x: float, y: float, angle: float, count: int, kind: str = "tennis") -> None:
    """`count` tennis or basketball courts side by side along u, fenced."""
    own = Random(world.seed())
    play, around = (jitter(own, colour, 0.08) for colour in own.choice(_COURTS))
    pitch, half_long = (16.8, 18.2) if kind == "tennis" else (18.0, 16.5)
    half = count * pitch / 2
    label = ID["tennis court" if kind == "tennis" else "basketball court"]
    worn = own.uniform(0.45, 0.95)
    surface = Material(around, tuple(c * 0.93 for c in around), grain=0.03)  # type: ignore[arg-type]

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, math.hypot(half, half_long) + 1.0)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        colour = surface.texture(canvas, window)
        one = (u + np.float32(half)) % np.float32(pitch) - np.float32(pitch / 2)
        wide, long = (5.49, 11.89) if kind == "tennis" else (7.5, 14.0)
        inner = canvas.band(one, wide + 0.05) * canvas.band(v, long + 0.05)
        colour += inner[..., None] * (
            np.asarray(play, np.float32) * (1.0 + 0.03 * canvas.noise(window, 0.2, 3.2))[..., None] - colour
        )
        lines = _tennis_lines(canvas, one, v) if kind == "tennis" else _basket_lines(canvas, one, v)
        colour += (np.float32(worn) * lines)[..., None] * (np.asarray(_WHITE, np.float32) - colour)
        colour *= (1.0 - 0.4 * _outline(canvas, u, v, half - 0.1, half_long - 0.1, 0.08))[..., None]
        canvas.paint(window, canvas.band(u, half) * canvas.band(v, half_long), colour, label, 0.0)

    world.add(
        "court", x, y, math.hypot(half, half_long), paint, "tennis court" if kind == "tennis" else "basketball court"
    )
    world.keep_out_box(x, y, half, half_long, angle)


def _tennis_lines(canvas: Canvas, u: Floats, v: Floats) -> Floats:
    lines = np.maximum(_outline(canvas, u, v, 5.49, 11.89), _outline(canvas, u, v, 4.12, 11.89))
    lines = np.maximum(lines, canvas.band(np.abs(v) - np.float32(6.4), 0.06) * canvas.band(u, 4.12))
    lines = np.maximum(lines, canvas.band(u, 0.06) * canvas.band(v, 6.4))
    return np.maximum(lines, 0.6 * canvas.band(v, 0.12) * canvas.band(u, 6.4))


def _basket_lines(canvas: Canvas, u: Floats, v: Floats) -> Floats:
    lines = np.maximum(_outline(canvas, u, v, 7.5, 14.0), canvas.band(v, 0.06) * canvas.band(u, 7.5))
    lines = np.maximum(lines, _ring(canvas, u, v, 1.8, 0.06))
    end = np.abs(v) - np.float32(14.0)
    lines = np.maximum(lines, _outline(canvas, u, end + np.float32(2.9), 2.4, 2.9))
    return np.maximum(lines, _ring(canvas, u, end + np.float32(1.5), 6.7, 0.06) * (end < 0.0))


def add_pitch(world: World, x: float, y: float, angle: float, track: bool) -> None:
    """A football pitch, with a running track around it or without."""
    own = Random(world.seed())
    half_u, half_v = own.uniform(46.0, 54.0), own.uniform(29.0, 35.0)
    red = jitter(own, own.choice(((168, 88, 72), (150, 72, 62), (96, 116, 150), (178, 110, 88))), 0.08)
    mown, faint = own.uniform(0.0, 0.1), own.uniform(0.2, 0.9)
    reach = math.hypot(half_u + half_v, half_v) + 14.0

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, reach)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        if track:
            ends = np.hypot(np.maximum(np.abs(u) - np.float32(42.2), 0.0), v)
            lane = Material(red, tuple(c * 0.94 for c in red), grain=0.03).texture(canvas, window)  # type: ignore[arg-type]
            lines = canvas.band((ends - 36.5) % np.float32(1.22) - np.float32(0.61), 0.025)
            lane += (0.8 * lines)[..., None] * (np.float32(225.0) - lane)
            canvas.paint(window, canvas.cover(ends - np.float32(46.3)), lane, ID["running track"], 0.0)
            turf = world.palette["turf"].texture(canvas, window)
            canvas.paint(window, canvas.cover(ends - np.float32(36.5)), turf, ID["sports field"], 0.0)
        turf = world.palette["turf"].texture(canvas, window)
        turf *= (1.0 + np.float32(mown) * np.sign(canvas.waves(u, 11.0)))[..., None]
        lines = _pitch_lines(canvas, u, v, half_u - 2.0, half_v - 2.0)
        turf += (np.float32(faint) * lines)[..., None] * (np.asarray(_WHITE, np.float32) - turf)
        inside = canvas.band(u, min(half_u, 42.0) if track else half_u) * canvas.band(v, half_v)
        canvas.paint(window, inside, turf, ID["sports field"], 0.0)

    feature = "running track" if track else "sports field"
    world.add("court", x, y, reach, paint, feature)
    world.keep_out_box(x, y, half_u + (38.0 if track else 0.0), half_v + (14.0 if track else 0.0), angle)


def _pitch_lines(canvas: Canvas, u: Floats, v: Floats, half_u: float, half_v: float) -> Floats:
    lines = np.maximum(_outline(canvas, u, v, half_u, half_v), canvas.band(u, 0.06) * canvas.band(v, half_v))
    lines = np.maximum(lines, _ring(canvas, u, v, 9.15, 0.06))
    end = np.abs(u) - np.float32(half_u)
    for deep, wide in ((16.5, 20.15), (5.5, 9.16)):
        lines = np.maximum(lines, _outline(canvas, end + np.float32(deep / 2), v, deep / 2, wide))
    return lines


def add_diamond(world: World, x: float, y: float, angle: float) -> None:
    """A baseball field: home plate at (x, y), the field opening along `angle`; the whole ground is labelled."""
    own = Random(world.seed())
    reach, infield, base = own.uniform(60.0, 95.0), own.uniform(24.0, 30.0), own.uniform(17.0, 27.4)
    grass_inside, mown = own.random() < 0.6, own.uniform(0.0, 0.09)
    clay = Material(jitter(own, own.choice(((196, 132, 92), (206, 150, 106), (186, 112, 80), (196, 172, 146))), 0.06),
                    (176, 116, 80), mix=0.2, grain=0.03)  # fmt: skip

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, reach + 8.0)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        radius = np.hypot(u, v)
        a, b = (u + v) * np.float32(0.7071), (u - v) * np.float32(0.7071)
        fair = np.maximum(radius - np.float32(reach), -np.minimum(a, b) - np.float32(7.0))
        turf = world.palette["turf"].texture(canvas, window)
        turf *= (1.0 + np.float32(mown) * np.sign(canvas.waves(a, 12.0)))[..., None]
        dirt = clay.texture(canvas, window)
        around = np.hypot(u - np.float32(0.68 * base), v)
        bare = np.maximum(around - np.float32(infield), -np.minimum(a, b) - np.float32(2.0))
        bare = np.minimum(bare, radius - np.float32(4.0))
        if grass_inside:
            inner = np.maximum(np.abs(a - base / 2), np.abs(b - base / 2)) - np.float32(base / 2 - 1.2)
            bare = np.maximum(bare, -inner)
        bare = np.minimum(bare, np.hypot(u - np.float32(0.7 * base), v) - np.float32(2.4))
        warning = np.maximum(np.float32(reach - 4.0) - radius, fair)
        bare = np.minimum(bare, np.maximum(warning, fair))
        turf += canvas.cover(bare + 0.15 * canvas.noise(window, 0.4, 3.2))[..., None] * (dirt - turf)
        lines = np.maximum(canvas.band(np.minimum(a, b), 0.06) * (np.maximum(a, b) > 2.0),
                           canvas.band(np.abs(a - base) + np.abs(b), 0.3))  # fmt: skip
        turf += (0.8 * lines * (radius < reach))[..., None] * (np.float32(230.0) - turf)
        canvas.paint(window, canvas.cover(fair), turf, ID["baseball diamond"], 0.0)

    cx, cy = x + 0.3 * reach * math.cos(angle), y + 0.3 * reach * math.sin(angle)
    world.add("court", x, y, reach + 8.0, paint)
    world.features.setdefault("baseball diamond", []).append((cx, cy))
    world.keep_out_disc(x + 0.5 * reach * math.cos(angle), y + 0.5 * reach * math.sin(angle), 0.65 * reach)


def _golf_part(
    world: World,
    x: float,
    y: float,
    angle: float,
    size: tuple[float, float],
    look: tuple[str, float, float],
    label: str,
) -> None:
    """An oval of turf or sand with a soft outline; `look` is (material, brightness, mowing stripes)."""
    own = Random(world.seed())
    half_u, half_v = size
    material, gain, mown = look
    phases = [own.uniform(0.0, math.tau) for _ in range(3)]

    def distance(window: Window) -> tuple[Floats, Floats]:
        u, v = window.local(x, y, angle)
        v = v + np.float32(0.35 * half_v) * np.sin(u * np.float32(2.2 / half_u) + np.float32(phases[0]))
        theta = np.arctan2(v / half_v, u / half_u)
        edge = 1.0 + 0.13 * np.cos(2 * theta + phases[1]) + 0.1 * np.cos(3 * theta + phases[2])
        return (np.hypot(u / half_u, v / half_v) - edge).astype(np.float32) * np.float32(min(size)), u

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, 1.4 * math.hypot(*size))
        if window is None:
            return
        away, u = distance(window)
        colour = world.palette[material].texture(canvas, window) * np.float32(gain)
        colour *= (1.0 + np.float32(mown) * np.sign(canvas.waves(u, 14.0)))[..., None]
        canvas.paint(window, canvas.cover(away), colour, ID[label], 0.0)

    world.add("court", x, y, 1.4 * math.hypot(*size), paint, "golf course" if label == "golf course" else None)


def add_golf_hole(world: World, x: float, y: float, angle: float, length: float) -> None:
    """A fairway from (x, y) along `angle`, with its green, bunkers and trees beside it."""
    rng = world.rng
    c, s = math.cos(angle), math.sin(angle)
    bright, stripes = rng.uniform(0.98, 1.12), rng.choice((0.0, 0.0, 0.03, 0.06))
    wide = rng.uniform(12.0, 20.0)
    _golf_part(
        world,
        x + c * length / 2,
        y + s * length / 2,
        angle,
        (length / 2, wide),
        ("turf", bright, stripes),
        "golf course",
    )
    gx, gy = x + c * length, y + s * length
    radius = rng.uniform(8.0, 14.0)
    for _ in range(rng.randint(1, 5)):
        turn, out = rng.uniform(0.0, math.tau), radius + rng.uniform(3.0, 9.0)
        _golf_part(world, gx + out * math.cos(turn), gy + out * math.sin(turn), turn + math.pi / 2,
                   (rng.uniform(4.0, 10.0), rng.uniform(2.5, 5.0)), ("bunker", 1.0, 0.0), "sand bunker")  # fmt: skip
    _golf_part(
        world, gx, gy, rng.uniform(0.0, math.pi), (radius, radius * 0.75), ("turf", bright * 1.12, 0.0), "golf course"
    )
    for _ in range(rng.randint(0, 3)):
        u, v = rng.uniform(0.3, 0.8) * length, rng.choice((-1.0, 1.0)) * wide
        _golf_part(world, x + u * c - v * s, y + u * s + v * c, angle, (rng.uniform(5.0, 12.0), rng.uniform(3.0, 6.0)),
                   ("bunker", 1.0, 0.0), "sand bunker")  # fmt: skip
    for _ in range(int(length * rng.uniform(0.03, 0.2))):
        u, v = rng.uniform(-0.1, 1.1) * length, rng.choice((-1.0, 1.0)) * rng.uniform(1.7, 3.2) * wide
        px, py = x + u * c - v * s, y + u * s + v * c
        if world.free(px, py, 2.0):
            add_tree(world, px, py, rng.uniform(2.0, 5.5), rng.choice(("leaves", "leaves", "needles")))
