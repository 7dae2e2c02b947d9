"""Splits touching objects of a class where the confidence between them shows a saddle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter
from skimage.measure import label as label_regions
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from geo_ovss.progress import Progress
from geo_ovss.regions import RegionCounter, iterate_strips, place_of

SADDLE_DEPTH = 0.08
"""Two peaks are two objects if the confidence between them falls by this much below the lower one."""

SMOOTHING_PIXELS = 1.5
"""Of the confidence before peaks are looked for: single pixels are no objects."""

TILE = 2048
LARGEST_PIXELS = 64_000_000
"""Regions with larger bounding boxes are no objects, and stay whole."""

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)


def split_instances(labels_path: str | Path, confidence_path: str | Path, out: str | Path, classes: Sequence[int], *,
                    strip_rows: int | None = None, progress: Progress | None = None) -> Path:
    """Number the objects of some classes.

    Every connected region of a class is split by a watershed of its confidence from the peaks that stand out by
    `SADDLE_DEPTH`. Regions are worked on whole, so that the result does not depend on tiles.

    Parameters
    ----------
    labels_path, confidence_path : path
        Rasters of the same size; see `geo_ovss.polygons.read_map`.
    out : path
        Written: a uint16 GeoTIFF in which touching objects have different numbers; 0 for all other classes.
    classes : sequence of int
        Numbers of the classes that are split.
    """
    progress, out = progress or Progress(), Path(out)
    with rasterio.open(labels_path) as labels, rasterio.open(confidence_path) as confidence:
        found = _find(labels, classes, strip_rows)
        groups = found.groups()
        progress.start("instances", len(groups))
        profile = {"driver": "GTiff", "width": labels.width, "height": labels.height, "count": 1, "dtype": "uint16",
                   "tiled": True, "compress": "DEFLATE", "zlevel": 1, "SPARSE_OK": True, "BIGTIFF": "IF_SAFER",
                   **place_of(labels)}
        with rasterio.open(out, "w+", **profile) as target:
            for members in groups:
                _split_group(labels, confidence, target, found, members, classes)
                progress.advance()
    return out


@dataclass(frozen=True)
class _Found:
    """Regions: the first pixel in raster order, and the rows and columns that they span, each (n,)."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    bottom: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    def groups(self) -> list[NDArray[np.intp]]:
        """Regions that are worked on together: those that begin in one tile, very large ones alone or not at all."""
        size = (self.bottom - self.row + 1) * (self.right - self.left + 1)
        wide = (self.bottom - self.row >= TILE) | (self.right - self.left >= TILE)
        alone = [np.array([i]) for i in np.flatnonzero(wide & (size <= LARGEST_PIXELS))]
        small = np.flatnonzero(~wide)
        tile = (self.row[small] // TILE) << 32 | self.left[small] // TILE
        order = np.argsort(tile, kind="stable")
        cuts = np.flatnonzero(np.diff(tile[order])) + 1
        return [*(part for part in np.split(small[order], cuts) if len(part)), *alone]


def _find(labels: rasterio.DatasetReader, classes: Sequence[int], strip_rows: int | None) -> _Found:
    counter = RegionCounter(labels.height, labels.width)
    parts: list[NDArray[np.int64]] = []
    for row, values in iterate_strips(labels, strip_rows):
        strip = counter.add(row, np.where(np.isin(values, classes), values, 0))
        y, x = np.nonzero(strip.regions)
        region = strip.regions[y, x] - strip.first
        count = counter.count + 1 - strip.first
        table = np.stack([np.full(count, labels.height), np.zeros(count, np.int64), np.full(count, -1),
                          np.full(count, labels.width), np.full(count, -1)])
        table[0, region[::-1]], table[1, region[::-1]] = y[::-1] + row, x[::-1]      # the first pixel is written last
        np.maximum.at(table[2], region, y + row)
        np.minimum.at(table[3], region, x)
        np.maximum.at(table[4], region, x)
        parts.append(table)
    all_parts, number = np.concatenate(parts, axis=1), counter.merged()[1:] - 1
    size = int(number.max(initial=-1)) + 1
    first = np.full(size, len(number))
    np.minimum.at(first, number, np.arange(len(number)))
    bottom, left, right = np.full(size, -1), np.full(size, labels.width), np.full(size, -1)
    np.maximum.at(bottom, number, all_parts[2])
    np.minimum.at(left, number, all_parts[3])
    np.maximum.at(right, number, all_parts[4])
    return _Found(all_parts[0, first], all_parts[1, first], bottom, left, right)


def _split_group(labels: rasterio.DatasetReader, confidence: rasterio.DatasetReader, target: rasterio.io.DatasetWriter,
                 found: _Found, members: NDArray[np.intp], classes: Sequence[int]) -> None:
    """Split the regions of a group and write their numbers; smoothing reaches a few pixels beyond them."""
    reach = int(np.ceil(4 * SMOOTHING_PIXELS))
    top, left = (max(int(v[members].min()) - reach, 0) for v in (found.row, found.left))
    bottom = min(int(found.bottom[members].max()) + 1 + reach, labels.height)
    right = min(int(found.right[members].max()) + 1 + reach, labels.width)
    window = Window(left, top, right - left, bottom - top)
    values = labels.read(1, window=window)
    wanted = np.where(np.isin(values, classes), values, 0)
    regions = label_regions(wanted.astype(np.int32), connectivity=1)
    mask = np.isin(regions, regions[found.row[members] - top, found.column[members] - left])
    surface = smooth_within(confidence.read(1, window=window), wanted > 0)
    written = target.read(1, window=window)
    numbers = np.where(mask, split(surface, np.where(mask, regions, 0)), written)
    target.write(numbers.astype(np.uint16), 1, window=window)


def smooth_within(confidence: NDArray, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Confidence smoothed over the pixels of a mask only: what lies beside says nothing on saddles within.

    Values that are not finite count as 0.
    """
    sure = np.where(inside & np.isfinite(confidence), confidence, 0).astype(np.float64)
    total, weight = (gaussian_filter(v, SMOOTHING_PIXELS, mode="constant") for v in (sure, inside.astype(np.float64)))
    return total / np.maximum(weight, 1e-9)


def split(surface: NDArray[np.float64], regions: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number the objects within regions.

    Parameters
    ----------
    surface : (H, W) float array
        Smoothed confidence, not below 0.
    regions : (H, W) int array
        Connected regions that do not touch one another; 0 is none.

    Returns
    -------
    (H, W) int array
        1 to 65535 in regions, the same within an object, different in objects that touch.
    """
    regions = np.pad(regions, 1)                         # a peak is higher than what lies around
    inside = regions > 0
    surface = np.where(inside, np.pad(surface, 1), -1.0)
    plateaus = reconstruction(np.where(inside, surface - SADDLE_DEPTH, -1.0), surface, method="dilation",
                              footprint=_CROSS)
    markers = label_regions(local_maxima(plateaus, connectivity=1) & inside, connectivity=1)
    flooded = watershed(-surface, markers, mask=inside, connectivity=1)
    return np.where(flooded > 0, (flooded - 1) % 65535 + 1, 0)[1:-1, 1:-1]
