"""A desert city: sand, wide roads and roundabouts, walled villas, palms, lagoons, plots not yet built on."""

from __future__ import annotations

import math

import numpy as np

from ..amenities import TOWN, add_amenity
from ..buildings import Roof, add_building, add_tower, wings
from ..grid import Block, StreetGrid
from ..ground import add_blob, add_ground, add_polygon, box_corners
from ..junctions import add_roundabout, add_way
from ..materials import Material
from ..roads import Road, avenue, dirt_track, street
from ..trees import add_crowns, add_tree
from ..vehicles import add_car, add_car_park
from ..water import Course, add_pond, add_pool, add_river
from ..world import World


def plan(world: World) -> None:
    """Quarters of a city in sand, at every stage of being built."""
    rng = world.rng
    add_ground(world, "sand", "sand")
    _water(world)
    grid = StreetGrid(world, (60.0, 170.0), (60.0, 200.0), rng.choice((0.0, 0.0, 0.0, 12.0, 25.0)))
    wide, narrow = (avenue(rng) if rng.random() < 0.4 else street(rng)), street(rng, marked=rng.random() < 0.5)
    built = rng.choice((0.25, 0.6, 0.9))
    lean = (rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3))
    for block in grid.blocks(wide.width / 2 + wide.kerb + 1.0, narrow.width / 2 + narrow.kerb + 1.0):
        kind = rng.random()
        if kind > built:
            _empty(world, grid, block)
        elif kind < 0.62 * built:
            _villas(world, grid, block)
        elif kind < 0.75 * built:
            _towers(world, grid, block, lean)
        elif kind < 0.85 * built:
            half = min(block.s1 - block.s0, block.t1 - block.t0) / 2
            place = (*grid.place(*block.middle), grid.heading(*block.middle, False))
            if rng.random() < 0.6 or not add_amenity(world, *place, half, TOWN):
                _green(world, grid, block)
        else:
            _site(world, grid, block)
    _avenue_palms(world, grid, wide.width / 2 + wide.kerb + 1.5)
    for s in grid.lines_s:
        for t in grid.lines_t:
            if rng.random() < 0.15 and world.free(*grid.place(s, t), 30.0):
                add_roundabout(world, *grid.place(s, t), rng.uniform(14.0, 30.0), wide)
    grid.pave(world, wide, narrow, traffic=rng.choice((40.0, 120.0, 400.0)), zebra=0.1)


def _water(world: World) -> None:
    rng = world.rng
    kind = rng.random()
    if kind < 0.3:
        for _ in range(rng.randint(1, 2)):
            add_pond(
                world,
                rng.uniform(-0.7, 0.7) * world.half,
                rng.uniform(-0.7, 0.7) * world.half,
                rng.uniform(25.0, 90.0),
                name="lagoon",
                label="lagoon",
                bank=rng.choice(("quay", "sand", "rocks")),
                wobble=0.45,
                stretch=rng.uniform(1.0, 2.0),
            )
    elif kind < 0.45:
        add_river(world, Course.pick(rng, rng.uniform(-0.4, 0.4) * world.half, rng.uniform(200.0, 500.0), 0.15),
                  rng.uniform(25.0, 80.0), rng.choice(("quay", "mud")))  # fmt: skip


def _frame(grid: StreetGrid, block: Block) -> tuple[float, float, float, float, float]:
    s, t = block.middle
    x, y = grid.place(s, t)
    return x, y, grid.heading(s, t, False), (block.s1 - block.s0) / 2, (block.t1 - block.t0) / 2


def _empty(world: World, grid: StreetGrid, block: Block) -> None:
    """Sand with wheel tracks, spoil, a few bushes."""
    rng = world.rng
    x, y, _, half_u, half_v = _frame(grid, block)
    for _ in range(rng.randrange(3)):
        turn = rng.uniform(0.0, math.pi)
        course = Course.pick(rng, 0.0, rng.uniform(60.0, 200.0), 0.06)
        reach = min(half_u, half_v)
        points = np.array([course.point(u) for u in np.arange(-reach, reach, 6.0)])
        if len(points) > 1:
            c, s = math.cos(turn), math.sin(turn)
            add_way(world, points @ np.array([(c, s), (-s, c)]) + (x, y), dirt_track(rng))
    for _ in range(rng.randrange(4)):
        px, py = x + rng.uniform(-1, 1) * half_u, y + rng.uniform(-1, 1) * half_v
        if world.free(px, py, 10.0):
            add_blob(
                world,
                "parcel",
                px,
                py,
                rng.uniform(4.0, 22.0),
                rng.choice(("soil", "gravel", "dry grass", "sand")),
                "bare soil",
                soft=2.0,
            )
    if rng.random() < 0.4:
        add_crowns(
            world,
            "tree",
            box_corners(x, y, half_u, half_v, 0.0),
            label="chaparral",
            kind="shrub",
            spacing=rng.uniform(3.0, 9.0),
            radius=(0.4, 1.8),
            share=rng.uniform(0.05, 0.4),
            rough=4.0,
        )


