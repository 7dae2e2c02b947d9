"""An airport: runway, taxiways, aprons with airplanes, terminal, hangars."""

from __future__ import annotations

import math

import numpy as np

from ..airfield import add_airplane, add_runway
from ..buildings import Roof, add_building
from ..ground import add_ground, add_polygon, box_corners
from ..planting import add_scattered
from ..roads import Road, add_road
from ..vehicles import add_car_park, add_truck
from ..world import World


def plan(world: World) -> None:
    """A large airport or a small airfield; the runway lies along x."""
    rng = world.rng
    large = rng.random() < 0.6
    add_ground(
        world, *rng.choice((("grass", "grass"), ("dry grass", "dry grass"), ("grass", "grass"), ("sand", "sand")))
    )
    width = rng.choice((45.0, 60.0)) if large else rng.choice((18.0, 23.0, 30.0))
    offset = rng.uniform(-0.15, 0.15) * world.half - (0.3 * world.half)
    add_runway(
        world, rng.uniform(-0.6, 0.6) * world.half, offset, 0.0, max(300.0, world.half * rng.uniform(0.6, 1.4)), width
    )
    gap = 60.0 + width if large else 35.0 + width / 2
    taxi = Road(
        rng.uniform(15.0, 23.0) if large else 9.0, 0.0, ((0.0, 0.3, 5.0, 0.0, True),), "runway", "airport apron", 1
    )
    line = np.array([(-world.half - 30.0, offset + gap), (world.half + 30.0, offset + gap)])
    add_road(world, line, taxi)
    for k in range(-3, 4):
        x = k * world.half / 3 + rng.uniform(-20.0, 20.0)
        add_road(
            world, np.array([(x, offset + gap), (x + rng.choice((0.0, 30.0, -30.0)), offset + width / 2 - 2.0)]), taxi
        )
    if not large:
        reach = (world.half + offset) / 2
        add_scattered(world, 0.0006, area=(0.0, offset - reach, world.half, reach))
    _apron(world, offset + gap + taxi.width / 2 + 8.0, large)


def _apron(world: World, front: float, large: bool) -> None:
    """The apron behind the taxiway with its rows of airplanes, then buildings."""
    rng = world.rng
    deep = rng.uniform(80.0, 140.0) if large else rng.uniform(30.0, 70.0)
    back = front + deep
    add_polygon(
        world, "yard", box_corners(0.0, front + deep / 2, world.half + 30.0, deep / 2, 0.0), "apron", "airport apron"
    )
    add_polygon(world, "yard", box_corners(0.0, front - 12.0, world.half * 0.3, 14.0, 0.0), "apron", "airport apron")
    x = -world.half
    fill = rng.uniform(0.5, 0.95)
    while x < world.half:
        span = rng.uniform(28.0, 62.0) if large and rng.random() < 0.85 else rng.uniform(9.0, 15.0)
        if rng.random() < fill:
            heading = (math.pi / 2 if large else rng.choice((0.7, 1.57, 2.3, -1.57))) + rng.gauss(0.0, 0.05)
            add_airplane(world, x + span / 2, back - span * 0.62 - 4.0, heading, span)
            if large:
                for _ in range(rng.randrange(4)):
                    add_truck(world, x + rng.uniform(0.0, span), back - rng.uniform(4.0, 30.0), rng.choice((0.0, 1.57)))
        elif not large and rng.random() < 0.5:
            add_airplane(world, x + span / 2, front + span, rng.uniform(0.0, math.tau), span)
        x += span * rng.uniform(1.15, 1.6)
    if rng.random() < 0.5:
        add_airplane(
            world, rng.uniform(-0.8, 0.8) * world.half, front - 8.0, rng.choice((0.0, math.pi)), 34.0 if large else 11.0
        )
    x = -world.half
    while x < world.half:
        wide = rng.uniform(40.0, 140.0) if large else rng.uniform(15.0, 40.0)
        half_v = rng.uniform(12.0, 28.0) if large else rng.uniform(8.0, 15.0)
        name, surface = world.palette.roof(rng, rng.choice(("shed", "flat")))
        shape = rng.choice(("flat", "barrel", "gable"))
        add_building(
            world,
            x + wide / 2,
            back + half_v + 3.0,
            0.0,
            ((0.0, 0.0, wide / 2, half_v),),
            rng.uniform(7.0, 16.0),
            Roof(shape, name, surface, 0.15),
            equipment=0.5,
        )
        add_car_park(world, x + wide / 2, back + 2.0 * half_v + 30.0, wide / 2, 20.0, 0.0, rng.uniform(0.3, 0.95))
        x += wide + rng.uniform(4.0, 30.0)
