"""The evaluation loop: counts, resumption, tables, plots, sweeps."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from geo_ovss.ablation import ablation_variants, sweep_variants
from geo_ovss.errors import BadSweep, TruthNotReadable, TruthValueOutOfRange
from geo_ovss.evaluate import ResultsFolder, TruthRule, evaluate, peak_memory_bytes
from geo_ovss.evaluation_plots import write_plots
from geo_ovss.evaluation_tables import comparison_rows, csv_table, markdown_table, text_table
from geo_ovss.label_map import LabelMap
from geo_ovss.metrics import ConfusionMatrix, boundary_errors
from geo_ovss.presets import get_preset
from geo_ovss.samples import Sample, find_samples
from geo_ovss.scoring import STRIP_ROWS, Prediction, score_picture, small_labels, small_truth
from geo_ovss.truth import SceneGrid, open_truth

NAMES = ["dark", "grey", "bright"]
RULE = TruthRule(LabelMap(NAMES, offset=1))


class BrightnessRunner:
    """Labels by brightness alone: a runner whose labels a test can foretell."""

    def __init__(self, stop_before: int | None = None) -> None:
        self.done: list[str] = []
        self.stop_before = stop_before

    def predict(self, sample: Sample) -> Prediction:
        if len(self.done) == self.stop_before:
            raise KeyboardInterrupt
        self.done.append(sample.name)
        grey = np.asarray(Image.open(sample.image).convert("L"))
        labels = np.digitize(grey, [85, 170]) + 1
        return Prediction(labels, 0.25, windows=([16, 32], [24]), blocks=([], [40]))

    def identity(self) -> dict[str, Any]:
        return {"runner": "brightness"}


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Six grey pictures whose truth says 0, 1, 2 by brightness, a tenth of it wrong, a tenth unlabelled."""
    rng = np.random.default_rng(3)
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for i in range(6):
        grey = rng.integers(0, 256, (48, 64)).astype(np.uint8)
        truth = np.digitize(grey, [85, 170]).astype(np.uint8)
        truth = np.where(rng.random(truth.shape) < 0.1, rng.integers(0, 3, truth.shape), truth)
        truth = np.where(rng.random(truth.shape) < 0.1, 255, truth)
        Image.fromarray(grey).convert("RGB").save(tmp_path / "images" / f"p{i}.png")
        Image.fromarray(truth.astype(np.uint8)).save(tmp_path / "labels" / f"p{i}.png")
    return find_samples(tmp_path / "images", tmp_path / "labels")[0]


