"""Metrics against independent implementations and against cases counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score, precision_score, recall_score
from torchmetrics.classification import MulticlassJaccardIndex

from geo_ovss.metrics import (
    BoundaryErrors,
    ConfusionMatrix,
    boundary_errors,
    boundary_lines,
    control_lines,
    count_line_errors,
)

CLASSES = 7
EXACT = 1e-9


def random_maps(seed: int, truth_classes: list[int], predicted: list[int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.choice(truth_classes, (61, 47)), rng.choice(predicted, (61, 47))


CASES = {
    "all classes": ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7]),
    "absent from truth": ([0, 1, 2, 4], [1, 2, 3, 4, 5]),
    "absent from prediction": ([0, 1, 2, 3, 5, 7], [1, 2]),
    "absent from both": ([1, 2], [1, 2]),
    "unlabelled predictions": ([0, 1, 2, 3], [0, 1, 2, 3, 6]),
}


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_scikit_learn(case: str) -> None:
    matrix = ConfusionMatrix([f"class {i}" for i in range(1, CLASSES + 1)])
    truths, predictions = [], []
    for seed in range(3):
        truth, labels = random_maps(seed, *CASES[case])
        matrix.update(truth, labels)
        truths.append(truth[truth > 0])
        predictions.append(labels[truth > 0])
    truth, labels = np.concatenate(truths), np.concatenate(predictions)
    numbers = list(range(1, CLASSES + 1))
    expected = confusion_matrix(truth, labels, labels=[0, *numbers])[1:]
    np.testing.assert_array_equal(matrix.counts, expected)
    found = np.isin(numbers, truth) | np.isin(numbers, labels)
    scores = {"average": None, "labels": numbers}
    for ours, theirs in (
        (matrix.iou, np.where(found, jaccard_score(truth, labels, zero_division=0, **scores), np.nan)),
        (matrix.precision, precision_score(truth, labels, zero_division=np.nan, **scores)),
        (matrix.recall, recall_score(truth, labels, zero_division=np.nan, **scores)),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=EXACT, equal_nan=True)
    assert matrix.pixel_accuracy == pytest.approx(accuracy_score(truth, labels), abs=EXACT)
    present = sorted(set(truth) | (set(labels) - {0}))
    mean = np.mean(jaccard_score(truth, labels, average=None, labels=present))
    assert matrix.mean_iou == pytest.approx(mean, abs=EXACT)
    weighted = jaccard_score(truth, labels, average="weighted", labels=numbers, zero_division=0)
    assert matrix.frequency_weighted_iou == pytest.approx(weighted, abs=EXACT)


def test_agrees_with_torchmetrics() -> None:
    truth, labels = random_maps(5, [0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7])
    matrix = ConfusionMatrix([str(i) for i in range(CLASSES)])
    matrix.update(truth, labels)
    torch_metric = MulticlassJaccardIndex(CLASSES + 1, average="none", ignore_index=0)
    theirs = torch_metric(torch.from_numpy(labels), torch.from_numpy(truth)).double().numpy()[1:]
    # torchmetrics divides in float32
    np.testing.assert_allclose(matrix.iou, theirs, rtol=0, atol=1e-7)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_random_maps_add_up(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth, labels = rng.integers(0, classes + 1, (2, 20, 13))
    names = [str(i) for i in range(classes)]
    whole, halves = ConfusionMatrix(names), ConfusionMatrix(names)
    whole.update(truth, labels)
    for part in (slice(0, 7), slice(7, None)):
        strip = ConfusionMatrix(names)
        strip.update(truth[part], labels[part])
        halves.merge(ConfusionMatrix.from_sparse(names, strip.sparse()))
    np.testing.assert_array_equal(whole.counts, halves.counts)
    assert whole.counts.sum() == (truth > 0).sum()
    present = [i for i in range(1, classes + 1) if (truth[truth > 0] == i).any() or (labels[truth > 0] == i).any()]
    if present:
        theirs = jaccard_score(truth[truth > 0], labels[truth > 0], average=None, labels=present)
        assert whole.mean_iou == pytest.approx(theirs.mean(), abs=EXACT)


def test_no_label_is_a_miss_and_no_truth_is_ignored() -> None:
    matrix = ConfusionMatrix(["a", "b"])
    matrix.update(np.array([[1, 1, 2, 0]]), np.array([[1, 0, 2, 2]]))
    np.testing.assert_allclose(matrix.iou, [0.5, 1.0])
    np.testing.assert_allclose(matrix.precision, [1.0, 1.0])
    np.testing.assert_allclose(matrix.recall, [0.5, 1.0])
    assert matrix.pixel_accuracy == pytest.approx(2 / 3)


def test_nothing_counted_is_nan() -> None:
    matrix = ConfusionMatrix(["a"])
    matrix.update(np.zeros((3, 3), np.uint8), np.ones((3, 3), np.uint8))
    assert np.isnan([matrix.mean_iou, matrix.pixel_accuracy, matrix.frequency_weighted_iou]).all()


@pytest.mark.parametrize(("truth", "labels"), [([3], [1]), ([1], [3]), ([1], [-1])])
def test_numbers_out_of_range_are_refused(truth: list[int], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="class numbers"):
        ConfusionMatrix(["a", "b"]).update(np.array(truth), np.array(labels))


def test_boundary_lines_of_windows() -> None:
    assert boundary_lines((0, 112, 160), 224, 384) == [112, 160, 224, 336]
    assert boundary_lines((0,), 224, 224) == []
    assert control_lines([100], 200, 8) == [50, 150]
    assert control_lines([20], 200, 8) == [110]


def brute_force(truth: np.ndarray, labels: np.ndarray, rows: list[int], cols: list[int], distance: int) -> list[int]:
    pairs = errors = 0
    for axis, lines in ((0, rows), (1, cols)):
        for line in lines:
            for k in range(1, distance + 1):
                near, far = line - k, line - 1 + k
                if near < 0 or far >= truth.shape[axis]:
                    continue
                for other in range(truth.shape[1 - axis]):
                    way = truth[near : far + 1, other] if axis == 0 else truth[other, near : far + 1]
                    if way[0] == 0 or (way != way[0]).any():
                        continue
                    pairs += 1
                    ends = labels[[near, far], other] if axis == 0 else labels[other, [near, far]]
                    errors += int(ends[0] != ends[1])
    return [pairs, errors]


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_boundary_errors_are_those_of_the_definition(seed: int, distance: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.repeat(rng.integers(0, 3, (5, 4)), 5, axis=0), 6, axis=1)
    labels = rng.integers(0, 3, truth.shape)
    rows, cols = [3, 12, 20], [1, 12, 23]
    found = boundary_errors(truth, labels, rows, cols, distance)
    assert [found.pairs, found.errors] == brute_force(truth, labels, rows, cols, distance)
    controls = [control_lines(lines, length, distance) for lines, length in ((rows, 25), (cols, 24))]
    assert [found.control_pairs, found.control_errors] == brute_force(truth, labels, *controls, distance)


def test_a_seam_shows_and_a_true_edge_does_not() -> None:
    truth = np.ones((64, 64), np.uint8)
    labels = truth.copy()
    labels[:, 32:] = 2
    seam = boundary_errors(truth, labels, [], [32], 4)
    assert (seam.rate, seam.control_rate) == (1.0, 0.0)
    truth[:, 32:] = 2
    assert boundary_errors(truth, labels, [], [32], 4).pairs == 0
    assert np.isnan(BoundaryErrors(4).rate)


def test_boundary_counts_merge() -> None:
    total = BoundaryErrors(4, 10, 1, 5, 0)
    total.merge(BoundaryErrors(4, 30, 3, 5, 1))
    assert (total.rate, total.control_rate) == (0.1, 0.1)
    with pytest.raises(ValueError, match="distances"):
        total.merge(BoundaryErrors(5))
    assert count_line_errors(np.ones((4, 4), int), np.ones((4, 4), int), [0, 4], 2) == (0, 0)
