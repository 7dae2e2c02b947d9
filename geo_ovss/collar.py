"""The black or white collar that an orthophoto has and does not declare.

Found once on a thinned picture of the whole scene: what is almost pure black or white, uniform, and hangs together
with the scene's edge over some length. Refined by window: JPEG smears a collar's edge by at most one of its coding
units of 16 pixels, so a pixel that is nearly black, and reached from pure black within 16 steps, belongs to the collar.

The refinement looks no further than `MARGIN` pixels, so that its answer does not depend on how windows are cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

NOISE_STEPS = 16
"""Pixels that JPEG noise reaches: one coding unit where colour is halved (ITU-T T.81)."""
LEAK_STEPS = 8
"""Growth that goes on this far past the noise's reach has left the collar for a dark (or bright) part of the scene."""
PURE_SHARE = 0.25
"""Share of pure pixels in 9 x 9 below which, at such a leak, a pixel counts as scene."""
DENSITY_WINDOW = 9
WIDE_PIXELS = 9
"""A slit between the pieces of a mosaic is narrower than this."""
WIDE_SHARE = 0.7
"""Share of a square of that width that dark water fills, and a slit does not."""
PURITY, PURITY_WINDOW = 0.1, 17
"""Where less than this share of the nearly black pixels around is pure, they are no collar's noise."""
HOLE_PIXELS = 32
"""Noise spots inside a collar up to this size are part of it."""
REACH = NOISE_STEPS + LEAK_STEPS + PURITY_WINDOW // 2
"""Pixels around a collar's cells that have to be looked at."""
MARGIN = 2 + 2 * (NOISE_STEPS + LEAK_STEPS) + PURITY_WINDOW // 2 + DENSITY_WINDOW // 2 + HOLE_PIXELS
"""Pixels around a window that its refinement looks at."""

SMALLEST_SHARE, SMALLEST_CELLS = 0.0005, 64
"""A collar covers this share of the thinned picture, and this many of its cells."""

