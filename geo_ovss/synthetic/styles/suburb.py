"""Houses with gardens along straight or winding streets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from ..amenities import TOWN, add_amenity
from ..buildings import Roof, add_building, wings
from ..grid import Block, StreetGrid
from ..ground import add_ground, add_polygon, box_corners
from ..roads import street
from ..sports import add_courts
from ..trees import add_tree
from ..vehicles import add_car
from ..water import add_pool
from ..world import World


@dataclass(frozen=True)
class Taste:
    """What the houses of a neighbourhood have in common.

    Parameters
    ----------
    shape, roofs : str
        Roof form ("mixed" for any) and kind of material.
    trees : float
        Trees a lot.
    pools, fences, sheds : float
        Shares of the lots that have one.
    fill : float
        How much of its lot a house takes.
    evergreen : float
        Share of conifers.
    """

    shape: str
    roofs: str
    trees: float
    pools: float
    fences: float
    sheds: float
    fill: float
    evergreen: float

    @classmethod
    def pick(cls, rng: Random, width: float) -> Taste:
        """A neighbourhood's taste for lots of a width (m)."""
        return cls(
            shape=rng.choice(("gable", "hip", "mixed", "mixed", "flat")),
            roofs=rng.choice(("pitched", "pitched", "pitched", "arid")),
            trees=rng.choice((0.4, 1.5, 3.0, 5.0)) * (1.0 if width < 25.0 else 2.2),
            pools=rng.choice((0.0, 0.05, 0.3)),
            fences=rng.choice((0.0, 0.4, 0.9)),
            sheds=rng.uniform(0.1, 0.6),
            fill=rng.uniform(0.75, 1.0) if width < 25.0 else rng.uniform(0.5, 0.7),
            evergreen=0.5 * rng.random(),
        )


@dataclass(frozen=True)
class Lot:
    """One lot in the straight plan: from `s0` to `s1`, its middle at `t`; the street lies at s0 (facing -1) or s1."""

    grid: StreetGrid
    s0: float
    s1: float
    t: float
    half_t: float
    facing: float

    @property
    def deep(self) -> float:
        """Length from the street to the back (m)."""
        return self.s1 - self.s0

    @property
    def angle(self) -> float:
        """World direction from front to back or back to front."""
        return self.grid.heading((self.s0 + self.s1) / 2, self.t, False)

    def at(self, front: float, side: float) -> tuple[float, float]:
        """World point `front` metres from the street, `side` metres off the middle."""
        s = self.s0 + front if self.facing < 0 else self.s1 - front
        return self.grid.place(s, self.t + side)


def plan(world: World) -> None:
    """A suburb; how dense, how green and how curved is drawn at random."""
    rng = world.rng
    width = rng.choice((12.0, 15.0, 18.0, 22.0, 34.0))
    deep = rng.uniform(24.0, 34.0) if width < 25.0 else rng.uniform(38.0, 55.0)
    bend = rng.choice((0.0, 0.0, 14.0, 26.0))
    add_ground(world, "grass", "grass")
    main = street(rng, marked=rng.random() < 0.4)
    side = street(rng, marked=rng.random() < 0.6)
    pitch = 2.0 * (deep + main.width / 2 + main.kerb)
    grid = StreetGrid(world, (pitch, pitch), (90.0, 220.0), bend)
    taste = Taste.pick(rng, width)
    for block in grid.blocks(main.width / 2 + main.kerb, side.width / 2 + side.kerb):
        if rng.random() < 0.1 and _common(world, grid, block):
            continue
        _fill(world, grid, block, width, taste)
    grid.pave(world, main, side, traffic=rng.choice((60.0, 120.0, 300.0)), parked=rng.choice((0.0, 0.1, 0.4)))


def _common(world: World, grid: StreetGrid, block: Block) -> bool:
    """A playing field, a school or the like instead of a block's houses."""
    s, t = block.middle
    half = min(block.s1 - block.s0, block.t1 - block.t0) / 2
    return add_amenity(world, *grid.place(s, t), grid.heading(s, t, False), half, TOWN)


def _fill(world: World, grid: StreetGrid, block: Block, width: float, taste: Taste) -> None:
    middle = (block.s0 + block.s1) / 2
    count = max(1, int((block.t1 - block.t0) / width))
    step = (block.t1 - block.t0) / count
    for k in range(count):
        t = block.t0 + (k + 0.5) * step
        _build(world, Lot(grid, block.s0, middle, t, step / 2, -1.0), taste)
        _build(world, Lot(grid, middle, block.s1, t, step / 2, 1.0), taste)


