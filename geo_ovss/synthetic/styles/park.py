"""Parks and sports grounds, golf courses."""

from __future__ import annotations

import math

import numpy as np

from ..buildings import Roof, add_building, wings
from ..ground import add_blob, add_ground, box_corners
from ..junctions import add_way
from ..planting import add_scattered
from ..roads import Road, add_road, street
from ..sports import add_courts, add_diamond, add_golf_hole, add_pitch
from ..trees import add_crowns
from ..vehicles import add_car_park, add_traffic
from ..water import Course, add_pond
from ..world import World


def plan_sports(world: World) -> None:
    """A sports ground: courts, pitches and diamonds, each with room of its own."""
    rng = world.rng
    add_ground(world, rng.choice(("grass", "lawn", "turf", "dry grass")), "grass")
    _streets(world)
    tries = int((world.side / 70.0) ** 2)
    for _ in range(tries):
        x, y = rng.uniform(-world.half, world.half), rng.uniform(-world.half, world.half)
        angle = rng.choice((0.0, math.pi / 2)) + (rng.gauss(0.0, 0.15) if rng.random() < 0.3 else 0.0)
        kind = rng.choice(
            (
                "tennis",
                "tennis",
                "tennis",
                "basketball",
                "pitch",
                "track",
                "diamond",
                "diamond",
                "diamond",
                "car park",
                "house",
                "pond",
            )
        )
        need = {
            "tennis": 40.0,
            "basketball": 30.0,
            "pitch": 66.0,
            "track": 98.0,
            "diamond": 60.0,
            "house": 18.0,
            "pond": 28.0,
            "car park": 38.0,
        }[kind]
        if world.free(x, y, need):
            _place(world, kind, x, y, angle)
    add_scattered(world, rng.choice((0.0005, 0.002, 0.006)))


def _place(world: World, kind: str, x: float, y: float, angle: float) -> None:
    rng = world.rng
    if kind in ("tennis", "basketball"):
        add_courts(world, x, y, angle, rng.choice((1, 2, 2, 3, 4)), kind)
    elif kind in ("pitch", "track"):
        add_pitch(world, x, y, angle, kind == "track")
    elif kind == "diamond":
        turn = angle + rng.choice((0.8, -0.8))
        add_diamond(world, x - 35.0 * math.cos(turn), y - 35.0 * math.sin(turn), turn)
    elif kind == "car park":
        add_car_park(world, x, y, 30.0, 17.0, angle, rng.uniform(0.1, 0.9))
        world.keep_out_box(x, y, 32.0, 19.0, angle)
    elif kind == "pond":
        add_pond(world, x, y, rng.uniform(10.0, 22.0), bank=rng.choice(("mud", "reeds", "rocks")))
    else:
        name, surface = world.palette.roof(rng, rng.choice(("pitched", "flat", "shed")))
        add_building(
            world, x, y, angle, wings(rng, 12.0, 8.0), 4.5, Roof(rng.choice(("gable", "flat")), name, surface, 0.3)
        )
        world.keep_out_disc(x, y, 16.0)


def _streets(world: World) -> None:
    rng = world.rng
    road = street(rng)
    for _ in range(rng.randint(1, 2)):
        v = rng.uniform(-1.0, 1.0) * world.half
        reach = world.half + 30.0
        points = np.array([(-reach, v), (reach, v)])
        add_road(world, points, road)
        add_traffic(world, points, (1.7, -1.7), 80.0)
        world.keep_out_box(0.0, v, reach, road.width / 2 + road.kerb + 1.0)
    path = Road(rng.uniform(1.5, 3.0), 0.0, (), rng.choice(("concrete", "paving", "gravel", "asphalt")), "pavement", 1)
    for _ in range(rng.randint(1, 4)):
        course = Course.pick(rng, rng.uniform(-0.8, 0.8) * world.half, rng.uniform(80.0, 250.0), 0.1)
        add_road(
            world,
            np.array([course.point(u) for u in np.arange(-1.4 * world.half, 1.4 * world.half, 6.0)]),
            path,
            layer="yard",
        )


def plan_golf(world: World) -> None:
    """A golf course: fairways, greens, bunkers, ponds, woods between."""
    rng = world.rng
    add_ground(world, rng.choice(("grass", "grass", "dry grass", "lawn", "turf")), "grass")
    half = world.half
    for _ in range(rng.randrange(4)):
        add_pond(world, rng.uniform(-half, half), rng.uniform(-half, half), rng.uniform(10.0, 35.0),
                 bank=rng.choice(("mud", "reeds", "rocks")), wobble=0.4, stretch=rng.uniform(1.0, 1.8))  # fmt: skip
    for _ in range(rng.randrange(3)):
        x, y = rng.uniform(-half, half), rng.uniform(-half, half)
        add_crowns(
            world,
            "parcel",
            box_corners(x, y, rng.uniform(20.0, 60.0), rng.uniform(20.0, 60.0), rng.uniform(0, 3)),
            label="forest",
            spacing=6.0,
            radius=(2.5, 5.5),
            rough=5.0,
            label_all=True,
        )
    lane = rng.uniform(55.0, 85.0)
    y = -half
    while y < half + lane:
        x = -half + rng.uniform(-100.0, 60.0)
        while x < half:
            length = rng.uniform(110.0, 300.0)
            way = rng.random() < 0.5
            add_golf_hole(
                world,
                x if way else x + length,
                y + rng.uniform(-8.0, 8.0),
                (0.0 if way else math.pi) + rng.gauss(0.0, 0.1),
                length,
            )
            x += length + rng.uniform(30.0, 60.0)
        y += lane
    add_scattered(world, rng.choice((0.0005, 0.002, 0.005)))
    path = Road(2.2, 0.0, (), "concrete", "pavement", 1)
    for _ in range(rng.randint(1, 3)):
        course = Course.pick(rng, rng.uniform(-0.8, 0.8) * half, rng.uniform(80.0, 250.0), 0.12)
        add_way(world, np.array([course.point(u) for u in np.arange(-1.4 * half, 1.4 * half, 6.0)]), path)
    for _ in range(rng.randrange(3)):
        add_blob(
            world,
            "parcel",
            rng.uniform(-half, half),
            rng.uniform(-half, half),
            rng.uniform(15.0, 50.0),
            "dry grass",
            "dry grass",
            soft=5.0,
        )
