"""The picture being painted: colour, labels and heights together, in world metres, with exact edge coverage."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .noise import Floats, NoiseBank

Points = npt.NDArray[np.float64]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Sun:
    """Where the light comes from: azimuth in the world's axes (x right, y down) and elevation, radians."""

    azimuth: float
    elevation: float

    def relief(self, slope_x: Floats | float, slope_y: Floats | float, ambient: float = 0.45) -> Floats:
        """Brightness of a slope against flat ground (Lambert's law with an ambient part); slopes dz/dx, dz/dy."""
        tangent = 1.0 / math.tan(self.elevation)
        toward = 1.0 - (slope_x * math.cos(self.azimuth) + slope_y * math.sin(self.azimuth)) * tangent
        lit = np.maximum(toward, 0.0) / np.sqrt(1.0 + np.square(slope_x) + np.square(slope_y))
        return np.asarray(ambient + (1.0 - ambient) * np.minimum(lit, 2.0), np.float32)


@dataclass(frozen=True)
class Window:
    """A rectangle of the canvas with the world coordinates (m) of its pixel centres, (h, w) each."""

    rows: slice
    cols: slice
    x: Floats
    y: Floats

    def local(self, x: float, y: float, angle: float) -> tuple[Floats, Floats]:
        """Coordinates along and across `angle`, from the point (x, y)."""
        c, s = math.cos(angle), math.sin(angle)
        dx, dy = self.x - np.float32(x), self.y - np.float32(y)
        return dx * np.float32(c) + dy * np.float32(s), dy * np.float32(c) - dx * np.float32(s)


