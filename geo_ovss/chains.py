"""Orders the links of many disjoint paths and cycles at once, without a Python loop over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components


@dataclass(frozen=True)
class Chains:
    """Elements of paths and cycles in the order in which they follow each other.

    Attributes
    ----------
    order : (n,) int array
        The elements, chain after chain.
    offsets : (chains + 1,) int array
        Chain k is ``order[offsets[k]:offsets[k + 1]]``.
    closed : (chains,) bool array
        The last element of the chain is followed by its first.
    """

    order: NDArray[np.intp]
    offsets: NDArray[np.intp]
    closed: NDArray[np.bool_]

    def heads(self) -> NDArray[np.intp]:
        """First element of each chain."""
        return self.order[self.offsets[:-1]]

    def tails(self) -> NDArray[np.intp]:
        """Last element of each chain."""
        return self.order[self.offsets[1:] - 1]


def chains(successor: NDArray[np.integer]) -> Chains:
    """Order the elements of disjoint paths and cycles.

    Parameters
    ----------
    successor : (n,) int array
        The element that follows each one, -1 for none. No element follows two others.

    Returns
    -------
    Chains
        A path begins with its first element, a cycle with its smallest.

    Examples
    --------
    >>> found = chains(np.array([2, 3, -1, 1]))
    >>> found.order, found.offsets, found.closed
    (array([0, 2, 1, 3]), array([0, 2, 4]), array([False,  True]))
    """
    count = len(successor)
    if count == 0:
        nothing = np.zeros(0, np.intp)
        return Chains(nothing, np.zeros(1, np.intp), np.zeros(0, bool))
    _, label = connected_components(_graph(successor), directed=True, connection="weak")
    followed = np.flatnonzero(successor >= 0)
    predecessor = np.full(count, -1, np.intp)
    predecessor[successor[followed]] = followed

    lengths = np.bincount(label)
    head = np.empty(len(lengths), np.intp)
    head[label[::-1]] = np.arange(count)[::-1]          # the smallest element of each chain ...
    firsts = np.flatnonzero(predecessor < 0)
    head[label[firsts]] = firsts                        # ... but a path begins where nothing precedes
    closed = predecessor[head] >= 0
    tail = predecessor[head]
    lasts = np.flatnonzero(successor < 0)
    tail[label[lasts]] = lasts

    # One path through everything: each chain's end leads to the next one's head; then one search gives the order.
    by_head = np.argsort(head, kind="stable")
    head, tail, closed, lengths = head[by_head], tail[by_head], closed[by_head], lengths[by_head]
    through = successor.astype(np.intp, copy=True)
    through[tail[:-1]] = head[1:]
    through[tail[-1]] = -1
    order = breadth_first_order(_graph(through), head[0], directed=True, return_predecessors=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    return Chains(order.astype(np.intp, copy=False), offsets, closed)


def _graph(successor: NDArray[np.integer]) -> csr_matrix:
    has = successor >= 0
    indptr = np.zeros(len(successor) + 1, np.int32)
    np.cumsum(has, out=indptr[1:])
    indices = successor[has].astype(np.int32)
    return csr_matrix((np.ones(len(indices), np.float64), indices, indptr), shape=(len(successor), len(successor)))


def ranges(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> NDArray[np.intp]:
    """Concatenate ``arange(start, start + length)`` for all pairs.

    Examples
    --------
    >>> ranges(np.array([5, 0]), np.array([2, 3]))
    array([5, 6, 0, 1, 2])
    """
    lengths = np.asarray(lengths, np.intp)
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total, dtype=np.intp) + np.repeat(np.asarray(starts, np.intp) - (ends - lengths), lengths)
