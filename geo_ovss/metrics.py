"""How well a label map agrees with the ground truth: counts that add up over pictures, and the figures made of them.

Everywhere in this module a *class number* is 1..K in the order of the class list and 0 is "no label": in the ground
truth such a pixel is ignored; in a prediction it is a miss, since the truth does name a class there.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

BOUNDARY_DISTANCE = 8
"""Pixels on either side of a window or block boundary that count for the boundary error rate: half a patch of 16,
so that the two bands of neighbouring boundaries at the papers' stride of 112 stay far apart."""


class ConfusionMatrix:
    """Pixel counts by true and predicted class; one picture is added at a time, memory does not grow.

    Parameters
    ----------
    names : sequence of str
        The K class names.
    counts : ndarray (K, K + 1), optional
        Counts to start from: row i is the true class i + 1; column 0 is "no label", column j the predicted class j.

    Notes
    -----
    A class that occurs neither in the truth nor in the prediction has no IoU (NaN) and is left out of the mean; a
    class that is predicted but never true has IoU 0 and counts. Precision is NaN for a class never predicted, recall
    for a class never true. These are the conventions of the papers' evaluations.

    Examples
    --------
    >>> matrix = ConfusionMatrix(["road", "roof"])
    >>> matrix.update(np.array([1, 1, 2, 0]), np.array([1, 2, 2, 1]))
    >>> matrix.iou
    array([0.5, 0.5])
    """

    def __init__(self, names: Sequence[str], counts: NDArray[np.integer] | None = None) -> None:
        self.names = list(names)
        shape = (len(self.names), len(self.names) + 1)
        self.counts: Counts = np.zeros(shape, np.int64) if counts is None else np.array(counts, np.int64)
        if self.counts.shape != shape:
            raise ValueError(f"counts of shape {self.counts.shape} do not fit {len(self.names)} classes")

    def update(self, truth: NDArray[np.integer], labels: NDArray[np.integer]) -> None:
        """Count the pixels of one picture, or of a strip of it.

        Parameters
        ----------
        truth, labels : ndarray of int, same shape
            Class numbers; pixels with truth 0 are ignored.
        """
        if truth.shape != labels.shape:
            raise ValueError(f"truth {truth.shape} and labels {labels.shape} differ in shape")
        size = len(self.names)
        known = truth > 0
        rows = truth[known].astype(np.int64) - 1
        cols = labels[known].astype(np.int64)
        if rows.size and (rows.max() >= size or cols.max() > size or cols.min() < 0):
            raise ValueError(f"class numbers must lie in 0..{size}")
        self.counts += np.bincount(rows * (size + 1) + cols, minlength=self.counts.size).reshape(self.counts.shape)

    def merge(self, other: ConfusionMatrix) -> None:
        """Add the counts of another matrix of the same classes."""
        if other.names != self.names:
            raise ValueError("the matrices are of different classes")
        self.counts += other.counts

    @property
    def true_positives(self) -> Counts:
        """(K,) pixels of each class that carry its label."""
        return np.diagonal(self.counts[:, 1:]).copy()

    @property
    def truth_pixels(self) -> Counts:
        """(K,) pixels of each class in the truth."""
        return self.counts.sum(axis=1)

    @property
    def predicted_pixels(self) -> Counts:
        """(K,) pixels that carry each class's label where the truth is known."""
        return self.counts[:, 1:].sum(axis=0)

    @property
    def iou(self) -> NDArray[np.float64]:
        """(K,) intersection over union, NaN where the class occurs in neither."""
        return _ratio(self.true_positives, self.truth_pixels + self.predicted_pixels - self.true_positives)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(K,) share of a class's labels that are right."""
        return _ratio(self.true_positives, self.predicted_pixels)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(K,) share of a class's true pixels that carry its label."""
        return _ratio(self.true_positives, self.truth_pixels)

    @property
    def mean_iou(self) -> float:
        """Mean of `iou` over the classes that have one."""
        return _mean(self.iou)

    @property
    def mean_recall(self) -> float:
        """Mean of `recall` over the classes in the truth (called mean accuracy in the papers' tools)."""
        return _mean(self.recall)

    @property
    def pixel_accuracy(self) -> float:
        """Share of the pixels with truth that carry the right label."""
        return float(_ratio(self.true_positives.sum(), self.counts.sum()))

    @property
    def frequency_weighted_iou(self) -> float:
        """`iou` weighted by each class's share of the truth."""
        share = _ratio(self.truth_pixels, self.counts.sum())
        return float(np.nansum(share * self.iou)) if self.counts.any() else float("nan")

    def sparse(self) -> list[list[int]]:
        """The counts other than zero as ``[row, column, count]``."""
        rows, cols = np.nonzero(self.counts)
        return [[int(r), int(c), int(self.counts[r, c])] for r, c in zip(rows, cols, strict=True)]

    @classmethod
    def from_sparse(cls, names: Sequence[str], entries: Iterable[Sequence[int]]) -> ConfusionMatrix:
        """The inverse of `sparse`."""
        matrix = cls(names)
        for row, col, count in entries:
            matrix.counts[row, col] += count
        return matrix


