"""Industry's furniture: storage tanks, greenhouses, solar fields, containers, silos."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from .canvas import Canvas, Colour
from .classes import ID
from .ground import add_polygon, box_corners
from .materials import Material, jitter, lively
from .world import World


def add_tank(world: World, x: float, y: float, radius: float) -> None:
    """A round tank: a fixed or floating roof, or an open basin of a water works."""
    own = Random(world.seed())
    kind = own.choice(("fixed", "fixed", "dome", "floating", "basin") if radius > 4.0 else ("fixed", "dome"))
    tall = own.uniform(5.0, 16.0) if kind != "basin" else 1.0
    base = jitter(
        own, own.choice(((234, 234, 232), (222, 222, 218), (206, 202, 190), (176, 180, 184), (150, 140, 124))), 0.06
    )
    skin = Material(base, tuple(c * 0.92 for c in base), patch=(0.8, 12.0), grain=0.03)  # type: ignore[arg-type]
    ring, rust = own.uniform(0.4, 0.9) * radius, own.uniform(0.0, 0.25)
    wet = own.choice(((46, 58, 48), (70, 70, 58), (34, 42, 46)))

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, radius + 2.0)
        if window is None:
            return
        dx, dy = window.x - np.float32(x), window.y - np.float32(y)
        distance = np.hypot(dx, dy)
        colour = skin.texture(canvas, window)
        toward = (dx * math.cos(canvas.sun.azimuth) + dy * math.sin(canvas.sun.azimuth)) / np.float32(radius)
        low = 1.0 / math.tan(canvas.sun.elevation)
        if kind in ("dome", "fixed"):
            slope = 0.45 if kind == "dome" else 0.1
            colour *= (
                1.0
                + np.float32(slope * min(low, 1.5))
                * toward
                * (distance / np.float32(radius) if kind == "dome" else 1.0)
            )[..., None]
            seams = canvas.band(np.arctan2(dy, dx) % np.float32(math.tau / 16) * distance, 0.05)
            colour *= (1.0 - 0.08 * seams - rust * canvas.band(distance - np.float32(ring), 0.1))[..., None]
        else:
            inner = canvas.cover(distance - np.float32(radius - 0.9))
            shaded = np.clip((toward + distance / np.float32(radius) * 0.0 - 0.35) * 2.0, 0.0, 1.0) * np.float32(
                0.45 * min(1.0, low)
            )
            floor = np.asarray(wet, np.float32) if kind == "basin" else colour * np.float32(0.75)
            floor = floor * (1.0 - shaded * (kind == "floating"))[..., None]
            colour += inner[..., None] * (floor - colour)
            if kind == "basin":
                c, s = math.cos(ring), math.sin(ring)
                arm = canvas.band(dx * s - dy * c, 0.5) * (distance < radius)
                hub = canvas.cover(distance - np.float32(0.18 * radius))
                colour += np.maximum(arm, hub)[..., None] * (np.float32(190.0) - colour)
        colour += (0.5 * canvas.band(distance - np.float32(radius - 0.2), 0.18))[..., None] * (
            np.float32(225.0) - colour
        )
        canvas.paint(window, canvas.cover(distance - np.float32(radius)), colour, ID["storage tank"], tall)

    world.add("building", x, y, radius + 2.0 + tall, paint, "storage tanks")


def add_tank_farm(world: World, x: float, y: float, angle: float, rows: int, cols: int, radius: float) -> None:
    """Tanks in rows, each within its bund."""
    rng = world.rng
    pitch = radius * rng.uniform(2.6, 3.6)
    c, s = math.cos(angle), math.sin(angle)
    ground = rng.choice(("soil", "gravel", "grass", "concrete"))
    label = {"grass": "grass", "concrete": "pavement"}.get(ground, "bare soil")
    half_u, half_v = cols * pitch / 2, rows * pitch / 2
    add_polygon(world, "yard", box_corners(x, y, half_u, half_v, angle), ground, label)
    for row in range(rows):
        for col in range(cols):
            if rng.random() < 0.12:
                continue
            u, v = (col + 0.5) * pitch - half_u, (row + 0.5) * pitch - half_v
            add_tank(world, x + u * c - v * s, y + u * s + v * c, radius * rng.choice((1.0, 1.0, 0.95, 0.7)))
    world.keep_out_box(x, y, half_u, half_v, angle)


def add_greenhouses(world: World, x: float, y: float, angle: float, half_u: float, half_v: float) -> None:
    """Glass or foil tunnels side by side; the spans run along u."""
    own = Random(world.seed())
    span = own.choice((3.2, 4.0, 8.0, 9.6))
    glass: Colour = jitter(own, own.choice(((206, 216, 218), (230, 232, 230), (176, 192, 190), (198, 206, 190))), 0.05)
    gap = own.choice((0.0, 0.0, 1.2))
    skin = Material(glass, tuple(c * 0.88 for c in glass), mix=0.5, patch=(1.6, 12.0), grain=0.05)  # type: ignore[arg-type]
    tall = 2.5 if span < 5.0 else 5.0

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, math.hypot(half_u, half_v))
        if window is None:
            return
        u, v = window.local(x, y, angle)
        across = (v + np.float32(half_v)) % np.float32(span) - np.float32(span / 2)
        colour = skin.texture(canvas, window)
        if canvas.gsd < span:
            slope = -np.sign(across) * np.float32(0.45)
            c, s = math.cos(angle), math.sin(angle)
            colour *= canvas.sun.relief(-slope * s, slope * c, 0.6)[..., None]
            colour *= (1.0 - 0.15 * canvas.band(across, 0.1) - 0.06 * canvas.band(u % np.float32(4.0) - 2.0, 0.08))[
                ..., None
            ]
            colour *= (1.0 - 0.3 * canvas.band(np.abs(across) - np.float32(span / 2), 0.12 + gap / 2))[..., None]
        inside = canvas.band(u, half_u) * canvas.band(v, half_v)
        canvas.paint(window, inside, colour, ID["greenhouse"], tall)

    world.add("building", x, y, math.hypot(half_u, half_v) + tall, paint, "greenhouse")
    world.keep_out_box(x, y, half_u, half_v, angle)


def add_panels(
    world: World, x: float, y: float, angle: float, half_u: float, half_v: float, *, roof: float = 0.0
) -> None:
    """Rows of solar panels along u: a field of them (label over the whole plant's rows), or on a roof `roof` m high."""
    own = Random(world.seed())
    deep = own.uniform(1.6, 2.2) if roof else own.uniform(2.0, 4.5)
    pitch = deep * (own.uniform(1.0, 1.3) if roof else own.uniform(1.5, 2.6))
    tone = jitter(own, own.choice(((38, 46, 74), (44, 58, 98), (30, 34, 46), (52, 58, 84))), 0.1)
    cell = own.choice((1.0, 1.65))

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, math.hypot(half_u, half_v))
        if window is None:
            return
        u, v = window.local(x, y, angle)
        inside = canvas.band(u, half_u) * canvas.band(v, half_v)
        row = (v + np.float32(half_v)) % np.float32(pitch) - np.float32(deep / 2)
        if canvas.gsd < pitch:
            panels = inside * canvas.band(row, deep / 2)
        else:
            panels = inside * np.float32(max(0.55, deep / pitch))
        frames = np.maximum(canvas.band(u % np.float32(cell) - np.float32(cell / 2), 0.025), canvas.band(row, 0.02))
        colour = np.asarray(tone, np.float32) * (1.0 + 0.08 * canvas.noise(window, 3.2, 25.0))[..., None]
        colour = colour + (0.5 * frames)[..., None] * (np.float32(170.0) - colour)
        top = roof + np.where(row < 0.0, 0.4, 1.0).astype(np.float32) * (0.3 if roof else 1.2)
        canvas.paint(window, panels, colour.astype(np.float32), ID["solar panel"], top)

    world.add("roof item" if roof else "court", x, y, math.hypot(half_u, half_v), paint, "solar panel")
    if not roof:
        world.keep_out_box(x, y, half_u, half_v, angle)