def _build(world: World, lot: Lot, taste: Taste) -> None:
    """A house with its drive, cars and garden."""
    rng = world.rng
    centre = lot.at(lot.deep / 2, 0.0)
    if not world.free(*centre, 0.5 * min(lot.deep, 2 * lot.half_t)):
        return
    angle = lot.angle
    if rng.random() < 0.6:
        lawn = rng.choice(("lawn", "lawn", "turf", "dry grass", "grass"))
        tint = (rng.gauss(1, 0.06), rng.gauss(1, 0.05), rng.gauss(1, 0.06))
        add_polygon(world, "parcel", box_corners(*centre, lot.deep / 2, lot.half_t, angle), lawn,
                    "dry grass" if lawn == "dry grass" else "grass", variant=rng.randrange(4), tint=tint)  # fmt: skip
    set_back = rng.uniform(3.5, 7.5)
    half_s = min(0.3 * lot.deep, 9.5) * rng.uniform(0.75, 1.1)
    half_w = min(lot.half_t - rng.uniform(0.6, 1.6), 11.0) * taste.fill
    house = lot.at(set_back + half_s, rng.uniform(-1.0, 1.0) * max(0.0, lot.half_t - half_w - 0.8))
    shape = rng.choice(("gable", "hip")) if taste.shape == "mixed" else taste.shape
    name, surface = world.palette.roof(rng, taste.roofs if shape != "flat" else rng.choice(("flat", "arid")))
    roof = Roof(shape, name, surface, rng.uniform(0.25, 0.7))
    add_building(world, *house, angle, wings(rng, half_s, half_w), rng.uniform(2.8, 6.0), roof, equipment=0.5)
    drive = rng.choice((-1.0, 1.0)) * half_w * 0.6
    wide = rng.uniform(1.5, 3.0)
    add_polygon(
        world,
        "yard",
        box_corners(*lot.at(set_back / 2, drive), set_back / 2 + 0.8, wide, angle),
        rng.choice(("concrete", "concrete", "paving", "asphalt", "gravel")),
        "paved yard",
        variant=rng.randrange(4),
    )
    if rng.random() < 0.55:
        add_car(world, *lot.at(set_back / 2, drive), angle + math.pi * rng.randrange(2))
    if rng.random() < 0.3:
        add_car(world, *lot.at(-3.4, rng.uniform(-0.6, 0.6) * lot.half_t), angle + math.pi / 2)
    _garden(world, lot, set_back + 2.0 * half_s, taste)


def _garden(world: World, lot: Lot, start: float, taste: Taste) -> None:
    """What lies behind the house from `start` metres on: pool, terrace, shed, court, trees, hedges."""
    rng = world.rng
    room, half_t, angle = lot.deep - start, lot.half_t, lot.angle
    if room > 8.0 and rng.random() < taste.pools:
        add_pool(world, *lot.at(start + room * 0.45, rng.uniform(-0.4, 0.4) * half_t), rng.uniform(1.8, 2.6),
                 rng.uniform(3.2, 5.2), angle)  # fmt: skip
    if rng.random() < 0.5:
        add_polygon(world, "yard", box_corners(*lot.at(start + 1.8, rng.uniform(-0.3, 0.3) * half_t), 2.5, 3.5, angle),
                    rng.choice(("paving", "concrete", "wood")), "paved yard", variant=rng.randrange(4))  # fmt: skip
    if half_t > 14.0 and room > 38.0 and rng.random() < 0.06:
        add_courts(world, *lot.at(start + room / 2, 0.0), angle + math.pi / 2, 1)
    elif room > 7.0 and rng.random() < taste.sheds:
        name, surface = world.palette.roof(rng, rng.choice(("shed", "pitched")))
        spot = lot.at(lot.deep - 2.8, rng.choice((-0.7, 0.7)) * half_t)
        add_building(world, *spot, angle, ((0.0, 0.0, rng.uniform(1.2, 2.4), rng.uniform(1.5, 3.4)),), 2.3,
                     Roof(rng.choice(("gable", "shed")), name, surface, 0.3), equipment=0.0, feature=None)  # fmt: skip
    for _ in range(int(taste.trees * rng.uniform(0.3, 1.8) + 0.5)):
        front = rng.uniform(start + 1.0, lot.deep) if rng.random() < 0.65 else rng.uniform(0.0, 4.0)
        kind = "needles" if rng.random() < taste.evergreen else "leaves"
        if world.palette.climate == "tropical" and rng.random() < 0.4:
            kind = "palm"
        radius = 1.1 + 4.4 * rng.random() ** 1.5 if kind != "palm" else rng.uniform(1.6, 2.8)
        add_tree(world, *lot.at(front, rng.uniform(-1.0, 1.0) * half_t), radius, kind)
    for _ in range(rng.randrange(4)):
        add_tree(
            world,
            *lot.at(rng.choice((start + 0.8, rng.uniform(start, lot.deep))), rng.uniform(-1.0, 1.0) * half_t),
            rng.uniform(0.5, 1.2),
            "hedge",
        )
    if rng.random() < taste.fences:
        add_polygon(
            world,
            "low",
            box_corners(*lot.at(lot.deep / 2 + 2, half_t), lot.deep / 2 - 3, rng.uniform(0.1, 0.6), angle),
            "hedge",
            "hedge",
        )
