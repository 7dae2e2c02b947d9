"""Where ways meet or cross water: junctions, roundabouts, loops, bridges."""

from __future__ import annotations

import itertools
import math

import numpy as np

from .canvas import Canvas, Points
from .classes import ID
from .roads import Road, add_road
from .trees import add_tree
from .world import World

#: Longest bridge (m); a way that would need a longer one ends at the water.
LONGEST_BRIDGE = 350.0


def add_crossing(world: World, x: float, y: float, angle: float, half_u: float, half_v: float, zebra: bool) -> None:
    """A junction of two roads: bare asphalt over the lines, stop lines and perhaps zebra crossings on the arms."""

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, math.hypot(half_u, half_v) + 8.0)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        box = canvas.band(u, half_u + 0.4) * canvas.band(v, half_v + 0.4)
        canvas.paint(window, box, world.palette["asphalt"].texture(canvas, window), ID["road"])
        if not zebra or canvas.gsd > 0.9:
            return
        across_u = canvas.band(np.abs(u) - np.float32(half_u + 3.0), 1.4) * canvas.band(v, half_v - 0.3)
        across_v = canvas.band(np.abs(v) - np.float32(half_v + 3.0), 1.4) * canvas.band(u, half_u - 0.3)
        stripes_u = 0.5 + 0.5 * np.sign(canvas.waves(v, 1.1))
        stripes_v = 0.5 + 0.5 * np.sign(canvas.waves(u, 1.1))
        stops = canvas.band(np.abs(u) - np.float32(half_u + 5.6), 0.2) * canvas.band(
            v * np.sign(u) - half_v / 2, half_v / 2
        )
        canvas.paint(window, 0.8 * np.maximum(np.maximum(across_u * stripes_u, across_v * stripes_v), stops),
                     (226.0, 226.0, 222.0))  # fmt: skip

    world.add("marking", x, y, math.hypot(half_u, half_v) + 8.0, paint, "intersection")


def arc(x: float, y: float, radius: float, start: float, sweep: float) -> Points:
    """Points (N, 2) of an arc from angle `start` over `sweep` radians."""
    count = max(6, math.ceil(abs(sweep) * max(radius, 8.0) / 6.0))
    turn = start + sweep * np.linspace(0.0, 1.0, count + 1)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


def add_roundabout(world: World, x: float, y: float, radius: float, road: Road) -> None:
    """A ring of road around a planted island."""
    rng = world.rng
    island = rng.choice(("turf", "turf", "sand", "paving"))
    label = {"turf": "grass", "sand": "sand", "paving": "pavement"}[island]
    inner = radius - road.width / 2

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, radius + road.width)
        if window is None:
            return
        distance = np.hypot(window.x - np.float32(x), window.y - np.float32(y))
        asphalt = world.palette[road.material].texture(canvas, window)
        canvas.paint(window, canvas.cover(distance - np.float32(radius + road.width / 2)), asphalt, ID["road"], 0.0)
        kerb = canvas.cover(distance - np.float32(inner))
        canvas.paint(window, kerb, world.palette["concrete"].texture(canvas, window), ID["pavement"])
        inside = canvas.cover(distance - np.float32(inner - 0.8))
        canvas.paint(window, inside, world.palette[island].texture(canvas, window), ID[label])

    world.add("marking", x, y, radius + road.width, paint, "roundabout")
    world.islands.append((x, y, radius + road.width / 2))
    kind = "palm" if world.palette.climate != "temperate" else "leaves"
    for k in range(rng.choice((0, 1, 5, 8))):
        turn = k * math.tau / 8
        add_tree(world, x + 0.6 * inner * math.cos(turn), y + 0.6 * inner * math.sin(turn), rng.uniform(1.5, 3.0), kind)


def add_way(world: World, points: Points, road: Road, layer: str = "road") -> None:
    """A road along a polyline (N, 2) that bridges the water it meets; a dirt track stops at it."""
    fine = resampled(points, 6.0)
    wet = np.array([world.wet(float(x), float(y)) for x, y in fine])
    if not wet.any():
        add_road(world, points, road, layer=layer)
        return
    changes = np.flatnonzero(np.diff(wet)) + 1
    for run in np.split(np.arange(len(fine)), changes):
        if len(run) < 2:
            continue
        if not wet[run[0]]:
            add_road(world, fine[max(0, run[0] - 1) : run[-1] + 2], road, layer=layer)
        elif (
            run[0] > 0
            and run[-1] < len(fine) - 1
            and len(run) * 6.0 < LONGEST_BRIDGE
            and layer == "road"
            and road.label != "dirt track"
        ):
            span = fine[max(0, run[0] - 3) : run[-1] + 4]
            deck = Road(road.width, max(road.kerb, 1.0), road.marks, road.material, "bridge", road.lanes)
            add_road(world, span, deck, layer="over", height=5.0)


def resampled(points: Points, step: float) -> Points:
    """The polyline with a point at least every `step` metres."""
    pieces = [points[:1]]
    for a, b in itertools.pairwise(points):
        count = max(1, math.ceil(float(np.hypot(*(b - a))) / step))
        pieces.append(a + (b - a) * (np.arange(1, count + 1)[:, None] / count))
    return np.concatenate(pieces)
