"""Surfaces: the colours of a material and its texture over a window."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from random import Random

import numpy as np

from .canvas import Canvas, Colour, Window
from .noise import Floats


@dataclass(frozen=True)
class Material:
    """Two colours mixed by coarse noise, a third in spots, and brightness grain by fine noise.

    Parameters
    ----------
    first, second : (float, float, float)
        Colours of 0..255 between which the surface varies.
    mix : float
        How far the coarse noise carries from one to the other.
    patch : (float, float)
        Wavelengths (m) of the coarse noise.
    grain : float
        Relative brightness deviation of the fine noise.
    fine : float
        Longest wavelength (m) of the fine noise.
    spots : (float, float, float) or None
        A third colour where another coarse noise is high.
    spot_share : float
        About the share of the surface that the spots take.
    veins : float
        Relative brightness of thin winding lines: wheel tracks in sand, paths of animals in pasture, rills.
    relief: float
        Relative brightness of slopes, lit from the sun's side: heaps, clods, tufts, dunes.
    """

    first: Colour
    second: Colour
    mix: float = 0.35
    patch: tuple[float, float] = (1.6, 25.0)
    grain: float = 0.06
    fine: float = 1.6
    spots: Colour | None = None
    spot_share: float = 0.1
    veins: float = 0.0
    relief: float = 0.0

    def texture(self, canvas: Canvas, window: Window, variant: int = 0) -> Floats:
        """Colour of the surface over a window, (h, w, 3)."""
        share = 0.5 + self.mix * canvas.noise(window, *self.patch, gain=0.75, variant=variant)
        np.clip(share, 0.0, 1.0, out=share)
        first = np.asarray(self.first, np.float32)
        colour = first + share[..., None] * (np.asarray(self.second, np.float32) - first)
        if self.spots is not None:
            level = 2.0 * (0.5 - self.spot_share) ** 3 * 4.0 + 0.8 * (0.5 - self.spot_share)
            field = canvas.noise(window, *self.patch, gain=0.75, variant=variant ^ 3)
            amount = np.clip((field - np.float32(level)) * 0.9, 0.0, 0.8)[..., None]
            colour += amount * (np.asarray(self.spots, np.float32) - colour)
        if self.veins != 0.0:
            colour *= (1.0 + self._winding(canvas, window, variant))[..., None]
        if self.relief > 0.0:
            colour *= self._slopes(canvas, window, variant)[..., None]
        if self.grain > 0.0:
            fine = canvas.noise(window, 0.1, self.fine, gain=1.0, variant=variant ^ 1)
            colour *= (1.0 + np.float32(self.grain) * fine)[..., None]
        return colour

    def _slopes(self, canvas: Canvas, window: Window, variant: int) -> Floats:
        """Brightness of an uneven surface under the sun, (h, w): noise differentiated toward the sun."""
        height = canvas.noise(window, 0.4, 25.0, 0.62, variant)
        azimuth = canvas.sun.azimuth - canvas.angle
        toward = np.zeros_like(height)
        if height.shape[1] > 2:
            toward[:, 1:-1] = (height[:, :-2] - height[:, 2:]) * np.float32(math.cos(azimuth))
        if height.shape[0] > 2:
            toward[1:-1] += (height[:-2] - height[2:]) * np.float32(math.sin(azimuth))
        # The steps of a pixel's width shrink with the pixel; the root keeps fine pictures from going flat.
        steep = np.float32(self.relief / math.sqrt(max(canvas.gsd, 0.1)) * 1.2)
        light: Floats = np.clip(1.0 + steep * toward, 0.35, 1.5)
        return light

    def _winding(self, canvas: Canvas, window: Window, variant: int) -> Floats:
        """Relative brightness of thin lines along the level lines of smooth noise, (h, w)."""
        wide = np.exp(-np.square(canvas.noise(window, 6.4, 100.0, 0.5, variant) * np.float32(25.0)))
        small = np.exp(-np.square(canvas.noise(window, 1.6, 25.0, 0.6, variant ^ 2) * np.float32(14.0)))
        patchy = np.clip(0.5 + 0.6 * canvas.noise(window, 25.0, 200.0, 0.6, variant ^ 1), 0.0, 1.2)
        lines: Floats = np.float32(self.veins) * (wide + np.float32(0.6) * small) * patchy
        return lines


def jitter(rng: Random, colour: Colour, spread: float = 0.1) -> Colour:
    """The colour with its brightness, and less so its tint, moved at random."""
    gain = 1.0 + rng.gauss(0.0, spread)
    red, green, blue = (min(255.0, max(3.0, c * gain * (1.0 + rng.gauss(0.0, spread * 0.18)))) for c in colour)
    return red, green, blue


def lively(rng: Random, saturation: float = 0.6, value: float = 0.7) -> Colour:
    """A random saturated colour, such as of cars and awnings."""
    hue = rng.choice((0.0, 0.02, 0.08, 0.13, 0.35, 0.48, 0.56, 0.6, 0.63)) + rng.uniform(-0.02, 0.02)
    red, green, blue = colorsys.hsv_to_rgb(
        hue % 1.0, min(1.0, saturation * rng.uniform(0.5, 1.2)), value * rng.uniform(0.5, 1.1)
    )
    return red * 255.0, green * 255.0, blue * 255.0
