"""What stands in the gaps of towns and fields: courts, pitches, schools, car parks, panels, tanks, greenhouses."""

from __future__ import annotations

import math

from .buildings import Roof, add_building, wings
from .ground import add_polygon, box_corners
from .planting import add_scattered
from .sports import add_courts, add_diamond, add_pitch
from .vehicles import add_car_park
from .works import add_greenhouses, add_panels, add_tank
from .world import World

#: Kind -> half of the room (m) that it needs in each direction.
ROOM: dict[str, float] = {"courts": 19.0, "basketball": 18.0, "pitch": 52.0, "diamond": 48.0, "car park": 22.0,
                          "school": 42.0, "panels": 20.0, "greenhouses": 20.0, "tanks": 14.0}  # fmt: skip

TOWN = ("courts", "courts", "basketball", "pitch", "diamond", "diamond", "car park", "school", "tanks")
FIELDS = ("panels", "panels", "greenhouses", "greenhouses", "tanks")


def add_amenity(world: World, x: float, y: float, angle: float, half: float, kinds: tuple[str, ...]) -> bool:
    """Put one of `kinds` at (x, y) into a free square of `half` metres to each side; gives whether there was room."""
    rng = world.rng
    fitting = [kind for kind in kinds if ROOM[kind] <= half]
    if not fitting or not world.free(x, y, 0.7 * half):
        return False
    kind = rng.choice(fitting)
    if kind in ("courts", "basketball"):
        _lawn(world, x, y, angle, half)
        most = max(1, int(2.0 * half / 17.0))
        add_courts(world, x, y, angle, rng.randint(1, most), "tennis" if kind == "courts" else "basketball")
    elif kind == "pitch":
        _lawn(world, x, y, angle, half)
        add_pitch(world, x, y, angle, track=half > 85.0 and rng.random() < 0.7)
    elif kind == "diamond":
        _lawn(world, x, y, angle, half)
        turn = angle + rng.choice((-0.8, 0.8, 2.35, -2.35))
        add_diamond(world, x - 0.6 * half * math.cos(turn), y - 0.6 * half * math.sin(turn), turn)
    elif kind == "car park":
        add_car_park(world, x, y, half - 1.0, half - 1.0, angle, rng.uniform(0.1, 0.95))
    elif kind == "school":
        _school(world, x, y, angle, half)
    elif kind == "panels":
        add_panels(world, x, y, angle + rng.choice((0.0, math.pi / 2)), 0.9 * half, 0.9 * half)
    elif kind == "greenhouses":
        add_greenhouses(world, x, y, angle, 0.9 * half, 0.7 * half)
    else:
        _tanks(world, x, y, angle, half)
    return True


def _lawn(world: World, x: float, y: float, angle: float, half: float) -> None:
    """Grass with some trees, beneath whatever comes."""
    add_polygon(
        world, "parcel", box_corners(x, y, half, half, angle), world.rng.choice(("lawn", "turf", "grass")), "grass"
    )
    add_scattered(world, world.rng.choice((0.0, 0.002, 0.006)), area=(x, y, 0.9 * half, 0.9 * half))


def _school(world: World, x: float, y: float, angle: float, half: float) -> None:
    """Long flat wings, a car park and a court on a lawn."""
    rng = world.rng
    _lawn(world, x, y, angle, half)
    c, s = math.cos(angle), math.sin(angle)
    name, surface = world.palette.roof(rng, rng.choice(("flat", "flat", "pitched")))
    roof = Roof("flat" if rng.random() < 0.7 else "hip", name, surface, 0.3)
    parts = wings(rng, 0.55 * half, 0.4 * half, rng.choice(("L", "U", "T")))
    add_building(world, x - 0.4 * half * c, y - 0.4 * half * s, angle, parts, rng.uniform(4.0, 12.0), roof)
    spot = (x + 0.6 * half * c - 0.5 * half * s, y + 0.6 * half * s + 0.5 * half * c)
    if rng.random() < 0.5:
        add_courts(world, *spot, angle, 1, rng.choice(("tennis", "basketball")))
    else:
        add_car_park(world, *spot, 0.35 * half, 0.4 * half, angle, rng.uniform(0.3, 0.9))


def _tanks(world: World, x: float, y: float, angle: float, half: float) -> None:
    """Two to four tanks, as of a water works."""
    rng = world.rng
    add_polygon(
        world,
        "parcel",
        box_corners(x, y, half, half, angle),
        *rng.choice((("gravel", "bare soil"), ("grass", "grass"), ("concrete", "pavement"))),
    )
    radius = 0.4 * half * rng.uniform(0.6, 0.95)
    c, s = math.cos(angle), math.sin(angle)
    for u, v in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5))[: rng.randint(1, 4)]:
        add_tank(world, x + (u * c - v * s) * half, y + (u * s + v * c) * half, radius)
