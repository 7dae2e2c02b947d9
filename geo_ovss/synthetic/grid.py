"""A street grid bent by smooth waves: plan in straight (s, t), build in curved (x, y)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np

from .canvas import Points
from .junctions import add_crossing, add_way, resampled
from .roads import Road
from .vehicles import add_parked, add_traffic
from .world import World


@dataclass(frozen=True)
class Block:
    """The inside of a block between street edges: from (s0, t0) to (s1, t1) in the straight plan (m)."""

    s0: float
    t0: float
    s1: float
    t1: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return (self.s0 + self.s1) / 2, (self.t0 + self.t1) / 2


class StreetGrid:
    """Streets along s and along t over the whole world.

    Parameters
    ----------
    world : World
        Where; where it is not to be built (:attr:`World.built`) there are neither streets nor blocks.
    pitch_s, pitch_t : (float, float)
        Smallest and largest spacing of the streets that run along t and along s.
    bend : float
        Amplitude of the bending waves (m); 0 keeps the plan straight.
    """

    def __init__(
        self, world: World, pitch_s: tuple[float, float], pitch_t: tuple[float, float], bend: float = 0.0
    ) -> None:
        rng, half = world.rng, world.half
        self.half, self.bend, self.built = half, bend, world.built
        self._wave = (math.tau / rng.uniform(260.0, 600.0), rng.uniform(0.0, math.tau),
                      math.tau / rng.uniform(260.0, 600.0), rng.uniform(0.0, math.tau))  # fmt: skip
        self.lines_s = self._spread(rng, half, *pitch_s)
        self.lines_t = self._spread(rng, half, *pitch_t)

    @staticmethod
    def _spread(rng: Random, half: float, low: float, high: float) -> list[float]:
        lines = [-half - rng.uniform(0.0, high)]
        while lines[-1] < half + high:
            lines.append(lines[-1] + rng.uniform(low, high))
        return lines

    def place(self, s: float, t: float) -> tuple[float, float]:
        """World point of a plan point."""
        ks, ps, kt, pt = self._wave
        return s + self.bend * math.sin(kt * t + pt), t + self.bend * math.sin(ks * s + ps)

    def heading(self, s: float, t: float, along_t: bool) -> float:
        """World direction of the plan's s (or t) axis at a point."""
        ks, ps, kt, pt = self._wave
        if along_t:
            return math.atan2(1.0, self.bend * kt * math.cos(kt * t + pt))
        return math.atan2(self.bend * ks * math.cos(ks * s + ps), 1.0)

    def line(self, fixed: float, start: float, end: float, along_t: bool) -> Points:
        """A plan line as a world polyline (N, 2)."""
        count = 2 if self.bend == 0.0 else max(2, math.ceil(abs(end - start) / 14.0))
        steps = np.linspace(start, end, count)
        return np.array([self.place(fixed, float(k)) if along_t else self.place(float(k), fixed) for k in steps])

    def blocks(self, margin_s: float, margin_t: float) -> Iterator[Block]:
        """The blocks, less a margin to the street axes (m)."""
        for s0, s1 in zip(self.lines_s[:-1], self.lines_s[1:], strict=True):
            for t0, t1 in zip(self.lines_t[:-1], self.lines_t[1:], strict=True):
                if s1 - s0 > 2.0 * margin_s + 6.0 and t1 - t0 > 2.0 * margin_t + 6.0:
                    block = Block(s0 + margin_s, t0 + margin_t, s1 - margin_s, t1 - margin_t)
                    if self._inside(*self.place(*block.middle)):
                        yield block

    def pave(
        self, world: World, along_t: Road, along_s: Road, traffic: float, zebra: float = 0.3, parked: float = 0.0
    ) -> None:
        """Build all streets with their junctions.

        `traffic` is metres between cars (0 for none), `parked` the share of the kerb that is taken.
        """
        reach = self.half + 40.0
        for s in self.lines_s:
            self._streets(world, self.line(s, -reach, reach, True), along_t, traffic, parked)
        for t in self.lines_t:
            self._streets(world, self.line(t, -reach, reach, False), along_s, traffic, parked)
        crossed = world.rng.random() < zebra
        for s in self.lines_s:
            for t in self.lines_t:
                x, y = self.place(s, t)
                if self._inside(x, y) and not world.wet(x, y):
                    add_crossing(world, x, y, self.heading(s, t, False), along_t.width / 2, along_s.width / 2, crossed)

    def _inside(self, x: float, y: float) -> bool:
        return self.built is None or self.built(x, y)

    def _streets(self, world: World, points: Points, road: Road, traffic: float, parked: float) -> None:
        """The parts of a line that lie where it may be built."""
        if self.built is None:
            self._street(world, points, road, traffic, parked)
            return
        fine = resampled(points, 8.0)
        inside = np.array([self.built(float(x), float(y)) for x, y in fine])
        for run in np.split(np.arange(len(fine)), np.flatnonzero(np.diff(inside)) + 1):
            if inside[run[0]] and len(run) > 2:
                self._street(world, fine[run], road, traffic, parked)

    @staticmethod
    def _street(world: World, points: Points, road: Road, traffic: float, parked: float) -> None:
        add_way(world, points, road)
        if traffic > 0.0:
            lane = road.width / max(2, road.lanes)
            offsets = [lane * (k + 0.5) for k in range(max(1, road.lanes // 2))]
            add_traffic(world, points, tuple(offsets + [-o for o in offsets]), traffic)
        if parked > 0.0 and road.lanes == 2:
            for side in (-1.0, 1.0):
                add_parked(world, points, side * (road.width / 2 - 1.0), parked)
