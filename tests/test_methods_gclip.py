"""GCLIP: fused maps, suppressed channels, blocks found from the model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_networks import STRIDE, WINDOW, picture, texts, tiny_clip, tiny_method, tiny_visual, windows

from geo_ovss.encoders.clip import ClipEncoder
from geo_ovss.errors import BadMethodOption
from geo_ovss.golden import build_clip, compare_labels, compare_values, read_golden, state_dict
from geo_ovss.methods import build_method
from geo_ovss.methods.gclip import (
    PUBLISHED_FIRST,
    abnormal_blocks,
    channel_norms,
    emerging_block,
    fused_map,
    strong_share,
    suppressions,
)
from geo_ovss.published import run_published

CLEARCLIP = Path(__file__).parent / "golden" / "clearclip.npz"
OFF = {"fused_blocks": 0, "channel_suppression": False}


def test_nothing_fused_and_nothing_suppressed_is_clearclip() -> None:
    arrays, config = read_golden(CLEARCLIP)
    clip = build_clip(config["clip"], state_dict(arrays, "clip"))
    method = build_method("gclip", clip=clip, window=config["window"], stride=config["stride"], options=OFF)
    logits = run_published(method, arrays["image"], torch.from_numpy(arrays["text_features"])).logits
    assert compare_values("logits", logits[:, ::4, ::4].numpy(), arrays["logits"]).share == 1
    assert compare_labels("labels", logits.argmax(0).numpy(), arrays["labels"]).passed


def test_rows_of_the_fused_maps_sum_to_one() -> None:
    method = tiny_method("gclip", tiny_clip(layers=6), first_fused=2)
    assert list(method.fused) == [2, 3]
    tokens = method.trunk(windows(2))
    fused = fused_map(method.clip.qkv(tokens.x)[0], tokens)
    assert fused.shape == (2, 4, 17, 17)
    assert torch.allclose(fused.sum(-1), torch.ones(2, 4, 17), atol=1e-5)
    assert (fused >= 0).all()


def test_a_suppressed_channel_has_the_mean_norm_of_the_others() -> None:
    clip = tiny_clip(layers=6)
    weight = clip.blocks[3].mlp.c_proj.weight
    weight[17] *= 9
    norms = channel_norms(clip, 3)
    found = suppressions(clip, [3])[3]
    assert found.channel == 17
    others = torch.cat([norms[:17], norms[18:]]).mean()
    assert norms[17] * found.factor == pytest.approx(float(others), rel=1e-5)


def test_suppression_is_a_rescaled_weight_row_and_leaves_the_weights_alone() -> None:
    visual, pixels = tiny_visual(layers=5), windows(1)
    clip = ClipEncoder(visual)
    before = {name: value.clone() for name, value in visual.state_dict().items()}
    method = tiny_method("gclip", clip, first_fused=1, suppress_from=2)
    assert sorted(method.suppressed) == [2, 3]
    ours = method.trunk(pixels).x
    assert all(torch.equal(before[name], value) for name, value in visual.state_dict().items())
    plain = clip.trunk(pixels).x
    for index, one in method.suppressed.items():
        visual.transformer.resblocks[index].mlp.c_proj.weight[one.channel] *= one.factor
    theirs = clip.trunk(pixels).x
    assert (plain - theirs).abs().max() > 1e-4
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_a_second_method_on_the_encoder_sees_the_original() -> None:
    clip, shot, words = tiny_clip(layers=6), picture(), texts()
    before = run_published(tiny_method("clearclip", clip), shot, words).logits
    run_published(tiny_method("gclip", clip, first_fused=1, suppress_from=1), shot, words)
    assert torch.equal(run_published(tiny_method("clearclip", clip), shot, words).logits, before)


def test_the_papers_blocks_for_its_own_model() -> None:
    from open_clip.transformer import VisionTransformer

    visual = VisionTransformer(32, 16, 768, 12, 12, mlp_ratio=0.25, output_dim=16)  # ViT-B/16 but for its feed-forward
    method = build_method("gclip", clip=ClipEncoder(visual), window=32, stride=16)
    assert list(method.fused) == [PUBLISHED_FIRST, PUBLISHED_FIRST + 1] == [6, 7]
    assert sorted(method.suppressed) == [7, 8, 9, 10]


def test_global_tokens_are_found_where_they_emerge() -> None:
    clip = tiny_clip(layers=8)
    with torch.no_grad():
        for block in clip.blocks[:4]:
            block.attn.in_proj_weight[:128] *= 0.4
        # from block 4 on all queries look the same way, and the keys differ much
        for block in clip.blocks[4:]:
            block.attn.in_proj_weight[:64] *= 0.05
            block.attn.in_proj_bias[:64] += 3
            block.attn.in_proj_weight[64:128] *= 4
    shares = [strong_share(m) for m in clip.trunk(windows(1), maps_of=range(7)).maps.values()]
    assert min(shares[4:]) > 2 * max(shares[:4])
    assert emerging_block(clip, WINDOW, 2) == 4
    assert emerging_block(clip, WINDOW, 5) == 2  # moved forward, so that five blocks fit before the last
    method = tiny_method("gclip", clip)
    assert list(method.fused) == [4, 5]


def test_abnormal_blocks_are_those_of_low_entropy() -> None:
    clip = tiny_clip(layers=8)
    assert abnormal_blocks(clip, range(4, 4)) == []
    clip.blocks[5].mlp.c_proj.weight[3] *= 30
    assert 5 in abnormal_blocks(clip, range(4, 7))
    usual = [block for block in range(4, 7) if block != 5]
    for block in usual:
        clip.blocks[block].mlp.c_proj.weight[:] = 1.0  # all channels alike: the highest entropy there is
    assert abnormal_blocks(clip, range(4, 7)) == [5]


def test_the_last_block_is_never_fused() -> None:
    with pytest.raises(BadMethodOption, match="last of the 4 blocks"):
        tiny_method("gclip", first_fused=2, fused_blocks=2)


def test_under_the_key_value_extension_the_local_part_is_gclips() -> None:
    clip = tiny_clip(layers=6)
    options = {"first_fused": 2, "suppress_from": 3}
    method = tiny_method("gla-gclip", clip, **options)
    tokens = method.trunk(windows(1))
    far, near = method.values(tokens).chunk(2, dim=-1)
    _, _, v = clip.qkv(tokens.x)
    assert torch.equal(far, v.transpose(1, 2).flatten(2)[:, 1:])
    mean = (tokens.maps[2] + tokens.maps[3]) / 2
    assert torch.allclose(near, (mean @ v).transpose(1, 2).flatten(2)[:, 1:], atol=1e-5)


def test_with_nothing_fused_it_is_gla_over_clearclip() -> None:
    clip, shot, words = tiny_clip(), picture(), texts()
    ours = run_published(tiny_method("gla-gclip", clip, **OFF), shot, words).logits
    assert torch.allclose(ours, run_published(tiny_method("gla-clearclip", clip), shot, words).logits, atol=1e-5)
    assert STRIDE < WINDOW
