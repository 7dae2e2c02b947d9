"""Cast shadows over the height map, and the camera: haze, tone, colour cast, blur, noise, JPEG."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from .canvas import Canvas
from .noise import Floats


def cast_shadows(canvas: Canvas) -> Floats:
    """Share of direct light taken from each pixel by what stands toward the sun, (H, W) of 0..1.

    A pixel is in shadow when some height toward the sun rises above the ray. The maximum of
    ``height - step * distance`` along the ray is found by doubling: after pass k it covers 2**k steps.
    """
    tallest = float(canvas.height.max())
    shadow = np.zeros(canvas.shape, np.float32)
    drop = canvas.gsd * math.tan(canvas.sun.elevation)
    steps = min(tallest / drop, 1.5 * max(canvas.shape))
    if steps < 0.5:
        return shadow
    azimuth = canvas.sun.azimuth - canvas.angle
    reach = canvas.height.copy()
    covered = 1
    while covered <= steps:
        rows, cols = round(math.sin(azimuth) * covered), round(math.cos(azimuth) * covered)
        if abs(rows) >= canvas.shape[0] or abs(cols) >= canvas.shape[1]:
            break
        # Heights that come from `covered` pixels toward the sun, lowered by what the ray falls on the way.
        to = (
            slice(max(0, -rows), canvas.shape[0] - max(0, rows)),
            slice(max(0, -cols), canvas.shape[1] - max(0, cols)),
        )
        of = (slice(max(0, rows), canvas.shape[0] + min(0, rows)), slice(max(0, cols), canvas.shape[1] + min(0, cols)))
        np.maximum(reach[to], reach[of] - np.float32(covered * drop), out=reach[to])
        covered *= 2
    softness = max(0.15, 0.7 * drop)
    np.clip((reach - canvas.height - np.float32(0.12)) / np.float32(softness), 0.0, 1.0, out=shadow)
    return gaussian_filter(shadow, 0.5)


@dataclass(frozen=True)
class Camera:
    """How the scene's light becomes a picture; drawn at random by :meth:`pick`."""

    shade: tuple[float, float, float]
    haze: float
    haze_colour: tuple[float, float, float]
    gain: float
    contrast: float
    gamma: float
    saturation: float
    balance: tuple[float, float, float]
    falloff: float
    blur: float
    sharpen: float
    noise: float
    jpeg: int | None

    @classmethod
    def pick(cls, rng: Random, climate: str) -> Camera:
        """A camera: mostly clean, now and then hazy, soft, noisy or badly compressed."""
        deep = rng.uniform(0.2, 0.55)
        # Satellite products are often stretched until sand is white and water black, bluish and sharpened.
        hard = rng.random() < (0.6 if climate == "arid" else 0.12)
        return cls(
            shade=(deep * 0.95, deep * 1.02, deep * rng.uniform(1.08, 1.35)),
            haze=rng.uniform(0.1, 0.35) if rng.random() < 0.2 else rng.uniform(0.0, 0.08),
            haze_colour=(rng.uniform(180, 215), rng.uniform(190, 218), rng.uniform(200, 230)),
            gain=rng.uniform(0.95, 1.25) if hard else rng.uniform(0.8, 1.2),
            contrast=rng.uniform(1.25, 1.7) if hard else rng.uniform(0.85, 1.15),
            gamma=rng.uniform(0.85, 1.2),
            saturation=rng.uniform(0.4, 0.9) if hard else rng.uniform(0.6, 1.15),
            balance=(rng.gauss(0.97 if hard else 1.0, 0.03), 1.0, rng.gauss(1.04 if hard else 1.0, 0.04)),
            falloff=rng.uniform(0.0, 0.08),
            blur=rng.choice((0.45, 0.6)) if hard else rng.choice((0.25, 0.35, 0.5, 0.65, 0.9)),
            sharpen=rng.choice((0.5, 1.0, 1.5)) if hard else rng.choice((0.0, 0.4, 0.8, 1.2)),
            noise=rng.choice((1.0, 2.0, 3.0, 6.0)),
            jpeg=rng.randint(35, 92) if rng.random() < 0.6 else None,
        )

    def develop(self, canvas: Canvas, seed: int) -> npt.NDArray[np.uint8]:
        """The finished picture, (H, W, 3) uint8."""
        dark = np.asarray(self.shade, np.float32) - 1.0
        light = canvas.rgb * (1.0 + cast_shadows(canvas)[..., None] * dark)
        light *= (1.0 + np.float32(self.falloff) * canvas.noise(canvas.whole(), 400.0, 1600.0))[..., None]
        light += np.float32(self.haze) * (np.asarray(self.haze_colour, np.float32) - light)
        light *= np.asarray(self.balance, np.float32) * np.float32(self.gain)
        grey = light.mean(axis=2, keepdims=True)
        light = grey + np.float32(self.saturation) * (light - grey)
        light = np.float32(118.0) + np.float32(self.contrast) * (light - np.float32(118.0))
        light = 255.0 * np.power(_shoulder(light / np.float32(255.0)), np.float32(self.gamma))
        soft = gaussian_filter(light, (self.blur, self.blur, 0))
        if self.sharpen:
            soft += np.float32(self.sharpen) * (soft - gaussian_filter(soft, (1.0, 1.0, 0)))
        grain = np.random.default_rng([seed, 7]).standard_normal(soft.shape, dtype=np.float32)
        soft += np.float32(self.noise) * grain
        picture: npt.NDArray[np.uint8] = np.clip(soft + 0.5, 0.0, 255.0).astype(np.uint8)
        return picture if self.jpeg is None else jpeg_damage(picture, self.jpeg)


def _shoulder(light: Floats) -> Floats:
    """Light clipped at 0, its highlights bent toward 1 so that bright ground keeps some texture."""
    knee = np.float32(0.78)
    bent = 1.0 - (1.0 - knee) * np.exp(-(np.maximum(light, knee) - knee) / (1.0 - knee))
    return np.where(light > knee, bent, np.maximum(light, 0.0))


def jpeg_damage(picture: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """The picture (H, W, 3) after JPEG at a quality of 1..95."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))
