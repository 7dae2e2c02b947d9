"""Pictures of an evaluation: confusion matrix, bars per class, the worst pictures beside their truth."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from geo_ovss.evaluate import Evaluation
from geo_ovss.evaluation_tables import percent

CELL_TEXT_CLASSES = 25
"""With more classes than this the cells of the confusion matrix are too small for figures."""

LEGEND_CLASSES = 24
"""The legend of the worst pictures names the classes of theirs that cover most, up to this many."""

NO_LABEL = "#ffffff"
DPI = 150


def plot_confusion(evaluation: Evaluation, path: Path) -> None:
    """Draw where the pixels of each true class went, in per cent of the class; classes that never occur are left out.

    Parameters
    ----------
    evaluation : Evaluation
    path : Path
        A PNG, written under a temporary name first.
    """
    counts = evaluation.matrix.counts
    rows = np.flatnonzero(counts.sum(axis=1))
    cols = np.flatnonzero(counts.sum(axis=0))
    cols = np.union1d(cols, rows + 1)
    shares = counts[np.ix_(rows, cols)] / np.maximum(counts[rows].sum(axis=1, keepdims=True), 1)
    labels = ["no label", *evaluation.names]
    side = np.clip(0.45 * max(len(rows), len(cols)) + 2.5, 5, 24)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(100 * shares, cmap="cividis", vmin=0, vmax=100)
    small = 10 if len(cols) <= CELL_TEXT_CLASSES else 5
    axes.set_xticks(range(len(cols)), [labels[c] for c in cols], rotation=60, ha="right", fontsize=small)
    axes.set_yticks(range(len(rows)), [labels[r + 1] for r in rows], fontsize=small)
    axes.set(xlabel="predicted", ylabel="truth")
    if len(cols) <= CELL_TEXT_CLASSES:
        for i, j in np.ndindex(shares.shape):
            colour = "black" if shares[i, j] > 0.55 else "white"
            axes.text(j, i, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(image, ax=axes, label="per cent of the true class", shrink=0.8)
    axes.set_title(f"{len(evaluation.pictures)} pictures, mean IoU {percent(evaluation.matrix.mean_iou)}")
    _save(figure, path)


def plot_bars(evaluation: Evaluation, path: Path, colours: Sequence[str] | None = None) -> None:
    """Draw IoU, precision and recall per class, the class's colour for the IoU, best class first."""
    matrix = evaluation.matrix
    order = [i for i in np.argsort(-np.nan_to_num(matrix.iou, nan=-1.0)) if not np.isnan(matrix.iou[i])]
    places = np.arange(len(order))
    figure = Figure(figsize=(7.5, max(0.42 * len(order) + 1.6, 3)), layout="constrained")
    axes = figure.add_subplot()
    chosen = [colours[i] for i in order] if colours else ["#4c72b0"] * len(order)
    axes.barh(places, 100 * matrix.iou[order], color=chosen, edgecolor="black", linewidth=0.5, height=0.65)
    axes.plot(100 * matrix.precision[order], places, "o", color="black", markersize=5, label="precision")
    axes.plot(100 * matrix.recall[order], places, "D", markerfacecolor="white", color="black", markersize=5,
              linestyle="none", label="recall")
    for place, i in zip(places, order, strict=True):
        axes.text(101, float(place), percent(matrix.iou[i]), va="center", fontsize=9)
    mean = 100 * matrix.mean_iou
    axes.axvline(mean, color="black", linestyle="--", linewidth=1, label=f"mean IoU {mean:.1f}")
    axes.set_yticks(places, [evaluation.names[i] for i in order])
    axes.invert_yaxis()
    axes.set(xlim=(0, 110), xlabel="per cent (bars: IoU)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", fontsize=9, frameon=False, ncols=3)
    _save(figure, path)


def plot_worst(
    panels: Sequence[tuple[str, NDArray[np.uint8], NDArray[np.integer], NDArray[np.integer]]],
    names: Sequence[str],
    colours: Sequence[str],
    path: Path,
) -> None:
    """Draw pictures beside their truth and their labels.

    Parameters
    ----------
    panels : sequence of (title, picture (h, w, 3) uint8, truth (h, w), labels (h, w))
        Class numbers; 0 is drawn white.
    names, colours : sequence of str
        One a class.
    path : Path
    """
    heights = [picture.shape[0] / picture.shape[1] for _, picture, _, _ in panels]
    figure = Figure(figsize=(11, 3.55 * sum(heights) + 0.3 * len(panels) + 0.5), layout="constrained")
    grid = figure.subplots(len(panels), 3, squeeze=False, height_ratios=heights)
    shown = ListedColormap([NO_LABEL, *colours])
    for row, (title, picture, truth, labels) in zip(grid, panels, strict=True):
        row[0].imshow(picture)
        for axes, numbers in ((row[1], truth), (row[2], labels)):
            axes.imshow(numbers, cmap=shown, vmin=-0.5, vmax=len(colours) + 0.5, interpolation="nearest")
        row[0].set_title("\n".join(textwrap.wrap(title, 44)), fontsize=9)
        row[1].set_title("truth", fontsize=9)
        row[2].set_title("labels", fontsize=9)
        for axes in row:
            axes.set_axis_off()
    numbers = np.concatenate([np.ravel(part) for _, _, truth, labels in panels for part in (truth, labels)])
    areas = np.bincount(numbers.astype(np.int64), minlength=len(names) + 1)
    present = [i for i in np.argsort(-areas[1:], kind="stable") if areas[i + 1]][:LEGEND_CLASSES]
    entries = [Patch(facecolor=colours[i], edgecolor="black", label=names[i]) for i in sorted(present)]
    entries.append(Patch(facecolor=NO_LABEL, edgecolor="black", label="unknown or no label"))
    figure.legend(handles=entries, loc="outside lower center", ncols=6, fontsize=9, frameon=False)
    _save(figure, path)


def write_plots(
    evaluation: Evaluation,
    folder: Path,
    colours: Sequence[str],
    panel: Callable[[str], tuple[NDArray[np.uint8], NDArray[np.integer], NDArray[np.integer]]],
    worst: int = 4,
) -> list[Path]:
    """Write `confusion.png`, `classes.png` and `worst.png` into a folder.

    Parameters
    ----------
    evaluation : Evaluation
    folder : Path
        Made if need be; files of these names are replaced.
    colours : sequence of str
        One a class.
    panel : callable
        ``panel(name)`` gives the small picture, truth and labels of one of the evaluation's pictures.
    worst : int
        How many pictures to show.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("confusion.png", "classes.png", "worst.png")]
    plot_confusion(evaluation, paths[0])
    plot_bars(evaluation, paths[1], colours)
    panels = [
        (f"{score.name} (mean IoU {percent(score.mean_iou)})", *panel(score.name)) for score in evaluation.worst(worst)
    ]
    if not panels:
        return paths[:2]
    plot_worst(panels, evaluation.names, colours, paths[2])
    return paths


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    temporary = path.with_name(f".{path.name}.partial")
    options: dict[str, Any] = {"format": "png", "dpi": DPI, "facecolor": "white"}
    figure.savefig(temporary, **options)
    temporary.replace(path)