@dataclass
class BoundaryErrors:
    """Label changes across window or block boundaries where the ground truth has none.

    A boundary between rows b - 1 and b (columns likewise) pairs the pixel at b - k with the one at b - 1 + k, for
    k = 1..`distance`. A pair counts where the truth is known and of one class all the way between the two; it is an
    error where their labels differ. The rate is the share of errors among those pairs: the pixels within `distance` of
    a boundary whose label changes across it although the truth does not. A method changes its label somewhere on any
    picture, boundary or not, so the same share is taken on control lines halfway between boundaries.

    Attributes
    ----------
    distance : int
        Pixels.
    pairs, errors : int
        At the boundaries.
    control_pairs, control_errors : int
        At the control lines.
    """

    distance: int = BOUNDARY_DISTANCE
    pairs: int = 0
    errors: int = 0
    control_pairs: int = 0
    control_errors: int = 0

    @property
    def rate(self) -> float:
        """Share of errors at the boundaries; NaN where there is no pair."""
        return float(_ratio(self.errors, self.pairs))

    @property
    def control_rate(self) -> float:
        """The same share at the control lines."""
        return float(_ratio(self.control_errors, self.control_pairs))

    def count(
        self, truth: NDArray[np.integer], labels: NDArray[np.integer], lines: Sequence[int], controls: Sequence[int]
    ) -> None:
        """Count across horizontal lines; transposed arrays count across vertical ones.

        Parameters
        ----------
        truth, labels : ndarray (H, W) of int
            Class numbers.
        lines, controls : sequence of int
            The first row after each boundary and each control line.
        """
        pairs, errors = count_line_errors(truth, labels, lines, self.distance)
        self.pairs += pairs
        self.errors += errors
        pairs, errors = count_line_errors(truth, labels, controls, self.distance)
        self.control_pairs += pairs
        self.control_errors += errors

    def merge(self, other: BoundaryErrors) -> None:
        """Add the counts of another picture."""
        if other.distance != self.distance:
            raise ValueError("the counts were taken at different distances")
        self.pairs += other.pairs
        self.errors += other.errors
        self.control_pairs += other.control_pairs
        self.control_errors += other.control_errors


def boundary_lines(starts: Sequence[int], extent: int, length: int) -> list[int]:
    """First pixels after each boundary of boxes that start at `starts` and are `extent` long.

    Both ends of each box are boundaries; those at or beyond the picture's edges (0 and `length`) are none.

    >>> boundary_lines([0, 112, 224], 224, 448)
    [112, 224, 336]
    """
    ends = {start + extent for start in starts}
    return sorted(line for line in ends | set(starts) if 0 < line < length)


def control_lines(lines: Sequence[int], length: int, distance: int) -> list[int]:
    """Lines halfway between neighbouring boundaries (and the edges), where both bands of `distance` fit between.

    >>> control_lines([112, 224], 336, 8)
    [56, 168, 280]
    >>> control_lines([], 336, 8)
    []
    """
    if not len(lines):
        return []
    edges = [0, *lines, length]
    return [(a + b) // 2 for a, b in pairwise(edges) if b - a >= 4 * distance]


def count_line_errors(
    truth: NDArray[np.integer], labels: NDArray[np.integer], lines: Sequence[int], distance: int
) -> tuple[int, int]:
    """Pairs and errors across horizontal lines (see `BoundaryErrors`); transpose the arrays for vertical ones.

    Parameters
    ----------
    truth, labels : ndarray (H, W) of int
        Class numbers.
    lines : sequence of int
        The first row after each line.
    distance : int
        Pixels to either side; rows beyond the picture's edge form no pair.

    Returns
    -------
    pairs, errors : int
    """
    height = truth.shape[0]
    rows = np.array([line for line in lines if 0 < line < height], np.int64)
    same = truth[rows - 1] == truth[rows]
    same &= truth[rows] > 0
    pairs = errors = 0
    for k in range(1, distance + 1):
        fits = (rows - k >= 0) & (rows - 1 + k < height)
        rows, same = rows[fits], same[fits]
        near, far = rows - k, rows - 1 + k
        # Anything true between the two pixels explains a change of label, so equality must hold along the whole way.
        same = same & (truth[near] == truth[np.minimum(near + 1, height - 1)])
        same &= truth[far] == truth[far - 1]
        pairs += int(same.sum())
        errors += int((same & (labels[near] != labels[far])).sum())
    return pairs, errors


def boundary_errors(
    truth: NDArray[np.integer],
    labels: NDArray[np.integer],
    row_lines: Sequence[int],
    col_lines: Sequence[int],
    distance: int = BOUNDARY_DISTANCE,
) -> BoundaryErrors:
    """Count the boundary errors of one picture held in memory.

    Parameters
    ----------
    truth, labels : ndarray (H, W) of int
        Class numbers.
    row_lines, col_lines : sequence of int
        First rows below, first columns to the right of the boundaries (`boundary_lines`), pixels of these arrays.
    distance : int
        Pixels.
    """
    found = BoundaryErrors(distance)
    for truth_map, label_map, lines in ((truth, labels, row_lines), (truth.T, labels.T, col_lines)):
        found.count(truth_map, label_map, lines, control_lines(lines, truth_map.shape[0], distance))
    return found


def _ratio(part: NDArray[np.integer] | int, whole: NDArray[np.integer] | int) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.true_divide(part, whole), np.float64)


def _mean(values: NDArray[np.float64]) -> float:
    with warnings.catch_warnings():  # all NaN: a mean of nothing is NaN, which the tables print as a dash
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nanmean(values))
