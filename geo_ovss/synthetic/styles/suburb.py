"""Houses with gardens along straight or winding streets."""

from __future__ import annotations

import math
from random import Random

from ..buildings import Roof, add_building, wings
from ..grid import Block, StreetGrid
from ..ground import add_ground, add_polygon, box_corners
from ..roads import street
from ..trees import add_tree
from ..vehicles import add_car
from ..water import add_pool
from ..world import World


def plan(world: World) -> None:
    """A suburb; how dense, how green and how curved is drawn at random."""
    rng = world.rng
    width = rng.choice((13.0, 17.0, 22.0, 32.0))
    deep = rng.uniform(26.0, 36.0) if width < 25.0 else rng.uniform(38.0, 55.0)
    bend = rng.choice((0.0, 0.0, 14.0, 26.0))
    add_ground(world, "grass", "grass")
    grid = StreetGrid(rng, world.half, (2.0 * deep + 12.0, 2.0 * deep + 12.0), (90.0, 220.0), bend)
    main, side = street(rng, marked=rng.random() < 0.4), street(rng, marked=rng.random() < 0.6)
    taste = Taste(rng, width)
    for block in grid.blocks(main.width / 2 + main.kerb, side.width / 2 + side.kerb):
        _fill(world, grid, block, width, taste)
    grid.pave(world, main, side, traffic=rng.choice((60.0, 120.0, 300.0)))


class Taste:
    """What the houses of a neighbourhood have in common."""

    def __init__(self, rng: Random, width: float) -> None:
        self.shape = rng.choice(("gable", "hip", "mixed", "flat"))
        self.roofs = rng.choice(("pitched", "pitched", "pitched", "arid"))
        self.trees = rng.choice((0.5, 1.5, 3.0)) * (1.0 if width < 25.0 else 2.5)
        self.pools = rng.choice((0.0, 0.05, 0.3))
        self.size = rng.uniform(0.55, 0.8)
        self.fences = rng.random() < 0.5
        self.evergreen = rng.random() * 0.5


def _fill(world: World, grid: StreetGrid, block: Block, width: float, taste: Taste) -> None:
    middle = (block.s0 + block.s1) / 2
    count = max(1, int((block.t1 - block.t0) / width))
    step = (block.t1 - block.t0) / count
    for k in range(count):
        t = block.t0 + (k + 0.5) * step
        add_lot(world, grid, (block.s0, middle), t, step / 2, -1.0, taste)
        add_lot(world, grid, (middle, block.s1), t, step / 2, 1.0, taste)


def add_lot(world: World, grid: StreetGrid, span: tuple[float, float], t: float, half_t: float, facing: float,
            taste: Taste) -> None:  # fmt: skip
    """One lot between `span` in s, its street at the low (facing -1) or high (+1) end."""
    rng = world.rng
    deep = span[1] - span[0]
    centre = grid.place((span[0] + span[1]) / 2, t)
    if not world.free(*centre, 0.5 * min(deep, 2 * half_t)):
        return
    angle = grid.heading((span[0] + span[1]) / 2, t, False)

    def at(front: float, side: float) -> tuple[float, float]:
        """World point `front` metres from the street side, `side` metres off the middle of the lot."""
        s = span[0] + front if facing < 0 else span[1] - front
        return grid.place(s, t + side)

    if rng.random() < 0.5:
        lawn = rng.choice(("lawn", "lawn", "turf", "dry grass"))
        tint = (rng.gauss(1, 0.06), rng.gauss(1, 0.05), rng.gauss(1, 0.06))
        add_polygon(world, "parcel", box_corners(*centre, deep / 2, half_t, angle), lawn,
                    "dry grass" if lawn == "dry grass" else "grass", variant=rng.randrange(4), tint=tint)  # fmt: skip
    set_back = rng.uniform(4.0, 8.0)
    half_s = min(0.27 * deep, 9.0) * rng.uniform(0.75, 1.15)
    half_w = min(half_t - 1.2, rng.uniform(5.0, 11.0)) * (taste.size + 0.2)
    house = at(set_back + half_s, rng.uniform(-0.1, 0.1) * half_t)
    shape = rng.choice(("gable", "hip")) if taste.shape == "mixed" else taste.shape
    name, surface = world.palette.roof(rng, taste.roofs if shape != "flat" else "flat")
    roof = Roof(shape, name, surface, rng.uniform(0.25, 0.7))
    add_building(world, *house, angle, wings(rng, half_s, half_w), rng.uniform(2.8, 6.5), roof, equipment=0.5)
    _garden(world, at, (set_back + 2.0 * half_s, deep), half_t, angle, taste)
    drive = rng.choice((-1.0, 1.0)) * (half_w * 0.7)
    add_polygon(world, "yard", box_corners(*at(set_back / 2, drive), set_back / 2 + 0.5, rng.uniform(1.5, 3.0), angle),
                "concrete", "paved yard", variant=rng.randrange(4))  # fmt: skip
    if rng.random() < 0.5:
        add_car(world, *at(set_back / 2, drive), angle + math.pi * rng.randrange(2))
    if rng.random() < 0.25:
        add_car(world, *at(-1.6 - 1.8, rng.uniform(-0.6, 0.6) * half_t), angle + math.pi / 2)


def _garden(world: World, at: object, back: tuple[float, float], half_t: float, angle: float, taste: Taste) -> None:
    rng = world.rng
    place = at
    start, deep = back
    room = deep - start
    if room > 9.0 and rng.random() < taste.pools:
        add_pool(world, *place(start + room * 0.45, rng.uniform(-0.4, 0.4) * half_t), rng.uniform(1.8, 2.6),  # type: ignore[operator]
                 rng.uniform(3.2, 5.2), angle)  # fmt: skip
    if rng.random() < 0.4:
        add_polygon(world, "yard", box_corners(*place(start + 2.0, rng.uniform(-0.3, 0.3) * half_t), 2.5, 3.5, angle),  # type: ignore[operator]
                    "paving", "paved yard", variant=rng.randrange(4))  # fmt: skip
    if room > 10.0 and rng.random() < 0.4:
        name, surface = world.palette.roof(rng, "shed")
        spot = place(deep - 3.0, rng.choice((-0.7, 0.7)) * half_t)  # type: ignore[operator]
        add_building(world, *spot, angle, ((0.0, 0.0, rng.uniform(1.2, 2.2), rng.uniform(1.5, 3.0)),), 2.3,
                     Roof(rng.choice(("gable", "shed")), name, surface, 0.3), equipment=0.0, feature=None)  # fmt: skip
    for _ in range(int(taste.trees * rng.uniform(0.3, 1.8) + 0.5)):
        front = rng.uniform(start + 1.0, deep) if rng.random() < 0.7 else rng.uniform(0.5, 4.0)
        kind = "needles" if rng.random() < taste.evergreen else "leaves"
        if world.palette.climate == "tropical" and rng.random() < 0.4:
            kind = "palm"
        radius = rng.uniform(1.2, 5.5) if kind != "palm" else rng.uniform(1.6, 2.8)
        add_tree(world, *place(front, rng.uniform(-1.0, 1.0) * half_t), radius, kind)  # type: ignore[operator]
    if taste.fences:
        add_polygon(world, "low", box_corners(*place(deep / 2 + 2, half_t), deep / 2 - 3, rng.uniform(0.15, 0.7), angle),  # type: ignore[operator]
                    "hedge", "hedge")  # fmt: skip
