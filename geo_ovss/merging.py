"""Merges small regions into their neighbours, on the graph of regions and shared borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geo_ovss.regions import add_up


@dataclass
class RegionGraph:
    """Regions and the borders between them.

    Attributes
    ----------
    class_id : (n + 1,) int array
        0 is no label. Neighbours are of different classes. Region 0 stands for what lies outside the raster.
    area : (n + 1,) float array
    pairs : (m, 2) int array
        Neighbours, the smaller number first, each pair once.
    border : (m,) float array
        Length of the border they share.
    """

    class_id: NDArray[np.int64]
    area: NDArray[np.float64]
    pairs: NDArray[np.int64]
    border: NDArray[np.float64]


def add_up_pairs(pairs: NDArray[np.int64], border: NDArray[np.float64],
                 size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Put equal pairs, (m, 2) of numbers below `size`, together and add their borders; the smaller number first."""
    if not len(pairs):
        return pairs, border
    keys, which = np.unique(pairs.min(axis=1) * size + pairs.max(axis=1), return_inverse=True)
    return np.stack(np.divmod(keys, size), axis=1), add_up(which.ravel(), border, len(keys))


def fill_holes(graph: RegionGraph, limit: float) -> NDArray[np.int64]:
    """Classes of the regions when unlabelled ones no larger than `limit`, away from the frame, are given a label.

    A hole takes the class of the neighbour with which it shares the longest border.
    """
    class_id = graph.class_id.copy()
    hole = (class_id == 0) & (graph.area <= limit)
    hole[0] = False
    hole[graph.pairs[graph.pairs[:, 0] == 0, 1]] = False
    from_, to, border = _both_ways(graph.pairs, graph.border)
    mine = hole[from_]
    holes, best = _longest(from_[mine], to[mine], border[mine], graph.area)
    class_id[holes] = graph.class_id[best]
    return class_id


def merge_small(graph: RegionGraph, smallest: float) -> NDArray[np.int64]:
    """Classes of the regions when those smaller than `smallest` have joined a neighbour.

    The smallest region joins first; a region takes the class of the labelled neighbour with which it shares the longest
    border (of equal ones the larger, then the first). What has grown together counts as one region. A small region
    without labelled neighbours loses its label. Unlabelled regions stay.

    Small regions that do not touch merge in the same round, as they would one after the other but for ties.
    """
    state = _Merging(graph, smallest)
    while state.step():
        pass
    return state.class_id[state.group]


class _Merging:
    """Regions in groups; pairs are of groups, and only those with a small one in them are kept."""

    def __init__(self, graph: RegionGraph, smallest: float) -> None:
        self.smallest = smallest
        self.class_id, self.area = graph.class_id.copy(), graph.area.copy()
        self.group = np.arange(len(self.class_id))
        labelled = self.class_id > 0
        between = labelled[graph.pairs].all(axis=1)
        self.pairs, self.border = graph.pairs[between], graph.border[between]
        self._merge(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def _small(self) -> NDArray[np.bool_]:
        return (self.class_id > 0) & (self.area < self.smallest)

    def step(self) -> bool:
        """Merge all groups whose turn it is; False when none is left."""
        small = self._small()
        from_, to, border = _both_ways(self.pairs, self.border)
        mine = small[from_]
        sources, targets = _longest(from_[mine], to[mine], border[mine], self.area)
        alone = small.copy()
        alone[sources] = False
        self.class_id[alone] = 0
        if not len(sources):
            return False
        ready = self._first(from_[mine], to[mine], small)[sources]
        self._merge(sources[ready], targets[ready])
        return True

    def _first(self, from_: NDArray[np.int64], to: NDArray[np.int64], small: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Small groups none of whose neighbours is smaller."""
        place = np.empty(len(self.area), np.int64)
        place[np.lexsort((np.arange(len(self.area)), self.area))] = np.arange(len(self.area))
        first = small.copy()
        first[from_[small[to] & (place[to] < place[from_])]] = False
        return first

    def _merge(self, sources: NDArray[np.int64], targets: NDArray[np.int64]) -> None:
        """Let groups join others; then join neighbours of the same class, and number the groups anew."""
        self.class_id[sources] = self.class_id[targets]
        graph, new = regrouped(RegionGraph(self.class_id, self.area, self.pairs, self.border), self.class_id)
        self.class_id, self.area, self.group = graph.class_id, graph.area, new[self.group]
        wanted = self._small()[graph.pairs].any(axis=1)
        self.pairs, self.border = graph.pairs[wanted], graph.border[wanted]


def regrouped(graph: RegionGraph, class_id: NDArray[np.int64]) -> tuple[RegionGraph, NDArray[np.int64]]:
    """The graph when its regions have other classes: neighbours of one class become one region.

    Returns
    -------
    graph : RegionGraph
    group : (n + 1,) int array
        Number of each region in the new graph; what lies outside stays 0.
    """
    equal = (class_id[graph.pairs[:, 0]] == class_id[graph.pairs[:, 1]]) & (graph.pairs[:, 0] > 0)
    links, size = graph.pairs[equal], len(class_id)
    joined = coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(size, size))
    count, labels = connected_components(joined, directed=False)
    group = labels.astype(np.int64)
    new_class = np.zeros(count, np.int64)
    new_class[group] = class_id
    pairs, border = add_up_pairs(group[graph.pairs[~equal]], graph.border[~equal], count)
    return RegionGraph(new_class, add_up(group, graph.area, count), pairs, border), group


def _both_ways(pairs: NDArray[np.int64],
               border: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    return np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([pairs[:, 1], pairs[:, 0]]), np.tile(border, 2)


def _longest(from_: NDArray[np.int64], to: NDArray[np.int64], border: NDArray[np.float64],
             area: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each region, once, the neighbour with the longest border (then the largest, then the first)."""
    order = np.lexsort((-to, area[to], border, from_))
    from_, to = from_[order], to[order]
    last = np.concatenate([from_[1:] != from_[:-1], [True]])[:len(from_)]
    return from_[last], to[last]
