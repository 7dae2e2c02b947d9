"""Value noise in bands of wavelength, in metres, so that one world looks alike at every pixel size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Single precision throughout; typed loosely because NumPy's stubs widen products with Python numbers.
Floats = npt.NDArray[np.floating[Any]]

#: Shortest wavelength (m); each further band doubles it.
SHORTEST = 0.1
#: A band is drawn when a wave has at least this many pixels; shorter ones average out within a pixel.
PIXELS_PER_WAVE = 1.6
#: Standard deviation of unit white noise on a lattice, interpolated by cubic B-splines: (151/315) in two dimensions.
INTERPOLATED_STD = 151.0 / 315.0


def _spline_taps(count: int, pitch: float) -> tuple[npt.NDArray[np.intp], Floats]:
    """First lattice index and the four cubic B-spline weights (4, count) of samples `pitch` lattice cells apart.

    B-splines make the noise nearly the same in all directions, where linear or smoothstep weights show the lattice.
    """
    position = np.arange(count) * pitch + 0.37
    index = position.astype(np.intp)
    t = (position - index).astype(np.float32)
    s = 1.0 - t
    weights = np.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3]) / np.float32(6.0)
    return index, weights.astype(np.float32)


class NoiseBank:
    """Cached noise fields over one picture.

    Parameters
    ----------
    seed : int
        Same seed, same field.
    shape : (int, int)
        Rows and columns.
    gsd : float
        Metres a pixel.
    """

    def __init__(self, seed: int, shape: tuple[int, int], gsd: float) -> None:
        self.seed, self.shape, self.gsd = seed, shape, gsd
        self._bands: dict[int, Floats] = {}
        self._sums: dict[tuple[int, int, float], Floats] = {}

    def band(self, k: int) -> Floats:
        """Unit-variance noise of wavelength ``SHORTEST * 2**k`` metres, (H, W)."""
        if k not in self._bands:
            pitch = 2.0 * self.gsd / (SHORTEST * 2.0**k)
            rows, row_weights = _spline_taps(self.shape[0], pitch)
            cols, col_weights = _spline_taps(self.shape[1], pitch)
            lattice = np.random.default_rng([self.seed, k]).standard_normal(
                (int(rows[-1]) + 4, int(cols[-1]) + 4), dtype=np.float32
            )
            wide = sum(np.take(lattice, cols + j, axis=1) * col_weights[j] for j in range(4)) / np.float32(
                INTERPOLATED_STD
            )
            self._bands[k] = sum(np.take(wide, rows + j, axis=0) * row_weights[j][:, None] for j in range(4))
        return self._bands[k]

    def fractal(self, low: float, high: float, gain: float = 0.7, variant: int = 0) -> Floats:
        """Sum of the bands between two wavelengths (m), (H, W); a view for `variant` 0 to 3 (its mirror images).

        The variance is one for all the bands together, those too fine for the picture included, so that a
        surface loses contrast with growing pixels as a real one does. `gain` is the amplitude ratio of a band to
        the one of twice its wavelength.
        """
        first = max(0, round(np.log2(low / SHORTEST)))
        last = max(first, round(np.log2(high / SHORTEST)))
        key = (first, last, gain)
        if key not in self._sums:
            weights = {k: gain ** (last - k) for k in range(first, last + 1)}
            norm = sum(w * w for w in weights.values()) ** 0.5
            total = np.zeros(self.shape, np.float32)
            for k, weight in weights.items():
                if SHORTEST * 2.0**k >= PIXELS_PER_WAVE * self.gsd:
                    total += self.band(k) * np.float32(weight / norm)
            self._sums[key] = total
        field = self._sums[key]
        return field[:: -1 if variant & 1 else 1, :: -1 if variant & 2 else 1]
