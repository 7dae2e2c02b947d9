"""GLA-CLIP's switches, its first proxies, its forms over spliced tokens and with a bank."""

from __future__ import annotations

import pytest
import torch
from tiny_networks import STRIDE, WINDOW, picture, texts, tiny_clip, tiny_method, windows
from torch.nn import functional as F

from geo_ovss.bank import Bank
from geo_ovss.methods.base import BlockTokens
from geo_ovss.proxies import mean_proxies
from geo_ovss.published import encode_windows, picture_block, run_published, window_corners

FORMS = ["gla-proxyclip", "gla-clearclip", "gla-sclip", "gla-gclip"]


def whole_picture(method, height: int = 96, width: int = 128) -> BlockTokens:
    shot, corners = picture(height, width), window_corners(height, width, WINDOW, STRIDE)
    return picture_block(method, shot, corners, encode_windows(method, shot, corners, 8))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("switch", ["key_value_extension", "proxy_anchors", "dynamic_normalisation"])
def test_each_part_can_be_switched_off(name: str, switch: str) -> None:
    shot, words = picture(), texts()
    on = run_published(tiny_method(name), shot, words).logits
    off = run_published(tiny_method(name, **{switch: False}), shot, words).logits
    assert (on - off).abs().max() > 1e-4


@pytest.mark.parametrize("name", FORMS)
def test_without_the_extension_windows_are_alone(name: str) -> None:
    method, whole = tiny_method(name, key_value_extension=False), tiny_method(name)
    assert (method.scope, whole.scope) == ("window", "block")
    tokens, alone = whole.encode(windows(2)), method.encode(windows(2)).values
    for n in range(2):
        block = BlockTokens(tokens.guide[n:n + 1], tokens.values[n:n + 1], torch.zeros(1, 2, dtype=torch.int64),
                            torch.ones(tokens.values[n:n + 1].shape[:3]), 1)
        assert torch.allclose(F.normalize(whole.mix(block), dim=-1), alone[n].flatten(0, 1), atol=1e-4)


def test_fixed_numbers_within_a_window_are_nearly_proxyclip() -> None:
    gla = tiny_method("gla-proxyclip", key_value_extension=False, proxy_anchors=False, dynamic_normalisation=False)
    tokens = tiny_method("gla-proxyclip").encode(windows(1))
    keys, values = tokens.guide.flatten(0, 2), tokens.values.flatten(0, 2)
    cosines = keys @ keys.T
    scores = (cosines - 1.2 * cosines.mean(1, keepdim=True).clamp(min=0)) * 3.0  # ProxyCLIP's, but for each row's mean
    kept = scores >= scores.amax(1, keepdim=True).clamp(max=0)
    attended = scores.masked_fill(~kept, -torch.inf).softmax(1) @ values
    wanted = F.normalize(gla.finish(attended), dim=-1)
    assert torch.allclose(gla.encode(windows(1)).values.flatten(0, 2), wanted, atol=1e-4)


def test_tokens_without_valid_pixels_are_no_keys() -> None:
    method = tiny_method("gla-proxyclip")
    block = whole_picture(method)
    block.weights[:, 2:, :] = 0
    queries = block.weights > 0
    before = method.mix(block, queries)
    block.values[:, 2:, :] = 1e3
    block.guide[:, 2:, :] = F.normalize(torch.ones(32), dim=0)
    assert torch.allclose(method.mix(block, queries), before, atol=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_a_bank_is_so_many_more_keys(name: str) -> None:
    method = tiny_method(name)
    block = whole_picture(method)
    guide, values = F.normalize(block.guide[:1].flatten(0, 2), dim=-1), block.values[:1].flatten(0, 2)
    bank = Bank(guide[:4], values[:4], torch.tensor([3.0, 1.0, 2.0, 50.0]))
    alone, banked = method.mix(block), method.mix(block, bank=bank)
    assert banked.shape == alone.shape
    assert (banked - alone).abs().max() > 1e-4


@pytest.mark.parametrize("name", FORMS)
def test_equal_windows_splice_to_one_of_their_weight(name: str) -> None:
    method = tiny_method(name)
    tokens = method.encode(windows(1))
    several = BlockTokens(tokens.guide.repeat(4, 1, 1, 1), tokens.values.repeat(4, 1, 1, 1),
                          torch.zeros(4, 2, dtype=torch.int64), torch.ones(4, *tokens.values.shape[1:3]), 4)
    spliced = BlockTokens(tokens.guide, tokens.values, torch.zeros(1, 2, dtype=torch.int64),
                          torch.full((1, *tokens.values.shape[1:3]), 4.0), 4)
    every = method.mix(several).unflatten(0, (4, -1))
    assert torch.allclose(every[0], every[3], atol=1e-4)
    assert torch.allclose(method.mix(spliced), every[0], atol=1e-3, rtol=1e-3)


def test_first_proxies_over_clips_own_queries() -> None:
    guide = torch.randn(2, 4, 4, 8, generator=torch.Generator().manual_seed(0))
    offsets = torch.tensor([[10, 20], [10, 22]])  # the second window starts two tokens to the right
    proxies = mean_proxies(guide, offsets, torch.ones(2, 4, 4))
    corner = [guide[0, r, c] for r in (0, 1) for c in (0, 1)]
    assert torch.allclose(proxies[0, 0, 0], F.normalize(torch.stack(corner).mean(0), dim=0), atol=1e-6)
    inner = [guide[0, r, c] for r in (0, 1, 2) for c in (1, 2, 3)] + [guide[1, 1, 0]]
    assert torch.allclose(proxies[0, 1, 2], F.normalize(torch.stack(inner).mean(0), dim=0), atol=1e-6)


def test_first_proxies_leave_out_what_has_no_pixels() -> None:
    guide, weights = torch.randn(1, 3, 3, 4), torch.ones(1, 3, 3)
    weights[0, 0] = 0
    proxies = mean_proxies(guide, torch.zeros(1, 2, dtype=torch.int64), weights)
    assert torch.allclose(proxies[0, 1, 1], F.normalize(guide[0, 1:].flatten(0, 1).mean(0), dim=0), atol=1e-6)


def test_numbers_reach_the_arithmetic() -> None:
    clip, shot, words = tiny_clip(), picture(), texts()
    published = run_published(tiny_method("gla-proxyclip", clip), shot, words).logits
    for change in ({"rho": 0.9}, {"T": 1}, {"lambda1": 0.9}, {"lambda2": 1.0}):
        assert (run_published(tiny_method("gla-proxyclip", clip, **change), shot, words).logits
                - published).abs().max() > 1e-5, change
