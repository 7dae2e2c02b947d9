"""Runways, taxiways, aprons and airplanes."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from .canvas import Canvas, Colour, Window
from .classes import ID
from .materials import jitter, lively
from .noise import Floats
from .world import World


def add_runway(world: World, x: float, y: float, angle: float, half: float, width: float) -> None:
    """A runway centred on (x, y), `half` metres to each threshold, with its markings and tyre marks."""
    own = Random(world.seed())
    worn, rubber = own.uniform(0.5, 0.95), own.uniform(0.1, 0.45)
    shoulder = own.choice((0.0, 4.0, 7.0))
    stripes = max(4, int(width / 7.0))

    def paint(canvas: Canvas) -> None:
        # A runway is far longer than most pictures: the window is cut to what can be seen.
        window = canvas.whole()
        u, v = window.local(x, y, angle)
        if np.abs(v).min() > width / 2 + shoulder or np.abs(u).min() > half + 60.0:
            return
        if shoulder:
            edge = world.palette["asphalt"].texture(canvas, window)
            canvas.paint(
                window, canvas.band(u, half + 60.0) * canvas.band(v, width / 2 + shoulder), edge, ID["runway"], 0.0
            )
        colour = world.palette["runway"].texture(canvas, window)
        slabs = np.maximum(
            canvas.band(u % np.float32(7.5) - np.float32(3.75), 0.05), canvas.band(v % np.float32(7.5), 0.05)
        )
        colour *= (1.0 - 0.1 * slabs)[..., None]
        from_end = np.float32(half) - np.abs(u)
        streaks = np.exp(-np.square((np.abs(v) - 3.0) / 2.5)) * np.clip(
            1.0 - np.abs(from_end - 380.0) / 320.0, 0.0, 1.0
        )
        streaks = streaks * np.clip(0.8 + 0.3 * canvas.noise(window, 1.6, 50.0), 0.0, 1.5)
        colour *= (1.0 - np.float32(rubber) * streaks)[..., None]
        marks = _marks(canvas, u, v, from_end, width, stripes)
        colour += (np.float32(worn) * marks)[..., None] * (np.float32(228.0) - colour)
        canvas.paint(window, canvas.band(u, half + 8.0) * canvas.band(v, width / 2), colour.astype(np.float32),
                     ID["runway"], 0.0)  # fmt: skip

    world.everywhere("road", paint)
    c, s = math.cos(angle), math.sin(angle)
    for k in (-0.97, -0.6, -0.2, 0.2, 0.6, 0.97):
        world.features.setdefault("runway", []).append((x + k * half * c, y + k * half * s))
    world.keep_out_box(x, y, half + 60.0, width / 2 + 12.0, angle)


def _marks(canvas: Canvas, u: Floats, v: Floats, from_end: Floats, width: float, stripes: int) -> Floats:
    """Coverage of the white paint: centre line, edges, threshold bars, aiming points, touchdown bars."""
    period = np.float32(50.0)
    centre = canvas.band(v, 0.45) * canvas.band(u % period - period / 2, 15.0) * (from_end > 60.0)
    edges = canvas.band(np.abs(v) - np.float32(width / 2 - 1.2), 0.45)
    pitch = np.float32((width - 4.0) / stripes)
    bars = canvas.band((v + np.float32(width / 2 - 2.0)) % pitch - pitch / 2, 0.9) * (np.abs(v) > 1.2)
    bars = bars * canvas.band(from_end - np.float32(21.0), 15.0) * (np.abs(v) < width / 2 - 2.0)
    aim = canvas.band(np.abs(v) - np.float32(0.22 * width), 3.0) * canvas.band(from_end - np.float32(300.0), 25.0)
    touch = canvas.band(np.abs(v) - np.float32(0.2 * width), 2.4) * canvas.band(from_end - np.float32(165.0), 11.0)
    lines = (np.abs(v) - np.float32(0.2 * width)) % np.float32(1.8) - np.float32(0.9)
    touch = touch * canvas.band(lines, 0.6)
    result: Floats = np.maximum.reduce([centre, edges, bars, aim, touch]).astype(np.float32)
    return result


def add_airplane(world: World, x: float, y: float, angle: float, span: float) -> None:
    """An airplane with its nose along `angle`: an airliner, or below 20 m of span a light aircraft."""
    own = Random(world.seed())
    liner = span > 20.0
    half = span * (own.uniform(0.5, 0.58) if liner else own.uniform(0.33, 0.38))
    sweep = own.uniform(0.4, 0.6) if liner else own.uniform(-0.03, 0.05)
    body: Colour = jitter(own, (238, 238, 238), 0.03)
    trim: Colour = lively(own, 0.8, 0.6)
    wing: Colour = jitter(own, (206, 208, 212), 0.04) if liner else body
    girth = span * (0.055 if liner else 0.05)
    engines = own.choice((1, 1, 2)) if liner else 0

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, max(half, span / 2) + 1.0)
        if window is None:
            return
        u, v = window.local(x, y, angle)
        for alpha, colour, tall in _airframe(
            canvas, window, u, v, (half, span, sweep, girth), engines, (body, wing, trim)
        ):
            canvas.paint(window, alpha, colour, ID["airplane"], tall)

    world.add("over", x, y, max(half, span / 2) + 6.0, paint, "airplane")


def _airframe(
    canvas: Canvas, window: Window, u: Floats, v: Floats, size: tuple[float, float, float, float], engines: int,
    colours: tuple[Colour, Colour, Colour],
) -> list[tuple[Floats, Colour | Floats, float]]:  # fmt: skip
    """Coverage, colour and height of wings, engines, tail, fuselage and fin, in that order."""
    half, span, sweep, girth = size
    body, wing, trim = colours
    liner = span > 20.0
    out = np.abs(v)
    share = out / np.float32(span / 2)
    root = span * (0.17 if liner else 0.14)
    chord = root * (1.0 - (0.72 if liner else 0.25) * share)
    axis = np.float32(0.12 * half) - np.float32(sweep) * out
    wings = canvas.band(u - axis, np.maximum(chord / 2, 0.05)) * canvas.band(v, span / 2)
    tail_axis = np.float32(-0.86 * half) - np.float32(sweep * 0.9) * out
    tail = canvas.band(u - tail_axis, np.maximum(0.09 * span * (1.0 - 1.8 * share), 0.05) / 1.6) * canvas.band(
        v, 0.19 * span
    )
    nose = np.clip((u - np.float32(0.72 * half)) / np.float32(0.28 * half), 0.0, 1.0)
    rear = np.clip((-u - np.float32(0.45 * half)) / np.float32(0.55 * half), 0.0, 1.0)
    radius = np.float32(girth) * np.sqrt(np.maximum(1.0 - nose * nose, 0.0)) * (1.0 - 0.85 * rear)
    fuselage = canvas.band(u, half) * canvas.band(v, np.maximum(radius, 0.02))
    shine = (
        np.asarray(body, np.float32) * (1.0 - 0.3 * np.square(v / np.maximum(radius, 0.1)).clip(0.0, 1.0))[..., None]
    )
    fin = canvas.band(u + np.float32(0.84 * half), 0.14 * half) * canvas.band(v, 0.22)
    parts: list[tuple[Floats, Colour | Floats, float]] = [(wings, wing, 3.5), (tail, wing, 5.0)]
    for k in range(1, engines + 1):
        place = 0.19 * span * k if engines == 2 else 0.17 * span
        pods = canvas.band(out - np.float32(place), 0.03 * span)
        pods = pods * canvas.band(u - np.float32(0.12 * half - sweep * place + 0.55 * root), 0.055 * span)
        parts.append((pods, (176.0, 178.0, 182.0), 3.0))
    parts += [(fuselage, shine.astype(np.float32), 5.0), (fin, trim, 9.0)]
    return parts
