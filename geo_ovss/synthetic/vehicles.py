"""Cars, trucks and buses, one by one where they can be told apart and in bulk where they are a few pixels."""

from __future__ import annotations

import itertools
import math
from random import Random

import numpy as np

from .canvas import Canvas, Colour, Points
from .classes import ID
from .materials import jitter, lively
from .world import World

#: Above this pixel size (m) a car is two pixels or so and is drawn without glass and bonnet.
PLAIN_ABOVE = 0.45

_PAINTS: tuple[Colour, ...] = ((232, 232, 232), (238, 238, 240), (196, 198, 202), (150, 152, 158), (92, 94, 98),
                               (40, 40, 44), (28, 28, 30), (150, 32, 34), (46, 66, 120), (176, 160, 130))  # fmt: skip


def car_colour(rng: Random) -> Colour:
    """Mostly white, grey, black; now and then a real colour."""
    return lively(rng) if rng.random() < 0.15 else jitter(rng, rng.choice(_PAINTS), 0.06)


def add_car(world: World, x: float, y: float, angle: float, layer: str = "vehicle") -> None:
    """A parked or moving car."""
    own = Random(world.seed())
    long, wide, tall = own.uniform(3.9, 5.3), own.uniform(1.7, 2.0), own.uniform(1.35, 1.9)
    colour, roof = car_colour(own), own.uniform(0.18, 0.3)

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, 0.5 * math.hypot(long, wide) + canvas.gsd)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        corner = np.maximum(np.abs(u) - np.float32(long / 2 - 0.5), 0.0) * 0.35
        body = canvas.band(u, long / 2) * canvas.band(np.abs(v) + corner, wide / 2)
        height = np.where(np.abs(u + np.float32(0.3)) < 0.28 * long, np.float32(tall), np.float32(0.65 * tall))
        canvas.paint(window, body, colour, ID["car"], height + canvas.ground_height(window))
        if canvas.gsd > PLAIN_ABOVE:
            return
        glass = canvas.band(u + np.float32(0.06 * long), 0.3 * long) * canvas.band(v, wide / 2 - 0.12)
        top = canvas.band(u + np.float32(0.09 * long), roof * long) * canvas.band(v, wide / 2 - 0.24)
        canvas.paint(window, 0.9 * glass, (38.0, 44.0, 52.0))
        canvas.paint(window, top, tuple(min(255.0, c * 1.06) for c in colour))  # type: ignore[arg-type]

    world.add(layer, x, y, 4.0, paint, "car")


def add_truck(world: World, x: float, y: float, angle: float, *, bus: bool = False, layer: str = "vehicle") -> None:
    """A lorry with its trailer, or a bus."""
    own = Random(world.seed())
    long, tall = (own.uniform(10.0, 13.0), 3.2) if bus else (own.uniform(8.0, 16.5), 3.8)
    box: Colour = lively(own) if own.random() < (0.6 if bus else 0.25) else jitter(own, (222, 222, 220), 0.08)
    cab = car_colour(own)

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, long / 2 + 2.0)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        body = canvas.band(u, long / 2) * canvas.band(v, 1.27)
        canvas.paint(window, body, box, ID["truck"], tall + canvas.ground_height(window))
        if bus:
            units = canvas.band(np.abs(u) - np.float32(long * 0.22), 0.9) * canvas.band(v, 0.7)
            canvas.paint(window, units, (180.0, 182.0, 184.0))
        else:
            gap = canvas.band(u - np.float32(long / 2 - 2.6), 0.25) * canvas.band(v, 1.27)
            canvas.paint(window, gap, (40.0, 40.0, 42.0))
            front = canvas.band(u - np.float32(long / 2 - 1.1), 1.1) * canvas.band(v, 1.2)
            canvas.paint(window, front, cab)

    world.add(layer, x, y, long / 2 + 2.0, paint, "truck")


