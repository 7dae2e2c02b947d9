"""One picture against its ground truth, strip by strip: memory is set by the strip, not by the scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geo_ovss.grid import Box
from geo_ovss.metrics import BoundaryErrors, ConfusionMatrix, control_lines
from geo_ovss.samples import Sample
from geo_ovss.truth import Truth

STRIP_ROWS = 1024
"""Rows that are compared at a time; with scenes 40,000 wide a strip of truth and labels stays under 300 MB."""

PREVIEW_SIDE = 512
"""Pixels of the longer side of the small label map that is kept for the plots."""

Lines = tuple[Sequence[int], Sequence[int]]


@dataclass
class Prediction:
    """What a runner says of one picture, on the grid of the picture file.

    Attributes
    ----------
    labels : ndarray (H, W) of int
        0 is no label, i the i-th class.
    seconds : float
        What it took, reading included.
    windows, blocks : (rows, columns)
        First rows and columns after window and block boundaries (`metrics.boundary_lines`), pixels of `labels`.
    valid : callable or None
        ``valid(box)`` gives the mask of the pixels with data; None where all have.
    """

    labels: NDArray[np.integer]
    seconds: float
    windows: Lines = ((), ())
    blocks: Lines = ((), ())
    valid: Callable[[Box], NDArray[np.bool_]] | None = None


class Runner(Protocol):
    """Anything that labels a picture; see `runners.py`."""

    def predict(self, sample: Sample) -> Prediction:
        """Label the picture of a sample."""
        ...

    def identity(self) -> dict[str, Any]:
        """What the labels depend on besides the picture, as plain JSON values."""
        ...


@dataclass
class PictureScore:
    """The counts of one picture.

    Attributes
    ----------
    name : str
    matrix : ConfusionMatrix
    windows, blocks : BoundaryErrors
    seconds : float
    pixels : int
        Height times width, with or without truth.
    without_data : int
        Pixels whose truth is known where the picture holds no data; they are ignored.
    peak_memory_bytes : int or None
        Largest resident memory of the process when it was done.
    files : dict
        Size and time of change of the picture and its truth when they were compared.
    """

    name: str
    matrix: ConfusionMatrix
    windows: BoundaryErrors
    blocks: BoundaryErrors
    seconds: float
    pixels: int
    without_data: int = 0
    peak_memory_bytes: int | None = None
    files: dict[str, Any] = field(default_factory=dict)

    @property
    def mean_iou(self) -> float:
        """Mean IoU over the classes of this picture's own truth: what it is ranked by."""
        present = self.matrix.truth_pixels > 0
        return float(self.matrix.iou[present].mean()) if present.any() else float("nan")

    def record(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.name, "counts": self.matrix.sparse(), "windows": asdict(self.windows),
            "blocks": asdict(self.blocks), "seconds": round(self.seconds, 4), "pixels": self.pixels,
            "without_data": self.without_data, "peak_memory_bytes": self.peak_memory_bytes, "files": self.files,
        }

    @classmethod
    def from_record(cls, names: Sequence[str], record: dict[str, Any]) -> PictureScore:
        """The inverse of `record`."""
        return cls(
            record["name"], ConfusionMatrix.from_sparse(names, record["counts"]), BoundaryErrors(**record["windows"]),
            BoundaryErrors(**record["blocks"]), record["seconds"], record["pixels"],
            record["without_data"], record["peak_memory_bytes"], record["files"],
        )


def score_picture(
    name: str, prediction: Prediction, truth: Truth, names: Sequence[str], distance: int
) -> PictureScore:
    """Compare one prediction with the ground truth.

    Parameters
    ----------
    name : str
    prediction : Prediction
    truth : Truth
        On the same grid.
    names : sequence of str
        Class names.
    distance : int
        Pixels on either side of a boundary that count for the boundary error rate.
    """
    height, width = prediction.labels.shape
    score = PictureScore(
        name, ConfusionMatrix(names), BoundaryErrors(distance), BoundaryErrors(distance), prediction.seconds,
        height * width,
    )
    kinds = ((score.windows, prediction.windows), (score.blocks, prediction.blocks))
    for first in range(0, height, STRIP_ROWS):
        last = min(first + STRIP_ROWS, height)
        top, bottom = max(first - distance, 0), min(last + distance, height)
        box = Box(top, 0, bottom - top, width)
        known = truth.read(box)
        labels = prediction.labels[top:bottom]
        own = slice(first - top, last - top)
        if prediction.valid is not None:
            valid = prediction.valid(box)
            score.without_data += int(((known > 0) & ~valid)[own].sum())
            known = np.where(valid, known, 0)
        score.matrix.update(known[own], labels[own])
        for errors, (rows, cols) in kinds:
            lines, controls = (
                [line - top for line in group if first <= line < last]
                for group in (rows, control_lines(rows, height, distance))
            )
            errors.count(known, labels, lines, controls)
            errors.count(known[own].T, labels[own].T, cols, control_lines(cols, width, distance))
    return score


def check_truth(truth: Truth, shape: tuple[int, int]) -> None:
    """Read the whole ground truth of a scene once: what is wrong with it must not cost an hour of labelling first.

    Raises
    ------
    TruthValueOutOfRange
    """
    for first in range(0, shape[0], STRIP_ROWS):
        truth.read(Box(first, 0, min(STRIP_ROWS, shape[0] - first), shape[1]))


def small_labels(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Every n-th pixel of a label map, `PREVIEW_SIDE` at most on the longer side."""
    step = -(-max(labels.shape) // PREVIEW_SIDE)
    return labels[step // 2 :: step, step // 2 :: step]


def small_truth(truth: Truth, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """The ground truth of a scene of `shape` at the pixels of `small_labels`, read strip by strip."""
    height, width = shape
    step = -(-max(shape) // PREVIEW_SIDE)
    strip = step * max(STRIP_ROWS // step, 1)
    parts = [
        small_part[step // 2 :: step, step // 2 :: step]
        for small_part in (
            truth.read(Box(first, 0, min(strip, height - first), width)) for first in range(0, height, strip)
        )
    ]
    return np.concatenate(parts)
