"""Rivers through open country."""

from __future__ import annotations

import numpy as np

from ..ground import add_blob, add_ground
from ..junctions import add_way
from ..planting import add_bank_trees, add_scattered
from ..roads import street
from ..trees import add_crowns
from ..vehicles import add_traffic
from ..water import Course, add_river
from ..world import World

_GROUNDS = (("grass", "grass"), ("dry grass", "dry grass"), ("soil", "bare soil"), ("reed", "marsh"))


def plan(world: World) -> None:
    """A river through woods, meadows or dry land, with bars and trees along it."""
    rng = world.rng
    half = world.half + 20.0
    add_ground(world, *rng.choice(_GROUNDS))
    course = Course.pick(rng, rng.uniform(-0.2, 0.2) * half, rng.uniform(200.0, 700.0), rng.uniform(0.05, 0.16))
    width = rng.choice((8.0, 18.0, 35.0, 70.0))
    add_river(world, course, width, rng.choice(("mud", "mud", "rocks", "reeds", "sand")))
    for _ in range(rng.randrange(6)):
        x, y = course.point(rng.uniform(-half, half), rng.choice((-0.55, 0.55)) * width)
        material = rng.choice(("beach", "gravel", "mud"))
        add_blob(world, "yard", x, y, rng.uniform(0.15, 0.5) * width + 2.0, material, "sand", stretch=2.0)
    if rng.random() < 0.6:
        for side in (-1.0, 1.0):
            _wood(world, course, side, width / 2 + 3.0, width / 2 + rng.uniform(12.0, 120.0))
    for _ in range(rng.randint(1, 3)):
        add_bank_trees(world, course, width)
    add_scattered(world, rng.choice((0.0003, 0.002, 0.006)))
    if rng.random() < 0.3:
        points = np.array([course.point(0.0, away) for away in np.arange(-1.5 * half, 1.5 * half, 15.0)])
        add_way(world, points, street(rng, kerb=False))
        add_traffic(world, points, (1.7, -1.7), 80.0)


def _wood(world: World, course: Course, side: float, near: float, far: float) -> None:
    """Trees between two distances (m) from the river's axis, on one side."""
    rng = world.rng
    reach = np.arange(-1.4 * world.half, 1.41 * world.half, 20.0)
    front = np.array([course.point(float(u), side * near) for u in reach])
    back = np.array([course.point(float(u), side * far) for u in reach[::-1]])
    add_crowns(
        world,
        "low",
        np.concatenate([front, back]),
        label="forest",
        spacing=rng.uniform(4.0, 7.0),
        radius=(2.5, 6.5),
        share=rng.choice((0.6, 0.9, 1.0)),
        rough=3.0,
        mixed=rng.choice((None, "needles")),
    )
