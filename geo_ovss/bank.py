"""The token bank: the rest of a scene as a few hundred weighted centroids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from geo_ovss.store import disk_full_as_error

if TYPE_CHECKING:
    from geo_ovss.batches import Batches
    from geo_ovss.grid import Box, Layout
    from geo_ovss.raster import Raster

SAMPLE_WINDOWS = 256
"""Windows that the bank is made from at most, spread evenly over the scene: the cost is bounded however large that."""

SAMPLE_SHARE = 3
"""At most one window in this many: on a small scene too the bank costs no more than that share of the encoding. Where
windows overlap by half, one in four shows every pixel once; this is a little more."""

FEWEST_WINDOWS = 16
"""Of a scene that has so many: a bank of fewer would know one corner of it."""

SAMPLE_TOKENS = 32_768
"""Tokens of those windows that are clustered."""

ASSIGNED = 4096
"""Tokens that are compared with the centroids at once: the products of all of them would take half a gigabyte."""

ROUNDS = 10
"""Rounds of k-means at most; it stops when no token changes its centroid."""


@dataclass
class Bank:
    """Weighted centroids of tokens, to be joined to the keys of a block.

    Attributes
    ----------
    guide : Tensor, (M, G)
        Unit rows.
    values : Tensor, (M, V)
        Mean value row of the tokens behind each centroid.
    weights : Tensor, (M,) float
        How many tokens a centroid stands for.
    """

    guide: Tensor
    values: Tensor
    weights: Tensor


@dataclass
class SceneBank:
    """A sample of a scene's tokens, condensed, with what it takes to leave out those that a block sees itself.

    Attributes
    ----------
    guide : Tensor, (M, G)
        Unit rows.
    values : Tensor, (M, V)
        Mean value row of the tokens behind each centroid.
    cluster : Tensor, (T,) int64
        Centroid of each token of the sample.
    places : Tensor, (T, 2) int64
        Row and column of each on the scene's token grid.
    mass : float
        Tokens of all windows of the scene, by the sample.
    """

    guide: Tensor
    values: Tensor
    cluster: Tensor
    places: Tensor
    mass: float

    def beyond(self, reach: Box, own: float, most: float) -> Bank | None:
        """What lies beyond a block's reach; None where that is nothing.

        What the block sees counts once, as itself. The rest has the mass that it has in the scene, but no more than
        `most` times the block's own: docs/scaling.md says why that is bounded. A centroid of tokens on both sides stays
        the mean of all of them; only its weight is that of those beyond.

        Parameters
        ----------
        reach : Box
            On the scene's token grid.
        own : float
            Mass of the block's own tokens.
        most : float
            The preset's `bank_mass`.
        """
        row, col = self.places.T
        outside = (row < reach.row) | (row >= reach.bottom) | (col < reach.col) | (col >= reach.right)
        weights = torch.bincount(self.cluster[outside], minlength=len(self.guide)).float()
        mass, kept = min(self.mass - own, most * own), weights > 0
        if mass <= 0 or not bool(kept.any()):
            return None
        weights = weights[kept]
        return Bank(self.guide[kept], self.values[kept], weights * (mass / float(weights.sum())))


def spherical_kmeans(rows: Tensor, count: int, rounds: int = ROUNDS) -> Tensor:
    """Assign rows (T, G) to `count` clusters by cosine; gives (T,) int64. Deterministic.

    Dhillon and Modha, "Concept decompositions for large sparse text data using clustering", 2001: centroids are
    normalised means. A centroid that loses all its rows keeps its place.
    """
    unit = torch.nn.functional.normalize(rows, dim=-1)
    first = torch.linspace(0, len(unit) - 1, min(count, len(unit))).long()
    centroids = unit[torch.randperm(len(unit), generator=torch.Generator().manual_seed(0))[first]]
    assigned = torch.zeros(len(unit), dtype=torch.long)
    for _ in range(rounds):
        previous, assigned = assigned, torch.cat([(part @ centroids.T).argmax(1) for part in unit.split(ASSIGNED)])
        if torch.equal(previous, assigned):
            break
        sums = torch.zeros_like(centroids).index_add_(0, assigned, unit)
        filled = sums.norm(dim=1) > 0
        centroids = torch.where(filled[:, None], torch.nn.functional.normalize(sums, dim=-1), centroids)
    return assigned


def condense(guide: Tensor, values: Tensor, places: Tensor, mass: float, count: int) -> SceneBank:
    """Cluster tokens (T, G), with values (T, V) at places (T, 2), into at most `count` centroids."""
    assigned = spherical_kmeans(guide, count)
    sizes = torch.bincount(assigned, minlength=count).float()
    means = [torch.zeros(count, rows.shape[1]).index_add_(0, assigned, rows) / sizes.clamp(min=1)[:, None]
             for rows in (guide, values)]
    kept = sizes > 0
    return SceneBank(torch.nn.functional.normalize(means[0][kept], dim=-1), means[1][kept],
                     (kept.cumsum(0) - 1)[assigned], places, mass)


def sample_count(layout: Layout) -> int:
    """About how many windows of a scene the bank is made from."""
    return min(SAMPLE_WINDOWS, max(layout.window_count // SAMPLE_SHARE, FEWEST_WINDOWS))


def sample_windows(layout: Layout, count: int) -> list[Box]:
    """About `count` windows, evenly spread over the scene; they depend on the scene alone."""
    from geo_ovss.grid import Box

    rows, cols = layout.window_rows, layout.window_cols
    step = max((len(rows) * len(cols) / count) ** 0.5, 1.0)

    def pick(starts: tuple[int, ...]) -> list[int]:
        n = max(round(len(starts) / step), 1)
        return [starts[int((k + 0.5) * len(starts) / n)] for k in range(n)]

    return [Box(r, c, layout.window, layout.window) for r in pick(rows) for c in pick(cols)]


def build_bank(raster: Raster, batches: Batches, layout: Layout, count: int) -> SceneBank | None:
    """Encode a sample of the scene's windows and condense their tokens; None where no sampled pixel is valid."""
    guides, values, places, mass = [], [], [], 0.0
    windows, token = sample_windows(layout, sample_count(layout)), layout.token
    each, at_once = tokens_each(len(windows)), batches.size
    for first in range(0, len(windows), at_once):
        read = [(w, *raster.read(*w)) for w in windows[first : first + at_once]]
        live = [(w, rgb, valid) for w, rgb, valid in read if valid.any()]
        mass += sum(float(touched_tokens(valid, token).sum()) for _, _, valid in live)
        rest = iter([(w, torch.from_numpy(whole_tokens(valid, token))) for w, _, valid in live])
        for tokens in batches.encode([rgb for _, rgb, _ in live]):
            part = [next(rest) for _ in tokens.values]
            mask = torch.stack([m for _, m in part])
            if tokens.guide is not None:
                guides.append(thin(tokens.guide, mask, each))
            values.append(thin(tokens.values, mask, each))
            places.append(thin(token_places([w for w, _ in part], token), mask, each).long())
    if not sum(map(len, values)):
        return None
    mass *= layout.window_count / len(windows)
    return condense(torch.cat(guides or values), torch.cat(values), torch.cat(places), mass, count)


