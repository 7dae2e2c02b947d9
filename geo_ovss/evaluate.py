"""Evaluate: every picture against its ground truth, resumable, and what the counts of all of them say."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_ovss.label_map import LabelMap
from geo_ovss.metrics import BOUNDARY_DISTANCE, BoundaryErrors, ConfusionMatrix
from geo_ovss.progress import Progress
from geo_ovss.samples import Sample
from geo_ovss.scoring import PictureScore, Runner, check_truth, score_picture, small_labels
from geo_ovss.truth import SceneGrid, open_truth


@dataclass(frozen=True)
class TruthRule:
    """How ground truth files become class numbers.

    Attributes
    ----------
    label_map : LabelMap
    attribute : str or None
        The column of polygons that names the class.
    outside : int
        Class number where no polygon lies; 0 is unknown.
    """

    label_map: LabelMap
    attribute: str | None = None
    outside: int = 0

    def identity(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"map": self.label_map.identity(), "attribute": self.attribute, "outside": self.outside}


@dataclass
class Evaluation:
    """The outcome over all pictures.

    Attributes
    ----------
    names : list of str
        Class names.
    pictures : list of PictureScore
    seconds : float
        Summed over the pictures, those of an earlier, interrupted call included.
    settings : dict
        What was run, as plain JSON values.
    papers : dict of str to float
        Mean IoU that papers report on the same benchmark, per cent.
    """

    names: list[str]
    pictures: list[PictureScore]
    distance: int = BOUNDARY_DISTANCE
    settings: dict[str, Any] = field(default_factory=dict)
    papers: dict[str, float] = field(default_factory=dict)

    @property
    def matrix(self) -> ConfusionMatrix:
        """The counts of all pictures."""
        total = ConfusionMatrix(self.names)
        for picture in self.pictures:
            total.merge(picture.matrix)
        return total

    @property
    def windows(self) -> BoundaryErrors:
        """Boundary errors at window boundaries."""
        return self._boundary("windows")

    @property
    def blocks(self) -> BoundaryErrors:
        """Boundary errors at block boundaries; without pairs where each picture fits one block."""
        return self._boundary("blocks")

    def _boundary(self, kind: str) -> BoundaryErrors:
        total = BoundaryErrors(self.distance)
        for picture in self.pictures:
            total.merge(getattr(picture, kind))
        return total

    @property
    def seconds(self) -> float:
        """Seconds that the pictures took, reading included, comparing not."""
        return sum(picture.seconds for picture in self.pictures)

    @property
    def pixels(self) -> int:
        """Pixels of all pictures."""
        return sum(picture.pixels for picture in self.pictures)

    @property
    def peak_memory_bytes(self) -> int | None:
        """Largest resident memory of the processes that labelled the pictures; None where the system does not tell."""
        return max((p.peak_memory_bytes for p in self.pictures if p.peak_memory_bytes is not None), default=None)

    @property
    def without_data(self) -> int:
        """Pixels whose truth is known where the picture holds no data; they are ignored."""
        return sum(picture.without_data for picture in self.pictures)

    def worst(self, count: int) -> list[PictureScore]:
        """The pictures with the lowest mean IoU over the classes of their own truth."""
        ranked = sorted((p for p in self.pictures if not np.isnan(p.mean_iou)), key=lambda p: p.mean_iou)
        return ranked[:count]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain JSON values; figures that do not exist are null. Shares are in 0..1."""
        matrix = self.matrix
        columns = {"iou": matrix.iou, "precision": matrix.precision, "recall": matrix.recall}
        truth, predicted = matrix.truth_pixels, matrix.predicted_pixels
        classes = [
            {"name": name, **{key: _number(values[i]) for key, values in columns.items()},
             "truth_pixels": int(truth[i]), "predicted_pixels": int(predicted[i])}
            for i, name in enumerate(self.names)
        ]
        return {
            "settings": self.settings,
            "mean_iou": _number(matrix.mean_iou),
            "pixel_accuracy": _number(matrix.pixel_accuracy),
            "frequency_weighted_iou": _number(matrix.frequency_weighted_iou),
            "mean_recall": _number(matrix.mean_recall),
            "classes": classes,
            "confusion": {"rows": "truth", "columns": ["(no label)", *self.names], "counts": matrix.counts.tolist()},
            "boundary_error_rate": {
                "distance_pixels": self.distance, "windows": _boundary_json(self.windows),
                "blocks": _boundary_json(self.blocks),
            },
            "pictures": [
                {"name": p.name, "mean_iou": _number(p.mean_iou), "pixel_accuracy": _number(p.matrix.pixel_accuracy),
                 "seconds": round(p.seconds, 3), "pixels": p.pixels}
                for p in self.pictures
            ],
            "seconds": round(self.seconds, 3),
            "pixels": self.pixels,
            "truth_pixels_without_data": self.without_data,
            "peak_memory_bytes": self.peak_memory_bytes,
            "papers_mean_iou_percent": dict(self.papers),
        }


