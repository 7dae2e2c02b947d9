"""Scores, labels and confidence from features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from geo_ovss.classify import Classes, class_probabilities, label_pixels, tile_side, upsample, word_logits


def classes(**changes: object) -> Classes:
    fields: dict[str, object] = {
        "text": F.normalize(torch.randn(3, 8, generator=torch.Generator().manual_seed(1)), dim=-1),
        "class_of_word": torch.tensor([0, 0, 1]), "count": 2, "background": None, "logit_scale": 40.0,
    }
    return Classes(**fields | changes)  # type: ignore[arg-type]


def test_spliced_features_give_the_average_of_the_windows_logits() -> None:
    # decision 1 of the design: the logits are linear in the features, so splicing features is averaging logits
    windows = F.normalize(torch.randn(4, 5, 6, 8), dim=-1)
    text = classes().text
    torch.testing.assert_close(word_logits(windows.mean(0), text),
                               torch.stack([word_logits(w, text) for w in windows]).mean(0))


def test_the_best_word_counts_before_or_after_the_softmax() -> None:
    logits = torch.tensor([0.30, 0.29, 0.31])[:, None, None]
    before = class_probabilities(logits, classes())[:, 0, 0]
    np.testing.assert_allclose(before, np.exp([0.30 * 40, 0.31 * 40]) / np.exp([0.30 * 40, 0.31 * 40]).sum(), rtol=1e-5)
    after = class_probabilities(logits, classes(synonyms="after"))[:, 0, 0]
    words = np.exp(np.array([0.30, 0.29, 0.31]) * 40)
    np.testing.assert_allclose(after, [words[0] / words.sum(), words[2] / words.sum()], rtol=1e-5)


@pytest.mark.parametrize("background", [None, 1])
def test_what_scores_too_low_has_no_label_or_is_background(background: int | None) -> None:
    probabilities = torch.tensor([[0.9, 0.55], [0.1, 0.45]])[:, None]
    labels, confidence = label_pixels(probabilities, classes(threshold=0.6, background=background))
    assert labels.tolist() == [[1, 0 if background is None else 2]]
    assert confidence[0, 0] == pytest.approx(0.9)


def test_tokens_without_features_do_not_pull_their_neighbours_down() -> None:
    logits = torch.full((2, 4, 4), 0.3)
    weight = torch.ones(4, 4)
    weight[:, 2:] = 0
    logits[:, :, 2:] = 0
    torch.testing.assert_close(upsample(logits, weight, 8)[:, :, :20], torch.full((2, 32, 20), 0.3))


def test_upsampling_is_bilinear_between_token_centres() -> None:
    ramp = torch.arange(4.0)[None, None].expand(1, 4, 4)
    up = upsample(ramp, torch.ones(4, 4), 4)
    torch.testing.assert_close(up[0, 8, 2:14], torch.arange(0.125, 3, 0.25))


@pytest.mark.parametrize(("block", "side"), [
    (1008, 336), (448, 448), (560, 560), (224, 224), (2016, 336), (1040, 208), (1000, 256),
])
def test_tiles_of_the_labels_divide_a_block_where_tiff_allows_it(block: int, side: int) -> None:
    assert tile_side(block) == side
    assert side % 16 == 0
