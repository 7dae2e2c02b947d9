"""GLA-CLIP (arXiv 2603.23030): all windows' tokens attend to each other, through anchors, with dynamic numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.attention import resize_values
from geo_ovss.bank import Bank
from geo_ovss.encoders.clip import ClipTokens, merge_heads
from geo_ovss.global_attention import GlaNumbers, gla_attention
from geo_ovss.methods.base import BlockTokens, WindowTokens
from geo_ovss.methods.window import ClipMethod
from geo_ovss.proxies import mean_proxies


class Gla(ClipMethod):
    """GLA-CLIP over a guide (ProxyCLIP's base); its subclasses run it over CLIP's own queries and keys.

    Parameters
    ----------
    key_value_extension : bool
        Tokens attend to those of all windows; off, to those of their own window: L = 1, and the scope is "window".
    proxy_anchors : bool
        Similarities are taken from a query's proxy; off, from the query itself (the anchors still give the counts).
    dynamic_normalisation : bool
        Offset and scale follow the number of windows and of anchors; off, they are ``beta`` and ``gamma``.
    dynamic_offset : bool
        Off, the offset stays ``beta`` although the scale is dynamic (as published over CLIP's own queries).
    rho, T, lambda1, lambda2, beta, gamma
        See `GlaNumbers`.
    """

    def __init__(
        self, *args: Any, key_value_extension: bool, proxy_anchors: bool, dynamic_normalisation: bool,
        dynamic_offset: bool, rho: float, T: int, lambda1: float, lambda2: float, beta: float, gamma: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.scope = "block" if key_value_extension else "window"
        self.numbers = GlaNumbers(
            rho, T, lambda1 if dynamic_normalisation and dynamic_offset else None,
            lambda2 if dynamic_normalisation else None, beta, gamma, proxy_anchors,
        )

    # ---- what the bases differ in

    def similarities(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """The rows that similarities are taken of, (B, n, n, G)."""
        assert self.guide is not None  # the registry does not build it without
        return F.normalize(self.guide.encode(pixels), dim=-1)

    def values(self, tokens: ClipTokens) -> Tensor:
        """The rows that are attended to, on CLIP's grid, (B, N, V)."""
        _, _, v = self.clip.qkv(tokens.x[:, 1:])
        return merge_heads(v)

    def first_proxies(self, block: BlockTokens) -> Tensor:
        """What the search for anchors starts from, (L, h, w, G)."""
        assert block.guide is not None
        return F.normalize(block.guide, dim=-1)

    def attend(self, proxies: Tensor, keys: Tensor, values: Tensor, weights: Tensor, windows: int) -> Tensor:
        """Attended values (n, C) of the queries whose first proxies are given."""
        return gla_attention(proxies, F.normalize(keys, dim=-1), values, weights, windows, self.numbers)

    # ---- the method

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> WindowTokens:
        """See `Method.encode`."""
        tokens = self.trunk(pixels)
        cls = self.clip.class_features(tokens.x)
        guide = self.similarities(tokens, pixels)
        values = resize_values(self.values(tokens), tokens.grid, self.tokens_grid).unflatten(1, self.tokens_grid)
        if self.scope == "block":
            return WindowTokens(guide, values, cls)
        alone = [self.mix_window(g[None], v[None], c) for g, v, c in zip(guide, values, cls, strict=True)]
        return WindowTokens(None, torch.stack(alone), cls)

    def mix_window(self, guide: Tensor, values: Tensor, cls: Tensor) -> Tensor:
        """Finished features (n, n, D) of one window on its own; guide (1, n, n, G), values (1, n, n, V)."""
        block = BlockTokens(guide, values, torch.zeros(1, 2, dtype=torch.int64), values.new_ones(values.shape[:3]), 1)
        return F.normalize(self.finish(self.mix_values(block, None, None), cls), dim=-1).unflatten(0, self.tokens_grid)

    @torch.no_grad()
    def mix(self, block: BlockTokens, queries: Tensor | None = None, bank: Bank | None = None) -> Tensor:
        """See `Method.mix`."""
        if self.scope == "window":
            return block.values.flatten(0, 2) if queries is None else block.values[queries]
        features = self.finish(self.mix_values(block, queries, bank))
        if block.cls is None:
            return features
        cls = block.cls.expand(*block.values.shape[:3], -1)
        return self.alleviate(features, cls.flatten(0, 2) if queries is None else cls[queries])

    def mix_values(self, block: BlockTokens, queries: Tensor | None, bank: Bank | None) -> Tensor:
        """Attended values (n_queries, V) of a block's queries."""
        assert block.guide is not None
        valid = block.weights > 0
        keys, values, weights = block.guide[valid], block.values[valid], block.weights[valid].float()
        if bank is not None:
            keys, values = torch.cat([keys, bank.guide.to(keys)]), torch.cat([values, bank.values.to(values)])
            weights = torch.cat([weights, bank.weights.to(weights)])
        proxies = self.first_proxies(block)
        proxies = proxies.flatten(0, 2) if queries is None else proxies[queries]
        return self.attend(proxies, keys, values, weights, block.windows)


class GlaClearClip(Gla):
    """GLA-CLIP over ClearCLIP: the last block's queries, heads concatenated, play the guide."""

    def similarities(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """Raw queries: their lengths weigh in the first proxies."""
        q, _, _ = self.clip.qkv(tokens.x[:, 1:])
        return merge_heads(q).unflatten(1, self.tokens_grid)

    def first_proxies(self, block: BlockTokens) -> Tensor:
        """Means over neighbours and over the same place in other windows."""
        assert block.guide is not None
        return mean_proxies(block.guide, block.offsets, block.weights)


class GlaSclip(Gla):
    """GLA-CLIP over SCLIP: one attention by the queries and one by the keys, summed as SCLIP sums its two."""

    def similarities(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """Raw queries and keys, side by side."""
        q, k, _ = self.clip.qkv(tokens.x[:, 1:])
        return torch.cat([merge_heads(q), merge_heads(k)], dim=-1).unflatten(1, self.tokens_grid)

    def first_proxies(self, block: BlockTokens) -> Tensor:
        """As over ClearCLIP, for both halves."""
        assert block.guide is not None
        return mean_proxies(block.guide, block.offsets, block.weights)

    def attend(self, proxies: Tensor, keys: Tensor, values: Tensor, weights: Tensor, windows: int) -> Tensor:
        """Both halves attend on their own."""
        halves = zip(proxies.chunk(2, -1), keys.chunk(2, -1), strict=True)
        first, second = (super(GlaSclip, self).attend(p, k, values, weights, windows) for p, k in halves)
        return first + second
