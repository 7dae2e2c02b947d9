"""Value noise in bands of wavelength, in metres, so that one world looks alike at every pixel size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

#: Shortest wavelength (m); each further band doubles it.
SHORTEST = 0.1
#: A band is drawn when a wave has at least this many pixels; shorter ones average out within a pixel.
PIXELS_PER_WAVE = 1.5
#: Standard deviation of smoothstep-interpolated unit lattice noise (integrates the weights' squares).
INTERPOLATED_STD = 0.743


def _smooth_steps(count: int, pitch: float) -> tuple[npt.NDArray[np.intp], Floats]:
    """Lattice index and smoothstep weight of `count` samples that lie `pitch` lattice cells apart."""
    position = np.arange(count) * pitch + 0.5
    index = position.astype(np.intp)
    weight = (position - index).astype(np.float32)
    return index, weight * weight * (3.0 - 2.0 * weight)


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
            pitch = self.gsd / (SHORTEST * 2.0**k)
            rows, row_weight = _smooth_steps(self.shape[0], pitch)
            cols, col_weight = _smooth_steps(self.shape[1], pitch)
            lattice = np.random.default_rng([self.seed, k]).standard_normal(
                (int(rows[-1]) + 2, int(cols[-1]) + 2), dtype=np.float32
            )
            step = lattice[:, cols + 1] - lattice[:, cols]
            wide = lattice[:, cols] + step * col_weight
            upper = wide[rows]
            self._bands[k] = (upper + (wide[rows + 1] - upper) * row_weight[:, None]) / np.float32(INTERPOLATED_STD)
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
