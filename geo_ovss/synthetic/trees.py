"""Plants: single trees and palms, and fields of crowns for forests, orchards, vineyards and scrub."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from .canvas import Canvas, Points, Window, polygon_distance
from .classes import CLASSES, ID
from .noise import Floats
from .world import World

#: Labels in which no field of crowns grows.
_WATERS = [index for index, (_, coarse) in enumerate(CLASSES) if coarse == "water"]


def add_tree(world: World, x: float, y: float, radius: float, kind: str = "leaves") -> None:
    """A single tree; `kind` is "leaves", "needles", "hedge" or "palm"."""
    own = Random(world.seed())
    tint = [own.gauss(1.0, 0.14) * gain for gain in (own.gauss(1.0, 0.06), 1.0, own.gauss(1.0, 0.06))]
    tall = {"palm": own.uniform(5.0, 11.0), "hedge": radius * 1.2}.get(kind, radius * own.uniform(1.2, 2.2))
    bare = world.palette.leafless and kind == "leaves" and own.random() < 0.85
    label = ID["palm tree"] if kind == "palm" else ID["tree"]
    seed, variant = own.getrandbits(31), own.randrange(4)

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, radius * 1.45)
        if window is None:
            return
        dx, dy = window.x - np.float32(x), window.y - np.float32(y)
        lumps = canvas.noise(window, 0.2, max(0.8, 0.7 * radius), 0.85, variant)
        crown = _palm_crown if kind == "palm" else _leaf_crown
        reach, dome = crown(dx, dy, radius, Random(seed), canvas.gsd)
        reach = reach + np.float32(0.12 * radius) * lumps
        colour = world.palette[kind].texture(canvas, window, variant) * np.asarray(tint, np.float32)
        colour *= _crown_light(canvas, dx, dy, dome, lumps, radius)[..., None]
        alpha = canvas.cover(reach)
        if bare:
            alpha = alpha * np.clip(0.5 + 0.35 * canvas.noise(window, 0.2, 1.6, 1.0, variant), 0.15, 0.9)
        canvas.paint(window, alpha, colour)
        inside = reach < 0.0
        canvas.labels[window.rows, window.cols][inside] = label
        top = np.float32(tall * (0.3 if bare else 1.0)) * (0.4 + 0.6 * dome)
        area = canvas.height[window.rows, window.cols]
        np.maximum(area, np.where(inside, top, 0.0), out=area)

    world.add("tree", x, y, 1.45 * radius + tall, paint, "palm tree" if kind == "palm" else "tree")


def _leaf_crown(dx: Floats, dy: Floats, radius: float, own: Random, gsd: float) -> tuple[Floats, Floats]:
    """Signed distance (m) to a crown of several boughs, and its dome of 0..1."""
    boughs = 1 if radius < 3.0 * gsd else min(9, 3 + int(radius * own.uniform(0.6, 1.2)))
    if boughs == 1:
        distance = np.hypot(dx, dy)
        return distance - np.float32(radius), np.sqrt(np.maximum(1.0 - np.square(distance / np.float32(radius)), 0.0))
    reach = np.hypot(dx, dy) - np.float32(0.6 * radius)
    dome = np.sqrt(np.maximum(1.0 - np.square(dx / radius) - np.square(dy / radius), 0.0)) * np.float32(0.8)
    start = own.uniform(0.0, math.tau)
    for k in range(boughs):
        turn = start + math.tau * k / boughs + own.gauss(0.0, 0.3)
        out, size = radius * own.uniform(0.35, 0.68), radius * own.uniform(0.3, 0.52)
        u, v = dx - np.float32(out * math.cos(turn)), dy - np.float32(out * math.sin(turn))
        square = (u * u + v * v) / np.float32(size * size)
        np.minimum(reach, (np.sqrt(square) - 1.0) * np.float32(size), out=reach)
        np.maximum(dome, np.sqrt(np.maximum(1.0 - square, 0.0)) * np.float32(own.uniform(0.6, 1.0)), out=dome)
    return reach, dome


def _palm_crown(dx: Floats, dy: Floats, radius: float, own: Random, gsd: float) -> tuple[Floats, Floats]:
    """Signed distance (m) to a star of fronds, and its dome of 0..1."""
    distance, theta = np.hypot(dx, dy), np.arctan2(dy, dx)
    fronds, phase = own.choice((9, 11, 13)), own.uniform(0.0, math.tau)
    edge = np.float32(radius) * (0.62 + 0.38 * np.cos(fronds * theta + np.float32(phase)))
    return distance - edge, np.sqrt(np.maximum(1.0 - np.square(distance / np.float32(1.1 * radius)), 0.0))


def _crown_light(canvas: Canvas, dx: Floats, dy: Floats, dome: Floats, lumps: Floats, radius: float) -> Floats:
    """Brightness over a crown: a lit and a dark side, bright tufts and dark gaps."""
    toward = (dx * math.cos(canvas.sun.azimuth) + dy * math.sin(canvas.sun.azimuth)) / np.float32(radius)
    low = 1.0 / math.tan(max(canvas.sun.elevation, 0.4))
    side = 1.0 + np.float32(min(0.35, 0.22 * low)) * toward
    light: Floats = side * np.clip(0.62 + 0.42 * dome + 0.17 * lumps, 0.25, 1.6)
    return light


def crown_field(
    window: Window,
    seed: int,
    spacing: float,
    radius: tuple[float, float],
    order: float = 0.0,
    angle: float = 0.0,
    warp: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Crowns scattered one a cell over a window.

    Parameters
    ----------
    window : Window
        Where.
    seed : int
        Same seed, same crowns, whatever the window.
    spacing : float
        Side of the square cell (m).
    radius : (float, float)
        Smallest and largest crown radius (m).
    order : float
        0 scatters within the cell, 1 plants on the grid.
    angle : float
        Direction of the grid.
    warp : (ndarray, ndarray), optional
        Offsets (m) by which each pixel is moved first, so that crowns are not round.

    Returns
    -------
    dome, tone, off_x, off_y : ndarray, (h, w)
        The highest crown's dome (0 outside crowns, 1 in the middle), its random number in 0..1, and where in the
        crown the pixel lies, in radii along world x and y.
    """
    u, v = window.local(0.0, 0.0, angle)
    if warp is not None:
        u, v = u + warp[0], v + warp[1]
    u, v = u / np.float32(spacing), v / np.float32(spacing)
    base_u, base_v = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    low_u, low_v = int(base_u.min()) - 1, int(base_v.min()) - 1
    shape = (int(base_v.max()) - low_v + 2, int(base_u.max()) - low_u + 2)
    table = _cell_numbers(seed, low_v, low_u, shape)
    play = 0.5 * (1.0 - order)
    centre_u = 0.5 + play * (2.0 * table[0] - 1.0)
    centre_v = 0.5 + play * (2.0 * table[1] - 1.0)
    size = (radius[0] + (radius[1] - radius[0]) * table[2] ** 1.5) / np.float32(spacing)
    best = np.zeros(window.x.shape, np.float32)
    tone, off_u, off_v = np.zeros_like(best), np.zeros_like(best), np.zeros_like(best)
    for dv in (-1, 0, 1):
        for du in (-1, 0, 1):
            cell_v, cell_u = base_v + (dv - low_v), base_u + (du - low_u)
            flat = cell_v * shape[1] + cell_u
            reach = size.ravel()[flat]
            pu = (u - (base_u + du) - centre_u.ravel()[flat]) / reach
            pv = (v - (base_v + dv) - centre_v.ravel()[flat]) / reach
            dome = np.sqrt(np.maximum(1.0 - pu * pu - pv * pv, 0.0)) * reach
            higher = dome > best
            np.copyto(best, dome, where=higher)
            np.copyto(tone, table[3].ravel()[flat], where=higher)
            np.copyto(off_u, pu, where=higher)
            np.copyto(off_v, pv, where=higher)
    best *= np.float32(spacing / radius[1])
    c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return best, tone, off_u * c - off_v * s, off_u * s + off_v * c