class Canvas:
    """Colour (H, W, 3) float32 of 0..255, labels (H, W) uint8 and heights (H, W) float32 in metres.

    Parameters
    ----------
    seed : int
        Of the noise fields.
    shape : (int, int)
        Rows and columns.
    gsd : float
        Metres a pixel.
    centre : (float, float)
        World coordinates of the middle of the picture.
    angle : float
        Rotation of the picture's axes in the world, radians.
    sun : Sun
        In world axes.
    """

    def __init__(
        self, seed: int, shape: tuple[int, int], gsd: float, centre: tuple[float, float], angle: float, sun: Sun
    ) -> None:
        self.shape, self.gsd, self.centre, self.angle, self.sun = shape, gsd, centre, angle, sun
        self.noise_bank = NoiseBank(seed, shape, gsd)
        right = (np.arange(shape[1], dtype=np.float32) - (shape[1] - 1) / 2) * np.float32(gsd)
        down = (np.arange(shape[0], dtype=np.float32) - (shape[0] - 1) / 2) * np.float32(gsd)
        c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        self.x = (right * c)[None, :] - (down * s)[:, None] + np.float32(centre[0])
        self.y = (right * s)[None, :] + (down * c)[:, None] + np.float32(centre[1])
        self.rgb = np.zeros((*shape, 3), np.float32)
        self.labels = np.zeros(shape, np.uint8)
        self.height = np.zeros(shape, np.float32)

    def whole(self) -> Window:
        """The window that holds everything."""
        return Window(slice(0, self.shape[0]), slice(0, self.shape[1]), self.x, self.y)

    def pixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Points, Points]:
        """Fractional rows and columns of world points."""
        dx, dy = np.asarray(x) - self.centre[0], np.asarray(y) - self.centre[1]
        c, s = math.cos(self.angle), math.sin(self.angle)
        cols = (dx * c + dy * s) / self.gsd + (self.shape[1] - 1) / 2
        rows = (dy * c - dx * s) / self.gsd + (self.shape[0] - 1) / 2
        return rows, cols

    def _cut(self, top: float, bottom: float, left: float, right: float) -> Window | None:
        first_row, last_row = max(0, math.floor(top)), min(self.shape[0], math.ceil(bottom) + 1)
        first_col, last_col = max(0, math.floor(left)), min(self.shape[1], math.ceil(right) + 1)
        if first_row >= last_row or first_col >= last_col:
            return None
        rows, cols = slice(first_row, last_row), slice(first_col, last_col)
        return Window(rows, cols, self.x[rows, cols], self.y[rows, cols])

    def around(self, x: float, y: float, radius: float) -> Window | None:
        """The window that holds a disc; None when it lies outside."""
        dx, dy = x - self.centre[0], y - self.centre[1]
        c, s = math.cos(self.angle), math.sin(self.angle)
        col = (dx * c + dy * s) / self.gsd + (self.shape[1] - 1) / 2
        row = (dy * c - dx * s) / self.gsd + (self.shape[0] - 1) / 2
        reach = radius / self.gsd + 1.0
        return self._cut(row - reach, row + reach, col - reach, col + reach)

    def bounding(self, points: Points, pad: float = 0.0) -> Window | None:
        """The window that holds points (N, 2) and `pad` metres around; None when it lies outside."""
        rows, cols = self.pixels(points[:, 0], points[:, 1])
        reach = pad / self.gsd + 1.0
        return self._cut(rows.min() - reach, rows.max() + reach, cols.min() - reach, cols.max() + reach)

    def noise(self, window: Window, low: float, high: float, gain: float = 0.7, variant: int = 0) -> Floats:
        """Noise of wavelengths `low` to `high` metres on a window, about unit variance."""
        return self.noise_bank.fractal(low, high, gain, variant)[window.rows, window.cols]

    def band(self, v: Floats, half: float | Floats) -> Floats:
        """Share of each pixel that lies in ``|v| < half``: exact for edges along the pixel grid, close for others."""
        g = np.float32(1.0 / self.gsd)
        return np.clip((v + half) * g + 0.5, 0.0, 1.0) - np.clip((v - half) * g + 0.5, 0.0, 1.0)

    def cover(self, distance: Floats) -> Floats:
        """Share of each pixel inside a shape, from the signed distance (m, negative inside) to its edge."""
        return np.clip(0.5 - distance * np.float32(1.0 / self.gsd), 0.0, 1.0)

    def waves(self, u: Floats, pitch: float) -> Floats:
        """A sine of wavelength `pitch` metres along u, fading as the pixel grows to the wave (no aliasing)."""
        fade = math.exp(-2.0 * (1.4 * self.gsd / pitch) ** 2)
        if fade < 0.02:
            return np.zeros_like(u)
        return np.float32(fade) * np.sin(u * np.float32(2.0 * math.pi / pitch))

    def paint(
        self,
        window: Window,
        alpha: Floats,
        colour: Floats | Colour,
        label: int | None = None,
        height: Floats | float | None = None,
    ) -> None:
        """Lay a colour ((3,) or (h, w, 3)) over a window with coverage `alpha` (h, w).

        Where `alpha` is above a half, the label and the height (m) are the new ones.
        """
        area = self.rgb[window.rows, window.cols]
        area += alpha[..., None] * (np.asarray(colour, np.float32) - area)
        if label is None and height is None:
            return
        inside = alpha > 0.5
        if label is not None:
            self.labels[window.rows, window.cols][inside] = label
        if height is not None:
            np.copyto(self.height[window.rows, window.cols], np.asarray(height, np.float32), where=inside)

    def ground_height(self, window: Window) -> float:
        """Height (m) at the middle of a window: what a thing painted there stands on."""
        area = self.height[window.rows, window.cols]
        return float(area[area.shape[0] // 2, area.shape[1] // 2])

    def tint(self, window: Window, alpha: Floats, factor: float | Colour) -> None:
        """Multiply the colour of a window by `factor` where `alpha` is one, in part where it is less."""
        area = self.rgb[window.rows, window.cols]
        area *= 1.0 + alpha[..., None] * (np.asarray(factor, np.float32) - 1.0)


def polygon_distance(x: Floats, y: Floats, corners: Points) -> Floats:
    """Signed distance (m, negative inside) from points to a simple polygon (N, 2)."""
    inside = np.zeros(x.shape, bool)
    nearest = np.full(x.shape, np.inf, np.float32)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        ex, ey = np.float32(bx - ax), np.float32(by - ay)
        dx, dy = x - np.float32(ax), y - np.float32(ay)
        along = np.clip((dx * ex + dy * ey) / max(float(ex * ex + ey * ey), 1e-9), 0.0, 1.0)
        np.minimum(nearest, np.square(dx - ex * along) + np.square(dy - ey * along), out=nearest)
        if ay != by:
            crosses = (y >= min(ay, by)) & (y < max(ay, by))
            inside ^= crosses & (dx < dy * np.float32((bx - ax) / (by - ay)))
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)