def _villas(world: World, grid: StreetGrid, block: Block) -> None:
    """Walled lots back to back."""
    rng = world.rng
    width = rng.uniform(16.0, 30.0)
    middle = (block.s0 + block.s1) / 2
    count = max(1, int((block.t1 - block.t0) / width))
    step = (block.t1 - block.t0) / count
    ground = rng.choice(("sand", "paving", "paving", "concrete"))
    alike = world.palette.roof(rng, "arid") if rng.random() < 0.6 else None
    rows = ((block.s0, middle), (middle, block.s1))
    if block.s1 - block.s0 > 110.0:
        third = (block.s1 - block.s0) / 4
        rows = tuple((block.s0 + k * third, block.s0 + (k + 1) * third) for k in range(4))  # type: ignore[assignment]
    for k in range(count):
        for s0, s1 in rows:
            if rng.random() < 0.92:
                _villa(world, grid, (s0, s1), block.t0 + (k + 0.5) * step, step / 2, ground, alike)


def _villa(world: World, grid: StreetGrid, span: tuple[float, float], t: float, half_t: float, ground: str,
           alike: tuple[str, Material] | None) -> None:  # fmt: skip
    rng = world.rng
    s = (span[0] + span[1]) / 2
    half_s = min(22.0, (span[1] - span[0]) / 2)
    x, y = grid.place(s, t)
    if not world.free(x, y, min(half_s, half_t)):
        return
    angle = grid.heading(s, t, False)
    label = {"sand": "sand", "paving": "paved yard", "concrete": "paved yard"}[ground]
    add_polygon(world, "parcel", box_corners(x, y, half_s, half_t, angle), "concrete", "pavement")
    add_polygon(
        world, "yard", box_corners(x, y, half_s - 0.4, half_t - 0.4, angle), ground, label, variant=rng.randrange(4)
    )
    if rng.random() < 0.5:
        add_polygon(
            world,
            "yard",
            box_corners(
                *grid.place(s + rng.uniform(-0.4, 0.4) * half_s, t + 0.6 * half_t), 0.5 * half_s, 0.3 * half_t, angle
            ),
            "turf",
            "grass",
        )
    name, surface = alike or world.palette.roof(rng, "arid" if rng.random() < 0.85 else "pitched")
    shape = rng.choice(("flat", "flat", "flat", "hip"))
    parts = wings(rng, half_s * rng.uniform(0.5, 0.72), half_t * rng.uniform(0.55, 0.75))
    add_building(
        world,
        *grid.place(s + rng.uniform(-0.15, 0.15) * half_s, t + rng.uniform(-0.15, 0.15) * half_t),
        angle,
        parts,
        rng.uniform(4.0, 9.0),
        Roof(shape, name, surface, 0.4),
        equipment=0.8,
    )
    if rng.random() < 0.2:
        add_pool(world, *grid.place(s + 0.75 * half_s, t - 0.4 * half_t), 1.6, 3.4, angle)
    for _ in range(rng.choice((0, 1, 2, 5))):
        add_tree(world, *grid.place(s + rng.choice((-0.88, 0.88)) * half_s, t + rng.uniform(-0.9, 0.9) * half_t),
                 rng.uniform(1.4, 2.8), rng.choice(("palm", "palm", "leaves")))  # fmt: skip
    if rng.random() < 0.5:
        add_car(world, *grid.place(s - 0.8 * half_s, t + rng.uniform(-0.5, 0.5) * half_t), angle)


