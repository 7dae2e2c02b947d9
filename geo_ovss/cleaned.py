"""A source whose collar counts as no data, whether declared or not."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from geo_ovss.collar import LEAK_STEPS, MARGIN, NOISE_STEPS, REACH, refine
from geo_ovss.source import Source
from geo_ovss.survey import Survey

_EIGHT = np.ones((3, 3), dtype=bool)


class CleanedSource:
    """Reads boxes of a source; a pixel's answer does not depend on the box that it is read in.

    Parameters
    ----------
    source : Source
    survey : Survey
        Of the same source.
    """

    def __init__(self, source: Source, survey: Survey) -> None:
        self.source, self.survey = source, survey
        reach = int(np.ceil(REACH / survey.cell_pixels)) + 1
        depth = int(np.ceil((NOISE_STEPS + LEAK_STEPS) / survey.cell_pixels)) + 1
        self.near = [ndimage.binary_dilation(c.cells, _EIGHT, iterations=reach) for c in survey.collars]
        self._slits = [ndimage.binary_dilation(c.slits, _EIGHT) for c in survey.collars]
        self._deep = np.zeros_like(survey.valid)
        for collar in (c for c in survey.collars if not c.declared):
            self._deep |= ndimage.binary_erosion(collar.body, _EIGHT, iterations=depth, border_value=1)

    @property
    def clear(self) -> np.ndarray:
        """Cells (h, w) of the survey whose sampled pixel is data beyond doubt."""
        return self.survey.data & ~np.logical_or.reduce(self.near, axis=0, initial=False)

    def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (B, height, width) and valid (height, width) of a box that lies in the raster.

        Raises
        ------
        RasterDamaged
        """
        source, survey = self.source, self.survey
        cells = np.ix_(survey.cells(row, height, 0), survey.cells(col, width, 1))
        if not any(near[cells].any() for near in self.near):
            return source.read(row, col, height, width)
        if self._deep[cells].all():  # nothing to look at: it is not even read
            return np.zeros((source.channels, height, width), source.dtype), np.zeros((height, width), dtype=bool)
        top, left = max(row - MARGIN, 0), max(col - MARGIN, 0)
        bottom, right = min(row + height + MARGIN, source.height), min(col + width + MARGIN, source.width)
        pixels, valid = source.read(top, left, bottom - top, right - left)
        cells = np.ix_(survey.cells(top, bottom - top, 0), survey.cells(left, right - left, 1))
        invalid = self._deep[cells] | ~valid
        for collar, near, slits in zip(survey.collars, self.near, self._slits, strict=True):
            invalid |= refine(pixels, near[cells], slits[cells], collar.tone)
        inside = slice(row - top, row - top + height), slice(col - left, col - left + width)
        return pixels[(slice(None), *inside)], ~invalid[inside]
