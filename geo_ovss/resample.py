"""Pixels of one grid from pixels of another with the same axes, invalid ones left out.

GDAL's warper does not know of a collar that nobody declared, and what it gives at a window's edge depends on the
window. Here each working pixel is a weighted mean of the valid pixels under it, with weights that follow from its own
place alone: however a scene is cut into windows, a pixel comes out the same.
"""

from __future__ import annotations

from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from scipy.sparse import csr_matrix

Kernel = Literal["average", "bilinear"]

VALID_SHARE = 0.5
"""A working pixel is valid where at least this share of what lies under it is."""


TINY = 1e-4
"""Shares closer than this are the same: sums of 32-bit weights are no better."""
PIXELS_AT_ONCE = 2**22
"""Source pixels that a box is made of at most at a time, where many go into one."""


class Readable(Protocol):
    """What pixels are taken from."""

    def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (B, height, width) and valid (height, width) of a box that lies in the raster."""


Inner = TypeVar("Inner", bound=Readable)


class AxisWeights(NamedTuple):
    """Along one axis: rows of `matrix` (n, source pixels from `first` on) sum to one."""

    first: int
    matrix: csr_matrix


def support(start: int, count: int, scale: float, size: int, kernel: Kernel) -> tuple[int, int]:
    """First and one past the last source pixel that `count` working pixels from `start` on are made of."""
    radius = _radius(scale, kernel)
    low, high = (start + 0.5) * scale - radius, (start + count - 0.5) * scale + radius
    first = min(max(int(np.floor(low)), 0), size - 1)
    return first, max(min(int(np.ceil(high)), size), first + 1)


def axis_weights(start: int, count: int, scale: float, size: int, kernel: Kernel) -> AxisWeights:
    """Weights of source pixels along one axis.

    Parameters
    ----------
    start, count : int
        Working pixels.
    scale : float
        Source pixels that a working pixel is wide; under 1 where the raster is refined.
    size : int
        Source pixels on this axis; there are none beyond, and the weights inside sum to one.
    kernel : {"average", "bilinear"}
        The mean over the pixel's own area, or a tent twice as wide. The area is never taken narrower than a source
        pixel, so that on a finer grid both interpolate linearly.
    """
    first, stop = support(start, count, scale, size, kernel)
    radius = _radius(scale, kernel)
    reach = int(np.ceil(2 * radius)) + 1
    centre = (start + np.arange(count) + 0.5) * scale
    column = np.floor(centre - radius).astype(np.int64)[:, None] + np.arange(reach)
    if kernel == "average":
        low, high = (centre - radius)[:, None], (centre + radius)[:, None]
        weight = np.minimum(column + 1, high) - np.maximum(column, low)
    else:
        weight = 1.0 - np.abs(column + 0.5 - centre[:, None]) / radius
    weight = np.where((column >= 0) & (column < size), np.maximum(weight, 0.0), 0.0)
    lost = weight.sum(1) <= 1e-9  # a last working pixel that sticks out by almost all of its width
    column[lost, 0], weight[lost, 0] = np.clip(np.floor(centre[lost]), 0, size - 1), 1.0
    weight /= weight.sum(1, keepdims=True)
    row, used = np.nonzero(weight)
    matrix = csr_matrix((weight[row, used], (row, column[row, used] - first)), shape=(count, stop - first))
    return AxisWeights(first, matrix)


def resample(
    pixels: np.ndarray, valid: np.ndarray, rows: AxisWeights, cols: AxisWeights
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean of the valid pixels under each working pixel.

    Parameters
    ----------
    pixels : ndarray, (B, n, m)
        Source pixels from (`rows.first`, `cols.first`) on; the values of invalid ones do not matter.
    valid : ndarray of bool, (n, m)

    Returns
    -------
    pixels : ndarray, (B, h, w) float32, or float64 where a float32 would not hold the source's values
    valid : ndarray of bool, (h, w)
    """
    kind = np.result_type(np.float32, pixels.dtype)
    if valid.all():
        out = np.stack([_both(band.astype(kind), rows, cols) for band in pixels])
        return out, np.ones(out.shape[1:], dtype=bool)
    share = _both(valid.astype(kind), rows, cols)
    out = np.stack([_both(np.where(valid, band, 0).astype(kind), rows, cols) for band in pixels])
    partly = (share > 0) & (share < 1 - TINY)  # elsewhere not divided: the same to the bit as where all is valid
    return out / np.where(partly, share, 1), share >= VALID_SHARE - TINY


def _both(plane: np.ndarray, rows: AxisWeights, cols: AxisWeights) -> np.ndarray:
    down = rows.matrix.astype(plane.dtype) @ plane
    return (cols.matrix.astype(plane.dtype) @ down.T).T


def _radius(scale: float, kernel: Kernel) -> float:
    return max(scale, 1.0) * (0.5 if kernel == "average" else 1.0)


class ResampledSource(Generic[Inner]):
    """A source on another grid with the same axes.

    Parameters
    ----------
    source : Readable
    size : (int, int)
        Its height and width.
    rows, cols : float
        Source pixels that a pixel of the grid is high and wide.
    kernel : {"average", "bilinear"}
    """

    def __init__(self, source: Inner, size: tuple[int, int], rows: float, cols: float, kernel: Kernel) -> None:
        self.source, self.size, self.rows, self.cols, self.kernel = source, size, rows, cols, kernel

    def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (B, height, width) of floats and valid (height, width) of a box of the grid, made piece by piece."""
        at_once = max(int(np.sqrt(PIXELS_AT_ONCE / max(self.rows * self.cols, 1))), 1)
        pixels, valid = None, np.empty((height, width), dtype=bool)
        for top in range(0, height, at_once):
            for left in range(0, width, at_once):
                tall, wide = min(at_once, height - top), min(at_once, width - left)
                part, known = self._read_piece(row + top, col + left, tall, wide)
                if pixels is None:
                    pixels = np.empty((len(part), height, width), part.dtype)
                pixels[:, top : top + tall, left : left + wide] = part
                valid[top : top + tall, left : left + wide] = known
        assert pixels is not None
        return pixels, valid

    def _read_piece(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        rows = axis_weights(row, height, self.rows, self.size[0], self.kernel)
        cols = axis_weights(col, width, self.cols, self.size[1], self.kernel)
        box = rows.first, cols.first, rows.matrix.shape[1], cols.matrix.shape[1]
        return resample(*self.source.read(*box), rows, cols)