def _towers(world: World, grid: StreetGrid, block: Block, lean: tuple[float, float]) -> None:
    """Apartment blocks and towers among car parks and planting."""
    rng = world.rng
    x, y, angle, half_u, half_v = _frame(grid, block)
    if not world.free(x, y, min(half_u, half_v)):
        return
    add_polygon(world, "parcel", box_corners(x, y, half_u, half_v, angle), "paving", "paved yard")
    add_car_park(world, *grid.place(block.middle[0], block.t0 + 12.0), half_u * 0.9, 10.5, angle, rng.uniform(0.2, 0.9))
    height = rng.choice((14.0, 30.0, 70.0))
    t = block.t0 + 45.0
    while t < block.t1 - 18.0:
        for s in np.arange(block.s0 + 18.0, block.s1 - 16.0, 38.0):
            name, surface = world.palette.roof(rng, "arid")
            spot = grid.place(float(s), t)
            tall = height * rng.uniform(0.6, 1.3)
            if tall > 18.0:
                add_tower(
                    world,
                    *spot,
                    angle,
                    rng.uniform(8.0, 13.0),
                    rng.uniform(8.0, 13.0),
                    tall,
                    Roof("flat", name, surface),
                    lean,
                )
            else:
                add_building(
                    world, *spot, angle, wings(rng, 14.0, 12.0), tall, Roof("flat", name, surface), equipment=1.0
                )
        t += 40.0
    for _ in range(rng.randrange(20)):
        add_tree(
            world,
            *grid.place(rng.uniform(block.s0, block.s1), rng.uniform(block.t0 + 24.0, block.t1)),
            rng.uniform(1.5, 2.8),
            "palm",
        )


def _green(world: World, grid: StreetGrid, block: Block) -> None:
    """A watered park with palms and a pond."""
    rng = world.rng
    x, y, angle, half_u, half_v = _frame(grid, block)
    add_polygon(world, "parcel", box_corners(x, y, half_u, half_v, angle), "turf", "grass", rough=1.0)
    if rng.random() < 0.5 and world.free(x, y, 20.0):
        add_pond(
            world, x, y, 0.35 * min(half_u, half_v), name="lagoon", label="lagoon", bank=rng.choice(("quay", "rocks"))
        )
    for _ in range(int(half_u * half_v * rng.uniform(0.002, 0.03))):
        add_tree(
            world,
            *grid.place(rng.uniform(block.s0, block.s1), rng.uniform(block.t0, block.t1)),
            rng.uniform(1.5, 4.5),
            rng.choice(("palm", "leaves")),
        )


def _site(world: World, grid: StreetGrid, block: Block) -> None:
    """A building site or a depot: bare soil, sheds, half-built slabs, vehicles."""
    rng = world.rng
    x, y, angle, half_u, half_v = _frame(grid, block)
    if not world.free(x, y, min(half_u, half_v)):
        return
    add_polygon(
        world,
        "parcel",
        box_corners(x, y, half_u, half_v, angle),
        rng.choice(("soil", "gravel", "sand")),
        "bare soil",
        rough=1.5,
    )
    for _ in range(rng.randint(2, 10)):
        name, surface = world.palette.roof(rng, rng.choice(("shed", "arid")))
        add_building(
            world,
            *grid.place(
                block.middle[0] + rng.uniform(-0.8, 0.8) * half_u, block.middle[1] + rng.uniform(-0.8, 0.8) * half_v
            ),
            angle,
            ((0.0, 0.0, rng.uniform(3.0, 16.0), rng.uniform(3.0, 9.0)),),
            rng.uniform(2.5, 7.0),
            Roof(rng.choice(("flat", "gable")), name, surface, 0.15),
            equipment=0.3,
        )
    for _ in range(rng.randrange(12)):
        add_car(
            world, x + rng.uniform(-0.8, 0.8) * half_u, y + rng.uniform(-0.8, 0.8) * half_v, rng.uniform(0.0, math.tau)
        )


def _avenue_palms(world: World, grid: StreetGrid, offset: float) -> None:
    """Rows of palms on watered strips beside some of the streets."""
    rng = world.rng
    for s in grid.lines_s:
        if rng.random() > 0.3:
            continue
        step = rng.uniform(7.0, 12.0)
        for side in (-1.0, 1.0):
            if rng.random() < 0.5:
                strip = Road(rng.uniform(2.0, 5.0), 0.0, (), "turf", "grass", 1)
                line = grid.line(s + side * offset, -world.half - 20.0, world.half + 20.0, True)
                add_way(world, line, strip, layer="parcel")
            t = -world.half
            while t < world.half:
                t += step * rng.uniform(0.9, 1.1)
                x, y = grid.place(s + side * offset, t)
                if min(abs(t - line) for line in grid.lines_t) > 10.0 and world.free(x, y):
                    add_tree(world, x, y, rng.uniform(1.5, 2.6), "palm")
