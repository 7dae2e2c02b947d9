"""The token bank: a scene's tokens in few centroids, the same for every part of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import tiny_method
from torch.nn import functional as F

from geo_ovss.bank import (
    SAMPLE_WINDOWS,
    SceneBank,
    build_bank,
    condense,
    load_bank,
    sample_count,
    sample_windows,
    save_bank,
    thin,
    token_places,
    touched_tokens,
    whole_tokens,
)
from geo_ovss.grid import Box, Layout
from geo_ovss.methods.base import BlockTokens, WindowTokens
from geo_ovss.scene import mix_core


def random_rows(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_clusters_that_stand_apart_are_found() -> None:
    centres = F.normalize(random_rows(5, 16), dim=-1)
    which = torch.arange(100) % 5
    guide = F.normalize(centres[which] + 0.01 * random_rows(100, 16, seed=1), dim=-1)
    values = which[:, None] + torch.zeros(100, 3)
    bank = condense(guide, values, torch.zeros(100, 2).long(), 100.0, 40)
    assert len(bank.guide) <= 40
    assert len(bank.cluster) == 100
    torch.testing.assert_close(bank.guide.norm(dim=-1), torch.ones(len(bank.guide)))
    home = (bank.guide @ centres.T).argmax(1)
    torch.testing.assert_close(bank.values[:, 0], home.float())  # no centroid stands for tokens of two clusters
    assert torch.equal(home[bank.cluster], which)


def test_the_same_tokens_give_the_same_bank() -> None:
    guide, values = random_rows(500, 8), random_rows(500, 4, seed=1)
    first, again = (vars(condense(guide, values, torch.zeros(500, 2).long(), 500.0, 32)) for _ in range(2))
    assert first.pop("mass") == again.pop("mass")
    assert all(torch.equal(a, b) for a, b in zip(first.values(), again.values(), strict=True))


def test_windows_are_sampled_all_over_a_scene_and_not_too_many() -> None:
    small, large = (Layout(side, side, 224, 112, 16, 1008, 224) for side in (2016, 40_000))
    assert sample_count(small) == 289 // 3
    assert sample_count(large) == SAMPLE_WINDOWS
    for layout in (small, large):
        chosen = sample_windows(layout, sample_count(layout))
        assert 0.7 * sample_count(layout) <= len(set(chosen)) <= 1.3 * sample_count(layout)
        rows = sorted({box.row for box in chosen})
        assert rows[0] < layout.height / 4 and rows[-1] > layout.height * 0.6
        assert max(np.diff(rows)) < layout.height / 3


def test_only_tokens_with_data_are_taken() -> None:
    rows = random_rows(2, 4, 4, 3)
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, 1, :3] = True
    kept = thin(rows, mask, 2)
    torch.testing.assert_close(kept, torch.stack([rows[0, 1, 0], rows[0, 1, 2]]))
    valid = np.ones((64, 64), bool)
    valid[0, 40] = False
    assert np.argwhere(~whole_tokens(valid, 16)).tolist() == [[0, 2]]


def test_places_are_those_of_the_windows_tokens() -> None:
    places = token_places([Box(0, 16, 32, 32), Box(64, 0, 32, 32)], 16)
    assert places[0].flatten(0, 1).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert places[1, 1, 1].tolist() == [5, 1]


def scattered(places: list[list[int]], cluster: list[int], mass: float) -> SceneBank:
    count = max(cluster) + 1
    return SceneBank(F.normalize(random_rows(count, 4), dim=-1), random_rows(count, 2, seed=1), torch.tensor(cluster),
                     torch.tensor(places), mass)


def test_a_bank_is_kept(tmp_path: Path) -> None:
    bank = scattered([[0, 0], [3, 4], [5, 6]], [0, 1, 1], 12.5)
    save_bank(bank, tmp_path / "bank.npz")
    again = load_bank(tmp_path / "bank.npz")
    assert again is not None and again.mass == 12.5
    for name in ("guide", "values", "cluster", "places"):
        assert torch.equal(getattr(again, name), getattr(bank, name))
    save_bank(None, tmp_path / "none.npz")
    assert load_bank(tmp_path / "none.npz") is None
    assert len(list(tmp_path.iterdir())) == 2


class Ground:
    """A raster whose pixels say on which token they lie; its left third holds no data, with a ragged edge."""

    def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.mgrid[row : row + height, col : col + width]
        rgb = np.stack([y // 16, x // 16, np.zeros_like(y)], -1).astype(np.uint8)
        return rgb, x > 200 + y % 40


class Echo:
    """Networks whose values are what the pixels say; two windows at a time."""

    size = 2

    def encode(self, windows: list[np.ndarray]) -> Iterator[WindowTokens]:
        for first in range(0, len(windows), self.size):
            rows = torch.from_numpy(np.stack(windows[first : first + self.size])[:, ::16, ::16].astype(np.float32))
            yield WindowTokens(rows, rows)


def test_a_bank_knows_where_its_tokens_lie_and_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(672, 672, 224, 112, 16, 448, 112)
    monkeypatch.setattr("geo_ovss.bank.condense", lambda *parts: parts)
    monkeypatch.setattr("geo_ovss.bank.SAMPLE_SHARE", 1)
    parts: Any = build_bank(Ground(), Echo(), layout, 64)  # type: ignore[arg-type]
    guide, values, places, mass, count = parts
    torch.testing.assert_close(values[:, :2].long(), places)
    torch.testing.assert_close(guide, values)
    data = whole_tokens(Ground().read(0, 0, 672, 672)[1], 16)
    assert data[tuple(places.T)].all() and places[:, 1].min() < 16  # all of their pixels, up to the ragged edge
    windows = [Box(r, c, 224, 224) for r in layout.window_rows for c in layout.window_cols]
    assert mass == sum(touched_tokens(Ground().read(*w)[1], 16).sum() for w in windows)
    assert count == 64


def test_a_block_does_not_meet_its_own_tokens_again_in_the_bank() -> None:
    bank = scattered([[0, 0], [0, 9], [9, 9], [9, 0]], [0, 0, 1, 2], 100.0)
    rest = bank.beyond(Box(0, 0, 5, 10), own=60.0, most=1.0)
    assert rest is not None
    torch.testing.assert_close(rest.guide, bank.guide[1:])   # nothing of centroid 0 lies beyond
    assert rest.weights.tolist() == [20, 20]                  # what the scene holds besides the block
    capped = bank.beyond(Box(0, 0, 5, 10), own=60.0, most=0.5)
    assert capped is not None and capped.weights.tolist() == [15, 15]
    assert bank.beyond(Box(0, 0, 10, 10), own=60.0, most=1.0) is None  # all of the sample is seen
    assert bank.beyond(Box(0, 0, 5, 10), own=100.0, most=1.0) is None  # the block is the scene


def test_a_bank_of_all_other_tokens_makes_a_block_exact() -> None:
    """With one centroid a token and its own mass, half a scene attends as it does in the whole."""
    method = tiny_method("gla-proxyclip")
    things = random_rows(4, 32, seed=2)[torch.arange(128).reshape(1, 8, 16) % 4]  # each is seen in both halves
    guide = F.normalize(things + 0.4 * random_rows(1, 8, 16, 32), dim=-1)
    values = random_rows(1, 8, 16, 64, seed=1)
    weights = torch.ones(1, 8, 16)
    whole = BlockTokens(guide, values, torch.tensor([[0, 0]]), weights, 6)
    left = BlockTokens(guide[:, :, :8], values[:, :, :8], torch.tensor([[0, 0]]), weights[:, :, :8], 6)
    core = Box(0, 0, 8, 8)
    every = token_places([Box(0, 0, 8, 16)], 1)[0].flatten(0, 1).long()
    bank = SceneBank(guide.flatten(0, 2), values.flatten(0, 2), torch.arange(128), every, 128.0).beyond(core, 64.0, 1.0)
    exact, alone = mix_core(method, whole, core), mix_core(method, left, core)
    np.testing.assert_allclose(mix_core(method, left, core, bank), exact, atol=1e-5)
    assert np.abs(alone - exact).max() > 1e-3
