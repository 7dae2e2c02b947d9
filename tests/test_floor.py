"""A floor under the embedded model: as a ratio to baselines run beside it, so that noise does not break it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED
from PIL import Image

from geo_ovss.evaluate import Evaluation, ResultsFolder, TruthRule, evaluate
from geo_ovss.label_map import LabelMap
from geo_ovss.raster import RasterOptions
from geo_ovss.runners import SceneRunner
from geo_ovss.samples import Sample, find_samples
from geo_ovss.segmenter import Segmenter
from geo_ovss.synthetic import COARSE, draw_scene
from geo_ovss.vocabulary import parse_classes

DRAWN = ((910101, "suburb"), (910102, "lagoon"), (910103, "countryside"), (910104, "city"))
"""Seeds and styles of the drawn scenes; those of the training are small."""

LOCAL = {"key_value_extension": False, "proxy_anchors": False, "dynamic_normalisation": False}
"""The same model with its windows alone."""

OVER_LOCAL = 0.9
"""Least mean IoU against that of the windows alone: global attention must not cost quality."""

SEAMS = 1.0
"""Most boundary errors against those of the windows alone: that is what global attention is for."""

OVER_MAJORITY = 2.0
"""Least mean IoU against that of giving every pixel the commonest class of the truth."""


def run(samples: Sequence[Sample], classes: Sequence[str], rule: TruthRule, work: Path, **options: bool) -> Evaluation:
    segmenter = Segmenter("mini", device="cpu", options=options)
    runner = SceneRunner(segmenter, parse_classes(",".join(classes)), RasterOptions(collar="keep"))
    return evaluate(samples, runner, rule, results=ResultsFolder(work, classes))


def majority_mean_iou(found: Evaluation) -> float:
    """Mean IoU of giving every pixel the commonest class, over the classes that the truth has."""
    truth = found.matrix.truth_pixels
    return float(truth.max() / truth.sum() / np.count_nonzero(truth))


def check(found: Evaluation, local: Evaluation) -> None:
    told = (f"mean IoU {found.matrix.mean_iou:.3f}, windows alone {local.matrix.mean_iou:.3f}, one class "
            f"{majority_mean_iou(found):.3f}; boundary errors {found.windows.rate:.4f}, windows alone "
            f"{local.windows.rate:.4f}")
    print(told)
    assert found.matrix.mean_iou >= OVER_LOCAL * local.matrix.mean_iou, told
    assert found.matrix.mean_iou >= OVER_MAJORITY * majority_mean_iou(found), told
    assert found.windows.rate <= SEAMS * local.windows.rate, told


def test_drawn_scenes(tmp_path: Path) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for seed, style in DRAWN:
        scene = draw_scene(seed, 384, 0.3, style=style)
        Image.fromarray(scene.rgb).save(tmp_path / "images" / f"{style}.png")
        Image.fromarray(scene.coarse).save(tmp_path / "labels" / f"{style}.png")
    classes = [name for name in COARSE if name != "other"]
    rule = TruthRule(LabelMap(classes, {str(i): name for i, name in enumerate(COARSE) if name != "other"}))
    samples, _ = find_samples(tmp_path / "images", tmp_path / "labels")
    found = run(samples, classes, rule, tmp_path / "whole")
    check(found, run(samples, classes, rule, tmp_path / "local", **LOCAL))


@pytest.mark.skipif(not (SHARED / "aerial" / "dubai").is_dir(), reason="../shared/aerial is not here")
def test_validation_pictures(tmp_path: Path) -> None:
    """Of tiles 2 and 5, which the training never saw."""
    folder = SHARED / "aerial" / "dubai"
    samples, _ = find_samples(
        folder, folder, image_suffix=[".jpg"], label_suffix=[".png"], only=["tile2_00[2468]", "tile5_004"]
    )
    classes = ["building", "land", "road", "vegetation", "water"]
    rule = TruthRule(LabelMap(classes, offset=1))
    found = run(samples, classes, rule, tmp_path / "whole")
    check(found, run(samples, classes, rule, tmp_path / "local", **LOCAL))