def maps(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    truth = np.asarray(Image.open(sample.truth)).astype(int)
    labels = np.digitize(np.asarray(Image.open(sample.image).convert("L")), [85, 170]) + 1
    return np.where(truth == 255, 0, truth + 1), labels


def test_counts_of_all_pictures(samples: list[Sample], tmp_path: Path) -> None:
    found = evaluate(samples, BrightnessRunner(), RULE, results=ResultsFolder(tmp_path / "work", NAMES), distance=4)
    expected = ConfusionMatrix(NAMES)
    for sample in samples:
        expected.update(*maps(sample))
    np.testing.assert_array_equal(found.matrix.counts, expected.counts)
    assert found.seconds == pytest.approx(1.5)
    assert found.pixels == 6 * 48 * 64
    errors = [boundary_errors(*maps(s), [16, 32], [24], 4) for s in samples]
    assert (found.windows.pairs, found.windows.errors) == (sum(e.pairs for e in errors), sum(e.errors for e in errors))
    assert found.windows.control_pairs == sum(e.control_pairs for e in errors) > 0
    assert found.blocks.pairs == sum(boundary_errors(*maps(s), [], [40], 4).pairs for s in samples) > 0


def test_interrupted_run_goes_on(samples: list[Sample], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(samples, BrightnessRunner(stop_before=4), RULE, results=ResultsFolder(tmp_path / "work", NAMES))
    second = BrightnessRunner()
    found = evaluate(samples, second, RULE, results=ResultsFolder(tmp_path / "work", NAMES))
    assert second.done == ["p4", "p5"]
    alone = evaluate(samples, BrightnessRunner(), RULE, results=ResultsFolder(tmp_path / "other", NAMES))
    settings = [{key: value for key, value in run.as_json().items() if key != "peak_memory_bytes"}
                for run in (found, alone)]
    assert settings[0] == settings[1]


def test_torn_line_and_changed_files_are_done_again(samples: list[Sample], tmp_path: Path) -> None:
    work = tmp_path / "work"
    evaluate(samples, BrightnessRunner(), RULE, results=ResultsFolder(work, NAMES))
    lines = work / "pictures.jsonl"
    content = lines.read_bytes()
    lines.write_bytes(content[:-40])
    changed = samples[1].truth
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(changed)
    again = BrightnessRunner()
    found = evaluate(samples, again, RULE, results=ResultsFolder(work, NAMES))
    assert again.done == ["p1", "p5"]
    assert found.pictures[1].matrix.truth_pixels.tolist() == [48 * 64, 0, 0]
    third = BrightnessRunner()
    evaluate(samples, third, RULE, results=ResultsFolder(work, NAMES))
    assert third.done == []


def test_wrong_truth_is_found_before_the_work(samples: list[Sample], tmp_path: Path) -> None:
    runner = BrightnessRunner()
    Image.fromarray(np.full((48, 64), 3, np.uint8)).save(samples[0].truth)
    with pytest.raises(TruthValueOutOfRange, match="value 3"):
        evaluate(samples, runner, RULE, results=ResultsFolder(tmp_path / "work", NAMES))
    samples[0].truth.write_text("no picture")
    with pytest.raises(TruthNotReadable):
        evaluate(samples, runner, RULE, results=ResultsFolder(tmp_path / "work", NAMES))
    assert runner.done == []


@pytest.mark.parametrize("height", [10, STRIP_ROWS, STRIP_ROWS + 3, 2 * STRIP_ROWS + 500])
def test_strips_count_like_the_whole(height: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(height)
    coarse = rng.integers(0, 4, (height // 10 + 1, 5)).astype(np.uint8)
    values = np.kron(coarse, np.ones((10, 10), np.uint8))[:height]
    labels = rng.integers(0, 4, values.shape)
    Image.fromarray(values).save(tmp_path / "truth.png")
    truth = open_truth(tmp_path / "truth.png", SceneGrid.of(tmp_path / "truth.png"), LabelMap(NAMES))
    rows = list(range(7, height, 112))
    score = score_picture("p", Prediction(labels, 1.0, windows=(rows, [20, 30])), truth, NAMES, 8)
    whole = ConfusionMatrix(NAMES)
    whole.update(values, labels)
    np.testing.assert_array_equal(score.matrix.counts, whole.counts)
    assert score.windows == boundary_errors(values, labels, rows, [20, 30], 8)
    np.testing.assert_array_equal(small_truth(truth, values.shape), small_labels(values))


def test_no_data_pixels_are_ignored(samples: list[Sample]) -> None:
    truth, labels = maps(samples[0])
    valid = np.zeros(truth.shape, bool)
    valid[:, :30] = True
    prediction = Prediction(labels, 1.0, valid=lambda box: valid[box.slices()])
    known = open_truth(samples[0].truth, SceneGrid.of(samples[0].image), RULE.label_map)
    score = score_picture("p", prediction, known, NAMES, 4)
    assert score.matrix.truth_pixels.sum() == (truth[:, :30] > 0).sum()
    assert score.without_data == (truth[:, 30:] > 0).sum()


def test_tables_and_json_say_the_same(samples: list[Sample], tmp_path: Path) -> None:
    found = evaluate(samples, BrightnessRunner(), RULE, results=ResultsFolder(tmp_path / "work", NAMES))
    found.papers = {"A paper": 66.3}
    said = json.loads(json.dumps(found.as_json(), allow_nan=False))
    text = text_table(found)
    assert f"mean IoU {100 * said['mean_iou']:.2f} over 3 of 3 classes" in text
    grey = next(line for line in text.splitlines() if line.startswith("grey")).split()
    assert grey[1:4] == [f"{100 * said['classes'][1][key]:.1f}" for key in ("iou", "precision", "recall")]
    assert "within 8 px" in text
    assert said["boundary_error_rate"]["distance_pixels"] == 8
    assert "A paper reports a mean IoU of 66.3" in text
    assert np.sum(said["confusion"]["counts"]) == sum(c["truth_pixels"] for c in said["classes"])
    rows = comparison_rows([("one", found), ("a|b", found)])
    assert markdown_table(rows).splitlines()[2].startswith("| one | ")
    assert r"| a\|b |" in markdown_table(rows)
    parsed = list(csv.DictReader(io.StringIO(csv_table(rows))))
    assert float(parsed[1]["mIoU"]) == pytest.approx(100 * said["mean_iou"], abs=0.006)
    assert float(parsed[0]["bright"]) == pytest.approx(100 * said["classes"][2]["iou"], abs=0.06)


def test_classes_that_never_occur_have_no_figures(samples: list[Sample], tmp_path: Path) -> None:
    names = [*NAMES, "absent"]
    rule = TruthRule(LabelMap(names, offset=1))
    found = evaluate(samples, BrightnessRunner(), rule, results=ResultsFolder(tmp_path / "work", names))
    said = found.as_json()
    assert said["classes"][3]["iou"] is None
    assert said["mean_iou"] == pytest.approx(np.mean([c["iou"] for c in said["classes"][:3]]))
    assert "over 3 of 4 classes" in text_table(found)


def test_worst_pictures_come_first(samples: list[Sample], tmp_path: Path) -> None:
    found = evaluate(samples, BrightnessRunner(), RULE, results=ResultsFolder(tmp_path / "work", NAMES))
    worst = [p.mean_iou for p in found.worst(3)]
    assert worst == sorted(p.mean_iou for p in found.pictures)[:3]


def test_plots_are_pictures(samples: list[Sample], tmp_path: Path) -> None:
    results = ResultsFolder(tmp_path / "work", NAMES)
    found = evaluate(samples, BrightnessRunner(), RULE, results=results)

    def panel(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sample = next(s for s in samples if s.name == name)
        picture = np.asarray(Image.open(sample.image).convert("RGB"))
        return picture, maps(sample)[0], np.load(results.preview_path(name))

    paths = write_plots(found, tmp_path / "plots", ["#222222", "#777777", "#eeeeee"], panel, worst=2)
    assert [p.name for p in sorted((tmp_path / "plots").iterdir())] == ["classes.png", "confusion.png", "worst.png"]
    for path in paths:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        assert min(pixels.shape[:2]) > 300
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_peak_memory_is_plausible() -> None:
    peak = peak_memory_bytes()
    assert peak is None or 20e6 < peak < 1e12


def test_sweep_of_a_range_and_a_list() -> None:
    preset = get_preset("mini")
    found = sweep_variants("threshold=0.1:0.5:0.1", preset)
    assert [v.query["threshold"] for v in found] == [0.1, 0.2, 0.3, 0.4, 0.5]
    strides = sweep_variants("stride=56:112:56", preset)
    assert [v.apply(preset).stride for v in strides] == [56, 112]
    rho = sweep_variants("rho=0.5,0.6", preset)
    assert [v.apply(preset).options["rho"] for v in rho] == [0.5, 0.6]
    assert [v.query["templates"] for v in sweep_variants("templates=none,overhead", preset)] == ["none", "overhead"]


@pytest.mark.parametrize(
    "text", ["threshold", "threshold=", "=1:2:1", "threshold=0.1:0.5", "threshold=0.1:0.5:0", "threshold=0:1:0.0001",
             "threshold=0.5:0.1:0.1", "colour=1,2", "threshold=a:b:c"],
)
def test_sweeps_that_cannot_be(text: str) -> None:
    with pytest.raises(BadSweep):
        sweep_variants(text, get_preset("mini"))


def test_ablation_adds_one_switch_at_a_time() -> None:
    preset = get_preset("mini")
    variants = ablation_variants(preset, sam=True)
    labels = [v.label for v in variants]
    assert labels[:4] == ["local only", "+ key-value extension", "+ proxy anchors", "+ dynamic normalisation"]
    switched = [sum(v.options.values()) for v in variants[:4]]
    assert switched == [0, 1, 2, 3]
    assert any("upsampling" in label for label in labels)
    assert "all + SAM refinement" in labels
    for variant in variants:
        variant.apply(preset)
    assert "all + SAM refinement" not in [v.label for v in ablation_variants(preset)]
    composed = next(v for v in variants if v.label == "all + GCLIP's fused attention")
    assert composed.apply(preset).method == "gla-gclip"
    assert composed.options["key_value_extension"]
    assert {"all + bias alleviation", "all + presence filter", "all + a second scale"} <= set(labels)
    fused = {v.label: v.options for v in ablation_variants(preset.with_overrides(method="gla-gclip"))}
    assert fused["all but attention map fusion"]["fused_blocks"] == 0
    assert not fused["all but channel suppression"]["channel_suppression"]
    assert "all + GCLIP's fused attention" not in fused
    assert [v.label for v in ablation_variants(preset.with_overrides(method="gclip"))][:3] == [
        "gclip", "all but attention map fusion", "all but channel suppression"]
    assert not any("upsampling" in v.label for v in ablation_variants(preset, scenes=False))