def _cell_numbers(seed: int, low_v: int, low_u: int, shape: tuple[int, int]) -> Floats:
    """Four numbers in 0..1 for each lattice cell, (4, rows, cols), from a hash of seed and cell."""
    rows = (np.arange(shape[0], dtype=np.int64) + low_v).astype(np.uint32)[None, :, None]
    cols = (np.arange(shape[1], dtype=np.int64) + low_u).astype(np.uint32)[None, None, :]
    kinds = np.arange(4, dtype=np.uint32)[:, None, None]
    mixed = rows * np.uint32(0x9E3779B1) ^ cols * np.uint32(0x85EBCA77) ^ kinds * np.uint32(0xC2B2AE3D)
    mixed ^= np.uint32(seed & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    return (mixed >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)


def add_crowns(
    world: World,
    layer: str,
    corners: Points | None,
    *,
    label: str,
    kind: str = "leaves",
    spacing: float = 6.0,
    radius: tuple[float, float] = (2.5, 5.0),
    share: float = 1.0,
    order: float = 0.0,
    angle: float = 0.0,
    rough: float = 0.0,
    label_all: bool = False,
    mixed: str | None = None,
) -> None:
    """Many crowns at once within a polygon (N, 2), or everywhere with None: forest, orchard, scrub.

    `share` of the cells bear a plant. With `label_all` the ground between belongs to the class too. `mixed` is a
    second kind for about a third of the crowns; `rough` bends the polygon's edge (m).
    """
    seed, clump = world.seed(), world.rng.uniform(0.0, 0.6)

    def paint(canvas: Canvas) -> None:
        window = canvas.whole() if corners is None else canvas.bounding(corners, 3.0 * rough)
        if window is None:
            return
        within = (~np.isin(canvas.labels[window.rows, window.cols], _WATERS)).astype(np.float32)
        if corners is not None:
            distance = polygon_distance(window.x, window.y, corners)
            if rough:
                distance = distance + np.float32(rough) * canvas.noise(window, 1.6, max(3.2, 5.0 * rough))
            within *= canvas.cover(distance)
        if not within.any():
            return
        bend = np.float32(0.16 * radius[1])
        warp = tuple(bend * canvas.noise(window, 0.4, max(0.8, radius[1]), 0.8, variant) for variant in (1, 2))
        dome, tone, off_x, off_y = crown_field(window, seed, spacing, radius, order, angle, warp)  # type: ignore[arg-type]
        density = share * (1.0 + clump * canvas.noise(window, 12.8, 200.0, variant=1)) if share < 1.0 else 2.0
        here = (dome > 0.02) & ((tone * np.float32(7.13)) % 1.0 < density)
        lumps = canvas.noise(window, 0.2, max(0.8, 0.5 * radius[1]), 0.85)
        if label_all and share >= 0.8:
            # Under a closed canopy the ground is dark.
            canvas.paint(
                window,
                np.float32(0.85) * within,
                world.palette[kind].texture(canvas, window) * np.float32(0.85 if world.palette.leafless else 0.5),
            )
        colour = _leaf_colour(world, canvas, window, kind, mixed, tone)
        light = _crown_light(canvas, off_x, off_y, dome, lumps, 1.0) * (0.7 + 0.6 * tone)
        colour *= light[..., None]
        edge = np.clip(dome / np.float32(max(0.05, 0.6 * canvas.gsd / radius[1])), 0.0, 1.0)
        alpha = within * here * edge
        if world.palette.leafless and kind == "leaves":
            alpha = alpha * np.clip(0.55 + 0.3 * canvas.noise(window, 0.2, 1.6, 1.0), 0.2, 1.0)
        canvas.paint(window, alpha, colour)
        marked = (within > 0.5) & (here | label_all)
        canvas.labels[window.rows, window.cols][marked] = ID[label]
        tall = (
            np.float32(radius[1] * (0.9 if world.palette.leafless else 2.0)) * (0.35 + 0.65 * dome) * (0.7 + 0.6 * tone)
        )
        area = canvas.height[window.rows, window.cols]
        np.maximum(area, np.where(here & (within > 0.5), tall, 0.0), out=area)

    if corners is None:
        world.everywhere(layer, paint)
        return
    middle = corners.mean(axis=0)
    reach = float(np.hypot(*(corners - middle).T).max()) + 3.0 * rough
    world.add(layer, float(middle[0]), float(middle[1]), reach, paint, label)


def _leaf_colour(world: World, canvas: Canvas, window: Window, kind: str, mixed: str | None, tone: Floats) -> Floats:
    colour = world.palette[kind].texture(canvas, window)
    if mixed is not None:
        other = np.asarray(world.palette[mixed].first, np.float32)
        colour += ((tone * 3.7 % 1.0 < 0.3) * np.float32(0.8))[..., None] * (other - colour)
    return colour
