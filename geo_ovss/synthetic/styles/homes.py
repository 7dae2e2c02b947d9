"""Mobile home parks."""

from __future__ import annotations

import math

from ..buildings import Roof, add_building
from ..grid import StreetGrid
from ..ground import add_ground, add_polygon, box_corners
from ..roads import street
from ..trees import add_tree
from ..vehicles import add_car
from ..world import World


def plan(world: World) -> None:
    """Long narrow homes in close rows along lanes."""
    rng = world.rng
    add_ground(
        world,
        *rng.choice((("grass", "grass"), ("gravel", "bare soil"), ("lot", "pavement"), ("dry grass", "dry grass"))),
    )
    deep = rng.uniform(21.0, 27.0)
    grid = StreetGrid(world, (2.0 * deep + 7.0, 2.0 * deep + 7.0), (110.0, 220.0), rng.choice((0.0, 0.0, 12.0)))
    lane = street(rng, marked=False, kerb=rng.random() < 0.3)
    slant = rng.choice((0.0, 0.0, 0.4, -0.4))
    trees = rng.choice((0.3, 1.2, 3.0))
    for block in grid.blocks(lane.width / 2 + lane.kerb, lane.width / 2 + lane.kerb):
        count = int((block.t1 - block.t0) / rng.uniform(11.0, 15.0))
        for k in range(count):
            t = block.t0 + (k + 0.5) * (block.t1 - block.t0) / count
            for s in (block.s0 + deep * 0.52, block.s1 - deep * 0.52):
                if rng.random() < 0.95:
                    _home(world, grid, s, t, deep, slant, trees)
    grid.pave(world, lane, lane, traffic=300.0, zebra=0.0)


def _home(world: World, grid: StreetGrid, s: float, t: float, deep: float, slant: float, trees: float) -> None:
    rng = world.rng
    x, y = grid.place(s, t)
    if not world.free(x, y, 6.0):
        return
    angle = grid.heading(s, t, False) + slant
    half_u, half_v = deep * rng.uniform(0.34, 0.44), rng.choice((2.1, 2.4, 3.6))
    name, surface = world.palette.roof(rng, rng.choice(("arid", "arid", "shed", "pitched")))
    add_building(
        world,
        x,
        y,
        angle,
        ((0.0, 0.0, half_u, half_v),),
        2.8,
        Roof(rng.choice(("gable", "flat", "gable")), name, surface, 0.2),
        equipment=0.5,
        label="mobile home",
        feature="mobile home",
    )
    c, st = math.cos(angle), math.sin(angle)
    side = half_v + 1.8
    add_polygon(
        world, "yard", box_corners(x - side * st, y + side * c, half_u * 0.7, 1.7, angle), "concrete", "paved yard"
    )
    if rng.random() < 0.35:
        bright, metal = world.palette.roof(rng, "shed")
        add_building(
            world,
            x - (half_v + 1.2) * st,
            y + (half_v + 1.2) * c,
            angle,
            ((0.0, 0.0, half_u * 0.5, 1.2),),
            2.3,
            Roof("flat", bright, metal),
            equipment=0.0,
            label="mobile home",
            feature=None,
        )
    elif rng.random() < 0.6:
        add_car(world, x - side * st, y + side * c, angle)
    for _ in range(int(trees * rng.uniform(0.0, 2.0) + 0.5)):
        turn = rng.choice((-1.0, 1.0)) * half_u * rng.uniform(0.5, 1.3)
        add_tree(world, x + turn * c + (half_v + 3.0) * st, y + turn * st - (half_v + 3.0) * c, rng.uniform(1.2, 4.0))
