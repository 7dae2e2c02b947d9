"""Connected regions of equal labels over a raster that is read strip by strip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from skimage.measure import label as label_regions

from geo_ovss.memory import give_back

STRIP_PIXELS = 2_000_000
"""Pixels read at a time. Working arrays take up to 200 bytes a pixel where every pixel differs from its neighbours."""

STRIPS_UNTIL_TRIM = 16
"""Strips after which freed memory is given back: often enough for a bound, seldom enough to cost nothing."""


def strip_rows(width: int, pixels: int = STRIP_PIXELS) -> int:
    """Rows of a strip of about `pixels` pixels."""
    return max(1, pixels // max(width, 1))


def iterate_strips(source: rasterio.DatasetReader, rows: int | None = None) -> Iterator[tuple[int, NDArray]]:
    """Read band 1 from top to bottom as (first row, (rows, W) array)."""
    step = rows or strip_rows(source.width)
    for number, row in enumerate(range(0, source.height, step), 1):
        if number % STRIPS_UNTIL_TRIM == 0:
            give_back()
        height = min(step, source.height - row)
        yield row, source.read(1, window=Window(0, row, source.width, height))


def place_of(raster: rasterio.DatasetReader) -> dict[str, Any]:
    """CRS and transform as a new raster in the same place takes them; empty where there are none."""
    place = {"crs": raster.crs} if raster.crs is not None else {}
    return place if raster.transform.is_identity else {**place, "transform": raster.transform}


def add_up(index: NDArray[np.integer], values: NDArray, size: int) -> NDArray[np.float64]:
    """Sums of values by index, (size,) float."""
    return np.bincount(index, values, size).astype(np.float64, copy=False)


@dataclass
class Strip:
    """Rows of a raster with the regions in them.

    Attributes
    ----------
    row : int
        First row.
    zones : (h, W) int array
        What regions are made of: neighbours with equal values belong together; 0 is nothing.
    regions : (h, W) int array
        Number of the region in this strip, counted on from the strips above; 0 where there is none.
    zones_above, regions_above : (W,) int arrays
        The last row of the strip above (zeros above the raster).
    first : int
        Number of the first region that is new in this strip.
    last : bool
        Nothing lies below.
    """

    row: int
    zones: NDArray[np.integer]
    regions: NDArray[np.integer]
    zones_above: NDArray[np.integer]
    regions_above: NDArray[np.integer]
    first: int
    last: bool


class RegionCounter:
    """Numbers 4-connected regions strip by strip and remembers which of them are one.

    Numbers go up in the order of the regions' first pixels, so that `merged` gives the same numbers whatever the
    height of the strips.

    Parameters
    ----------
    height, width : int
        Size of the raster in pixels.
    zero_is_region : bool
        Number the regions of zone 0 as well.
    """

    def __init__(self, height: int, width: int, zero_is_region: bool = False) -> None:
        self.height, self.width = height, width
        self._background = -1 if zero_is_region else 0
        self._number = np.dtype(np.int32 if height * width < 1 << 31 else np.int64)
        self.count = 0
        self._zones_above = np.zeros(width, np.int32)
        self._regions_above = np.zeros(width, self._number)
        self._pairs: list[NDArray[np.int64]] = []

    def add(self, row: int, zones: NDArray[np.integer]) -> Strip:
        """Number the regions of the next strip, (h, W)."""
        zones = zones.astype(np.int64 if zones.dtype.itemsize > 4 else np.int32, copy=False)
        regions = label_regions(zones, connectivity=1, background=self._background).astype(self._number, copy=False)
        found = int(regions.max(initial=0))
        regions[regions > 0] += self.count
        strip = Strip(row, zones, regions, self._zones_above, self._regions_above, self.count + 1,
                      row + len(zones) >= self.height)
        self.count += found
        touching = (zones[0] == self._zones_above) & (regions[0] > 0) & (self._regions_above > 0)
        if touching.any():
            pairs = np.stack([self._regions_above[touching], regions[0][touching]], axis=1).astype(np.int64)
            self._pairs.append(np.unique(pairs, axis=0))
        self._zones_above, self._regions_above = zones[-1].copy(), regions[-1].copy()
        return strip

    def merged(self) -> NDArray[np.int64]:
        """Final number of each region, 1..n without gaps, in the order of first pixels: (count + 1,), 0 stays 0."""
        if not self._pairs:
            return np.arange(self.count + 1)
        pairs = np.concatenate(self._pairs)
        size = self.count + 1
        graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
        found, group = connected_components(graph, directed=False)
        first = np.full(found, -1, np.int64)
        first[group[::-1]] = np.arange(size)[::-1]
        rank = np.empty(found, np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(found)
        return rank[group]


@dataclass
class RegionTable:
    """What is known of each region.

    Attributes
    ----------
    class_id : (n,) int array
    pixels : (n,) int array
    known : (n,) int array
        Pixels whose confidence is known.
    confidence_sum, confidence_least : (n,) float arrays
        Over those; the least is infinite where none is known.
    """

    class_id: NDArray[np.int64]
    pixels: NDArray[np.int64]
    known: NDArray[np.int64]
    confidence_sum: NDArray[np.float64]
    confidence_least: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.class_id)

    def merged(self, found: NDArray[np.int64]) -> RegionTable:
        """The table of regions 1..n, given the final number of each region that was added."""
        size = int(found.max(initial=0))
        to = found[1:] - 1
        class_id, least = np.zeros(size, np.int64), np.full(size, np.inf)
        class_id[to] = self.class_id
        np.minimum.at(least, to, self.confidence_least)
        pixels, known = (np.bincount(to, v, size).astype(np.int64) for v in (self.pixels, self.known))
        return RegionTable(class_id, pixels, known, add_up(to, self.confidence_sum, size), least)

    def take(self, which: NDArray | slice) -> RegionTable:
        """The rows at an index, mask or slice."""
        return RegionTable(self.class_id[which], self.pixels[which], self.known[which], self.confidence_sum[which],
                           self.confidence_least[which])

    def total(self) -> RegionTable:
        """One row for all rows, which are of one class."""
        return self.merged(np.concatenate([[0], np.ones(len(self), np.int64)]))

    def mean(self) -> NDArray[np.float64]:
        """Mean confidence, NaN where it is not known."""
        return np.where(self.known > 0, self.confidence_sum / np.maximum(self.known, 1), np.nan)

    def minimum(self) -> NDArray[np.float64]:
        """Least confidence, NaN where it is not known."""
        return np.where(self.known > 0, self.confidence_least, np.nan)


def tabulate(strip: Strip, classes: NDArray, confidence: NDArray | None) -> RegionTable:
    """The regions that are new in a strip, given its classes and confidence, (h, W)."""
    region = strip.regions.ravel()
    inside = np.flatnonzero(region)
    region = region[inside] - strip.first
    size = int(region.max(initial=-1)) + 1
    class_id = np.zeros(size, np.int64)
    class_id[region] = classes.ravel()[inside]
    known, total, least = np.zeros(size, np.int64), np.zeros(size), np.full(size, np.inf)
    if confidence is not None:
        value = confidence.ravel()[inside].astype(np.float64)
        good = np.isfinite(value) & (value > 0)
        at = region[good]
        known = np.bincount(at, minlength=size)
        total = add_up(at, value[good], size)
        np.minimum.at(least, at, value[good])
    return RegionTable(class_id, np.bincount(region, minlength=size), known, total, least)


def join_tables(tables: list[RegionTable]) -> RegionTable:
    """Put tables one after the other."""
    columns = ("class_id", "pixels", "known", "confidence_sum", "confidence_least")
    return RegionTable(*(np.concatenate([getattr(table, name) for table in tables]) for name in columns))
