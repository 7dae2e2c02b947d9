"""Water: seas with beach and surf, rivers with banks, lakes, lagoons with quays, pools."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from .canvas import Canvas, Window
from .classes import ID
from .ground import blob_distance
from .noise import Floats
from .world import World


@dataclass(frozen=True)
class Course:
    """A meandering line through the world: ``v = offset + sum a sin(k u + p)`` in axes turned by `angle`."""

    angle: float
    offset: float
    waves: tuple[tuple[float, float, float], ...]

    @classmethod
    def pick(cls, rng: Random, offset: float, longest: float, amount: float) -> Course:
        """A line whose longest bend is `longest` metres with amplitude `amount` times that."""
        waves = []
        for k in range(4):
            length = longest / (2.1**k) * rng.uniform(0.8, 1.2)
            waves.append(
                (amount * length * rng.uniform(0.3, 1.0) * 0.6**k, math.tau / length, rng.uniform(0.0, math.tau))
            )
        return cls(rng.uniform(0.0, math.tau), offset, tuple(waves))

    def past(self, x: float, y: float) -> float:
        """:meth:`beyond` for one point, many times faster while planning."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        u, line, slope = x * c + y * s, self.offset, 0.0
        for amount, k, phase in self.waves:
            line += amount * math.sin(k * u + phase)
            slope += amount * k * math.cos(k * u + phase)
        return (y * c - x * s - line) / math.sqrt(1.0 + slope * slope)

    def beyond(self, x: Floats, y: Floats) -> Floats:
        """About the signed distance (m) to the line, positive on its far side."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        u, v = np.asarray(x * c + y * s), np.asarray(y * c - x * s)
        line, slope = np.full(u.shape, self.offset, np.float32), np.zeros(u.shape, np.float32)
        for amount, k, phase in self.waves:
            line += np.float32(amount) * np.sin(np.float32(k) * u + np.float32(phase))
            slope += np.float32(amount * k) * np.cos(np.float32(k) * u + np.float32(phase))
        away: Floats = (v - line) / np.sqrt(1.0 + slope * slope)
        return away

    def point(self, u: float, away: float = 0.0) -> tuple[float, float]:
        """World point at `u` along the axis, `away` metres off the line."""
        v = self.offset + away + sum(a * math.sin(k * u + p) for a, k, p in self.waves)
        c, s = math.cos(self.angle), math.sin(self.angle)
        return u * c - v * s, u * s + v * c


def water_colour(world: World, canvas: Canvas, window: Window, name: str, depth: Floats, own: Random) -> Floats:
    """Water of material `name` over a window; `depth` (m from the shore, positive in the water) lightens the edge."""
    colour = world.palette[name].texture(canvas, window)
    shallow = np.asarray(world.palette["mud" if name in ("river", "lake") else "beach"].first, np.float32)
    reach, amount = (
        own.choice((1.0, 2.5, 6.0) if name in ("lake", "lagoon") else (1.5, 4.0, 12.0, 40.0)),
        own.uniform(0.0, 0.5),
    )
    colour += (np.float32(amount) * np.exp(-np.maximum(depth, 0.0) / np.float32(reach)))[..., None] * (shallow - colour)
    ripple = canvas.noise(window, 0.4, own.choice((1.6, 3.2, 6.4)), 0.9, own.randrange(4))
    _, across = window.local(0.0, 0.0, own.uniform(0.0, math.pi))
    swell = canvas.waves(across + 1.5 * canvas.noise(window, 3.2, 25.0), own.choice((2.2, 4.5, 9.0)))
    rough = own.uniform(0.5, 5.0)
    light = np.float32(rough) * (0.7 * ripple + 0.5 * swell)
    if own.random() < 0.3:
        patches = np.clip(canvas.noise(window, 25.0, 200.0, variant=2), 0.0, 2.0)
        light += np.float32(25.0) * patches * np.clip(ripple + 0.5 * swell - 0.8, 0.0, 2.0)
    colour += light[..., None]
    return colour


def _paint_water(world: World, canvas: Canvas, window: Window, depth: Floats, name: str, label: str, seed: int) -> None:
    alpha = canvas.cover(-depth)
    if alpha.any():
        canvas.paint(window, alpha, water_colour(world, canvas, window, name, depth, Random(seed)), ID[label], 0.0)


def _rim(world: World, canvas: Canvas, window: Window, depth: Floats, kind: str, width: float) -> None:
    """The land beside the water: quay wall, sand, mud, reeds or boulders, `width` metres wide."""
    name, label, height = {"quay": ("concrete", "pavement", 1.2), "sand": ("beach", "beach", 0.0),
                           "mud": ("mud", "bare soil", 0.0), "reeds": ("reed", "marsh", 1.5),
                           "rocks": ("rock", "rock", 0.8)}[kind]  # fmt: skip
    edge = -depth
    if kind != "quay":
        edge = edge + np.float32(0.35 * width) * canvas.noise(window, 0.8, max(3.2, width))
    alpha = np.clip((np.float32(width) - edge) / np.float32(canvas.gsd * (1 if kind == "quay" else 4)) + 0.5, 0.0, 1.0)
    if kind == "mud":
        alpha = alpha * 0.8
    canvas.paint(window, alpha, world.palette[name].texture(canvas, window), ID[label], height)


def add_river(world: World, course: Course, width: float, bank: str = "mud") -> None:
    """A river along a course; its banks are "mud", "quay", "reeds", "rocks" or "sand"."""
    seed, rim = world.seed(), {"quay": 3.0, "reeds": 5.0, "rocks": 4.0}.get(bank, 0.25 * width + 2.0)

    def paint(canvas: Canvas) -> None:
        window = canvas.whole()
        wet = np.float32(width / 2) - np.abs(course.beyond(window.x, window.y))
        if wet.max() < -3.0 * rim:
            return
        if bank != "quay":
            wet = wet + np.float32(min(1.0, 0.05 * width)) * canvas.noise(window, 0.8, 12.8)
        _rim(world, canvas, window, wet, bank, rim)
        _paint_water(world, canvas, window, wet, "river", "river", seed)

    world.everywhere("water", paint)
    world.keepouts.append(lambda x, y, r: abs(course.past(x, y)) < width / 2 + rim + r)
    world.waters.append(lambda x, y: abs(course.past(x, y)) < width / 2 + 2.0)
    for k in range(-3, 4):
        world.features.setdefault("river", []).append(course.point(k * world.half / 4))


def add_sea(world: World, course: Course, beach: float, surf: float) -> None:
    """Sea beyond a course; a beach of `beach` metres (0: a quay) and breakers over `surf` metres."""
    seed = world.seed()

    def paint(canvas: Canvas) -> None:
        window = canvas.whole()
        own = Random(seed)
        depth = course.beyond(window.x, window.y)
        if beach > 0.0:
            depth = depth + np.float32(0.02 * beach + 0.4) * canvas.noise(window, 1.6, 50.0)
        _rim(world, canvas, window, depth, "sand" if beach > 0.0 else "quay", beach if beach > 0.0 else 4.0)
        if beach > 0.0:
            wet = np.clip(1.0 + depth / np.float32(0.25 * beach), 0.0, 1.0) * (depth < 0.0)
            canvas.tint(window, wet, (0.72, 0.74, 0.77))
        alpha = canvas.cover(-depth)
        colour = water_colour(world, canvas, window, "sea", depth, own)
        if surf > 0.0:
            colour = _breakers(canvas, window, colour, depth, surf, own)
        canvas.paint(window, alpha, colour, ID["sea"], 0.0)

    world.everywhere("water", paint)
    world.keepouts.append(lambda x, y, r: course.past(x, y) > -(r + max(beach, 6.0)))
    world.waters.append(lambda x, y: course.past(x, y) > -max(beach, 6.0))
    for k in range(-2, 3):
        world.features.setdefault("sea", []).append(course.point(k * world.half / 4, world.rng.uniform(10.0, 60.0)))
        world.features.setdefault("beach" if beach else "sea", []).append(course.point(k * world.half / 4))


def _breakers(canvas: Canvas, window: Window, colour: Floats, depth: Floats, surf: float, own: Random) -> Floats:
    """Foam in broken lines that run along the shore, thinning seaward."""
    bent = depth + np.float32(0.12 * surf) * canvas.noise(window, 6.4, 100.0, variant=1)
    lines = canvas.waves(bent, surf / own.uniform(1.5, 3.5)) + 0.5 * canvas.waves(bent * 1.7, surf / 3.1)
    lace = canvas.noise(window, 0.4, 6.4, 0.9, variant=2)
    near = np.clip(1.2 - depth / np.float32(surf), 0.0, 1.2)
    foam = np.clip(1.3 * near * near + 0.55 * lines * near + 0.5 * lace * near - 0.55, 0.0, 0.95)
    foam = np.where(depth < 0.12 * surf, np.maximum(foam, np.clip(0.5 + 0.4 * lace, 0.0, 0.9)), foam)
    return colour + foam[..., None].astype(np.float32) * (np.float32(238.0) - colour)


def add_pond(
    world: World, x: float, y: float, radius: float, *, name: str = "lake", label: str = "lake", bank: str = "mud",
    stretch: float = 1.0, wobble: float = 0.3,
) -> None:  # fmt: skip
    """A lake, pond or lagoon of about `radius` metres."""
    own = Random(world.seed())
    waves = [(k, max(-0.3, min(0.3, own.gauss(0.0, wobble / k))), own.uniform(0.0, math.tau)) for k in (2, 3, 4, 5, 7)]
    angle, seed = own.uniform(0.0, math.pi), own.getrandbits(31)
    rim = {"quay": 2.5, "reeds": 4.0, "rocks": 3.0}.get(bank, 2.0 + 0.08 * radius)
    reach = radius * stretch * (1.0 + 2.0 * wobble) + 3.0 * rim

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, reach)
        if window is None:
            return
        depth = -blob_distance(window, x, y, radius, waves, angle, stretch)
        if bank != "quay":
            depth = depth + np.float32(0.015 * radius + 0.2) * canvas.noise(window, 0.8, 12.8)
        _rim(world, canvas, window, depth, bank, rim)
        _paint_water(world, canvas, window, depth, name, label, seed)

    world.add("water", x, y, reach, paint, label)
    outer = radius * stretch * (1.0 + wobble) + rim
    world.keep_out_disc(x, y, outer)
    world.waters.append(lambda px, py: math.hypot(px - x, py - y) < outer)


def add_pool(world: World, x: float, y: float, half_u: float, half_v: float, angle: float) -> None:
    """A swimming pool with its paved rim: a rectangle, an oval or a kidney."""
    own = Random(world.seed())
    shape = own.choice(("box", "box", "oval", "kidney"))
    deck = own.uniform(0.6, 2.0)

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, math.hypot(half_u, half_v) + deck)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        if shape == "kidney":
            v = v + np.float32(0.35 * half_v) * np.cos(u * np.float32(math.pi / half_u))
        if shape == "box":
            distance = np.maximum(np.abs(u) - half_u, np.abs(v) - half_v)
        else:
            distance = (np.hypot(u / half_u, v / half_v) - 1.0) * np.float32(min(half_u, half_v))
        paving = world.palette["paving"].texture(canvas, window)
        canvas.paint(window, canvas.cover(distance - np.float32(deck)), paving, ID["paved yard"], 0.0)
        colour = world.palette["pool"].texture(canvas, window)
        colour *= (1.0 + 0.25 * np.clip(-distance - 0.3, 0.0, 1.0) - 0.12)[..., None]
        canvas.paint(window, canvas.cover(distance), colour, ID["swimming pool"], 0.0)

    world.add("court", x, y, math.hypot(half_u, half_v) + deck, paint, "swimming pool")
