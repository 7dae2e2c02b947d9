"""Which arcs pass through a box: a grid of cells, with the arcs in each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo_ovss.chains import ranges
from geo_ovss.topology import Arcs

CELL_PIXELS = 64


class ArcIndex:
    """Cells that the edges of arcs pass through.

    Parameters
    ----------
    arcs : Arcs
        In pixels.
    """

    def __init__(self, arcs: Arcs) -> None:
        low = np.floor(np.minimum(arcs.xy[:-1], arcs.xy[1:]) / CELL_PIXELS).astype(np.int64)
        high = np.floor(np.maximum(arcs.xy[:-1], arcs.xy[1:]) / CELL_PIXELS).astype(np.int64)
        edge = np.ones(len(low), bool)
        edge[arcs.offsets[1:-1] - 1] = False                     # from one arc to the next
        owner = np.repeat(np.arange(len(arcs)), np.diff(arcs.offsets))[:-1]
        low, high, owner = low[edge], high[edge], owner[edge]
        self._columns = int(high[:, 0].max(initial=0)) + 1
        rows = high[:, 1] - low[:, 1] + 1
        edges = np.repeat(np.arange(len(low)), rows)
        row = ranges(low[:, 1], rows)
        wide = (high[:, 0] - low[:, 0] + 1)[edges]
        cell = ranges(row * self._columns + low[edges, 0], wide)
        pairs = np.unique(np.stack([cell, np.repeat(owner[edges], wide)], axis=1), axis=0)
        self._cells: NDArray[np.int64] = pairs[:, 0]
        self._arcs: NDArray[np.int64] = pairs[:, 1]

    def arcs_in(self, left: float, top: float, right: float, bottom: float) -> list[int]:
        """Arcs that pass through the cells of a box in pixels, in order."""
        first, last = (int(np.clip(v // CELL_PIXELS, 0, self._columns - 1)) for v in (left, right))
        found: set[int] = set()
        for row in range(max(int(top // CELL_PIXELS), 0), int(bottom // CELL_PIXELS) + 1):
            a, b = np.searchsorted(self._cells, [row * self._columns + first, row * self._columns + last + 1])
            found.update(self._arcs[a:b].tolist())
        return sorted(found)
