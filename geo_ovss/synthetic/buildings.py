"""Buildings: footprints of one or more wings, pitched and flat roofs, what stands on them, walls seen from the side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from .canvas import Canvas, Colour, Window, polygon_distance
from .classes import ID
from .ground import box_corners
from .materials import Material
from .noise import Floats
from .world import World

#: A wing: centre (u, v) and half sizes (u, v) in metres; its ridge runs along the longer side.
Wing = tuple[float, float, float, float]

#: Above this pixel size (m) chimneys, vents and tiles are left out.
DETAIL_BELOW = 0.6


@dataclass(frozen=True)
class Roof:
    """How a building's roof looks.

    Parameters
    ----------
    shape : {"gable", "hip", "flat", "shed", "barrel"}
        Its form.
    material : str
        The name of the material, for its pattern.
    surface : Material
        Its colours.
    slope : float
        Rise over run of pitched roofs.
    """

    shape: str
    material: str
    surface: Material
    slope: float = 0.45


def wings(rng: Random, half_u: float, half_v: float, shape: str | None = None) -> tuple[Wing, ...]:
    """Wings within a box of the given half sizes: a plain box, L, T, U, or a box with an annexe."""
    shape = shape or rng.choice(("box", "box", "L", "L", "T", "U", "annexe"))
    a, b = rng.uniform(0.36, 0.55) * half_u, rng.uniform(0.36, 0.55) * half_v
    flip_u, flip_v = rng.choice((-1.0, 1.0)), rng.choice((-1.0, 1.0))
    if shape == "L":
        return (0.0, flip_v * (half_v - b), half_u, b), (flip_u * (half_u - a), 0.0, a, half_v)
    if shape == "T":
        return (0.0, flip_v * (half_v - b), half_u, b), (rng.uniform(-0.4, 0.4) * half_u, 0.0, a, half_v)
    if shape == "U":
        a *= 0.7
        return (0.0, flip_v * (half_v - b), half_u, b), (half_u - a, 0.0, a, half_v), (a - half_u, 0.0, a, half_v)
    if shape == "annexe":
        return (0.0, 0.0, 0.72 * half_u, half_v), (
            flip_u * 0.7 * half_u,
            flip_v * 0.4 * half_v,
            0.3 * half_u,
            0.5 * half_v,
        )
    return ((0.0, 0.0, half_u, half_v),)


def _pitched(window: Window, local: tuple[Floats, Floats], parts: tuple[Wing, ...], roof: Roof) -> tuple[Floats, ...]:
    """Rise above the eaves (m), slopes along u and v, and distance from the ridge measured down the roof."""
    u, v = local
    rise = np.full(window.x.shape, -1.0, np.float32)
    slope_u, slope_v, down = np.zeros_like(rise), np.zeros_like(rise), np.zeros_like(rise)
    for cu, cv, hu, hv in parts:
        au, av = u - np.float32(cu), v - np.float32(cv)
        from_u, from_v = np.float32(hu) - np.abs(au), np.float32(hv) - np.abs(av)
        along_u = hu >= hv
        if roof.shape == "hip":
            use_u = from_u < from_v
            run = np.where(use_u, from_u, from_v)
        elif roof.shape == "shed":
            use_u = np.full(rise.shape, not along_u)
            run = (au + np.float32(hu) if not along_u else av + np.float32(hv)) * np.float32(0.4)
        else:
            use_u = np.full(rise.shape, not along_u)
            run = from_v if along_u else from_u
        here = np.where((from_u > -0.3) & (from_v > -0.3), run * np.float32(roof.slope), np.float32(-1.0))
        if roof.shape == "barrel":
            half = np.float32(min(hu, hv))
            here = np.where(here > -1.0, np.sqrt(np.maximum(half**2 - (half - run) ** 2, 0.0)) * 0.6, -1.0)
        higher = here > rise
        rise = np.where(higher, here, rise)
        way = np.float32(0.4 if roof.shape == "shed" else 1.0)
        sign_u = np.where(use_u, way if roof.shape == "shed" else -np.sign(au), 0.0)
        sign_v = np.where(use_u, 0.0, way if roof.shape == "shed" else -np.sign(av))
        steep = np.float32(roof.slope)
        if roof.shape == "barrel":
            half = np.float32(min(hu, hv))
            steep = np.clip((half - run) / np.maximum(half, 0.1), 0.0, 0.95) * 1.2
        slope_u, slope_v = np.where(higher, sign_u * steep, slope_u), np.where(higher, sign_v * steep, slope_v)
        down = np.where(higher, run, down)
    return rise, slope_u, slope_v, down


def _pattern(canvas: Canvas, roof: Roof, u: Floats, v: Floats, slope_u: Floats, down: Floats) -> Floats | float:
    """Brightness factor of tile rows, shingle courses or metal seams."""
    across = np.where(np.abs(slope_u) > 0.0, v, u)
    if "tile" in roof.material:
        return 1.0 + 0.08 * canvas.waves(across, 0.32) + 0.05 * canvas.waves(down, 0.42)
    if "shingle" in roof.material or roof.material == "slate":
        return 1.0 + 0.05 * canvas.waves(down, 0.3)
    if "metal" in roof.material:
        sheets = 0.04 * np.sign(canvas.waves(across, 5.3)) if roof.material in ("rusty metal", "grey metal") else 0.0
        return 1.0 + 0.06 * canvas.waves(across, 0.7) + sheets
    return 1.0


def add_building(
    world: World, x: float, y: float, angle: float, parts: tuple[Wing, ...], height: float, roof: Roof,
    *, equipment: float = 0.5, label: str = "roof", feature: str | None = "building",
) -> None:  # fmt: skip
    """A building at (x, y) turned by `angle`, its eaves `height` metres above the ground.

    `equipment` is about how crowded the roof is with vents, chimneys or air conditioning.
    """
    seed = world.seed()
    radius = max(math.hypot(abs(cu) + hu, abs(cv) + hv) for cu, cv, hu, hv in parts) + 1.0

    def paint(canvas: Canvas) -> None:
        window = canvas.around(x, y, radius)
        if window is None:
            return
        own = Random(seed)
        variant = own.randrange(4)
        u, v = window.local(x, y, angle)
        alpha = np.zeros(window.x.shape, np.float32)
        for cu, cv, hu, hv in parts:
            np.maximum(alpha, canvas.band(u - np.float32(cu), hu) * canvas.band(v - np.float32(cv), hv), out=alpha)
        colour = roof.surface.texture(canvas, window, variant)
        top: Floats | float = height
        if roof.shape == "flat":
            _flat_roof(canvas, colour, (u, v), parts, own)
            rim = _rim(u, v, parts) < np.float32(0.35)
            top = np.where(rim, np.float32(height + 0.7), np.float32(height))
        else:
            rise, slope_u, slope_v, down = _pitched(window, (u, v), parts, roof)
            c, s = math.cos(angle), math.sin(angle)
            colour *= canvas.sun.relief(slope_u * c - slope_v * s, slope_u * s + slope_v * c)[..., None]
            if canvas.gsd < DETAIL_BELOW:
                colour *= np.asarray(_pattern(canvas, roof, u, v, slope_u, down), np.float32)[..., None]
            top = height + np.maximum(rise, 0.0)
        colour *= (1.0 - 0.25 * canvas.band(_rim(u, v, parts), 0.12))[..., None]
        canvas.paint(window, alpha, colour, ID[label], top)
        if canvas.gsd < DETAIL_BELOW and equipment > 0.0:
            _equip(canvas, x, y, angle, parts, height, roof, own, equipment)

    world.add("building", x, y, radius + height, paint, feature)


def _rim(u: Floats, v: Floats, parts: tuple[Wing, ...]) -> Floats:
    """Distance (m) inward from the outline, positive within."""
    inward = np.full(u.shape, -np.inf, np.float32)
    for cu, cv, hu, hv in parts:
        np.maximum(inward, np.minimum(np.float32(hu) - np.abs(u - np.float32(cu)),
                                      np.float32(hv) - np.abs(v - np.float32(cv))), out=inward)  # fmt: skip
    return inward


def _flat_roof(
    canvas: Canvas, colour: Floats, local: tuple[Floats, Floats], parts: tuple[Wing, ...], own: Random
) -> None:
    """A parapet, seams of the sheets and stains, in place."""
    u, v = local
    inward = _rim(u, v, parts)
    parapet = canvas.band(inward - np.float32(0.2), 0.2)
    colour += (np.float32(own.uniform(0.2, 0.7)) * parapet)[..., None] * (np.float32(own.uniform(150, 230)) - colour)
    pitch = own.uniform(3.0, 9.0)
    seams = np.maximum(canvas.band(u % np.float32(pitch) - np.float32(pitch / 2), 0.06),
                       canvas.band(v % np.float32(1.7 * pitch) - np.float32(0.85 * pitch), 0.06))  # fmt: skip
    colour *= (1.0 - np.float32(own.uniform(0.0, 0.15)) * seams)[..., None]
    dirt = np.clip(1.2 - inward / np.float32(own.uniform(1.0, 3.0)), 0.0, 1.0) * np.float32(own.uniform(0.0, 0.18))
    colour *= (1.0 - dirt)[..., None]


def _equip(canvas: Canvas, x: float, y: float, angle: float, parts: tuple[Wing, ...], height: float, roof: Roof,
           own: Random, crowd: float) -> None:  # fmt: skip
    """Boxes on the roof: air conditioning and skylights on flat ones, chimneys and vents on pitched ones."""
    c, s = math.cos(angle), math.sin(angle)
    flat = roof.shape == "flat"
    for cu, cv, hu, hv in parts:
        area = 4.0 * hu * hv
        count = min(40, int(crowd * own.uniform(0.3, 1.6) * (area / 45.0 if flat else 2.0 + area / 150.0)))
        for _ in range(count):
            size = own.choice((0.4, 0.7, 1.0, 1.6, 2.4)) if flat else own.choice((0.15, 0.25, 0.45))
            if size > 0.4 * min(hu, hv):
                continue
            u, v = cu + own.uniform(-0.85, 0.85) * (hu - size), cv + own.uniform(-0.85, 0.85) * (hv - size)
            shade = own.choice((215.0, 190.0, 150.0, 120.0)) if flat else own.choice((160.0, 120.0, 90.0))
            tall = own.uniform(0.6, 2.2) if flat else own.uniform(0.3, 1.2) + roof.slope * min(hu, hv) * 0.5
            _box(canvas, (x + u * c - v * s, y + u * s + v * c, angle), (size, size * own.uniform(0.5, 1.0)),
                 (shade, shade, shade * 0.98), height + tall)  # fmt: skip


def _box(
    canvas: Canvas, place: tuple[float, float, float], half: tuple[float, float], colour: Colour, top: float
) -> None:
    window = canvas.around(place[0], place[1], math.hypot(*half) + canvas.gsd)
    if window is not None:
        u, v = window.local(*place)
        canvas.paint(window, canvas.band(u, half[0]) * canvas.band(v, half[1]), colour, None, top)


def add_tower(world: World, x: float, y: float, angle: float, half_u: float, half_v: float, height: float, roof: Roof,
              lean: tuple[float, float]) -> None:  # fmt: skip
    """A tall building seen a little from the side: its roof lies off its foot by `lean` metres a metre of height."""
    own = Random(world.seed())
    facade = roof.surface.first if own.random() < 0.5 else (own.uniform(90, 200),) * 3
    glass = own.uniform(0.25, 0.7)
    dx, dy = lean[0] * height, lean[1] * height
    radius = math.hypot(half_u, half_v)
    foot, head = box_corners(x, y, half_u, half_v, angle), box_corners(x + dx, y + dy, half_u, half_v, angle)

    def walls(canvas: Canvas) -> None:
        for k in range(4):
            a, b = foot[k], foot[(k + 1) % 4]
            outward = np.array([b[1] - a[1], a[0] - b[0]]) / max(float(np.hypot(*(b - a))), 1e-6)
            if outward @ lean >= 0.0:
                continue
            quad = np.array([a, b, head[(k + 1) % 4], head[k]])
            window = canvas.bounding(quad)
            if window is None:
                continue
            lit = max(0.0, float(outward @ (math.cos(canvas.sun.azimuth), math.sin(canvas.sun.azimuth))))
            colour = np.full((*window.x.shape, 3), np.asarray(facade, np.float32) * np.float32(0.35 + 0.75 * lit))
            along, _ = window.local(float(a[0]), float(a[1]), math.atan2(*(b - a)[::-1]))
            _, up = window.local(float(a[0]), float(a[1]), math.atan2(-dx, dy) + math.pi)
            floor = math.hypot(dx, dy) / max(1.0, height / 3.2)
            colour *= (1.0 - glass * (0.5 + 0.5 * np.sign(canvas.waves(up, max(floor, 0.05)))
                                      * np.sign(canvas.waves(along, 3.0))))[..., None]  # fmt: skip
            canvas.paint(
                window, canvas.cover(polygon_distance(window.x, window.y, quad)), colour, ID["roof"], height / 2
            )

    if math.hypot(*lean) > 0.0:
        world.add("building", x + dx / 2, y + dy / 2, radius + math.hypot(dx, dy), walls)
    add_building(world, x + dx, y + dy, angle, ((0.0, 0.0, half_u, half_v),), height, roof, equipment=0.8)