_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Tone:
    """A value that a collar may have, in the raster's own units.

    Attributes
    ----------
    value : float
        In every band.
    pure : float
        Largest difference of any band that still counts as this value.
    noise_mean, noise_max : float
        Largest mean and largest single difference of the bands that compression leaves at the collar's edge.
    bright : bool
        Whether it is the bright one: roofs and clouds are clipped to white, so that white needs more evidence.
    """

    value: float
    pure: float
    noise_mean: float
    noise_max: float
    bright: bool

    def pure_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Which of (B, h, w) have this value, (h, w)."""
        return self._distance(pixels).max(0) <= self.pure

    def almost_pure_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Which of (B, h, w) are about as near to it as an overview's mean over a collar's noise, (h, w)."""
        return self._distance(pixels).mean(0) <= self.noise_mean / 3

    def spots(self, pixels: np.ndarray) -> np.ndarray:
        """Which of (B, h, w) may be noise where the collar is all around, (h, w)."""
        return self._distance(pixels).max(0) <= 1.5 * self.noise_max

    def noisy_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Which of (B, h, w) have this value up to the noise of a collar's edge, (h, w)."""
        distance = self._distance(pixels)
        return (distance.max(0) <= self.noise_max) & (distance.mean(0) <= self.noise_mean)

    def _distance(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.dtype == np.uint8:
            return (255 - pixels) if self.value == 255 else pixels
        with np.errstate(invalid="ignore", over="ignore"):
            return np.nan_to_num(np.abs(pixels.astype(np.float64) - self.value), nan=np.inf)


@dataclass(frozen=True)
class Collar:
    """A collar of one tone on the thinned picture.

    Attributes
    ----------
    tone : Tone
    body : ndarray of bool, (h, w)
        Cells of the thinned picture that it covers.
    slits : ndarray of bool, (h, w)
        Narrow gaps between the pieces of a mosaic that run from it into the scene: all noise, nowhere pure.
    declared : bool
        Whether its value is declared as no data, and only its noise is not.
    """

    tone: Tone
    body: np.ndarray
    slits: np.ndarray
    declared: bool = False

    @property
    def cells(self) -> np.ndarray:
        """All of it, (h, w)."""
        return self.body | self.slits


def tones(pixels: np.ndarray, valid: np.ndarray, lossy: bool) -> list[Tone]:
    """Values that a collar of this raster would have.

    Parameters
    ----------
    pixels : ndarray, (B, h, w)
        The thinned picture, in the raster's own values.
    valid : ndarray of bool, (h, w)
    lossy : bool
        Whether the file's compression changes values.

    Returns
    -------
    list of Tone
        For 8 bits black and white, with the noise of JPEG (the file may have been one before). For other types the
        smallest and the largest value of the scene, exactly, or with the same noise in units of the scene's range
        where the compression is lossy.
    """
    if pixels.dtype == np.uint8:
        return [Tone(0, 3, 12, 40, False), Tone(255, 3, 12, 40, True)]
    known = pixels[:, valid & np.isfinite(pixels).all(0)]
    if not known.size:
        return []
    found = []
    for value, bright in ((known.min(), False), (known.max(), True)):
        rest = known[:, (known != value).any(0)]
        level = float(np.ptp(np.percentile(rest, (2, 98)))) / 255 if lossy and rest.size else 0.0
        found.append(Tone(float(value), 3 * level, 12 * level, 40 * level, bright))
    return found


def find_collars(pixels: np.ndarray, valid: np.ndarray, candidates: list[Tone], cell: float) -> list[Collar]:
    """Find undeclared collars on a thinned picture of the whole scene.

    Parameters
    ----------
    pixels : ndarray, (B, h, w)
    valid : ndarray of bool, (h, w)
        False where no-data is declared: a collar may reach the scene's edge through it.
    candidates : list of Tone
    cell : float
        Pixels of the scene that one of the thinned picture stands for.

    Returns
    -------
    list of Collar
        At most one for each tone, empty ones left out.
    """
    found = []
    for tone in candidates:
        pure = tone.pure_pixels(pixels) & valid
        labels, count = ndimage.label(pure | ~valid)
        frame = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
        large = np.bincount(labels[pure], minlength=count + 1) >= max(SMALLEST_SHARE * pure.size, SMALLEST_CELLS)
        body = np.zeros_like(pure)
        for label in frame[large[frame] & (frame > 0)]:
            part = (labels == label) & pure
            if _is_collar(part, pixels, tone):
                body |= part
        if body.any():
            found.append(Collar(tone, body, _slits(body, pixels, valid, tone, cell)))
    return found


def _slits(body: np.ndarray, pixels: np.ndarray, valid: np.ndarray, tone: Tone, cell: float) -> np.ndarray:
    """What hangs together with a collar's body by noise alone, and is no dark part of the scene."""
    noisy, pure = tone.noisy_pixels(pixels) & valid, tone.almost_pure_pixels(pixels)
    steps, width = int(np.ceil(NOISE_STEPS / cell)), max(int(np.ceil(WIDE_PIXELS / cell)), 3)
    edge = ndimage.binary_dilation(body, _EIGHT, iterations=steps)
    dark = ndimage.binary_dilation(_dark_scene(noisy & ~edge, pure, width), _EIGHT, iterations=steps + width)
    return ndimage.binary_propagation(body, _EIGHT, mask=body | (noisy & ~dark)) & ~body


def _is_collar(part: np.ndarray, pixels: np.ndarray, tone: Tone) -> bool:
    """Tell a collar from dark water, a shadow or a white roof at the scene's edge.

    A collar is one value over most of its area (clouds, roofs, water and shadows are not, unless clipped), and holds a
    corner of the scene or runs along much of a side: black along a twentieth of a side, or a hundredth of the picture;
    white, to which bright roofs are clipped, along half of a side.
    """
    area, (height, width) = int(part.sum()), part.shape
    inside = pixels[:, part]
    values, counts = np.unique(inside.astype(np.float64).mean(0), return_counts=True)
    one_value = counts.max() / area
    if one_value < (0.9 if len(pixels) == 1 else 0.4) or abs(values[counts.argmax()] - tone.value) > tone.pure / 3:
        return False
    sides = [part[0], part[-1], part[:, 0], part[:, -1]]
    along = max(side.mean() for side in sides)
    corner = bool(part[0, 0] or part[0, -1] or part[-1, 0] or part[-1, -1])
    if tone.bright:
        return (corner or along >= 0.5) and one_value >= 0.6
    return corner or along >= 0.05 or area >= 0.01 * height * width


def refine(pixels: np.ndarray, near: np.ndarray, slits: np.ndarray, tone: Tone) -> np.ndarray:
    """Pixels of a window that belong to a collar.

    Parameters
    ----------
    pixels : ndarray, (B, h, w)
        A window with `MARGIN` pixels more on each side, except where the raster ends.
    near : ndarray of bool, (h, w)
        Pixels in or beside cells where the collar was found; nothing else can belong to it.
    slits : ndarray of bool, (h, w)
        Pixels in or beside cells of its slits.
    tone : Tone

    Returns
    -------
    ndarray of bool, (h, w)
        Right for the window; not for the margin.
    """
    pure = tone.pure_pixels(pixels) & near
    if pure.all():
        return pure
    seeds = ndimage.binary_opening(np.pad(pure, 2, mode="edge"), _EIGHT)[2:-2, 2:-2]
    if tone.noise_max == 0:
        return seeds
    noisy = tone.noisy_pixels(pixels) & near
    collar = _grow(seeds, noisy, NOISE_STEPS)
    leak = _grow(collar, noisy, LEAK_STEPS) & ~_grow(collar, noisy, LEAK_STEPS // 2)
    leak &= _dark_scene(noisy, tone.almost_pure_pixels(pixels), WIDE_PIXELS)
    if leak.any():  # on into dark water, say: there, stay close to what is pure
        doubtful = ndimage.binary_dilation(leak, _EIGHT, iterations=NOISE_STEPS + LEAK_STEPS)
        dense = ndimage.uniform_filter(pure.astype(np.float32), DENSITY_WINDOW) >= PURE_SHARE
        collar = np.where(doubtful, _grow(seeds, noisy & dense, NOISE_STEPS), collar)
    return _fill_spots(collar | (noisy & slits), tone.spots(pixels))


def _dark_scene(noisy: np.ndarray, pure: np.ndarray, width: int) -> np.ndarray:
    """Where what looks like noise fills most of a square and hardly any of it is pure: dark water, a shadow."""
    filled = ndimage.uniform_filter(noisy.astype(np.float32), width) >= WIDE_SHARE
    purity = ndimage.uniform_filter((noisy & pure).astype(np.float32), PURITY_WINDOW)
    return filled & (purity < PURITY * ndimage.uniform_filter(noisy.astype(np.float32), PURITY_WINDOW))


def _grow(seeds: np.ndarray, into: np.ndarray, steps: int) -> np.ndarray:
    return ndimage.binary_dilation(seeds, _EIGHT, iterations=steps, mask=into | seeds)


def _fill_spots(collar: np.ndarray, spots: np.ndarray) -> np.ndarray:
    """Fill enclosed `spots` of up to `HOLE_PIXELS`; what the frame cuts lies in the margin, or at the raster's end."""
    labels, count = ndimage.label(~collar)
    if not count:
        return collar
    small = np.bincount(labels.ravel()) <= HOLE_PIXELS
    small[0] = False
    return collar | (small[labels] & spots)
