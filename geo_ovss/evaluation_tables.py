"""Evaluations as text: the table of one run, and Markdown and CSV of several runs side by side."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from geo_ovss.evaluate import Evaluation
from geo_ovss.metrics import BoundaryErrors

MISSING = "-"
"""Stands for a figure that does not exist, such as the IoU of a class that occurs nowhere."""


def percent(value: float | None, digits: int = 1) -> str:
    """A share in 0..1 as per cent, right of a dash where there is none.

    >>> percent(0.4567), percent(float("nan"))
    ('45.7', '-')
    """
    return MISSING if value is None or np.isnan(value) else f"{100 * value:.{digits}f}"


def text_table(evaluation: Evaluation) -> str:
    """The table that `geo-ovss evaluate` prints; shares in per cent."""
    matrix = evaluation.matrix
    truth = matrix.truth_pixels
    total = max(int(truth.sum()), 1)
    rows = [["class", "IoU", "precision", "recall", "share of truth"]]
    rows += [
        [name, percent(matrix.iou[i]), percent(matrix.precision[i]), percent(matrix.recall[i]),
         percent(truth[i] / total)]
        for i, name in enumerate(evaluation.names)
    ]
    lines = _aligned(rows)
    lines.insert(1, "-" * len(lines[0]))
    counted = int((~np.isnan(matrix.iou)).sum())
    lines += [
        "",
        f"mean IoU {percent(matrix.mean_iou, 2)} over {counted} of {len(evaluation.names)} classes, "
        f"pixel accuracy {percent(matrix.pixel_accuracy, 2)}, "
        f"frequency-weighted IoU {percent(matrix.frequency_weighted_iou, 2)}",
        f"boundary error rate within {evaluation.distance} px: windows {_boundary(evaluation.windows)}, "
        f"blocks {_boundary(evaluation.blocks)}",
        f"{len(evaluation.pictures)} pictures, {evaluation.pixels / 1e6:.2f} Mpx, {evaluation.seconds:.1f} s"
        + (f", peak memory {evaluation.peak_memory_bytes / 1e6:.0f} MB" if evaluation.peak_memory_bytes else ""),
    ]
    if evaluation.without_data:
        share = percent(evaluation.without_data / (evaluation.without_data + int(truth.sum())), 2)
        lines.append(f"{share} % of the pixels with truth are ignored: the picture holds no data there")
    lines += [f"{paper} reports a mean IoU of {value:.1f}" for paper, value in evaluation.papers.items()]
    return "\n".join(lines)


def comparison_rows(runs: Sequence[tuple[str, Evaluation]], first: str = "run") -> list[list[str]]:
    """Head and one row a run: mean IoU, accuracy, boundary error rates, seconds, and each class's IoU."""
    names = runs[0][1].names
    head = [first, "mIoU", "pixel accuracy", "fwIoU", "boundary errors", "halfway", "seconds", *names]
    rows = [head]
    for label, run in runs:
        matrix, windows = run.matrix, run.windows
        rows.append([
            label, percent(matrix.mean_iou, 2), percent(matrix.pixel_accuracy, 2),
            percent(matrix.frequency_weighted_iou, 2), percent(windows.rate, 2), percent(windows.control_rate, 2),
            f"{run.seconds:.1f}", *(percent(value) for value in matrix.iou),
        ])
    return rows


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows with a head as a Markdown table."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    lines.insert(1, "|" + "|".join(" --- " if i == 0 else " ---: " for i in range(len(rows[0]))) + "|")
    return "\n".join(lines) + "\n"


def csv_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV; a missing figure is empty."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows([["" if c == MISSING else c for c in row] for row in rows])
    return target.getvalue()


def _boundary(errors: BoundaryErrors) -> str:
    if not errors.pairs:
        return MISSING
    return f"{percent(errors.rate, 2)} (halfway between them {percent(errors.control_rate, 2)})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([first.strip().ljust(widths[0]), *rest]))
    return lines