def token_places(windows: Sequence[Box], token: int) -> Tensor:
    """Row and column of every token of windows (pixels) on the scene's token grid, (L, n, n, 2) float."""
    boxes = [window.tokens(token) for window in windows]
    return torch.stack([
        torch.stack(torch.meshgrid(torch.arange(b.row, b.bottom), torch.arange(b.col, b.right), indexing="ij"), -1)
        for b in boxes
    ]).float()


def tokens_each(windows: int) -> int:
    """How many tokens of each sampled window are clustered."""
    return -(-SAMPLE_TOKENS // windows)


def thin(rows: Tensor, mask: Tensor, each: int) -> Tensor:
    """At most `each` rows (., C) of every window's tokens (L, n, n, C) within its mask (L, n, n), evenly spread."""
    kept = []
    for window, inside in zip(rows.float().cpu().flatten(1, 2), mask.flatten(1), strict=True):
        places = inside.nonzero()[:, 0]
        kept.append(window[places[torch.linspace(0, len(places) - 1, min(each, len(places))).long()]])
    return torch.cat(kept)


def whole_tokens(valid: np.ndarray, token: int) -> np.ndarray:
    """Which tokens (n, n) of a window (S, S) hold valid pixels alone: those that are clustered."""
    return np.asarray(_by_token(valid, token).all((1, 3)))


def touched_tokens(valid: np.ndarray, token: int) -> np.ndarray:
    """Which tokens (n, n) of a window (S, S) hold a valid pixel: those that count."""
    return np.asarray(_by_token(valid, token).any((1, 3)))


def _by_token(valid: np.ndarray, token: int) -> np.ndarray:
    """A window's pixels (S, S) as (n, token, n, token)."""
    n = len(valid) // token
    return valid.reshape(n, token, n, token)


def save_bank(bank: SceneBank | None, path: Path) -> None:
    """Keep a bank beside the features, so that a run that goes on has the same one; None is kept as an empty bank."""
    part = path.with_suffix(".part")
    with disk_full_as_error(path.parent):
        with part.open("wb") as file:
            arrays: dict[str, Any] = {} if bank is None else {k: np.asarray(v) for k, v in vars(bank).items()}
            np.savez(file, **arrays)
        part.replace(path)


def load_bank(path: Path) -> SceneBank | None:
    """Read what `save_bank` wrote."""
    with np.load(path) as file:
        if not file.files:
            return None
        guide, values, cluster, places = (torch.from_numpy(file[k]) for k in ("guide", "values", "cluster", "places"))
        return SceneBank(guide, values, cluster, places, float(file["mass"]))
