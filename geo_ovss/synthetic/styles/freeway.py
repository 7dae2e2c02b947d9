"""Freeways: two carriageways, a median, overpasses, ramps."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Points
from ..ground import add_ground
from ..junctions import arc
from ..planting import add_scattered
from ..roads import Road, add_railway, add_road, avenue, carriageway, street
from ..vehicles import add_traffic
from ..water import Course
from ..world import World


def plan(world: World) -> None:
    """A freeway through open land or past trees, with what crosses it."""
    rng = world.rng
    add_ground(
        world, *rng.choice((("grass", "grass"), ("dry grass", "dry grass"), ("soil", "bare soil"), ("sand", "sand")))
    )
    lanes = rng.choice((2, 3, 4, 5))
    road = carriageway(rng, lanes)
    median = rng.choice((1.5, 4.0, 12.0, 25.0))
    offset = rng.uniform(-0.3, 0.3) * world.half
    course = Course(
        0.0, offset, ((rng.uniform(0.0, 12.0), math.tau / rng.uniform(300.0, 700.0), rng.uniform(0.0, 6.0)),)
    )
    apart = (road.width + median) / 2
    traffic = rng.choice((25.0, 60.0, 150.0))
    for side in (-1.0, 1.0):
        points = _along(world, course, side * apart)
        add_road(world, points, road)
        lane = [side * 3.7 * (k - (lanes - 1) / 2) for k in range(lanes)]
        add_traffic(world, points, tuple(abs(k) * side if k == 0 else k for k in lane), traffic, 0.15)
    if median < 5.0:
        add_road(world, _along(world, course, 0.0), Road(median + 0.6, 0.0, (), "concrete", "pavement", 1))
    if rng.random() < 0.3:
        add_railway(world, _along(world, course, 2.0 * apart + 14.0), rng.choice((1, 2)))
    for _ in range(rng.choice((0, 1, 1, 2))):
        _overpass(world, offset, 2.0 * apart)
    if rng.random() < 0.4:
        _loops(world, offset, 2.0 * apart)
    keep = 2.0 * apart + road.width / 2
    world.keepouts.append(lambda x, y, r: abs(course.past(x, y)) < keep + r)
    add_scattered(world, rng.choice((0.0, 0.001, 0.004, 0.008)))
    if rng.random() < 0.5:
        side_road = street(rng)
        points = _along(world, course, rng.choice((-1.0, 1.0)) * (keep + 18.0))
        add_road(world, points, side_road)
        add_traffic(world, points, (1.7, -1.7), 80.0)


def _along(world: World, course: Course, away: float) -> Points:
    return np.array([course.point(u, away) for u in np.arange(-world.half - 60.0, world.half + 60.0, 14.0)])


def _overpass(world: World, offset: float, reach: float) -> None:
    """A road on a bridge over everything, with its own traffic."""
    rng = world.rng
    turn = math.pi / 2 + rng.gauss(0.0, 0.35)
    road = avenue(rng) if rng.random() < 0.5 else carriageway(rng, rng.choice((2, 3)))
    x = rng.uniform(-0.5, 0.5) * world.half
    c, s = math.cos(turn), math.sin(turn)
    axis = (
        np.array([-1.6, -0.16 - 30.0 / world.half, 0.16 + 30.0 / world.half, 1.6])[:, None]
        * world.half
        * np.array([(c, s)])
    )
    points = axis + np.array((x, offset))
    add_road(world, points[:2], road)
    add_road(world, points[2:], road)
    deck = Road(road.width, 1.0, road.marks, "concrete" if rng.random() < 0.4 else road.material, "bridge", road.lanes)
    add_road(world, points[1:3], deck, layer="over", height=7.0)
    world.features.setdefault("overpass", []).append((x, offset))
    lane = road.width / max(2, road.lanes)
    offsets = tuple(side * lane * (k + 0.5) for side in (-1, 1) for k in range(max(1, road.lanes // 2)))
    for piece, layer in ((points[:2], "vehicle"), (points[1:3], "over item"), (points[2:], "vehicle")):
        add_traffic(world, piece, offsets, 60.0, layer=layer)
    world.keep_out_box(x, offset, 1.6 * world.half, road.width, turn)


def _loops(world: World, offset: float, reach: float) -> None:
    """The loops and ramps of a clover leaf."""
    rng = world.rng
    ramp = Road(7.0, 0.0, ((3.0, 0.15, 5.0, 0.0, False), (-3.0, 0.15, 5.0, 0.0, True)), "asphalt", "freeway", 1)
    x, radius = rng.uniform(-0.4, 0.4) * world.half, rng.uniform(28.0, 55.0)
    for su, sv in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        if rng.random() < 0.8:
            points = arc(x + su * (radius + 6.0), offset + sv * (reach / 2 + radius), radius, 0.0, math.tau)
            add_road(world, points, ramp)
            add_traffic(world, points, (0.5,), 90.0)
            world.keep_out_disc(x + su * (radius + 6.0), offset + sv * (reach / 2 + radius), 0.0)