def add_containers(world: World, x: float, y: float, angle: float, rows: int, cols: int) -> None:
    """Stacks of shipping containers in rows."""
    own = Random(world.seed())
    c, s = math.cos(angle), math.sin(angle)
    stacks = []
    for row in range(rows):
        for col in range(cols):
            if own.random() < 0.8:
                colour = jitter(
                    own,
                    own.choice(((150, 62, 50), (56, 86, 132), (176, 178, 180), (92, 116, 96), (190, 120, 60))),
                    0.12,
                )
                stacks.append(
                    (
                        (col - cols / 2) * 12.6,
                        (row - rows / 2) * (2.7 if row % 6 else 2.75) + (row // 6) * 5.0,
                        colour if own.random() < 0.9 else lively(own),
                        own.randint(1, 4),
                    )
                )
    reach = math.hypot(cols * 6.5, rows * 2.0) + 14.0

    def paint(canvas: Canvas) -> None:
        for u0, v0, colour, high in stacks:
            px, py = x + u0 * c - v0 * s, y + u0 * s + v0 * c
            window = canvas.around(px, py, 6.4)
            if window is None:
                continue
            u, v = window.local(px, py, angle)
            ribs = 1.0 + 0.07 * canvas.waves(u, 0.28) - 0.2 * canvas.band(np.abs(u) - np.float32(6.0), 0.12)
            skin = np.asarray(colour, np.float32) * (ribs + 0.05 * canvas.noise(window, 0.4, 6.4))[..., None]
            canvas.paint(window, canvas.band(u, 6.05) * canvas.band(v, 1.22), skin.astype(np.float32),
                         ID["shipping container"], 2.6 * high)  # fmt: skip

    world.add("building", x, y, reach, paint, "shipping container")
    world.keep_out_disc(x, y, reach * 0.8)
