"""Cleans a label raster of regions and holes that are too small, strip by strip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from geo_ovss.measure import PixelAreas, to_map
from geo_ovss.merging import RegionGraph, add_up_pairs, fill_holes, merge_small, regrouped
from geo_ovss.progress import Progress
from geo_ovss.regions import RegionCounter, Strip, add_up, iterate_strips, place_of


def clean_labels(source: str | Path, out: str | Path, *, min_area: float = 0.0, holes: float | bool = False,
                 strip_rows: int | None = None, progress: Progress | None = None) -> Path:
    """Write a label raster without small holes and regions.

    First unlabelled holes are filled, then small regions join the neighbour with the longest shared border, the
    smallest first; see `geo_ovss.merging`. The result does not depend on the height of the strips.

    Parameters
    ----------
    source : path
        Band 1: 0 is no label, i the i-th class.
    out : path
        A tiled GeoTIFF of the same size, type and place; replaced where it exists.
    min_area : float
        Regions smaller than this (m2; pixels without a CRS) are merged.
    holes : float or bool
        Unlabelled regions no larger than this (m2), away from the raster's frame, are filled; True: of any size.
    """
    progress = progress or Progress()
    out = Path(out)
    with rasterio.open(source) as raster:
        progress.start("clean", 2 * raster.height)
        graph, found = read_graph(raster, strip_rows, progress)
        limit = np.inf if holes is True else float(holes)
        class_id = graph.class_id
        if limit > 0:
            graph, group = regrouped(graph, fill_holes(graph, limit))
            found, class_id = group[found], graph.class_id
        if min_area > 0:
            class_id = merge_small(graph, min_area)
        lookup = class_id[found].astype(raster.dtypes[0])
        profile = {key: raster.profile[key] for key in ("driver", "width", "height", "count", "dtype", "nodata")}
        profile |= place_of(raster)
        part = out.with_name(f".{out.name}.part")
        profile |= {"tiled": True, "compress": "DEFLATE", "zlevel": 1, "BIGTIFF": "IF_SAFER"}
        with rasterio.open(part, "w", **profile) as target:
            counter = RegionCounter(raster.height, raster.width, zero_is_region=True)
            for row, labels in iterate_strips(raster, strip_rows):
                strip = counter.add(row, labels)
                target.write(lookup[strip.regions], 1, window=((row, row + len(labels)), (0, raster.width)))
                progress.advance(len(labels))
        part.replace(out)
    return out


def read_graph(raster: rasterio.DatasetReader, strip_rows: int | None = None,
               progress: Progress | None = None) -> tuple[RegionGraph, NDArray[np.int64]]:
    """Regions of a label raster, unlabelled ones too, and the final number of each region of a strip."""
    counter = RegionCounter(raster.height, raster.width, zero_is_region=True)
    pixel_areas = PixelAreas(raster.crs, raster.transform, raster.width, raster.height)
    across, down = _pixel_sides(raster)
    classes, areas, pairs, border = [np.zeros(1, np.int64)], [np.zeros(1)], [], []
    for row, labels in iterate_strips(raster, strip_rows):
        strip = counter.add(row, labels)
        region = (strip.regions - strip.first).ravel()
        class_id = np.zeros(counter.count + 1 - strip.first, np.int64)
        class_id[region] = labels.ravel()
        classes.append(class_id)
        of_row = pixel_areas.at(np.full(len(labels), raster.width / 2), np.arange(len(labels)) + row + 0.5)
        areas.append(add_up(region, np.repeat(of_row, raster.width), len(class_id)))
        touching, length = add_up_pairs(*_strip_borders(strip, across, down), counter.count + 1)
        pairs.append(touching)
        border.append(length)
        if progress is not None:
            progress.advance(len(labels))
    found_groups = counter.merged()
    size = int(found_groups.max(initial=0)) + 1
    group_class = np.zeros(size, np.int64)
    group_class[found_groups] = np.concatenate(classes)
    group_area = add_up(found_groups, np.concatenate(areas), size)
    joined = add_up_pairs(found_groups[np.concatenate(pairs)], np.concatenate(border), size)
    return RegionGraph(group_class, group_area, *joined), found_groups


def _pixel_sides(raster: rasterio.DatasetReader) -> tuple[float, float]:
    """Lengths of a pixel's upper and left side, in any unit: borders are compared with one another only."""
    t = raster.transform
    squeeze = 1.0
    if raster.crs is not None and raster.crs.is_geographic:
        latitude = to_map(t, np.array([raster.width / 2, raster.height / 2]))[1]
        squeeze = max(float(np.cos(np.radians(latitude))), 1e-6)
    return float(np.hypot(t.a * squeeze, t.d)), float(np.hypot(t.b * squeeze, t.e))


def _strip_borders(strip: Strip, across: float, down: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of regions on either side of each border pixel edge, and its length; 0 is outside the raster."""
    regions = np.concatenate([strip.regions_above[None], strip.regions])
    zones = np.concatenate([strip.zones_above[None], strip.zones])
    ends = np.zeros(len(strip.regions), np.int64)
    beside = np.concatenate([ends[:, None], strip.regions, ends[:, None]], axis=1)
    upright = strip.zones[:, 1:] != strip.zones[:, :-1]
    upright = np.pad(upright, ((0, 0), (1, 1)), constant_values=True)
    level = zones[1:] != zones[:-1]
    if strip.row == 0:
        level[0] = True
    pairs = [np.stack([beside[:, :-1][upright], beside[:, 1:][upright]], axis=1),
             np.stack([regions[:-1][level], regions[1:][level]], axis=1)]
    if strip.last:
        pairs.append(np.stack([regions[-1], np.zeros_like(regions[-1])], axis=1))
    lengths = np.concatenate([np.full(len(pairs[0]), down), np.full(sum(map(len, pairs[1:])), across)])
    return np.concatenate(pairs).astype(np.int64), lengths
