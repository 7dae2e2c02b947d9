"""Rows of vines."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Points, polygon_distance
from .classes import ID
from .world import World


def add_vines(world: World, corners: Points, angle: float) -> None:
    """Vines in rows along `angle` within a polygon (N, 2); the ground between is a vineyard too."""
    rng = world.rng
    pitch, wide = rng.uniform(1.6, 3.0), rng.uniform(0.25, 0.6)
    middle = corners.mean(axis=0)
    radius = float(np.hypot(*(corners - middle).T).max())

    def paint(canvas: Canvas) -> None:
        window = canvas.bounding(corners)
        if window is None:
            return
        within = canvas.cover(polygon_distance(window.x, window.y, corners))
        _, v = window.local(float(middle[0]), float(middle[1]), angle)
        clumps = np.float32(0.25 * wide) * canvas.noise(window, 0.4, 1.6)
        if canvas.gsd < 1.2 * pitch:
            rows = canvas.band(v % np.float32(pitch) - np.float32(pitch / 2), np.maximum(wide + clumps, 0.05))
        else:
            rows = np.full(v.shape, 2.0 * wide / pitch, np.float32)
        lit = 1.0 + 0.25 * np.clip((v % np.float32(pitch) - np.float32(pitch / 2)) / np.float32(wide), -1.0, 1.0)
        colour = (
            world.palette["crop"].texture(canvas, window) * np.asarray(lit, np.float32)[..., None] * np.float32(0.85)
        )
        canvas.paint(window, within * rows, colour)
        canvas.labels[window.rows, window.cols][within > 0.5] = ID["vineyard"]
        tall = canvas.height[window.rows, window.cols]
        np.maximum(tall, np.where((rows > 0.5) & (within > 0.5), np.float32(1.6), 0.0), out=tall)

    world.add("low", float(middle[0]), float(middle[1]), radius, paint, "vineyard")
