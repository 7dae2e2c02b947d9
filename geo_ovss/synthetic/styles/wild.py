"""Land left to itself: forest, scrub, dry pasture, dunes, marsh."""

from __future__ import annotations

import numpy as np

from ..ground import add_blob, add_ground
from ..roads import add_road, dirt_track
from ..trees import add_crowns, add_tree
from ..water import Course, add_pond, add_river
from ..world import World


def plan_forest(world: World) -> None:
    """Forest of one or several kinds of tree, with clearings, tracks, perhaps a river."""
    rng = world.rng
    add_ground(world, rng.choice(("soil", "grass", "grass", "dry grass")), "grass")
    half = world.half + 20.0
    if rng.random() < 0.35:
        add_river(world, Course.pick(rng, rng.uniform(-0.3, 0.3) * half, rng.uniform(120.0, 400.0), 0.15),
                  rng.choice((4.0, 10.0, 25.0, 60.0)), rng.choice(("mud", "rocks", "reeds")))  # fmt: skip
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    if rng.random() < 0.4:
        corners[rng.randrange(4)] *= rng.uniform(-0.2, 0.4)
    spacing = rng.uniform(3.5, 7.5)
    add_crowns(world, "low", corners, label="forest", kind=rng.choice(("leaves", "leaves", "needles")), spacing=spacing,
               radius=(0.4 * spacing, rng.uniform(0.7, 1.0) * spacing), mixed=rng.choice((None, "needles", "leaves")),
               share=rng.choice((1.0, 1.0, 0.85, 0.6)), rough=6.0, label_all=True)  # fmt: skip
    for _ in range(rng.randrange(4)):
        add_blob(world, "vehicle", rng.uniform(-half, half), rng.uniform(-half, half), rng.uniform(8.0, 40.0),
                 rng.choice(("grass", "soil", "dry grass")), "grass", soft=4.0)  # fmt: skip
    if rng.random() < 0.4:
        course = Course.pick(rng, rng.uniform(-0.4, 0.4) * half, rng.uniform(150.0, 500.0), 0.08)
        add_road(world, np.array([course.point(u) for u in np.arange(-1.5 * half, 1.5 * half, 10.0)]), dirt_track(rng),
                 layer="vehicle")  # fmt: skip
    if rng.random() < 0.2:
        add_pond(world, rng.uniform(-0.5, 0.5) * half, rng.uniform(-0.5, 0.5) * half, rng.uniform(10.0, 60.0), bank="reeds")
    for _ in range(rng.randrange(12)):
        add_tree(world, rng.uniform(-half, half), rng.uniform(-half, half), rng.uniform(2.0, 6.0))
