"""One look at the whole scene before the work: the stretch's limits, the collar, where there is data at all.

A thinned picture of at most `CELLS` a side is read once, strip by strip (from an overview where there is one), so that
a scene of any size costs the same memory; every window is then read by what was found here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from geo_ovss.collar import Collar, Tone, find_collars, tones
from geo_ovss.source import Source
from geo_ovss.stretch import percentile_limits

CELLS = 2048
"""Cells of the thinned picture along its longer side, at most."""
STRIP_BYTES = 48 * 2**20
"""Memory for one strip."""


@dataclass(frozen=True)
class Survey:
    """What one look at the scene has found.

    Attributes
    ----------
    size : (int, int)
        Height and width of the raster that `cells` is asked for.
    thinned : (int, int)
        Height and width of the overview that was read; of the raster itself where there is none.
    step : int
        Its pixels that a cell is wide.
    valid : ndarray of bool, (h, w)
        Cells whose sampled pixel is declared to be data.
    collars : tuple of Collar
        What is not declared.
    limits : ndarray (B, 2), or None
        Values that become 0 and 255; None for 8-bit pictures.
    """

    size: tuple[int, int]
    thinned: tuple[int, int]
    step: int
    valid: np.ndarray
    collars: tuple[Collar, ...]
    limits: np.ndarray | None

    @property
    def data(self) -> np.ndarray:
        """Cells (h, w) whose sampled pixel is data."""
        return self.valid & ~np.logical_or.reduce([c.cells for c in self.collars], axis=0, initial=False)

    @property
    def collar_share(self) -> float:
        """Share of the picture that is collar and not declared (the noise around a declared one aside)."""
        return float(sum(c.cells.mean() for c in self.collars if not c.declared))

    @property
    def cell_pixels(self) -> float:
        """Width of a cell in the raster's pixels."""
        return self.step * min(self.size[0] / self.thinned[0], self.size[1] / self.thinned[1])

    def cells(self, start: int, count: int, axis: int) -> np.ndarray:
        """Row (axis 0) or column (axis 1) of the cell that each of `count` pixels from `start` on lies in."""
        pixels = np.arange(start, start + count, dtype=np.int64)
        return pixels * self.thinned[axis] // self.size[axis] // self.step

    def inner_cells(self, low: float, high: float, axis: int) -> slice:
        """Cells well inside a part of the scene, given as shares of its height (axis 0) or width (axis 1)."""
        cells = self.thinned[axis] / self.step
        first, stop = int(np.ceil(low * cells)) + 1, int(np.floor(high * cells)) - 1
        return slice(first, max(stop, first))


def take_survey(
    source: Source, collar: Literal["auto", "keep"], percentiles: tuple[float, float], nodata: float | None
) -> Survey:
    """Look at the whole scene once.

    Parameters
    ----------
    source : Source
    collar : {"auto", "keep"}
        Whether to look for an undeclared collar.
    percentiles : (float, float)
        Of the stretch, for pixels that are not 8-bit.
    nodata : float, optional
        The value that the user has given: it overrides what would be found.

    Raises
    ------
    RasterDamaged
    """
    thin = _thinned_source(source)
    step = -(-max(thin.height, thin.width) // CELLS)
    try:
        pixels, valid = _sample(thin, step)
    finally:
        if thin is not source:
            thin.close()
    survey = Survey((source.height, source.width), (thin.height, thin.width), step, valid, (), limits=None)
    if collar == "auto":
        survey = replace(survey, collars=_undeclared(source, pixels, valid, nodata, survey.cell_pixels))
    if source.dtype == np.uint8:
        return survey
    return replace(survey, limits=percentile_limits(pixels, survey.data, percentiles))


def _thinned_source(source: Source) -> Source:
    """The coarsest overview that still fills the thinned picture, or the raster itself."""
    longest = max(source.height, source.width)
    fits = [i for i, factor in enumerate(source.overviews) if longest / factor >= CELLS]
    return source.at_overview(fits[-1]) if fits else source


def _sample(source: Source, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle pixel of each cell of `step` x `step` pixels: (B, h, w) and valid (h, w)."""
    rows = np.minimum(np.arange(0, source.height, step) + step // 2, source.height - 1)
    cols = np.minimum(np.arange(0, source.width, step) + step // 2, source.width - 1)
    bands = source.channels
    pixels = np.empty((bands, len(rows), len(cols)), source.dtype)
    valid = np.empty((len(rows), len(cols)), dtype=bool)
    block = source.blocks[0]
    fitting = STRIP_BYTES // (source.width * bands * source.dtype.itemsize)
    height = max(fitting // block * block, min(block, max(fitting, 1)))
    for top in range(0, source.height, height):
        first, stop = np.searchsorted(rows, (top, top + height))
        if first == stop:
            continue
        strip, known = source.read(top, 0, min(height, source.height - top), source.width)
        at = np.ix_(rows[first:stop] - top, cols)
        pixels[:, first:stop] = strip[(slice(None), *at)]
        valid[first:stop] = known[at]
    return pixels, valid


def _undeclared(
    source: Source, pixels: np.ndarray, valid: np.ndarray, nodata: float | None, cell: float
) -> tuple[Collar, ...]:
    """Collars that nobody declared, and the noise around one that is declared by its value.

    Whoever has masked anything by an alpha band, a mask or another value has declared the scene's outline: believed.
    """
    candidates: list[Tone] = tones(pixels, valid, source.lossy)
    declared = np.zeros_like(valid)
    if source.nodata is not None:
        candidates = [t for t in candidates if nodata is None or (source.nodata == t.value).all()]
        for tone in candidates:
            if (source.nodata == tone.value).all():
                declared |= (pixels == tone.value).all(0)
    if not (valid | declared).all():
        return ()
    values = () if source.nodata is None else set(source.nodata.tolist())
    found = find_collars(pixels, valid | declared, candidates, cell)
    return tuple(replace(collar, declared=values == {collar.tone.value}) for collar in found)
