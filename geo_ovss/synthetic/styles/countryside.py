"""Farmland: parcels of every kind, hedges, tracks, a road, a farm, a stream, orchards and vineyards."""

from __future__ import annotations

import math

import numpy as np

from ..amenities import FIELDS as FARM_WORKS
from ..amenities import add_amenity
from ..buildings import Roof, add_building, wings
from ..canvas import Points
from ..ground import FIELDS, add_blob, add_field, add_ground
from ..junctions import add_way
from ..planting import add_bank_trees
from ..roads import dirt_track, street
from ..trees import add_crowns, add_tree
from ..vehicles import add_car, add_traffic
from ..vines import add_vines
from ..water import Course, add_pond, add_river
from ..world import World


def plan(world: World) -> None:
    """Fields to the horizon, with what lies between them."""
    rng = world.rng
    add_ground(world, "grass", "grass")
    half = world.half + 20.0
    parcels = cut_parcels(world, rng.choice((60.0, 110.0, 200.0, 320.0)))
    if rng.random() < 0.4:
        course, width = (
            Course.pick(rng, rng.uniform(-0.5, 0.5) * half, rng.uniform(200.0, 500.0), 0.12),
            rng.choice((3.0, 8.0, 25.0, 50.0)),
        )
        add_river(world, course, width, rng.choice(("mud", "reeds", "mud")))
        add_bank_trees(world, course, width)
    gap = rng.choice((0.3, 1.0, 2.5))
    for parcel in parcels:
        _use(world, parcel, gap)
    road = street(rng, kerb=False)
    for _ in range(rng.choice((0, 1, 1, 2))):
        course = Course.pick(rng, rng.uniform(-0.6, 0.6) * half, rng.uniform(400.0, 900.0), 0.05)
        points = np.array([course.point(u) for u in np.arange(-1.5 * half, 1.5 * half, 15.0)])
        add_way(world, points, road)
        add_traffic(world, points, (1.7, -1.7), 250.0)
    for _ in range(max(1, int((world.side / 250.0) ** 2 * rng.uniform(0.0, 1.5)))):
        add_farm(world, rng.uniform(-0.9, 0.9) * half, rng.uniform(-0.9, 0.9) * half)


def cut_parcels(world: World, size: float) -> list[Points]:
    """The whole world cut into quadrilaterals (4, 2) of about `size` metres."""
    half = world.half + 20.0
    parcels: list[Points] = []
    _cut(world, np.array([(-half, -half), (half, -half), (half, half), (-half, half)]), size, parcels)
    return parcels


def _cut(world: World, shape: Points, size: float, out: list[Points]) -> None:
    """Cut a quadrilateral (4, 2) by slanting lines until its parts are about `size` metres."""
    rng = world.rng
    sides = np.hypot(*(np.roll(shape, -1, axis=0) - shape).T)
    first = 0 if sides[0::2].sum() >= sides[1::2].sum() else 1
    if sides.max() < size * rng.uniform(0.9, 1.9):
        out.append(shape)
        return
    a, b, c, d = np.roll(shape, -first, axis=0)
    p, q = rng.uniform(0.35, 0.65), rng.uniform(-0.08, 0.08)
    low, high = a + (b - a) * (p + q), d + (c - d) * (p - q)
    _cut(world, np.array([a, low, high, d]), size, out)
    _cut(world, np.array([low, b, c, high]), size, out)


def _shrunk(shape: Points, gap: float) -> Points:
    middle = shape.mean(axis=0)
    away = shape - middle
    lengths = np.hypot(*away.T)[:, None]
    return middle + away * np.maximum(lengths - 1.5 * gap, 0.5 * lengths) / lengths


