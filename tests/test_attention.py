"""GLA-CLIP's attention: streamed and skipping, against the formulas written out whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss import global_attention
from geo_ovss.attention import dot_product_map, gaussian_bonus, mean_cosine, proxy_map
from geo_ovss.global_attention import GlaNumbers, gla_attention
from geo_ovss.key_space import KeySpace, order_by_likeness

PUBLISHED = GlaNumbers(rho=0.6, T=2, lambda1=0.3, lambda2=30.0, beta=1.2, gamma=3.0)


def tokens(count: int, width: int = 64, seed: int = 0, objects: int = 5, spread: float = 0.6) -> Tensor:
    """Unit rows as a scene gives them: a few things, seen often, each a little different every time."""
    generator = torch.Generator().manual_seed(seed)
    things = torch.randn(objects, width, generator=generator)
    decay = torch.arange(1, width + 1) ** -1.0
    noise = torch.randn(count, width, generator=generator) * decay / decay.norm() * width**0.5
    which = torch.randint(objects, (count,), generator=generator)
    return F.normalize(things[which] + 0.4 * things.mean(0) + spread * noise, dim=-1)


def written_out(queries: Tensor, keys: Tensor, values: Tensor, windows: int, numbers: GlaNumbers) -> Tensor:
    """The formulas with whole matrices and keys of weight one."""
    proxies = queries
    counts = torch.ones(len(queries))
    for _ in range(numbers.T):
        anchors = (proxies @ keys.T > numbers.rho).float()
        counts = anchors.sum(1).clamp(min=1)
        lonely = anchors.sum(1) == 0
        proxies = torch.where(lonely[:, None], proxies, F.normalize(anchors @ keys, dim=-1))
    rows = proxies if numbers.proxy_anchors else queries
    similarities = rows @ keys.T
    mean = similarities.mean(1, keepdim=True).clamp(min=0)
    scores = (similarities - numbers.offset(windows) * mean) * numbers.scale(counts)[:, None]
    floor = scores.amax(1, keepdim=True).clamp(max=0)
    return scores.masked_fill(scores < floor, -torch.inf).softmax(1) @ values


def share_close(ours: Tensor, theirs: Tensor) -> float:
    """Share of rows that agree; a similarity within rounding of a threshold may fall on either side of it."""
    return float(((ours - theirs).abs().amax(1) < 2e-4).float().mean())


@pytest.fixture(params=[True, False], ids=["skipping", "whole"])
def skipping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(global_attention, "FEWEST_KEYS_TO_SKIP", 1 if request.param else 1 << 40)
    monkeypatch.setattr(global_attention, "FEWEST_CHANNELS_TO_SKIP", 1)
    return request.param


@pytest.mark.parametrize("numbers", [
    PUBLISHED, replace(PUBLISHED, proxy_anchors=False), replace(PUBLISHED, lambda1=None),
    replace(PUBLISHED, lambda1=None, lambda2=None), replace(PUBLISHED, T=3), replace(PUBLISHED, rho=-1.0),
    replace(PUBLISHED, rho=0.999), replace(PUBLISHED, lambda1=2.0),
], ids=["published", "own", "fixed offset", "fixed", "T=3", "all anchors", "no anchors", "none survives"])
def test_equals_the_formulas(numbers: GlaNumbers, skipping: bool) -> None:
    keys, values = tokens(1500), torch.randn(1500, 20, generator=torch.Generator().manual_seed(1))
    ours = gla_attention(keys, keys, values, torch.ones(1500), 9, numbers)
    assert share_close(ours, written_out(keys, keys, values, 9, numbers)) >= 0.998


def test_skips_where_it_says_so(skipping: bool) -> None:
    space = KeySpace(tokens(1500), torch.ones(1500), skipping)
    assert space.bounded == skipping
    if skipping:
        rows = space.keys[next(space.chunks(space.keys))]
        columns, similarities = space.similarities(rows, torch.full((len(rows),), 0.6))
        assert isinstance(columns, Tensor)
        assert len(columns) < 1000
        beyond = torch.ones(1500, dtype=torch.bool)
        beyond[columns] = False
        assert (rows @ space.keys[beyond].T).max() < 0.6
        assert torch.allclose(similarities, rows @ space.keys[columns].T)


def test_keys_without_few_directions_are_taken_whole(skipping: bool) -> None:
    keys = F.normalize(torch.randn(900, 64, generator=torch.Generator().manual_seed(4)), dim=-1)
    assert not KeySpace(keys, torch.ones(900), True).bounded
    values = torch.randn(900, 8)
    ours = gla_attention(keys, keys, values, torch.ones(900), 4, PUBLISHED)
    assert share_close(ours, written_out(keys, keys, values, 4, PUBLISHED)) >= 0.998


def test_a_weight_is_that_many_equal_keys(skipping: bool) -> None:
    keys, values = tokens(700), torch.randn(700, 12, generator=torch.Generator().manual_seed(2))
    weights = torch.randint(1, 5, (700,), generator=torch.Generator().manual_seed(3))
    repeated, theirs = keys.repeat_interleave(weights, 0), values.repeat_interleave(weights, 0)
    ours = gla_attention(keys, keys, values, weights.float(), 9, PUBLISHED)
    assert share_close(ours, written_out(keys, repeated, theirs, 9, PUBLISHED)) >= 0.998


def test_a_part_of_the_queries_gives_their_rows(skipping: bool) -> None:
    keys, values = tokens(1200), torch.randn(1200, 12, generator=torch.Generator().manual_seed(2))
    weights = torch.ones(1200)
    some = torch.arange(0, 1200, 7)
    every = gla_attention(keys, keys, values, weights, 9, PUBLISHED)
    assert share_close(gla_attention(keys[some], keys, values, weights, 9, PUBLISHED), every[some]) >= 0.99


def test_order_is_a_permutation_that_brings_like_rows_together() -> None:
    rows = tokens(1000, objects=5, spread=0.05)
    order = order_by_likeness(rows, 50)
    assert sorted(order.tolist()) == list(range(1000))
    ordered = rows[order]
    assert (ordered[1:] * ordered[:-1]).sum(1).mean() > 0.95 > 0.6 > (rows[1:] * rows[:-1]).sum(1).mean()


def test_a_mean_of_all_products_needs_no_matrix() -> None:
    guide = F.normalize(torch.randn(3, 40, 16), dim=-1)
    assert torch.allclose(mean_cosine(guide)[:, 0, 0], (guide @ guide.transpose(1, 2)).mean((1, 2)), atol=1e-6)


def test_proxy_map_drops_what_is_below_the_mean() -> None:
    guide = F.normalize(torch.randn(2, 30, 8), dim=-1)
    attention = proxy_map(guide, 1.2, 3.0)
    cosines = guide @ guide.transpose(1, 2)
    kept = cosines >= 1.2 * cosines.mean((1, 2), keepdim=True)
    assert torch.equal(attention > 0, kept)
    assert torch.allclose(attention.sum(-1), torch.ones(2, 30))


def test_neighbourhood_bonus() -> None:
    bonus = gaussian_bonus(4, 6, 5.0)
    assert bonus.shape == (25, 25)
    assert (bonus[0] == 0).all()
    assert (bonus[:, 0] == 0).all()
    assert torch.allclose(bonus.diagonal()[1:], torch.ones(24))
    row, col = 2, 5  # from the first patch: two rows down, five columns right
    assert bonus[1, 1 + row * 6 + col] == pytest.approx(torch.exp(torch.tensor(-(4 + 25) / 50)).item())


def test_dot_product_map_sums_to_one() -> None:
    q = torch.randn(2, 3, 9, 4)
    assert torch.allclose(dot_product_map(q, q).sum(-1), torch.ones(2, 3, 9))
