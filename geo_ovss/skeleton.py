"""Skeletons of one class over a raster of any size, as a list of pixels with the width of the class around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree
from skimage.measure import label as label_regions
from skimage.morphology import skeletonize

from geo_ovss.measure import PixelAreas

TILE = 2048
HALO = 256
"""Pixels around a tile that are looked at: a skeleton depends on the borders about it, not on those far away."""

HOLE_M2 = 60.0
"""Holes up to this size (cars, lorries, single trees, errors) do not split a road in two."""

HOLE_PIXELS = 400
"""The same for a raster without a CRS."""

BRIDGE_PIXELS = 4.0
"""Ends this close to each other on either side of a tile's edge are one line."""


@dataclass(frozen=True)
class Skeleton:
    """Pixels of a skeleton.

    Attributes
    ----------
    pixels : (n, 2) int array
        Column and row, in raster order.
    width : (n,) float array
        Of the class across the skeleton, in pixels.
    bridges : (m, 2) int array
        Indices of pixels that belong together though they do not touch.
    """

    pixels: NDArray[np.int64]
    width: NDArray[np.float64]
    bridges: NDArray[np.int64]


def find_skeleton(labels: rasterio.DatasetReader, class_id: int) -> Skeleton:
    """The skeleton of a class, tile by tile."""
    areas = PixelAreas(labels.crs, labels.transform, labels.width, labels.height)
    hole = HOLE_PIXELS if labels.crs is None else HOLE_M2 / areas.middle()
    parts = [_tile(labels, class_id, row, column, hole)
             for row in range(0, labels.height, TILE) for column in range(0, labels.width, TILE)]
    found = np.concatenate([np.zeros((0, 3)), *parts])
    found = found[np.lexsort((found[:, 0], found[:, 1]))]
    pixels = found[:, :2].astype(np.int64)
    return Skeleton(pixels, found[:, 2], _bridges(pixels, labels.width, labels.height))


def _tile(labels: rasterio.DatasetReader, class_id: int, row: int, column: int, hole: float) -> NDArray[np.float64]:
    """(column, row, width) of the skeleton's pixels in one tile."""
    top, left = max(row - HALO, 0), max(column - HALO, 0)
    bottom, right = min(row + TILE + HALO, labels.height), min(column + TILE + HALO, labels.width)
    mask = labels.read(1, window=Window(left, top, right - left, bottom - top)) == class_id
    if not mask.any():
        return np.zeros((0, 3))
    # Where the raster ends the road goes on: else its skeleton would fork to the corners.
    pad = [(HALO if top == 0 else 0, HALO if bottom == labels.height else 0),
           (HALO if left == 0 else 0, HALO if right == labels.width else 0)]
    mask = _without_holes(np.pad(mask, pad, mode="edge"), hole)
    inside = skeletonize(mask)
    distance = distance_transform_edt(mask)
    y, x = np.nonzero(inside)
    width = np.maximum(2 * distance[y, x] - 0.5, 1.0)    # even widths have 2 d - 1, odd ones 2 d
    y, x = y + top - pad[0][0], x + left - pad[1][0]
    own = ((y >= row) & (y < min(row + TILE, labels.height)) & (x >= column) & (x < min(column + TILE, labels.width)))
    return np.stack([x[own], y[own], width[own]], axis=1)


def _without_holes(mask: NDArray[np.bool_], largest: float) -> NDArray[np.bool_]:
    """A mask with its holes of up to so many pixels filled."""
    holes = label_regions(~mask, connectivity=1)
    small = np.bincount(holes.ravel()) <= largest
    small[0] = False
    return mask | small[holes]


def _bridges(pixels: NDArray[np.int64], width: int, height: int) -> NDArray[np.int64]:
    """Pairs of ends on either side of a tile's edge that do not touch: skeletons of tiles may differ by a pixel."""
    tile = pixels // TILE
    away = np.minimum((pixels + 1) % TILE, pixels % TILE).min(axis=1)      # 0 beside an edge
    near = np.flatnonzero((away <= 1) & ((width > TILE) | (height > TILE)))
    if len(near) < 2:
        return np.zeros((0, 2), np.int64)
    tree = cKDTree(pixels[near])
    pairs = tree.query_pairs(BRIDGE_PIXELS, output_type="ndarray")
    a, b = near[pairs[:, 0]], near[pairs[:, 1]]
    across = (tile[a] != tile[b]).any(axis=1)
    distance = np.abs(pixels[a] - pixels[b]).max(axis=1)
    a, b, distance = a[across], b[across], distance[across]
    touching = np.zeros(len(pixels), bool)
    for side in (a, b):
        touching[side[distance <= 1]] = True
    open_ = (distance > 1) & ~touching[a] & ~touching[b]
    a, b, distance = a[open_], b[open_], distance[open_]
    chosen: list[tuple[int, int]] = []
    used: set[int] = set()
    for k in np.lexsort((b, a, distance)).tolist():      # the closest first, each end once
        if a[k] not in used and b[k] not in used:
            chosen.append((int(a[k]), int(b[k])))
            used |= {int(a[k]), int(b[k])}
    return np.array(chosen, np.int64).reshape(-1, 2)