def _use(world: World, parcel: Points, gap: float) -> None:
    """Decide what a parcel is."""
    rng = world.rng
    inner = _shrunk(parcel, gap * rng.uniform(0.5, 2.0))
    side = parcel[1] - parcel[0] if rng.random() < 0.6 else parcel[2] - parcel[1]
    angle = math.atan2(side[1], side[0])
    x, y = (float(k) for k in parcel.mean(axis=0))
    kind = rng.random()
    room = 0.3 * float(np.hypot(*(parcel[2] - parcel[0])))
    if kind < 0.05 and add_amenity(world, x, y, angle, room, FARM_WORKS):
        return
    if kind < 0.72:
        add_field(world, inner, rng.choice(FIELDS), angle)
        if rng.random() < 0.15:
            add_tree(world, x + rng.gauss(0.0, 20.0), y + rng.gauss(0.0, 20.0), rng.uniform(2.5, 6.0))
        if rng.random() < 0.1:
            add_pond(world, x, y, rng.uniform(4.0, 18.0), bank=rng.choice(("mud", "reeds")))
    elif kind < 0.8:
        add_crowns(world, "tree", inner, label="forest", spacing=rng.uniform(4.5, 7.5), radius=(2.5, 5.5), rough=1.5,
                   label_all=True, mixed=rng.choice((None, "needles")))  # fmt: skip
    elif kind < 0.9:
        spacing = rng.uniform(4.0, 8.0)
        ground = rng.choice(("meadow", "plough"))
        add_field(world, inner, ground, angle)
        add_crowns(world, "tree", inner, label="orchard", spacing=spacing, radius=(0.25 * spacing, 0.46 * spacing),
                   order=0.92, angle=angle, share=0.97)  # fmt: skip
    else:
        add_field(world, inner, rng.choice(("meadow", "plough")), angle)
        add_vines(world, inner, angle)
    if rng.random() < 0.3:
        _hedge(world, parcel[0], parcel[1])
    if rng.random() < 0.2:
        add_way(world, parcel[[0, 3]].astype(float), dirt_track(rng))


def _hedge(world: World, start: Points, end: Points) -> None:
    """A line of bushes and trees."""
    rng = world.rng
    length = float(np.hypot(*(end - start)))
    along = 0.0
    while along < length:
        radius = rng.uniform(0.8, 3.5)
        x, y = start + (end - start) * (along / length)
        if world.free(float(x), float(y), radius):
            add_tree(
                world,
                float(x) + rng.gauss(0, 0.6),
                float(y) + rng.gauss(0, 0.6),
                radius,
                rng.choice(("leaves", "hedge")),
            )
        along += radius * rng.uniform(1.0, 2.4) + (rng.uniform(5.0, 40.0) if rng.random() < 0.1 else 0.0)


def add_farm(world: World, x: float, y: float) -> None:
    """A yard with a house, barns and silos' worth of roofs."""
    rng = world.rng
    if not world.free(x, y, 35.0):
        return
    angle = rng.uniform(0.0, math.pi)
    add_blob(world, "yard", x, y, rng.uniform(16.0, 30.0), rng.choice(("gravel", "soil")), "bare soil")
    c, s = math.cos(angle), math.sin(angle)
    for u, v in ((-14.0, -12.0), (14.0, -10.0), (-10.0, 14.0), (16.0, 14.0))[: rng.randint(1, 4)]:
        half_u, half_v = rng.uniform(5.0, 14.0), rng.uniform(4.0, 8.0)
        name, surface = world.palette.roof(rng, rng.choice(("shed", "shed", "pitched")))
        add_building(world, x + u * c - v * s, y + u * s + v * c, angle + rng.choice((0.0, math.pi / 2)),
                     wings(rng, half_u, half_v, rng.choice(("box", "box", "L"))), rng.uniform(3.0, 7.0),
                     Roof(rng.choice(("gable", "gable", "hip", "barrel")), name, surface, rng.uniform(0.2, 0.5)),
                     equipment=0.2)  # fmt: skip
    for _ in range(rng.randint(2, 9)):
        turn, reach = rng.uniform(0.0, math.tau), rng.uniform(20.0, 38.0)
        add_tree(world, x + reach * math.cos(turn), y + reach * math.sin(turn), rng.uniform(2.0, 5.5))
    add_car(world, x + rng.gauss(0, 4), y + rng.gauss(0, 4), rng.uniform(0.0, math.tau))
