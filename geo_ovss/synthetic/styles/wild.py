"""Land left to itself: forest, scrub, dry pasture, dunes, marsh."""

from __future__ import annotations

import numpy as np

from ..ground import add_blob, add_ground
from ..planting import add_scattered
from ..roads import add_road, dirt_track
from ..trees import add_crowns
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
               radius=(0.5 * spacing, rng.uniform(0.8, 1.15) * spacing), mixed=rng.choice((None, "needles", "leaves")),
               share=rng.choice((1.0, 1.0, 0.85, 0.6)), rough=6.0, label_all=True)  # fmt: skip
    for _ in range(rng.randrange(4)):
        add_blob(world, "vehicle", rng.uniform(-half, half), rng.uniform(-half, half), rng.uniform(8.0, 40.0),
                 rng.choice(("grass", "soil", "dry grass")), "grass", soft=4.0)  # fmt: skip
    if rng.random() < 0.4:
        course = Course.pick(rng, rng.uniform(-0.4, 0.4) * half, rng.uniform(150.0, 500.0), 0.08)
        add_road(world, np.array([course.point(u) for u in np.arange(-1.5 * half, 1.5 * half, 10.0)]), dirt_track(rng),
                 layer="vehicle")  # fmt: skip
    if rng.random() < 0.2:
        add_pond(
            world, rng.uniform(-0.5, 0.5) * half, rng.uniform(-0.5, 0.5) * half, rng.uniform(10.0, 60.0), bank="reeds"
        )
    add_scattered(world, 0.0003)


def plan_scrub(world: World) -> None:
    """Dry open land: scrub, pasture, bare soil, dunes, rock."""
    rng = world.rng
    half = world.half + 20.0
    ground, label = rng.choice(
        (
            ("dry grass", "dry grass"),
            ("dry grass", "dry grass"),
            ("soil", "bare soil"),
            ("sand", "sand"),
            ("rock", "rock"),
            ("grass", "grass"),
        )
    )
    add_ground(world, ground, label)
    for _ in range(int((world.side / 120.0) ** 2 * rng.uniform(0.0, 2.0))):
        material, name = rng.choice(
            (
                ("soil", "bare soil"),
                ("dry grass", "dry grass"),
                ("sand", "sand"),
                ("rock", "rock"),
                ("mud", "bare soil"),
                ("grass", "grass"),
            )
        )
        add_blob(
            world,
            "parcel",
            rng.uniform(-half, half),
            rng.uniform(-half, half),
            rng.uniform(6.0, 70.0),
            material,
            name,
            soft=rng.choice((1.0, 4.0, 10.0)),
            stretch=rng.uniform(1.0, 2.5),
        )
    if rng.random() < 0.75:
        corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
        spacing = rng.uniform(1.8, 6.0)
        add_crowns(
            world,
            "low",
            corners,
            label="chaparral",
            kind=rng.choice(("shrub", "shrub", "hedge")),
            spacing=spacing,
            radius=(0.2 * spacing, rng.uniform(0.35, 0.6) * spacing),
            share=rng.uniform(0.15, 0.95),
        )
    for _ in range(rng.randrange(4)):
        course = Course.pick(rng, rng.uniform(-0.8, 0.8) * half, rng.uniform(80.0, 400.0), 0.08)
        add_road(world, np.array([course.point(u) for u in np.arange(-1.5 * half, 1.5 * half, 8.0)]), dirt_track(rng))
    if rng.random() < 0.2:
        add_river(world, Course.pick(rng, 0.0, rng.uniform(100.0, 300.0), 0.18), rng.choice((3.0, 12.0, 30.0)), "mud")
    add_scattered(world, rng.choice((0.0, 0.0001, 0.001)))


def plan_marsh(world: World) -> None:
    """Wetland: reeds, mud, creeks, ponds."""
    rng = world.rng
    half = world.half + 20.0
    add_ground(world, *rng.choice((("reed", "marsh"), ("mud", "bare soil"), ("grass", "marsh"))))
    for _ in range(int((world.side / 100.0) ** 2 * rng.uniform(0.3, 2.0))):
        material, name = rng.choice((("reed", "marsh"), ("mud", "bare soil"), ("grass", "marsh"), ("reed", "marsh")))
        add_blob(
            world,
            "parcel",
            rng.uniform(-half, half),
            rng.uniform(-half, half),
            rng.uniform(10.0, 80.0),
            material,
            name,
            soft=rng.choice((0.5, 3.0, 8.0)),
            stretch=rng.uniform(1.0, 2.0),
        )
    if rng.random() < 0.5:
        corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
        add_crowns(
            world,
            "parcel",
            corners,
            label="marsh",
            kind="reed",
            spacing=3.0,
            radius=(0.6, 1.8),
            share=rng.uniform(0.2, 0.8),
        )
    for width in rng.sample((2.0, 5.0, 12.0, 40.0), rng.randint(1, 3)):
        add_river(world, Course.pick(rng, rng.uniform(-0.7, 0.7) * half, rng.uniform(60.0, 220.0), 0.25), width,
                  rng.choice(("mud", "mud", "reeds")))  # fmt: skip
    for _ in range(rng.randrange(5)):
        add_pond(
            world,
            rng.uniform(-half, half),
            rng.uniform(-half, half),
            rng.uniform(4.0, 35.0),
            bank=rng.choice(("mud", "reeds")),
            wobble=0.5,
        )
