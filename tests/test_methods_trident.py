"""Trident: splicing, SAM's affinity, a scene's block as the picture; and the refinement after any method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from conftest import write_scene
from tiny_networks import STRIDE, WINDOW, picture, tiny_clip, tiny_guide, tiny_method, tiny_sam
from torch import nn
from torch.nn import functional as F

from geo_ovss.encoders.sam import SamEncoder
from geo_ovss.errors import UnsupportedSam
from geo_ovss.golden import build_sam
from geo_ovss.methods.base import BlockTokens
from geo_ovss.presets import Preset, get_preset
from geo_ovss.published import encode_windows, picture_block, window_corners
from geo_ovss.refine import Refinement, find_regions, mask_prompt, refine_labels
from geo_ovss.segmenter import Segmenter

NUMBERS = Refinement(coarse_threshold=0.2, mask_coefficient=0.005, minimal_area=20, iou_threshold=-10.0)


def whole(method, height: int = 96, width: int = 128) -> BlockTokens:
    shot, corners = picture(height, width), window_corners(height, width, WINDOW, STRIDE)
    return picture_block(method, shot, corners, encode_windows(method, shot, corners, 8))


def test_the_affinity_is_the_librarys_attention() -> None:
    sam, shot = tiny_sam(), picture(96, 128)
    seen = sam.embed(shot)
    assert seen.grid == (6, 8)
    assert seen.scaled == (96, 128)
    encoder, block = sam.model.image_encoder, sam.model.image_encoder.blocks[-1]
    for parameter in (block.attn.rel_pos_h, block.attn.rel_pos_w):
        nn.init.normal_(parameter)  # the library starts them at zero
    rows = torch.randn(48, 32)
    with torch.no_grad():
        attended = {}
        block.attn.proj.register_forward_hook(lambda _, inputs, __: attended.setdefault("x", inputs[0]))
        block.attn(block.norm1(seen.last[None]))
    # the values themselves as rows, one head at a time, over the valid grid: what the library's attention gives
    q, k, v, by_row, by_col = sam._last_attention(seen)
    logits = (q @ k.transpose(1, 2)).unflatten(2, (8, 8)) + by_row[..., :, None] + by_col[..., None, :]
    ours = (logits.flatten(2).softmax(-1) @ v.flatten(1, 2)).transpose(0, 1).flatten(1)
    assert torch.allclose(ours, attended["x"][0, :6, :8].reshape(48, 32), atol=1e-4)
    attention = logits.flatten(2).softmax(-1).unflatten(2, (8, 8))[..., :6, :8].flatten(2)
    unit = F.normalize(v[:, :6, :8].flatten(1, 2), dim=-1)
    attention = (attention * (unit @ unit.transpose(1, 2) > 0)).mean(0)  # cos_fac 0
    assert torch.allclose(sam.aggregate(seen, rows, 0.0), attention @ rows / attention.sum(1, keepdim=True), atol=1e-4)
    assert encoder.img_size == sam.side == 128


def test_affinity_averages() -> None:
    sam = tiny_sam()
    seen = sam.embed(picture(96, 128))
    rows = torch.ones(48, 3)
    assert torch.allclose(sam.aggregate(seen, rows, 1.2), rows, atol=1e-5)


def test_a_blocks_own_place_does_not_matter() -> None:
    method = tiny_method("trident", guide_patch=16)
    block = whole(method)
    moved = BlockTokens(block.guide, block.values, block.offsets + torch.tensor([30, 50]), block.weights,
                        block.windows, block.picture, block.cls, origin=(30, 50))
    assert torch.allclose(method.mix(moved), method.mix(block), atol=1e-5)


def test_windows_may_reach_beyond_the_picture() -> None:
    method = tiny_method("trident", guide_patch=16)
    block = whole(method)
    cut = BlockTokens(block.guide, block.values, block.offsets, block.weights.clone(), block.windows,
                      block.picture[16:, 32:], origin=(1, 2))
    features = method.picture_features(cut)
    assert features.shape == (6, 7, 24) or features.shape[2] == 24
    assert features.isfinite().all()
    assert method.mix(cut).shape == (block.weights.numel(), 24)


def test_splicing_averages_windows() -> None:
    method = tiny_method("trident", guide_patch=16)
    block = whole(method)
    rows = torch.arange(len(block.offsets)).float()[:, None, None, None].expand(*block.values.shape[:3], 1)
    canvas = method.splice(rows, block)
    assert canvas.shape == (6, 8, 1)
    assert canvas[0, 0, 0] == 0  # the first window alone
    assert canvas[0, 2, 0] == pytest.approx(0.5)  # the first and the second
    assert canvas[2, 2, 0] == pytest.approx((0 + 1 + 3 + 4) / 4)


def test_features_do_not_depend_on_the_window_that_asks() -> None:
    method = tiny_method("trident", guide_patch=16)
    block = whole(method)
    mixed = method.mix(block).unflatten(0, block.weights.shape)
    assert torch.equal(mixed[0, 0, 2], mixed[1, 0, 0])  # the second window starts two tokens to the right


def test_bias_alleviation_reaches_the_picture() -> None:
    plain = tiny_method("trident", guide_patch=16)
    eased = tiny_method("trident", guide_patch=16, bias_alleviation=0.3)
    block = whole(plain)
    assert (F.normalize(eased.picture_features(block), dim=-1)
            - F.normalize(plain.picture_features(block), dim=-1)).abs().max() > 1e-3


# ---- refinement


def two_halves(height: int = 96, width: int = 128) -> torch.Tensor:
    scores = torch.full((3, height, width), 0.05)
    scores[0, :, :width // 2] = 0.9
    scores[1, :, width // 2:] = 0.9
    return scores / scores.sum(0)


def test_refinement_runs_after_any_method() -> None:
    refined = refine_labels(two_halves(), picture(), tiny_sam(), NUMBERS)
    assert refined.labels.shape == (96, 128)
    assert set(np.unique(refined.labels)) <= {0, 1}  # the third class never leads: it gets no prompt and no mask
    assert refined.scores[2].max() == 0
    changed = refined.scores.amax(0) > 0
    assert changed.any()


def test_failed_regions_keep_their_coarse_labels() -> None:
    scores = two_halves()
    strict = Refinement(0.2, 0.005, 20, iou_threshold=1e6)
    refined = refine_labels(scores, picture(), tiny_sam(), strict)
    assert np.array_equal(refined.labels, scores.argmax(0).numpy())
    assert torch.equal(refined.scores, scores)


def test_numbers_come_as_a_table_too() -> None:
    table = get_preset("trident-base").refinement
    assert Refinement(**table).minimal_area == 225
    refined = refine_labels(two_halves(), picture(), tiny_sam(), {**table, "iou_threshold": -10.0})
    assert refined.labels.shape == (96, 128)


def test_regions_and_their_prompts() -> None:
    mask = torch.zeros(40, 50, dtype=torch.bool)
    mask[2:12, 3:20] = True
    mask[12:15, 20:30] = True  # touches the first by a corner: one region
    mask[30:33, 40:43] = True  # too small
    scores = torch.rand(40, 50, generator=torch.Generator().manual_seed(0)) * 0.5
    scores[13, 25] = 0.9
    scores[31, 41] = 1.0
    regions = find_regions(mask, scores, minimal_area=20)
    assert regions.points.tolist() == [[25, 13]]
    assert regions.boxes.tolist() == [[3, 2, 29, 14]]
    assert torch.equal(regions.index > 0, mask & (torch.arange(40)[:, None] < 20))


def test_no_regions() -> None:
    regions = find_regions(torch.zeros(10, 10, dtype=torch.bool), torch.zeros(10, 10), 1)
    assert regions.points.shape == (0, 2)
    assert regions.boxes.shape == (0, 4)


def test_mask_prompts_are_small_scores_on_a_padded_square() -> None:
    scores = torch.full((30, 60), 0.1)
    scores[:, 30:] = 0.8
    prompt = mask_prompt(scores, tiny_sam(), NUMBERS)
    assert prompt.shape == (32, 32)  # four times the token grid's side
    assert prompt[:16, 20:].min() == pytest.approx(0.8 * 0.005)
    assert prompt[:, :12].max() == 0
    assert prompt[16:].max() == 0


def test_unsupported_sams_are_refused() -> None:
    with pytest.raises(UnsupportedSam, match="no segment_anything"):
        SamEncoder(nn.Linear(2, 2))
    from tiny_networks import SAM_SIZES

    with pytest.raises(UnsupportedSam, match="within windows"):
        build_sam({**SAM_SIZES, "global_attn_indexes": [0]}, None)


def test_half_precision_stays_in_the_encoder() -> None:
    seen = SamEncoder(tiny_sam().model, dtype=torch.bfloat16).embed(picture())
    assert seen.embedding.dtype == seen.last.dtype == torch.float32
    assert tiny_clip().dim == 24
    assert tiny_guide().dim == 32


# ---- in a scene


def features_of(tiny_preset: Preset, raster: Path, **changes: int) -> np.ndarray:
    """Features (h, w, D) of a scene under Trident over tiny networks."""
    segmenter = Segmenter(tiny_preset.with_overrides(**changes))
    segmenter.pipeline.method = tiny_method("trident", guide_patch=16)
    store = segmenter.encode(raster)
    rows, cols = store.layout.token_shape
    out = np.zeros((rows, cols, store.info.dim), np.float32)
    for block in store.blocks:
        out[store.layout.core(*block).tokens(16).slices()] = store.read_block(block)[0]
    return out


def test_a_scene_of_one_block_is_the_picture(tiny_preset: Preset, tmp_path: Path) -> None:
    raster = write_scene(tmp_path / "small.tif", 96, 128)
    with rasterio.open(raster) as source:
        shot = source.read().transpose(1, 2, 0)
    method = tiny_method("trident", guide_patch=16)
    corners = window_corners(96, 128, WINDOW, STRIDE)
    block = picture_block(method, shot, corners, encode_windows(method, shot, corners, 4))
    wanted = F.normalize(method.picture_features(block), dim=-1)
    assert wanted.shape == (6, 8, 24)
    ours = features_of(tiny_preset, raster, block=160)
    np.testing.assert_allclose(ours, wanted.numpy(), atol=2e-3)  # kept as float16


def test_a_scene_of_several_blocks(tiny_preset: Preset, scene: Path) -> None:
    lengths = np.linalg.norm(features_of(tiny_preset, scene), axis=-1)
    assert lengths.shape == (26, 25)
    assert lengths.min() > 0.9
    assert lengths.max() < 1.01
