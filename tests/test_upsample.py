"""Joint bilateral upsampling: borders follow the picture, tiles do not show."""

from __future__ import annotations

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from geo_ovss import upsample
from geo_ovss.presets import Preset
from geo_ovss.upsample import MARGIN, RADIUS, joint_bilateral, steps_of


def test_examples() -> None:
    assert doctest.testmod(upsample).failed == 0


@pytest.mark.parametrize("token", [8, 14, 16, 32])
def test_shapes_and_range(token: int) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (5 * token - 3, 6 * token - token // 2, 3), dtype=np.uint8)
    scores = torch.rand(4, 5, 6, generator=torch.Generator().manual_seed(0)) - 0.5
    out = joint_bilateral(scores, picture, token)
    assert out.shape == (4, *picture.shape[:2]) and out.dtype == torch.float32
    assert out.min() >= scores.min() and out.max() <= scores.max()  # means, nothing beyond
    assert math.prod(steps_of(token)) == token


def test_constant_scores_stay() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    torch.testing.assert_close(joint_bilateral(torch.full((1, 4, 4), 0.3), picture, 16), torch.full((1, 64, 64), 0.3))


def test_the_border_goes_where_the_picture_has_it() -> None:
    """Roofs end in the middle of a patch: the labels' border moves there; bilinear leaves it between the patches."""
    edge, token = 75, 16
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[:, :edge] = 200
    roof = torch.from_numpy((picture[..., 0] > 0).astype(np.float32))[None]
    is_roof = torch.nn.functional.avg_pool2d(roof, token).round()  # a patch says what most of it is
    scores = torch.cat([is_roof, 1 - is_roof])
    labels = joint_bilateral(scores, picture, token).argmax(0).numpy()
    assert (labels == (np.arange(128) >= edge)).all()
    plain = torch.nn.functional.interpolate(scores[None], scale_factor=token, mode="bilinear")[0].argmax(0).numpy()
    assert (plain != (np.arange(128) >= edge)).sum() == 5 * 128


def test_a_flat_picture_only_smooths() -> None:
    """Without edges to follow the result is symmetric and monotone between two tokens."""
    scores = torch.zeros(1, 4, 8)
    scores[:, :, 4:] = 1
    out = joint_bilateral(scores, np.full((64, 128, 3), 90, np.uint8), 16)[0, 32]
    assert bool((out.diff() >= -1e-6).all())
    torch.testing.assert_close(out, 1 - out.flip(0))


@pytest.mark.parametrize("token", [8, 14, 16])
def test_tiles_with_a_margin_give_the_whole_scene(token: int) -> None:
    rng = np.random.default_rng(1)
    rows, cols = 14, 15
    picture = rng.integers(0, 256, (rows * token - 5, cols * token - 2, 3), dtype=np.uint8)
    scores = torch.from_numpy(rng.normal(size=(3, rows, cols)).astype(np.float32))
    weight = torch.from_numpy((rng.random((rows, cols)) > 0.2).astype(np.float32))
    whole = joint_bilateral(scores, picture, token, weight=weight)
    row, col, size = 5, 6, 4
    box = (slice(row - MARGIN, row + size + MARGIN), slice(col - MARGIN, col + size + MARGIN))
    crop = picture[box[0].start * token:box[0].stop * token, box[1].start * token:box[1].stop * token]
    tile = joint_bilateral(scores[:, box[0], box[1]], crop, token, weight=weight[box])
    inner = slice(MARGIN * token, (MARGIN + size) * token)
    torch.testing.assert_close(
        tile[:, inner, inner], whole[:, row * token:(row + size) * token, col * token:(col + size) * token],
        rtol=0, atol=1e-6)
    reach, cell = 0.0, 1.0
    for factor in steps_of(token):
        reach, cell = reach + RADIUS * cell, cell / factor
    assert reach <= MARGIN


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 256, (96, 80, 3), dtype=np.uint8)
    scores = torch.from_numpy(rng.normal(size=(2, 6, 5)).astype(np.float32))
    whole = joint_bilateral(scores, picture, 16)
    monkeypatch.setattr(upsample, "CHUNK_PIXELS", 1)
    assert torch.equal(joint_bilateral(scores, picture, 16), whole)


def test_tokens_without_features_count_for_nothing() -> None:
    picture = np.full((64, 64, 3), 50, np.uint8)
    scores, weight = torch.full((1, 4, 4), 0.5), torch.ones(4, 4)
    scores[0, 1, 1], weight[1, 1] = -100.0, 0.0
    torch.testing.assert_close(joint_bilateral(scores, picture, 16, weight=weight), torch.full((1, 64, 64), 0.5))
    nothing = joint_bilateral(scores, picture, 16, weight=torch.zeros(4, 4))
    assert bool(nothing.isfinite().all())


def test_a_scene_of_several_blocks_is_upsampled_as_one(scene: Path, tiny_preset: Preset) -> None:
    """Labels that are made block by block are those of the whole scene at once."""
    from geo_ovss.raster import open_raster
    from geo_ovss.segmenter import QueryOptions, Segmenter
    from geo_ovss.vocabulary import parse_classes

    segmenter = Segmenter(tiny_preset.with_overrides(upsample="bilateral"), device="cpu")
    store, names = segmenter.encode(scene), "road,building,water"
    assert len(store.blocks) > 4
    labels = segmenter.query(store, names).labels
    plain = Segmenter(tiny_preset, device="cpu").query(store, names).labels
    rows, cols = store.layout.token_shape
    features = np.zeros((rows, cols, store.info.dim), np.float32)
    for block in store.blocks:
        features[store.layout.core(*block).tokens(store.layout.token).slices()] = store.read_block(block)[0]
    text = segmenter.classes(parse_classes(names), QueryOptions()).text
    scores = torch.einsum("hwd,qd->qhw", torch.from_numpy(features), text)
    picture, valid = open_raster(scene).read(0, 0, rows * store.layout.token, cols * store.layout.token)
    whole = joint_bilateral(scores, picture, store.layout.token).argmax(0).numpy() + 1
    height, width = labels.shape
    assert valid[:height, :width].all()
    assert (labels == whole[:height, :width]).mean() > 0.9999
    assert (labels != plain).any()
