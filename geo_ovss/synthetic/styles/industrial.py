"""Industry: sheds and yards, tanks, containers, sidings, solar fields, greenhouses."""

from __future__ import annotations

import math

import numpy as np

from ..buildings import Roof, add_building, wings
from ..grid import Block, StreetGrid
from ..ground import add_ground, add_polygon, box_corners
from ..planting import add_scattered
from ..roads import add_railway, street
from ..vehicles import add_car, add_car_park, add_truck
from ..works import add_containers, add_greenhouses, add_panels, add_tank, add_tank_farm
from ..world import World

_USES = (
    "shed",
    "shed",
    "shed",
    "sheds",
    "sheds",
    "tanks",
    "tanks",
    "containers",
    "car park",
    "solar",
    "greenhouse",
    "empty",
)


def plan(world: World) -> None:
    """An industrial estate."""
    rng = world.rng
    ground, label = rng.choice(
        (("grass", "grass"), ("dry grass", "dry grass"), ("gravel", "bare soil"), ("concrete", "pavement"))
    )
    add_ground(world, ground, label)
    grid = StreetGrid(world, (80.0, 170.0), (90.0, 200.0), 0.0)
    if rng.random() < 0.4:
        _sidings(world, rng.uniform(-0.6, 0.6) * world.half, rng.choice((1, 2, 4, 7)))
    road = street(rng)
    for block in grid.blocks(road.width / 2 + road.kerb + 2.0, road.width / 2 + road.kerb + 2.0):
        _use(world, grid, block, rng.choice(_USES))
    grid.pave(world, road, road, traffic=rng.choice((60.0, 150.0)), zebra=0.2)


def _sidings(world: World, s: float, tracks: int) -> None:
    reach = world.half + 30.0
    add_railway(world, np.array([(s, -reach), (s, reach)]), tracks)
    world.keep_out_box(s, 0.0, tracks * 2.3 + 2.0, reach)


def _use(world: World, grid: StreetGrid, block: Block, use: str) -> None:
    rng = world.rng
    s, t = block.middle
    x, y = grid.place(s, t)
    half_u, half_v = (block.s1 - block.s0) / 2, (block.t1 - block.t0) / 2
    if not world.free(x, y, 0.55 * min(half_u, half_v)):
        return
    if use == "tanks":
        radius = rng.choice((4.0, 8.0, 14.0, 22.0))
        pitch = 3.2 * radius
        add_tank_farm(world, x, y, 0.0, max(1, int(1.8 * half_v / pitch)), max(1, int(1.8 * half_u / pitch)), radius)
    elif use == "containers":
        add_polygon(world, "yard", box_corners(x, y, half_u, half_v, 0.0), "lot", "pavement")
        add_containers(world, x, y, 0.0, max(1, int(1.6 * half_v / 3.4)), max(1, int(1.7 * half_u / 12.6)))
    elif use == "car park":
        add_car_park(world, x, y, half_u - 1.0, half_v - 1.0, 0.0, rng.uniform(0.2, 0.95))
    elif use == "solar":
        add_panels(world, x, y, rng.choice((0.0, math.pi / 2)), min(half_u, half_v) * 0.95, min(half_u, half_v) * 0.95)
    elif use == "greenhouse":
        add_greenhouses(world, x, y, 0.0, half_u * 0.92, half_v * 0.92)
    elif use == "empty":
        add_scattered(world, rng.choice((0.001, 0.006)), area=(x, y, half_u, half_v))
    else:
        _sheds(world, (x, y), (half_u, half_v), use == "sheds")


def _sheds(world: World, place: tuple[float, float], half: tuple[float, float], several: bool) -> None:
    """One large shed or a row of them, on a yard with trucks and cars."""
    rng = world.rng
    x, y = place
    half_u, half_v = half
    yard = rng.choice(("lot", "concrete", "gravel"))
    label = "bare soil" if yard == "gravel" else rng.choice(("pavement", "car park"))
    add_polygon(world, "parcel", box_corners(x, y, half_u, half_v, 0.0), yard, label)
    count = rng.randint(2, 4) if several else 1
    step = 2.0 * half_v / count
    for k in range(count):
        cy = y - half_v + (k + 0.5) * step
        hu, hv = half_u * rng.uniform(0.55, 0.8), step / 2 * rng.uniform(0.55, 0.85)
        name, surface = world.palette.roof(rng, rng.choice(("shed", "shed", "flat")))
        tall = rng.uniform(6.0, 13.0)
        shape = rng.choice(("flat", "flat", "gable", "barrel", "shed"))
        cx = x + rng.uniform(-0.15, 0.15) * half_u
        add_building(world, cx, cy, 0.0, wings(rng, hu, hv) if rng.random() < 0.4 else ((0.0, 0.0, hu, hv),), tall,
                     Roof(shape, name, surface, rng.uniform(0.06, 0.15)), equipment=rng.uniform(0.1, 0.7))  # fmt: skip
        if rng.random() < 0.2:
            add_panels(world, cx, cy, 0.0, hu * 0.8, hv * 0.8, roof=tall)
    for _ in range(rng.randrange(9)):
        add_truck(
            world,
            x + rng.choice((-0.9, 0.9)) * half_u,
            y + rng.uniform(-0.9, 0.9) * half_v,
            0.0 if rng.random() < 0.8 else 1.57,
        )
    for _ in range(rng.randrange(20)):
        add_car(world, x + rng.uniform(-0.95, 0.95) * half_u, y + rng.choice((-0.95, 0.95)) * half_v, 1.57)
    for _ in range(rng.randrange(4)):
        add_tank(
            world, x + rng.choice((-0.88, 0.88)) * half_u, y + rng.uniform(-0.8, 0.8) * half_v, rng.uniform(1.5, 3.5)
        )
