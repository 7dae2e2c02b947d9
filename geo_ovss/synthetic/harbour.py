"""Piers and boats."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from .canvas import Canvas, Colour, Window
from .classes import ID
from .materials import jitter, lively
from .noise import Floats
from .world import World


def add_boat(world: World, x: float, y: float, angle: float, length: float, *, wake: bool = False) -> None:
    """A boat with its bow along `angle`: open, with a cabin, or a sailing yacht."""
    own = Random(world.seed())
    kind = own.choice(("open", "cabin", "cabin", "yacht")) if length < 16.0 else "ship"
    half, beam = length / 2, length * own.uniform(0.26, 0.36) / 2 if length < 16.0 else length * 0.085
    hull: Colour = jitter(
        own,
        own.choice(
            (
                (236, 236, 236),
                (232, 230, 226),
                (228, 230, 234),
                (222, 222, 218),
                (226, 226, 226),
                (60, 78, 120),
                (130, 60, 52),
            )
        ),
        0.05,
    )
    deck: Colour = jitter(
        own, own.choice(((214, 202, 180), (226, 224, 218), (206, 206, 204), (178, 156, 128), (150, 156, 164))), 0.08
    )
    cover: Colour = jitter(own, (52, 76, 128), 0.2) if own.random() < 0.8 else lively(own)

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, half * (4.0 if wake else 1.2))
        if window is None:
            return
        u, v = window.local(x, y, angle)
        if wake:
            aft = np.clip(-u - np.float32(0.8 * half), 0.0, None)
            spread = np.float32(beam) + 0.16 * aft
            foam = np.exp(-aft / np.float32(2.2 * half)) * (canvas.band(v, spread * 0.5) * 0.5
                   + canvas.band(np.abs(v) - spread, 0.3) * 0.8) * (aft > 0.0)  # fmt: skip
            canvas.paint(
                window,
                np.clip(foam * (0.8 + 0.4 * canvas.noise(window, 0.4, 3.2)), 0.0, 1.0).astype(np.float32),
                (226.0, 232.0, 234.0),
            )
        taper = np.where(u > 0.0, 1.0 - np.square(np.maximum(u, 0.0) / np.float32(half)) * 0.95, 1.0).astype(np.float32)
        width = np.float32(beam) * np.maximum(taper, 0.05)
        body = canvas.band(u, half) * canvas.band(v, width)
        canvas.paint(window, body, hull, ID["boat"], 1.3 if kind != "ship" else 5.0)
        inner = canvas.band(u + np.float32(0.12 * half), 0.75 * half) * canvas.band(v, np.maximum(width - 0.3, 0.05))
        canvas.paint(window, 0.85 * inner, deck)
        _fit_out(canvas, window, u, v, kind, half, beam, hull, cover)

    world.add("vehicle", x, y, half * (4.0 if wake else 1.2), paint, "boat")


def _fit_out(canvas: Canvas, window: Window, u: Floats, v: Floats, kind: str, half: float, beam: float, hull: Colour,
             cover: Colour) -> None:  # fmt: skip
    """Cabin, cover, mast or holds on a hull."""
    if kind == "open":
        seats = (
            canvas.band(u % np.float32(1.2) - np.float32(0.6), 0.15)
            * canvas.band(v, 0.7 * beam)
            * (np.abs(u) < 0.6 * half)
        )
        canvas.paint(window, 0.8 * seats, hull)
        return
    if kind == "ship":
        bridge = canvas.band(u + np.float32(0.75 * half), 0.12 * half) * canvas.band(v, 0.85 * beam)
        canvas.paint(window, bridge, (232.0, 232.0, 230.0), None, 14.0)
        holds = (
            canvas.band(u % np.float32(9.0) - 4.5, 3.4)
            * canvas.band(v, 0.65 * beam)
            * (np.abs(u - 0.1 * half) < 0.6 * half)
        )
        canvas.paint(window, 0.8 * holds, cover, None, 6.5)
        return
    cabin = canvas.band(u - np.float32(0.1 * half), 0.32 * half) * canvas.band(v, 0.62 * beam)
    canvas.paint(window, cabin, tuple(min(255.0, c * 1.03) for c in hull), None, 2.4)  # type: ignore[arg-type]
    glass = canvas.band(u - np.float32(0.4 * half), 0.07 * half) * canvas.band(v, 0.55 * beam)
    canvas.paint(window, 0.9 * glass, (40.0, 46.0, 54.0))
    if kind == "yacht":
        canvas.paint(
            window, canvas.band(u + np.float32(0.25 * half), 0.4 * half) * canvas.band(v, 0.16), cover, None, 3.0
        )
    elif half > 3.0:
        tarp = canvas.band(u + np.float32(0.5 * half), 0.25 * half) * canvas.band(v, 0.7 * beam)
        canvas.paint(window, tarp, cover, None, 2.0)


def add_pier(world: World, x: float, y: float, angle: float, length: float, width: float) -> None:
    """A pier of planks or concrete from (x, y) along `angle`."""
    own = Random(world.seed())
    surface = own.choice(("wood", "wood", "concrete"))
    mx, my = x + math.cos(angle) * length / 2, y + math.sin(angle) * length / 2

    def paint(canvas: Canvas) -> None:
        window = canvas.around(mx, my, math.hypot(length / 2, width))
        if window is None:
            return
        u, v = window.local(mx, my, angle)
        colour = world.palette[surface].texture(canvas, window)
        colour *= (1.0 + 0.08 * canvas.waves(u, 0.3))[..., None]
        canvas.paint(window, canvas.band(u, length / 2) * canvas.band(v, width / 2), colour, ID["pier"], 1.0)

    world.add("low", mx, my, length / 2 + width, paint, "pier")


def add_marina(world: World, x: float, y: float, angle: float, piers: int, length: float) -> None:
    """Piers from the shore at (x, y) out along `angle`, with boats berthed on both sides."""
    rng = world.rng
    boat = rng.uniform(6.5, 13.0)
    pitch = 2.0 * boat + rng.uniform(8.0, 14.0)
    c, s = math.cos(angle), math.sin(angle)
    fill = rng.uniform(0.45, 0.98)

    def at(out: float, side: float) -> tuple[float, float]:
        return x + out * c - side * s, y + out * s + side * c

    for k in range(piers):
        side = (k - (piers - 1) / 2) * pitch
        add_pier(world, *at(-6.0, side), angle, length + 6.0, rng.uniform(1.6, 2.8))
        out = 4.0
        while out < length - 2.0:
            beam = boat * 0.42
            for way in (-1.0, 1.0):
                if rng.random() < fill:
                    size = boat * rng.uniform(0.75, 1.1)
                    nose = angle + way * math.pi / 2 + (math.pi if rng.random() < 0.4 else 0.0)
                    add_boat(world, *at(out, side + way * (1.7 + size / 2)), nose + rng.gauss(0, 0.03), size)
                if rng.random() < 0.5:
                    add_pier(world, *at(out + beam / 2, side), angle + way * math.pi / 2, boat * 0.8, 0.7)
            out += beam + rng.uniform(0.4, 1.0)
    world.features.setdefault("harbour", []).append(at(length / 2, 0.0))
