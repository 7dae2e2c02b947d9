"""Dense city: blocks filled with buildings, courtyards, car parks, squares, towers."""

from __future__ import annotations

import math

from ..amenities import TOWN, add_amenity
from ..buildings import Roof, add_building, add_tower, wings
from ..grid import Block, StreetGrid
from ..ground import add_ground, add_polygon, box_corners
from ..roads import avenue, street
from ..trees import add_tree
from ..vehicles import add_car_park
from ..world import World


def plan(world: World) -> None:
    """A city quarter: old and low, or new with towers."""
    rng = world.rng
    add_ground(world, "concrete", "pavement")
    grid = StreetGrid(world, (55.0, 130.0), (55.0, 150.0), rng.choice((0.0, 0.0, 0.0, 8.0)))
    wide, narrow = (avenue(rng) if rng.random() < 0.5 else street(rng)), street(rng)
    lean = (rng.uniform(-0.35, 0.35), rng.uniform(-0.35, 0.35)) if rng.random() < 0.5 else (0.0, 0.0)
    tall = rng.choice((8.0, 14.0, 20.0, 45.0))
    for block in grid.blocks(wide.width / 2 + wide.kerb, narrow.width / 2 + narrow.kerb):
        kind = rng.random()
        if kind < 0.1:
            _square(world, grid, block)
        elif kind < 0.16 and add_amenity(
            world, *grid.place(*block.middle), grid.heading(*block.middle, False),
            min(block.s1 - block.s0, block.t1 - block.t0) / 2 - 1.0, TOWN,
        ):  # fmt: skip
            continue
        elif kind < 0.25:
            _car_park(world, grid, block)
        else:
            _split(world, grid, block, tall, lean, 3)
    _street_trees(world, grid, wide.width / 2 + 1.2)
    grid.pave(
        world, wide, narrow, traffic=rng.choice((25.0, 50.0, 120.0)), zebra=0.7, parked=rng.choice((0.0, 0.3, 0.8))
    )


def _split(world: World, grid: StreetGrid, block: Block, tall: float, lean: tuple[float, float], depth: int) -> None:
    """Halve a block until its parts are as large as a building, then build."""
    rng = world.rng
    long_s, long_t = block.s1 - block.s0, block.t1 - block.t0
    if depth > 0 and max(long_s, long_t) > 24.0 and rng.random() < 0.95:
        cut = rng.uniform(0.35, 0.65)
        if long_s > long_t:
            middle = block.s0 + cut * long_s
            halves = Block(block.s0, block.t0, middle, block.t1), Block(middle, block.t0, block.s1, block.t1)
        else:
            middle = block.t0 + cut * long_t
            halves = Block(block.s0, block.t0, block.s1, middle), Block(block.s0, middle, block.s1, block.t1)
        for half in halves:
            _split(world, grid, half, tall, lean, depth - 1)
        return
    _build(world, grid, block, tall, lean)


def _build(world: World, grid: StreetGrid, block: Block, tall: float, lean: tuple[float, float]) -> None:
    rng = world.rng
    s, t = block.middle
    x, y = grid.place(s, t)
    gap = rng.choice((0.0, 0.3, 1.5, 4.0))
    half_u, half_v = (block.s1 - block.s0) / 2 - gap, (block.t1 - block.t0) / 2 - gap
    if min(half_u, half_v) < 2.5 or not world.free(x, y, min(half_u, half_v)):
        return
    angle = grid.heading(s, t, False)
    height = max(3.5, tall * rng.lognormvariate(0.0, 0.45))
    if rng.random() < 0.25:
        add_polygon(
            world, "yard", box_corners(x, y, half_u, half_v, angle), "paving", "paved yard", variant=rng.randrange(4)
        )
    if height > 18.0 and lean != (0.0, 0.0):
        name, surface = world.palette.roof(rng, "flat")
        add_tower(world, x, y, angle, half_u * 0.75, half_v * 0.75, height, Roof("flat", name, surface), lean)
        return
    pitched = rng.random() < (0.45 if height < 16.0 else 0.1)
    name, surface = world.palette.roof(rng, "pitched" if pitched else rng.choice(("flat", "flat", "shed")))
    roof = Roof(rng.choice(("gable", "hip")) if pitched else "flat", name, surface, rng.uniform(0.3, 0.7))
    parts = wings(rng, half_u, half_v) if rng.random() < 0.6 else ((0.0, 0.0, half_u, half_v),)
    add_building(world, x, y, angle, parts, height, roof, equipment=rng.uniform(0.2, 1.0))


def _square(world: World, grid: StreetGrid, block: Block) -> None:
    rng = world.rng
    s, t = block.middle
    x, y = grid.place(s, t)
    half_u, half_v = (block.s1 - block.s0) / 2 - 1.0, (block.t1 - block.t0) / 2 - 1.0
    angle = grid.heading(s, t, False)
    add_polygon(world, "parcel", box_corners(x, y, half_u, half_v, angle), "lawn", "grass")
    for turn in (math.atan2(half_v, half_u), -math.atan2(half_v, half_u)):
        add_polygon(
            world, "yard", box_corners(x, y, math.hypot(half_u, half_v) * 0.98, 1.3, angle + turn), "paving", "pavement"
        )
    for _ in range(int(half_u * half_v * rng.uniform(0.005, 0.03))):
        add_tree(
            world, *grid.place(s + rng.uniform(-1, 1) * half_u, t + rng.uniform(-1, 1) * half_v), rng.uniform(2.0, 5.5)
        )


def _car_park(world: World, grid: StreetGrid, block: Block) -> None:
    rng = world.rng
    s, t = block.middle
    x, y = grid.place(s, t)
    if world.free(x, y, 20.0):
        add_car_park(world, x, y, (block.s1 - block.s0) / 2 - 1.0, (block.t1 - block.t0) / 2 - 1.0,
                     grid.heading(s, t, False), rng.uniform(0.1, 0.95))  # fmt: skip


def _street_trees(world: World, grid: StreetGrid, offset: float) -> None:
    rng = world.rng
    for s in grid.lines_s:
        if rng.random() > 0.4:
            continue
        radius, step = rng.uniform(1.5, 3.5), rng.uniform(7.0, 13.0)
        t = -world.half
        while t < world.half:
            t += step * rng.uniform(0.8, 1.3)
            x, y = grid.place(s + rng.choice((-1.0, 1.0)) * offset, t)
            if min(abs(t - line) for line in grid.lines_t) > 9.0 and world.free(x, y):
                add_tree(world, x, y, radius * rng.uniform(0.8, 1.2))
