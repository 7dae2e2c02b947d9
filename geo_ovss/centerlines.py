"""Roads and rivers as a network of lines with widths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray

from geo_ovss.chains import chains
from geo_ovss.measure import Ground, PixelAreas
from geo_ovss.place import Placement
from geo_ovss.skeleton import Skeleton, find_skeleton

SPUR_WIDTHS = 1.0
"""Dead ends shorter than this many widths of the road are bumps of its edge, not roads."""

LEAST_WIDTHS = 1.5
"""Lines that hang together with nothing must be longer than this many of their widths."""

JUNCTION_WIDTHS = 0.75
"""Junctions closer than this many widths are one."""

SMOOTHING_POINTS = 7
"""Pixels over which a line is averaged: the steps of the skeleton are no bends."""

TOLERANCE_PIXELS = 0.75


@dataclass(frozen=True)
class Line:
    """One stretch of a network.

    Attributes
    ----------
    xy : (n, 2) array
        Middles of pixels from end to end, in pixels.
    width : (n,) array
        In pixels.
    start, end : int
        Nodes; equal numbers are the same place.
    """

    xy: NDArray[np.float64]
    width: NDArray[np.float64]
    start: int
    end: int

    @property
    def length(self) -> float:
        """In pixels."""
        return float(np.hypot(*np.diff(self.xy, axis=0).T).sum())


def centerlines(labels_path: str | Path, names: Sequence[str], classes: Sequence[int], *, target_crs: Any = None
                ) -> Iterator[gpd.GeoDataFrame]:
    """Networks of the centre lines of some classes, class by class.

    Yields
    ------
    GeoDataFrame
        Columns class_id, class_name, length_m, width_m (mean), width_min_m, geometry (LineString); without a CRS
        lengths and widths are in pixels, in length_px, width_px and width_min_px.
    """
    with rasterio.open(labels_path) as labels:
        placement = Placement(labels.crs, labels.transform, labels.width, labels.height, target_crs)
        areas = PixelAreas(labels.crs, labels.transform, labels.width, labels.height)
        for class_id in classes:
            lines = network(find_skeleton(labels, class_id))
            yield _frame(lines, class_id, names[class_id - 1], placement, areas)


def _frame(lines: list[Line], class_id: int, name: str, placement: Placement, areas: PixelAreas) -> gpd.GeoDataFrame:
    shapes = [placement.place_line(shape_line(line)) for line in lines]
    middle = np.array([line.xy[len(line.xy) // 2] for line in lines]).reshape(-1, 2)
    pixel = np.sqrt(areas.at(middle[:, 0], middle[:, 1]))
    width, least = (np.array([f(line.width) for line in lines]) * pixel for f in (np.mean, np.min))
    ground = Ground(placement.crs)
    geometry = np.array([shapely.linestrings(xy) for xy in shapes], dtype=object)
    length = ground.lengths(geometry) if len(geometry) else np.zeros(0)
    unit = "m" if ground.metric else "px"
    columns = {"class_id": np.full(len(lines), class_id, np.int32), "class_name": np.array([name] * len(lines), object),
               f"length_{unit}": length, f"width_{unit}": width, f"width_min_{unit}": least}
    return gpd.GeoDataFrame(columns, geometry=placement.finish_lines(geometry), crs=placement.crs)


def shape_line(line: Line) -> NDArray[np.float64]:
    """A line without the steps of pixels; its ends stay."""
    xy = line.xy
    reach = min(SMOOTHING_POINTS // 2, (len(xy) - 1) // 2)
    smooth = xy.copy()
    for k in range(1, reach + 1):                        # shorter means toward the ends
        smooth[k], smooth[-1 - k] = xy[:2 * k + 1].mean(axis=0), xy[-2 * k - 1:].mean(axis=0)
    if reach:
        total = np.cumsum(np.concatenate([np.zeros((1, 2)), xy]), axis=0)
        inner = (total[2 * reach + 1:] - total[:-2 * reach - 1]) / (2 * reach + 1)
        smooth[reach:len(xy) - reach] = inner
    simple = shapely.simplify(shapely.linestrings(smooth), TOLERANCE_PIXELS)
    return shapely.get_coordinates(simple)


def network(skeleton: Skeleton) -> list[Line]:
    """Lines between the junctions and ends of a skeleton.

    Spurs go, junctions that are one in the width of the road become one, lines are joined where no junction is left.
    """
    lines = _join(_trace(skeleton))
    while True:
        kept = _without_spurs(lines)
        if len(kept) == len(lines):
            break
        lines = _join(kept)
    lines = _join(_contracted(lines))
    degree = _degrees(lines)
    return [line for line in lines if degree[line.start] > 1 or degree[line.end] > 1
            or line.length >= LEAST_WIDTHS * float(line.width.mean())]


def _edges(skeleton: Skeleton) -> NDArray[np.int64]:
    """Pairs of neighbouring pixels; diagonal ones only where there is no way around the corner."""
    x, y = skeleton.pixels.T
    stride = int(x.max(initial=0)) + 3
    key = y * stride + x + 1

    def neighbours(dx: int, dy: int) -> NDArray[np.intp]:
        wanted = key + dy * stride + dx
        at = np.searchsorted(key, wanted).clip(0, len(key) - 1)
        return np.where(key[at] == wanted, at, -1)

    if not len(key):
        return skeleton.bridges
    right, below, diagonal, anti = (neighbours(*step) for step in ((1, 0), (0, 1), (1, 1), (-1, 1)))
    left = np.full(len(key), -1)
    left[right[right >= 0]] = np.flatnonzero(right >= 0)
    pairs = [skeleton.bridges]
    for to, blocked in ((right, False), (below, False), (diagonal, (right >= 0) | (below >= 0)),
                        (anti, (left >= 0) | (below >= 0))):
        from_ = np.flatnonzero((to >= 0) & ~np.broadcast_to(blocked, to.shape))
        pairs.append(np.stack([from_, to[from_]], axis=1))
    return np.concatenate(pairs)


def _trace(skeleton: Skeleton) -> list[Line]:
    """Lines between pixels with one, three or four neighbours, and rings."""
    edges = _edges(skeleton)
    if not len(edges):
        return []
    count = len(skeleton.pixels)
    halves = np.concatenate([edges, edges[:, ::-1]])                       # half e + m runs back along half e
    m = len(edges)
    degree = np.bincount(halves[:, 0], minlength=count)
    by_start = np.argsort(halves[:, 0], kind="stable")
    begin = np.searchsorted(halves[by_start, 0], np.arange(count))
    leaving = np.full((count, 2), -1)
    two = degree == 2
    leaving[two, 0], leaving[two, 1] = by_start[begin[two]], by_start[begin[two] + 1]
    twin = (np.arange(2 * m) + m) % (2 * m)
    at = halves[:, 1]
    successor = np.where(two[at], np.where(leaving[at, 0] == twin, leaving[at, 1], leaving[at, 0]), -1)
    found = chains(successor)
    lines = []
    for k, closed in enumerate(found.closed):
        part = found.order[found.offsets[k]:found.offsets[k + 1]]
        if part[0] > twin[part].min() if closed else part[0] > twin[part[-1]]:
            continue                                                       # found from the other end as well
        pixels = np.append(halves[part, 0], halves[part[-1], 1])
        lines.append(Line(skeleton.pixels[pixels] + 0.5, skeleton.width[pixels], int(pixels[0]), int(pixels[-1])))
    return lines


def _at_nodes(lines: list[Line]) -> dict[int, list[tuple[int, bool]]]:
    """Lines that begin (False) or end (True) at each node."""
    nodes: dict[int, list[tuple[int, bool]]] = {}
    for i, line in enumerate(lines):
        nodes.setdefault(line.start, []).append((i, False))
        nodes.setdefault(line.end, []).append((i, True))
    return nodes


def _degrees(lines: list[Line]) -> dict[int, int]:
    return {node: len(at) for node, at in _at_nodes(lines).items()}


def _without_spurs(lines: list[Line]) -> list[Line]:
    """Leave the dead ends out that are no longer than the road at their junction is wide; the shortest first."""
    degree = _degrees(lines)
    gone: set[int] = set()
    for i in sorted(range(len(lines)), key=lambda i: (lines[i].length, i)):
        line = lines[i]
        free_start, free_end = degree[line.start] == 1, degree[line.end] == 1
        if free_start == free_end:
            continue
        root, width = (line.end, line.width[-1]) if free_start else (line.start, line.width[0])
        if degree[root] > 2 and line.length < SPUR_WIDTHS * width + 1:
            gone.add(i)
            for node in (line.start, line.end):
                degree[node] -= 1
    return [line for i, line in enumerate(lines) if i not in gone]


def _contracted(lines: list[Line]) -> list[Line]:
    """Make one junction of junctions that lie within the road's width: a skeleton has two where roads cross."""
    degree = _degrees(lines)
    short = [line for line in lines if line.start != line.end and min(degree[line.start], degree[line.end]) > 2
             and line.length <= JUNCTION_WIDTHS * float(line.width.mean())]
    group = {node: node for line in short for node in (line.start, line.end)}

    def top(node: int) -> int:
        while group.get(node, node) != node:
            node = group[node]
        return node

    for line in short:
        group[max(top(line.start), top(line.end))] = min(top(line.start), top(line.end))
    places: dict[int, list[NDArray]] = {}
    for line in short:
        places.setdefault(top(line.start), []).extend([line.xy[0], line.xy[-1]])
    middles = {node: np.mean(at, axis=0) for node, at in places.items()}
    reach = {node: float(np.hypot(*(np.array(at) - middles[node]).T).max()) for node, at in places.items()}
    ids = {id(line) for line in short}
    return [_drawn_to(line, top(line.start), top(line.end), middles, reach) for line in lines if id(line) not in ids]