def add_traffic(world: World, points: Points, offsets: tuple[float, ...], spacing: float, trucks: float = 0.08,
                layer: str | None = None) -> None:  # fmt: skip
    """Cars along a polyline (N, 2) at lateral offsets (m), one every `spacing` metres or so; the sign is the heading.

    Over water they drive on the bridge's layer; where that would be too long there are none.
    """
    rng = world.rng
    for (ax, ay), (bx, by) in itertools.pairwise(points.tolist()):
        length, angle = math.hypot(bx - ax, by - ay), math.atan2(by - ay, bx - ax)
        for offset in offsets:
            u = rng.expovariate(1.0 / spacing)
            while u < length:
                x = ax + u * math.cos(angle) - offset * math.sin(angle)
                y = ay + u * math.sin(angle) + offset * math.cos(angle)
                u += 17.0 + rng.expovariate(1.0 / spacing)
                if any(math.hypot(x - ix, y - iy) < reach + 2.0 for ix, iy, reach in world.islands):
                    continue
                heading = angle + (math.pi if offset < 0 else 0.0) + rng.gauss(0.0, 0.015)
                over = layer or ("over item" if world.wet(x, y) else "vehicle")
                if rng.random() < trucks:
                    add_truck(world, x, y, heading, bus=rng.random() < 0.3, layer=over)
                else:
                    add_car(world, x, y, heading, over)


def add_parked(world: World, points: Points, offset: float, share: float) -> None:
    """Cars parked along a kerb at `offset` metres from a polyline (N, 2), in runs, `share` of its length."""
    rng = world.rng
    busy = rng.random() < share
    for (ax, ay), (bx, by) in itertools.pairwise(points.tolist()):
        length, angle = math.hypot(bx - ax, by - ay), math.atan2(by - ay, bx - ax)
        u = rng.uniform(0.0, 6.0)
        while u < length - 3.0:
            busy = busy if rng.random() < 0.8 else rng.random() < share
            x = ax + u * math.cos(angle) - offset * math.sin(angle)
            y = ay + u * math.sin(angle) + offset * math.cos(angle)
            if busy and not world.wet(x, y):
                add_car(world, x, y, angle + (math.pi if rng.random() < 0.5 else 0.0))
            u += rng.uniform(5.6, 6.8)


def add_car_park(world: World, x: float, y: float, half_u: float, half_v: float, angle: float, fill: float) -> None:
    """A car park: bays in double rows along u, driving lanes between, `fill` of the bays taken."""
    own = Random(world.seed())
    lane, deep, wide = 6.5, 5.1, own.uniform(2.45, 2.8)
    pitch = lane + 2.0 * deep
    faint = own.uniform(0.3, 0.9)

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, math.hypot(half_u, half_v))
        if window is None:
            return
        u, v = window.local(x, y, angle)
        inside = canvas.band(u, half_u) * canvas.band(v, half_v)
        colour = world.palette["lot"].texture(canvas, window)
        bay = v % np.float32(pitch) - np.float32(deep)
        in_bay = (np.abs(bay) < deep) & (np.abs(u) < half_u - 2.0)
        colour *= (1.0 - 0.14 * canvas.band(np.abs(bay) - np.float32(2.4), 1.1))[..., None]
        if canvas.gsd < 1.0:
            lines = np.maximum(canvas.band((u + np.float32(half_u)) % np.float32(wide) - np.float32(wide / 2), 0.06),
                               canvas.band(bay, 0.06)) * in_bay  # fmt: skip
            colour += (np.float32(faint) * lines)[..., None] * (np.float32(222.0) - colour)
        canvas.paint(window, inside, colour, ID["car park"], 0.0)

    world.add("yard", x, y, math.hypot(half_u, half_v), paint, "car park")
    c, s = math.cos(angle), math.sin(angle)
    first = math.ceil((-half_v) / pitch)
    for row in range(first, math.floor(half_v / pitch) + 1):
        for side in (-1.0, 1.0):
            v = row * pitch + deep + side * deep / 2
            if abs(v) + deep / 2 > half_v:
                continue
            crowd = fill * own.uniform(0.5, 1.3)
            for k in range(int((2.0 * half_u - 4.0) / wide)):
                u = -half_u + math.ceil(2.0 / wide) * wide + k * wide
                if own.random() < crowd and u < half_u - 3.0:
                    heading = angle + side * math.pi / 2 + (math.pi if own.random() < 0.3 else 0.0)
                    jog = own.gauss(0.0, 0.25)
                    add_car(world, x + u * c - (v + jog) * s, y + u * s + (v + jog) * c, heading)
