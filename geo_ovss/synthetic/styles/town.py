"""The edge of a town: built up on one side of a bent line, open country on the other."""

from __future__ import annotations

import numpy as np

from ..canvas import Canvas
from ..classes import ID
from ..ground import FIELDS, add_field
from ..junctions import add_way
from ..planting import add_bank_trees, add_scattered
from ..roads import street
from ..trees import add_crowns
from ..vehicles import add_traffic
from ..water import Course, add_pond, add_river
from ..world import World
from . import city, desert, homes, industrial, suburb
from .countryside import cut_parcels

_OPEN = (("grass", "grass"), ("dry grass", "dry grass"), ("soil", "bare soil"), ("sand", "sand"))


def plan(world: World) -> None:
    """Town and country, perhaps with a river, a lake, woods and a road along the border."""
    rng = world.rng
    border = Course.pick(rng, rng.uniform(-0.25, 0.35) * world.half, rng.uniform(400.0, 900.0), 0.05)
    if rng.random() < 0.45:
        course = Course.pick(rng, rng.uniform(-0.5, 0.5) * world.half, rng.uniform(250.0, 600.0), 0.1)
        width = rng.choice((5.0, 12.0, 30.0, 60.0))
        add_river(world, course, width, rng.choice(("mud", "reeds", "quay")))
        add_bank_trees(world, course, width)
    if rng.random() < 0.4:
        x, y = border.point(rng.uniform(-0.6, 0.6) * world.half, rng.uniform(60.0, 120.0))
        add_pond(world, x, y, rng.uniform(15.0, 50.0), bank=rng.choice(("mud", "reeds", "rocks")))
    world.built = lambda x, y: border.past(x, y) < -6.0
    taken = len(world.keepouts)
    world.keepouts.append(lambda x, y, r: border.past(x, y) > -r)
    arid = world.palette.climate == "arid"
    plans = [suburb.plan, suburb.plan, city.plan, industrial.plan, homes.plan]
    if arid:
        plans = [desert.plan, industrial.plan]
    rng.choice(plans)(world)
    world.built = None
    del world.keepouts[taken]
    world.keepouts.append(lambda x, y, r: border.past(x, y) < 10.0 + r)
    _open_land(world, border, *rng.choice(_OPEN[2:] if arid else _OPEN[:3]))
    if rng.random() < 0.7:
        road = street(rng, kerb=False)
        points = np.array([border.point(float(u)) for u in np.arange(-1.45 * world.half, 1.45 * world.half, 14.0)])
        add_way(world, points, road)
        add_traffic(world, points, (1.7, -1.7), 60.0)


def _open_land(world: World, border: Course, material: str, label: str) -> None:
    """What lies beyond the border: bare ground, fields or a wood."""
    rng = world.rng

    def ground(canvas: Canvas) -> None:
        window = canvas.whole()
        alpha = canvas.cover(-border.beyond(window.x, window.y))
        canvas.paint(window, alpha, world.palette[material].texture(canvas, window), ID[label])

    world.everywhere("ground", ground)
    use = rng.random()
    if use < 0.6 and world.palette.climate != "arid":
        for parcel in cut_parcels(world, rng.choice((60.0, 110.0, 180.0))):
            if all(border.past(float(x), float(y)) > 4.0 for x, y in parcel):
                side = parcel[1] - parcel[0]
                add_field(world, parcel, rng.choice(FIELDS), float(np.arctan2(side[1], side[0])))
    elif use < 0.8:
        reach = np.arange(-1.45 * world.half, 1.46 * world.half, 25.0)
        front = [border.point(float(u), 12.0) for u in reach]
        back = [border.point(float(u), 2.0 * world.side) for u in reach[::-1]]
        spacing = rng.uniform(4.0, 7.0)
        add_crowns(
            world,
            "low",
            np.array(front + back),
            label="forest",
            spacing=spacing,
            radius=(0.5 * spacing, spacing),
            share=rng.choice((0.6, 1.0)),
            rough=5.0,
            label_all=True,
        )
    add_scattered(world, rng.choice((0.0002, 0.001, 0.004)))
