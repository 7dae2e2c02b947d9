"""Sand by the water: land won from the sea, hardly built on."""

from __future__ import annotations

import math

import numpy as np

from ..buildings import Roof, add_building, wings
from ..ground import add_blob, add_ground
from ..junctions import add_way
from ..planting import add_scattered
from ..roads import dirt_track, street
from ..water import Course, add_pond, add_river, add_sea
from ..world import World


def plan(world: World) -> None:
    """Basins, canals, moles, spoil, tracks, the first buildings."""
    rng = world.rng
    half = world.half
    add_ground(world, "sand", "sand")
    coast = rng.random() < 0.6
    if coast:
        course = Course.pick(rng, rng.uniform(-0.4, 0.4) * half, rng.uniform(250.0, 900.0), rng.uniform(0.03, 0.12))
        add_sea(world, course, rng.choice((0.0, 6.0, 15.0, 40.0)), 0.0)
    for _ in range(rng.randint(0, 5)):
        x, y, radius = rng.uniform(-half, half), rng.uniform(-half, half), rng.uniform(25.0, 0.4 * half)
        if world.free(x, y, 1.3 * radius):
            add_pond(world, x, y, radius, name="lagoon", label="lagoon", bank=rng.choice(("quay", "sand", "rocks")),
                     wobble=0.5, stretch=rng.uniform(1.0, 1.6))  # fmt: skip
    if not coast and rng.random() < 0.5:
        course = Course.pick(rng, rng.uniform(-0.5, 0.5) * half, rng.uniform(200.0, 600.0), 0.15)
        add_river(world, course, rng.uniform(20.0, 90.0), rng.choice(("quay", "quay", "mud")))
    for _ in range(int((world.side / 120.0) ** 2 * rng.uniform(0.3, 2.0))):
        x, y = rng.uniform(-half, half), rng.uniform(-half, half)
        if world.free(x, y, 12.0):
            add_blob(
                world,
                "parcel",
                x,
                y,
                rng.uniform(5.0, 50.0),
                rng.choice(("gravel", "sand", "soil", "rock", "mud")),
                "bare soil",
                soft=rng.choice((0.5, 2.0, 8.0)),
                stretch=rng.uniform(1.0, 3.0),
            )
    for _ in range(rng.randint(1, 5)):
        course = Course.pick(rng, rng.uniform(-0.8, 0.8) * half, rng.uniform(150.0, 500.0), 0.08)
        points = np.array([course.point(u) for u in np.arange(-1.45 * half, 1.45 * half, 12.0)])
        add_way(world, points, dirt_track(rng) if rng.random() < 0.6 else street(rng, kerb=rng.random() < 0.5))
    _sites(world)
    add_scattered(world, rng.choice((0.0, 0.0002, 0.001)), radius=(0.8, 2.6), bushes=2.0)


def _sites(world: World) -> None:
    """Sheds and huts here and there."""
    rng = world.rng
    for _ in range(int((world.side / 150.0) ** 2 * rng.uniform(0.0, 2.0))):
        x, y = rng.uniform(-world.half, world.half), rng.uniform(-world.half, world.half)
        if world.free(x, y, 18.0):
            name, surface = world.palette.roof(rng, rng.choice(("arid", "shed")))
            parts = wings(rng, rng.uniform(4.0, 20.0), rng.uniform(4.0, 12.0))
            roof = Roof(rng.choice(("flat", "flat", "gable")), name, surface, 0.2)
            add_building(world, x, y, rng.uniform(0.0, math.pi), parts, rng.uniform(3.0, 9.0), roof)
            world.keep_out_disc(x, y, 20.0)
