"""What `geo-ovss evaluate` is to do, put together from its options, and one run of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_ovss.ablation import Variant
from geo_ovss.datasets import RunRule, load_dataset, paper_means
from geo_ovss.errors import BadLabelMap
from geo_ovss.evaluate import Evaluation, ResultsFolder, TruthRule, evaluate
from geo_ovss.label_map import LabelMap
from geo_ovss.outputs import digest
from geo_ovss.progress import Progress
from geo_ovss.raster import RasterOptions, open_raster
from geo_ovss.runners import PictureRunner, SceneRunner
from geo_ovss.samples import Sample, find_samples
from geo_ovss.scoring import PREVIEW_SIDE, Runner, small_labels, small_truth
from geo_ovss.segmenter import QueryOptions, Segmenter
from geo_ovss.truth import SceneGrid, open_truth
from geo_ovss.vocabulary import Vocabulary, parse_classes

FEW_PAIRS = 5
"""Names of pictures without ground truth that are listed before the rest is only counted."""


@dataclass
class Task:
    """Pictures, truth, classes, and how to run them.

    Attributes
    ----------
    samples : list of Sample
    truth : TruthRule
    vocabulary : Vocabulary
    read : RasterOptions
    query : QueryOptions
    rule : RunRule or None
        As the papers run pictures; None runs the tool on scenes.
    papers : mapping of str to float
    notes : list of str
        What a user should be told, a line each.
    footer : str
        Printed below the tables.
    """

    samples: list[Sample]
    truth: TruthRule
    vocabulary: Vocabulary
    read: RasterOptions
    query: QueryOptions
    rule: RunRule | None = None
    papers: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    footer: str = ""

    def runner(self, segmenter: Segmenter, query: Mapping[str, Any], features: Path | None = None) -> Runner:
        """What labels the pictures, with some values of the question replaced; scenes may keep their features."""
        if self.rule is not None:
            return PictureRunner(segmenter, self.vocabulary, replace(self.rule, **query))
        return SceneRunner(segmenter, self.vocabulary, self.read, replace(self.query, **query), features)


class Kept:
    """What lies in the work folder: finished pictures of each run, and features that several runs share.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.features = folder, folder / "features"
        self._runs: list[Path] = []

    def results(self, key: str, names: list[str]) -> ResultsFolder:
        """The finished pictures of the run of this key."""
        self._runs.append(self.folder / key)
        return ResultsFolder(self.folder / key, names)

    def clear(self, everything: bool) -> None:
        """Remove shared features and, with `everything`, the runs of this call; those of other calls stay."""
        for path in (self.features, *(self._runs if everything else ())):
            shutil.rmtree(path, ignore_errors=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def folder_task(
    images: Path, labels: Path, classes: str, *, image_suffix: list[str], label_suffix: list[str], only: list[str],
    label_map: str | None, label_offset: int, attribute: str | None, outside: str | None, read: RasterOptions,
    query: QueryOptions, shorter_side: int | None,
) -> Task:
    """Pictures and ground truth of one's own."""
    vocabulary = parse_classes(classes)
    names = vocabulary.names
    samples, unmatched = find_samples(
        images, labels, image_suffix=image_suffix, label_suffix=label_suffix, only=only
    )
    mapping = LabelMap.parse(label_map, names) if label_map else LabelMap(names, offset=label_offset)
    if outside is not None and outside not in names:
        raise BadLabelMap(f"'{outside}' is none of the classes {', '.join(names)}")
    rule = None
    if shorter_side is not None:
        rule = RunRule(
            shorter_side=shorter_side, threshold=query.threshold, templates=query.templates, synonyms=query.synonyms
        )
    notes = []
    if unmatched:
        shown = ", ".join(unmatched[:FEW_PAIRS]) + (" ..." if len(unmatched) > FEW_PAIRS else "")
        notes.append(f"{len(unmatched)} pictures have no ground truth and are left out: {shown}")
    number = 0 if outside is None else names.index(outside) + 1
    return Task(samples, TruthRule(mapping, attribute, number), vocabulary, read, query, rule, notes=notes)


def benchmark_task(
    name: str, root: Path, given: Mapping[str, Any], read: RasterOptions, only: list[str]
) -> Task:
    """A benchmark; what the command line gives replaces the benchmark's own values."""
    dataset = load_dataset(name)
    chosen = replace(dataset, layout=replace(dataset.layout, only=tuple(only))) if only else dataset
    rule = replace(dataset.run, **{key: value for key, value in given.items() if value is not None})
    query = QueryOptions(templates=rule.templates, threshold=rule.threshold, synonyms=rule.synonyms or "before")
    means = paper_means()
    footer = ""
    if name in means["sets"]:
        listed = ", ".join(f"{paper} {value:.1f}" for paper, value in means["mean"].items())
        footer = f"Mean over the papers' eight sets, as reported: {listed}."
    return Task(
        chosen.samples(root), TruthRule(dataset.truth_map()), parse_classes(dataset.class_file),
        replace(read, collar="keep"), query, rule if dataset.kind == "picture" else None, dataset.papers,
        [f"{dataset.title} ({dataset.source})"], footer,
    )


def run_variant(
    task: Task, segmenter: Segmenter, variant: Variant | None, kept: Kept, distance: int, progress: Progress,
    plot: Path | None,
) -> Evaluation:
    """One evaluation, its finished pictures kept while it runs, and its plots.

    The plots of a variant go into a folder named after it.
    """
    if variant is not None:
        segmenter = Segmenter(variant.apply(segmenter.preset), device=segmenter.device)
    query = variant.query if variant else {}
    runner = task.runner(segmenter, query, kept.features if query else None)
    key = digest(runner.identity(), task.truth.identity(), task.vocabulary.names, distance)
    results = kept.results(key, task.vocabulary.names)
    found = evaluate(task.samples, runner, task.truth, results=results, distance=distance, progress=progress)
    found.papers = dict(task.papers)
    for line in doubts(found, task.truth):
        progress.message(line)
    if plot is not None:
        from geo_ovss.evaluation_plots import write_plots

        place = plot / "".join(c if c.isalnum() else "-" for c in variant.label) if variant else plot
        write_plots(found, place, task.vocabulary.colours, _Panels(task, runner, results))
    return found


def doubts(found: Evaluation, truth: TruthRule) -> list[str]:
    """What looks like a slip in how the ground truth is read."""
    pixels = found.matrix.truth_pixels
    if not pixels.any():
        return ["No pixel has a known class: the ground truth's values fit no class."]
    mapping = truth.label_map
    if not mapping.explicit and mapping.offset == 0 and len(pixels) > 1 and not pixels[-1]:
        return [
            f"No pixel of the ground truth is of the last class ({found.names[-1]}); where labels count from 0, "
            "pass --label-offset 1."
        ]
    return []


class _Panels:
    """Small picture, truth and labels of a sample, for the plot of the worst pictures."""

    def __init__(self, task: Task, runner: Runner, results: ResultsFolder) -> None:
        self.task, self.runner, self.results = task, runner, results
        self.samples = {sample.name: sample for sample in task.samples}

    def __call__(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.integer], NDArray[np.integer]]:
        sample, rule = self.samples[name], self.task.truth
        with open_raster(sample.image, self.task.read) as raster:
            picture = raster.overview(PREVIEW_SIDE)[0]
        grid = SceneGrid.of(sample.image)
        truth = open_truth(sample.truth, grid, rule.label_map, rule.attribute, rule.outside)
        preview = self.results.preview_path(name)
        labels = np.load(preview) if preview.exists() else small_labels(self.runner.predict(sample).labels)
        return picture, small_truth(truth, (grid.height, grid.width)), labels