class ResultsFolder:
    """Finished pictures of one evaluation, one JSON line each, kept across interruptions.

    A line is appended in one write and flushed to the disk; a line that a crash tore is dropped when read, and its
    picture is done again. A small label map per picture lies beside them, for the plots.

    Parameters
    ----------
    path : Path
        Made if need be.
    names : sequence of str
        Class names.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path, self.names = path, list(names)
        path.mkdir(parents=True, exist_ok=True)
        self._lines = path / "pictures.jsonl"

    def load(self) -> dict[str, PictureScore]:
        """The finished pictures by name; the last line of each counts."""
        found: dict[str, PictureScore] = {}
        if self._lines.exists():
            for line in self._lines.read_text(encoding="utf-8").splitlines():
                try:
                    score = PictureScore.from_record(self.names, json.loads(line))
                except (ValueError, KeyError, TypeError):
                    continue
                found[score.name] = score
        return found

    def add(self, score: PictureScore, labels: NDArray[np.integer]) -> None:
        """Keep one finished picture."""
        preview = self.preview_path(score.name)
        temporary = preview.with_suffix(".partial.npy")
        np.save(temporary, small_labels(labels))
        temporary.replace(preview)
        # A torn line before this one ends here, so that it does not swallow this one.
        torn = self._lines.exists() and self._last_byte() != b"\n"
        with self._lines.open("ab") as target:
            target.write((b"\n" if torn else b"") + json.dumps(score.record()).encode() + b"\n")
            target.flush()
            os.fsync(target.fileno())

    def _last_byte(self) -> bytes:
        with self._lines.open("rb") as source:
            source.seek(-1 if self._lines.stat().st_size else 0, os.SEEK_END)
            return source.read(1) or b"\n"

    def preview_path(self, name: str) -> Path:
        """Where the small label map of a picture lies."""
        return self.path / f"{name.replace('/', '__')}.npy"


def evaluate(
    samples: Sequence[Sample],
    runner: Runner,
    truth: TruthRule,
    *,
    results: ResultsFolder,
    distance: int = BOUNDARY_DISTANCE,
    progress: Progress | None = None,
) -> Evaluation:
    """Label every picture and compare it with its ground truth.

    Parameters
    ----------
    samples : sequence of Sample
    runner : Runner
    truth : TruthRule
    results : ResultsFolder
        What it holds of these very files is not done again. The caller sees to it that it belongs to these settings.
    distance : int
        Pixels on either side of a boundary that count for the boundary error rate.
    progress : Progress, optional

    Returns
    -------
    Evaluation
    """
    progress = progress or Progress()
    finished = {name: score for name, score in results.load().items() if score.windows.distance == distance}
    kept = {s.name: finished[s.name] for s in samples if s.name in finished and finished[s.name].files == _files(s)}
    if kept:
        progress.message(f"{len(kept)} of {len(samples)} pictures were finished before ({results.path}).")
    progress.start("evaluate", len(samples), len(kept))
    scores = []
    for sample in samples:
        score = kept.get(sample.name)
        if score is None:
            score = _evaluate_one(sample, runner, truth, results, distance)
            progress.advance()
        scores.append(score)
    return Evaluation(
        results.names, scores, distance,
        {"runner": runner.identity(), "truth": truth.identity(), "pictures": len(samples)},
    )


def _evaluate_one(
    sample: Sample, runner: Runner, rule: TruthRule, results: ResultsFolder, distance: int
) -> PictureScore:
    grid = SceneGrid.of(sample.image)
    known = open_truth(sample.truth, grid, rule.label_map, rule.attribute, rule.outside)
    check_truth(known, (grid.height, grid.width))
    files = _files(sample)
    prediction = runner.predict(sample)
    score = score_picture(sample.name, prediction, known, results.names, distance)
    score.files, score.peak_memory_bytes = files, peak_memory_bytes()
    results.add(score, prediction.labels)
    return score


def _files(sample: Sample) -> dict[str, Any]:
    stats = {"image": sample.image.stat(), "truth": sample.truth.stat()}
    return {kind: [stat.st_size, stat.st_mtime_ns] for kind, stat in stats.items()}


def peak_memory_bytes() -> int | None:
    """Largest resident memory of this process so far; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _boundary_json(errors: BoundaryErrors) -> dict[str, Any]:
    counts = {key: value for key, value in asdict(errors).items() if key != "distance"}
    return {"rate": _number(errors.rate), "rate_halfway": _number(errors.control_rate), **counts}

