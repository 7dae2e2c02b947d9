"""Areas: whole-scene ground, polygons, blobs, and fields with their rows."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from .canvas import Canvas, Colour, Points, Window, polygon_distance
from .classes import ID
from .noise import Floats
from .world import World


def add_ground(world: World, material: str, label: str) -> None:
    """Cover everything."""

    def paint(canvas: Canvas) -> None:
        canvas.rgb[:] = world.palette[material].texture(canvas, canvas.whole())
        canvas.labels[:] = ID[label]

    world.everywhere("ground", paint)


def add_polygon(
    world: World,
    layer: str,
    corners: Points,
    material: str,
    label: str,
    *,
    rough: float = 0.0,
    variant: int = 0,
    tint: Colour | None = None,
) -> None:
    """An area with corners (N, 2); `rough` metres of noise bend its edge; `tint` multiplies its colour."""
    middle = corners.mean(axis=0)
    radius = float(np.hypot(*(corners - middle).T).max()) + 3.0 * rough

    def paint(canvas: Canvas) -> None:
        window = canvas.bounding(corners, 3.0 * rough)
        if window is None:
            return
        distance = polygon_distance(window.x, window.y, corners)
        if rough:
            distance = distance + np.float32(rough) * canvas.noise(window, 0.8, max(1.6, 6.0 * rough), variant=variant)
        colour = world.palette[material].texture(canvas, window, variant)
        if tint is not None:
            colour *= np.asarray(tint, np.float32)
        canvas.paint(window, canvas.cover(distance), colour, ID[label], 0.0)

    world.add(layer, float(middle[0]), float(middle[1]), radius, paint)


def box_corners(x: float, y: float, half_u: float, half_v: float, angle: float) -> Points:
    """Corners (4, 2) of a rotated rectangle."""
    c, s = math.cos(angle), math.sin(angle)
    signs = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]) * (half_u, half_v)
    return signs @ np.array([(c, s), (-s, c)]) + (x, y)


def add_blob(
    world: World,
    layer: str,
    x: float,
    y: float,
    radius: float,
    material: str,
    label: str,
    *,
    wobble: float = 0.35,
    stretch: float = 1.0,
    soft: float = 0.0,
    feature: str | None = None,
) -> None:
    """A smooth closed shape of about `radius` metres; `soft` metres of fading edge for stains and clearings."""
    own = Random(world.seed())
    waves = [(k, max(-0.3, min(0.3, own.gauss(0.0, wobble / k))), own.uniform(0.0, math.tau)) for k in (2, 3, 4, 5)]
    angle, reach = own.uniform(0.0, math.pi), radius * (1.0 + 2.0 * wobble) * max(1.0, stretch)

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, reach + soft)
        if window is None:
            return
        distance = blob_distance(window, x, y, radius, waves, angle, stretch)
        if soft:
            distance += np.float32(0.6 * soft) * canvas.noise(window, 0.8, 6.4)
            alpha = np.clip(0.5 - distance / np.float32(2.0 * soft), 0.0, 1.0)
        else:
            alpha = canvas.cover(distance)
        canvas.paint(window, alpha, world.palette[material].texture(canvas, window), ID[label], 0.0)

    world.add(layer, x, y, reach + soft, paint, feature)


def blob_distance(
    window: Window,
    x: float,
    y: float,
    radius: float,
    waves: list[tuple[int, float, float]],
    angle: float,
    stretch: float,
) -> Floats:
    """About the signed distance (m) to a disc whose radius swings with the direction."""
    u, v = window.local(x, y, angle)
    u = u / np.float32(stretch)
    theta = np.arctan2(v, u)
    edge = np.full_like(u, radius)
    for count, amount, phase in waves:
        edge += np.float32(radius * amount) * np.cos(np.float32(count) * theta + np.float32(phase))
    return np.hypot(u, v) - np.maximum(edge, 0.15 * radius)


FIELDS = ("crop", "young crop", "ripe", "plough", "stubble", "meadow", "fallow", "terraced", "strips")


def add_field(world: World, corners: Points, kind: str, angle: float) -> None:
    """A field with rows along `angle`: one of :data:`FIELDS`."""
    own = Random(world.seed())
    middle = corners.mean(axis=0)
    radius = float(np.hypot(*(corners - middle).T).max())
    tint = tuple(own.gauss(1.0, 0.08) * gain for gain in (1.0, own.gauss(1.0, 0.03), own.gauss(1.0, 0.03)))
    pitch = own.choice((0.75, 0.75, 1.5, 3.0)) * own.uniform(0.9, 1.2)
    swath = own.uniform(9.0, 28.0)
    depth, bend, variant = own.uniform(0.06, 0.25), own.uniform(0.0, 0.8), own.randrange(4)

    def paint(canvas: Canvas) -> None:
        window = canvas.bounding(corners)
        if window is None:
            return
        distance = polygon_distance(window.x, window.y, corners)
        alpha = canvas.cover(distance)
        if not alpha.any():
            return
        _, v = window.local(float(middle[0]), float(middle[1]), angle)
        v = v + np.float32(bend) * canvas.noise(window, 12.8, 100.0)
        colour, label = _field_colour(world, canvas, window, kind, v, (pitch, swath, depth), variant)
        headland = canvas.band(distance + np.float32(6.0), 0.4) * np.float32(0.12)
        colour *= (1.0 - headland)[..., None] * np.asarray(tint, np.float32)
        canvas.paint(window, alpha, colour, ID[label], 0.3 if label == "green field" else 0.0)

    world.add("parcel", float(middle[0]), float(middle[1]), radius, paint, "field")


def _field_colour(
    world: World, canvas: Canvas, window: Window, kind: str, v: Floats, rows: tuple[float, float, float], variant: int
) -> tuple[Floats, str]:
    """Colour (h, w, 3) and label of a field; `v` (m) runs across the rows."""
    pitch, swath, depth = rows
    palette = world.palette
    if kind == "terraced":
        v = v + np.float32(6.0) * canvas.noise(window, 50.0, 200.0, variant=variant)
        pitch, depth = max(pitch * 3.0, 3.0), depth * 1.2
    lines = np.float32(depth) * canvas.waves(v, pitch) + np.float32(0.4 * depth) * canvas.waves(v, pitch * 3.7)
    bands = np.float32(0.05) * np.sign(canvas.waves(v, 2.0 * swath))
    tracks = np.maximum(canvas.band((v + 0.9) % np.float32(swath) - np.float32(swath / 2), 0.25),
                        canvas.band((v - 0.9) % np.float32(swath) - np.float32(swath / 2), 0.25))  # fmt: skip
    if kind in ("plough", "stubble", "fallow"):
        name = {"plough": "plough", "stubble": "ripe crop", "fallow": "dry grass"}[kind]
        colour = palette[name].texture(canvas, window, variant)
        colour *= (1.0 + lines + (bands if kind == "stubble" else 0.0))[..., None]
        return colour, "dry grass" if kind == "fallow" else "ploughed field"
    if kind == "meadow":
        return palette["grass"].texture(canvas, window, variant) * (1.0 + 0.3 * lines + bands)[..., None], "grass"
    soil = palette["plough"].texture(canvas, window, variant)
    if kind == "young crop":
        share = np.clip(0.4 + 0.5 * canvas.waves(v, pitch) + 0.25 * canvas.noise(window, 3.2, 50.0), 0.0, 1.0)
        plants = palette["crop"].texture(canvas, window, variant)
        return soil + share[..., None] * (plants - soil), "green field"
    name = "ripe crop" if kind == "ripe" else "crop"
    colour = palette[name].texture(canvas, window, variant)
    if kind == "strips":
        second = np.asarray(palette["ripe crop"].first, np.float32)
        share = (canvas.waves(v, 2.0 * swath) > 0.0)[..., None] * np.float32(0.6)
        colour = colour + share * (second - colour)
    colour *= (1.0 + lines)[..., None]
    colour += (tracks * np.float32(0.5))[..., None] * (soil - colour)
    return colour, "green field"
