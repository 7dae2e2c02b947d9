"""A planned world: what is to be painted, in metres and layers, before any pixel exists."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from .canvas import Canvas, Sun
from .palette import Palette

#: Bottom to top. Everything of one layer is painted before the next.
LAYERS = ("ground", "parcel", "water", "yard", "kerb", "road", "marking", "court", "low", "vehicle", "building",
          "roof item", "tree", "over", "over item")  # fmt: skip

Paint = Callable[[Canvas], None]
Keepout = Callable[[float, float, float], bool]


@dataclass
class World:
    """What a style plans. Geometry depends on the seed and the extent in metres alone, never on the pixel size.

    Parameters
    ----------
    rng : random.Random
        All planning draws from it; a painter draws from a seed of its own (:meth:`seed`).
    side : float
        The planned square reaches from -side/2 to side/2 in x and y (m); the picture lies within.
    palette, sun
        Materials and light.
    commands, features
        What is planned, and places worth looking at by kind.
    keepouts, waters, islands
        What is taken, what is water, discs without traffic.
    built : callable, optional
        Where streets may run; everywhere by default.
    """

    rng: Random
    side: float
    palette: Palette
    sun: Sun
    commands: list[tuple[int, int, float, float, float, Paint]] = field(default_factory=list)
    keepouts: list[Keepout] = field(default_factory=list)
    waters: list[Callable[[float, float], bool]] = field(default_factory=list)
    islands: list[tuple[float, float, float]] = field(default_factory=list)
    built: Callable[[float, float], bool] | None = None
    features: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    @property
    def half(self) -> float:
        """Half the side (m)."""
        return self.side / 2

    def seed(self) -> int:
        """A seed for one painted thing, so that skipped details do not shift what comes after."""
        return self.rng.getrandbits(31)

    def add(self, layer: str, x: float, y: float, radius: float, paint: Paint, feature: str | None = None) -> None:
        """Plan a thing within `radius` of (x, y); a `feature` name makes it a place worth looking at."""
        self.commands.append((LAYERS.index(layer), len(self.commands), x, y, radius, paint))
        if feature is not None:
            self.features.setdefault(feature, []).append((x, y))

    def everywhere(self, layer: str, paint: Paint) -> None:
        """Plan something without bounds."""
        self.add(layer, 0.0, 0.0, math.inf, paint)

    def free(self, x: float, y: float, radius: float = 0.0) -> bool:
        """Whether no keep-out (water, road, runway ...) reaches into the disc."""
        return not any(taken(x, y, radius) for taken in self.keepouts)

    def wet(self, x: float, y: float) -> bool:
        """Whether a point lies in water."""
        return any(water(x, y) for water in self.waters)

    def keep_out_disc(self, x: float, y: float, radius: float) -> None:
        """Reserve a disc."""
        self.keepouts.append(lambda px, py, r: math.hypot(px - x, py - y) < radius + r)

    def keep_out_box(self, x: float, y: float, half_u: float, half_v: float, angle: float = 0.0) -> None:
        """Reserve a rotated rectangle."""
        c, s = math.cos(angle), math.sin(angle)

        def taken(px: float, py: float, r: float) -> bool:
            dx, dy = px - x, py - y
            return abs(dx * c + dy * s) < half_u + r and abs(dy * c - dx * s) < half_v + r

        self.keepouts.append(taken)

    def paint_on(self, canvas: Canvas) -> None:
        """Paint what can be seen, bottom to top."""
        reach = 0.5 * math.hypot(*canvas.shape) * canvas.gsd
        for _, _, x, y, radius, paint in sorted(self.commands, key=lambda command: command[:2]):
            if math.isinf(radius) or math.hypot(x - canvas.centre[0], y - canvas.centre[1]) <= reach + radius:
                paint(canvas)
