"""Coasts and harbours."""

from __future__ import annotations

import math

import numpy as np

from ..buildings import Roof, add_building, wings
from ..ground import add_blob, add_ground, add_polygon, box_corners
from ..harbour import add_boat, add_marina
from ..junctions import add_way
from ..planting import add_scattered
from ..roads import street
from ..trees import add_crowns, add_tree
from ..vehicles import add_car_park, add_traffic
from ..water import Course, add_sea
from ..works import add_containers
from ..world import World
from . import suburb


def plan_coast(world: World) -> None:
    """A beach or a rocky shore, with scrub, dunes or a seaside town behind it."""
    rng = world.rng
    course = Course.pick(rng, rng.uniform(-0.35, 0.35) * world.half, rng.uniform(250.0, 900.0), rng.uniform(0.02, 0.12))
    beach = rng.choice((0.0, 12.0, 30.0, 70.0))
    town = rng.random() < 0.45
    add_sea(world, course, beach, rng.choice((0.0, 8.0, 25.0, 60.0)) if beach else 0.0)
    if town:
        suburb.plan(world)
    else:
        add_ground(world, rng.choice(("dry grass", "grass", "sand", "soil")), "dry grass")
        _scrub(world)
        road = street(rng, kerb=False)
        points = np.array(
            [
                course.point(u, -beach - rng.uniform(25.0, 30.0))
                for u in np.arange(-1.5 * world.half, 1.5 * world.half, 15.0)
            ]
        )
        add_way(world, points, road)
        add_traffic(world, points, (1.7, -1.7), 120.0)
    for _ in range(rng.randrange(8)):
        x, y = course.point(rng.uniform(-world.half, world.half), rng.uniform(30.0, 200.0))
        add_boat(world, x, y, rng.uniform(0.0, math.tau), rng.uniform(5.0, 14.0), wake=rng.random() < 0.5)


def _scrub(world: World) -> None:
    rng = world.rng
    half = world.half
    for _ in range(rng.randrange(6)):
        x, y = rng.uniform(-half, half), rng.uniform(-half, half)
        add_blob(
            world,
            "parcel",
            x,
            y,
            rng.uniform(10.0, 60.0),
            rng.choice(("grass", "dry grass", "soil", "rock")),
            "dry grass",
            soft=5.0,
        )
    spacing = rng.uniform(2.0, 5.0)
    if rng.random() < 0.7:
        corners = box_corners(0.0, 0.0, half, half, 0.0)
        _dry_crowns(world, corners, spacing, rng.uniform(0.1, 0.7))
    add_scattered(world, rng.choice((0.0, 0.0005, 0.003)))


def _dry_crowns(world: World, corners: np.ndarray, spacing: float, share: float) -> None:
    """Bushes below the water's layer, so that the sea covers those that would stand in it."""
    add_crowns(
        world,
        "parcel",
        corners,
        label="chaparral",
        kind="shrub",
        spacing=spacing,
        radius=(0.25 * spacing, 0.5 * spacing),
        share=share,
    )


def plan_harbour(world: World) -> None:
    """A marina or a working port."""
    rng = world.rng
    course = Course(
        rng.uniform(0.0, math.tau), rng.uniform(-0.4, 0.1) * world.half, ((rng.uniform(0.0, 3.0), 0.015, 1.0),)
    )
    add_sea(world, course, 0.0, 0.0)
    add_ground(world, rng.choice(("concrete", "paving", "lot")), "pavement")
    reach = np.arange(-0.95 * world.half, 0.95 * world.half, 1.0)
    port = rng.random() < 0.35
    u = float(reach[0])
    while u < reach[-1]:
        wide = rng.uniform(60.0, 160.0)
        middle = course.point(u + wide / 2)
        out = course.angle + math.pi / 2
        if port and rng.random() < 0.6:
            add_boat(world, *course.point(u + wide / 2, 9.0), course.angle, rng.uniform(40.0, 120.0))
        else:
            add_marina(world, *middle, out, max(1, int(wide / 36.0)), rng.uniform(35.0, 120.0))
        _quayside(world, course, u + wide / 2, wide, port)
        u += wide + rng.uniform(0.0, 30.0)
    for _ in range(rng.randrange(6)):
        add_boat(
            world,
            *course.point(rng.uniform(-world.half, world.half), rng.uniform(130.0, 260.0)),
            rng.uniform(0.0, math.tau),
            rng.uniform(6.0, 16.0),
            wake=rng.random() < 0.6,
        )


def _quayside(world: World, course: Course, u: float, wide: float, port: bool) -> None:
    """What stands behind the quay: sheds, containers, car parks, planting."""
    rng = world.rng
    away = -16.0
    while away > -1.6 * world.half:
        deep = rng.uniform(25.0, 50.0)
        x, y = course.point(u, away - deep / 2)
        kind = rng.random()
        if port and kind < 0.4:
            add_containers(world, x, y, course.angle, rng.randint(4, 10), max(1, int(wide / 14.0)))
        elif kind < 0.35:
            add_car_park(world, x, y, wide / 2 - 3.0, deep / 2 - 2.0, course.angle, rng.uniform(0.2, 0.9))
        elif kind < 0.75:
            name, surface = world.palette.roof(rng, rng.choice(("shed", "flat", "pitched")))
            add_building(world, x, y, course.angle, wings(rng, wide * 0.42, deep * 0.4), rng.uniform(4.0, 12.0),
                         Roof(rng.choice(("flat", "gable", "hip")), name, surface, 0.2), equipment=0.5)  # fmt: skip
        else:
            add_polygon(world, "parcel", box_corners(x, y, wide / 2, deep / 2, course.angle), "lawn", "grass")
            for _ in range(rng.randint(2, 14)):
                add_tree(
                    world,
                    *course.point(u + rng.uniform(-0.5, 0.5) * wide, away - rng.random() * deep),
                    rng.uniform(1.8, 4.5),
                )
        away -= deep + rng.choice((2.0, 12.0))