def _drawn_to(line: Line, start: int, end: int, middles: dict[int, NDArray], reach: dict[int, float]) -> Line:
    """A line whose ends are moved to the middles of their junctions."""
    keep = np.ones(len(line.xy), bool)
    for node in {start, end} & middles.keys():
        keep &= np.hypot(*(line.xy - middles[node]).T) > reach[node]
    keep[[0, -1]] = True
    xy, width = line.xy[keep].copy(), line.width[keep]
    for node, at in ((start, 0), (end, -1)):
        if node in middles:
            xy[at] = middles[node]
    return Line(xy, width, start, end)


def _join(lines: list[Line]) -> list[Line]:
    """Join lines at nodes where only two ends meet."""
    nodes = _at_nodes(lines)
    successor = np.full(2 * len(lines), -1)              # half 2i runs along line i, 2i + 1 back
    for at in nodes.values():
        if len(at) == 2 and at[0][0] != at[1][0]:
            (i, i_ends), (j, j_ends) = at
            successor[2 * i + (not i_ends)] = 2 * j + j_ends
            successor[2 * j + (not j_ends)] = 2 * i + i_ends
    found = chains(successor)
    joined, seen = [], set()
    for k in range(len(found.closed)):
        part = found.order[found.offsets[k]:found.offsets[k + 1]].tolist()
        key = frozenset(h >> 1 for h in part)
        if key in seen:
            continue
        seen.add(key)
        pieces = [lines[h >> 1] if h % 2 == 0 else _turned(lines[h >> 1]) for h in part]
        xy = np.concatenate([pieces[0].xy, *(p.xy[1:] for p in pieces[1:])])
        width = np.concatenate([pieces[0].width, *(p.width[1:] for p in pieces[1:])])
        joined.append(Line(xy, width, pieces[0].start, pieces[-1].end))
    return joined


def _turned(line: Line) -> Line:
    return Line(line.xy[::-1], line.width[::-1], line.end, line.start)
