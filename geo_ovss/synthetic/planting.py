"""Trees and bushes as they stand in open land: in groups, along lines, singly."""

from __future__ import annotations

import math

from .trees import add_tree
from .water import Course
from .world import World


def tree_kind(world: World) -> str:
    """A kind of tree that grows in the world's climate."""
    kinds = {"temperate": ("leaves", "leaves", "leaves", "needles"), "tropical": ("leaves", "leaves", "palm"),
             "arid": ("leaves", "palm", "needles")}  # fmt: skip
    return world.rng.choice(kinds[world.palette.climate])


def add_scattered(
    world: World, density: float, *, radius: tuple[float, float] = (1.2, 5.5), bushes: float = 0.5,
    area: tuple[float, float, float, float] | None = None,
) -> None:  # fmt: skip
    """Groups of trees with bushes about them wherever the land is free.

    Parameters
    ----------
    world : World
        Where; what is reserved stays free.
    density : float
        Trees a square metre.
    radius : (float, float)
        Smallest and largest crown (m).
    bushes : float
        Bushes for each tree.
    area : (float, float, float, float), optional
        Middle x, y and half sizes; by default the whole world.
    """
    rng = world.rng
    x0, y0, half_u, half_v = area or (0.0, 0.0, world.half, world.half)
    left = int(4.0 * half_u * half_v * density * rng.uniform(0.6, 1.4))
    while left > 0:
        cx, cy = x0 + rng.uniform(-half_u, half_u), y0 + rng.uniform(-half_v, half_v)
        count, kind, spread = min(left, 1 + int(rng.expovariate(0.25))), tree_kind(world), rng.uniform(4.0, 22.0)
        left -= count
        for _ in range(count):
            x, y = cx + rng.gauss(0.0, spread), cy + rng.gauss(0.0, spread)
            size = radius[0] + (radius[1] - radius[0]) * rng.random() ** 1.4
            if world.free(x, y, 0.7 * size):
                add_tree(world, x, y, size, kind if rng.random() < 0.8 else tree_kind(world))
            if rng.random() < bushes:
                x, y = x + rng.gauss(0.0, 3.0), y + rng.gauss(0.0, 3.0)
                if world.free(x, y, 0.5):
                    add_tree(world, x, y, rng.uniform(0.4, 1.3), "hedge")


def add_bank_trees(world: World, course: Course, width: float) -> None:
    """Trees along both banks of a river `width` metres wide, dense in places."""
    rng = world.rng
    u, dense = -1.4 * world.half, rng.uniform(3.0, 14.0)
    while u < 1.4 * world.half:
        u += dense * rng.expovariate(1.0) * (1.0 + 0.8 * math.sin(u / 47.0))
        x, y = course.point(u, rng.choice((-1.0, 1.0)) * (width / 2 + 1.0 + rng.expovariate(0.2)))
        if -world.half < x < world.half and -world.half < y < world.half:
            add_tree(world, x, y, rng.uniform(1.5, 5.5), tree_kind(world))
