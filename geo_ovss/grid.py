"""Pure geometry of a scene: windows, blocks, halos. Values and functions; no files, no tensors.

Everything is anchored to the raster's own origin, never to the extent that happens to be processed, so that a run
on an area of interest computes the same windows and blocks as a run on the whole scene.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple


class Box(NamedTuple):
    """A half-open rectangle of the pixel (or token) grid."""

    row: int
    col: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.col + self.width

    @property
    def area(self) -> int:
        """Number of cells."""
        return self.height * self.width

    def grow(self, margin: int) -> Box:
        """The box with `margin` cells more on each side (it may reach below zero)."""
        return Box(self.row - margin, self.col - margin, self.height + 2 * margin, self.width + 2 * margin)

    def clip(self, other: Box) -> Box:
        """The part that lies in `other`; of zero size where they do not meet."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height = max(min(self.bottom, other.bottom) - row, 0)
        width = max(min(self.right, other.right) - col, 0)
        return Box(row, col, height, width)

    def meets(self, other: Box) -> bool:
        """Whether the two share a cell."""
        return self.clip(other).area > 0

    def shift(self, rows: int, cols: int) -> Box:
        """The box moved by whole cells."""
        return Box(self.row + rows, self.col + cols, self.height, self.width)

    def slices(self) -> tuple[slice, slice]:
        """Row and column slices, for an array whose origin is the grid's."""
        return slice(self.row, self.bottom), slice(self.col, self.right)

    def tokens(self, token: int) -> Box:
        """The cells of the token grid that the pixel box touches.

        >>> Box(0, 20, 32, 20).tokens(16)
        Box(row=0, col=1, height=2, width=2)
        """
        row, col = self.row // token, self.col // token
        return Box(row, col, -(-self.bottom // token) - row, -(-self.right // token) - col)

    def pixels(self, token: int) -> Box:
        """The pixel box that the token box covers."""
        return Box(self.row * token, self.col * token, self.height * token, self.width * token)


def window_starts(length: int, window: int, stride: int, token: int) -> tuple[int, ...]:
    """Where windows start along one axis: multiples of the stride, the last one aligned to the far edge.

    Parameters
    ----------
    length, window, stride : int
        Pixels. The far edge is `length` rounded up to whole tokens (at least one window).
    token : int
        Pixels a token; keeps the last window on the token grid.

    Examples
    --------
    >>> window_starts(448, 224, 112, 16)
    (0, 112, 224)
    >>> window_starts(300, 224, 112, 16)
    (0, 80)
    """
    padded = max(-(-length // token) * token, window)
    count = max(padded - window + stride - 1, 0) // stride + 1
    return tuple(min(i * stride, padded - window) for i in range(count))


def block_starts(length: int, block: int) -> tuple[int, ...]:
    """Where blocks start along one axis; a rest below a quarter of a block joins the block before it.

    >>> block_starts(2048, 1008)
    (0, 1008)
    >>> block_starts(2400, 1008)
    (0, 1008, 2016)
    """
    count = max(-(-length // block), 1)
    if count > 1 and length - (count - 1) * block < block // 4:
        count -= 1
    return tuple(i * block for i in range(count))


@dataclass(frozen=True)
class Layout:
    """Windows and blocks of one scene.

    Attributes
    ----------
    height, width : int
        The scene, pixels of the working grid.
    window, stride, token : int
        Pixels; the stride and the block are whole multiples of the token.
    block, halo : int
        Pixels: the core of a block, and how far its keys reach beyond it.
    """

    height: int
    width: int
    window: int
    stride: int
    token: int
    block: int
    halo: int

    def __post_init__(self) -> None:
        for name in ("window", "stride", "block", "halo"):
            if getattr(self, name) % self.token:
                raise ValueError(f"{name} ({getattr(self, name)}) is not a multiple of the token ({self.token})")
        if not 0 < self.stride <= self.window or self.window + self.halo > self.block:
            raise ValueError("a block must hold a window and its halo, and the stride must not exceed the window")

    @property
    def extent(self) -> Box:
        """The scene as a pixel box."""
        return Box(0, 0, self.height, self.width)

    @property
    def token_shape(self) -> tuple[int, int]:
        """Rows and columns of the token grid."""
        return -(-self.height // self.token), -(-self.width // self.token)

    @property
    def window_rows(self) -> tuple[int, ...]:
        """First rows of the windows."""
        return window_starts(self.height, self.window, self.stride, self.token)

    @property
    def window_cols(self) -> tuple[int, ...]:
        """First columns of the windows."""
        return window_starts(self.width, self.window, self.stride, self.token)

    @property
    def block_rows(self) -> tuple[int, ...]:
        """First rows of the blocks."""
        return block_starts(self.height, self.block)

    @property
    def block_cols(self) -> tuple[int, ...]:
        """First columns of the blocks."""
        return block_starts(self.width, self.block)

    @property
    def single(self) -> bool:
        """Whether the scene fits one block: then the published method runs on it unchanged."""
        return len(self.block_rows) == len(self.block_cols) == 1

    def blocks(self) -> list[tuple[int, int]]:
        """All block indices (i, j), row-major."""
        return [(i, j) for i in range(len(self.block_rows)) for j in range(len(self.block_cols))]

    def core(self, i: int, j: int) -> Box:
        """The pixels that block (i, j) answers for; the cores tile the scene."""
        rows, cols = self.block_rows, self.block_cols
        bottom = rows[i + 1] if i + 1 < len(rows) else self.height
        right = cols[j + 1] if j + 1 < len(cols) else self.width
        return Box(rows[i], cols[j], bottom - rows[i], right - cols[j])

    def reach(self, i: int, j: int) -> Box:
        """The core and its halo, within the scene: where block (i, j) takes its keys from."""
        return self.core(i, j).grow(self.halo).clip(self.extent)

    def windows(self, i: int, j: int) -> list[Box]:
        """The windows that block (i, j) encodes: those that start in its core. Row-major, each in one block only."""
        row_owner, col_owner = self.block_rows, self.block_cols
        rows = [r for r in self.window_rows if bisect_right(row_owner, r) - 1 == i]
        cols = [c for c in self.window_cols if bisect_right(col_owner, c) - 1 == j]
        return [Box(r, c, self.window, self.window) for r in rows for c in cols]

    def neighbours(self, i: int, j: int) -> list[tuple[int, int]]:
        """Block (i, j) and those around it: all blocks whose windows can meet its reach. Row-major."""
        rows = range(max(i - 1, 0), min(i + 2, len(self.block_rows)))
        cols = range(max(j - 1, 0), min(j + 2, len(self.block_cols)))
        return [(a, b) for a in rows for b in cols]

    def meeting(self, box: Box | None) -> list[tuple[int, int]]:
        """The blocks whose core meets a pixel box (all of them for None), row-major."""
        return [b for b in self.blocks() if box is None or self.core(*b).meets(box)]

    @property
    def window_count(self) -> int:
        """Number of windows of the scene."""
        return len(self.window_rows) * len(self.window_cols)
