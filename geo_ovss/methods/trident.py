"""Trident (arXiv 2411.09219): splice the windows' attended values, then aggregate them by SAM's affinity."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.attention import mean_cosine, proxy_map
from geo_ovss.bank import Bank
from geo_ovss.encoders.sam import SamEncoder
from geo_ovss.methods.base import BlockTokens, Scope, WindowTokens
from geo_ovss.methods.proxyclip import ProxyClip


class Trident(ProxyClip):
    """Splice-then-segment.

    Parameters
    ----------
    sam : SamEncoder
    beta, gamma : float
        Of the proxy attention, as in ProxyCLIP; the mean cosine is one over all windows of the picture.
    cos_fac : float
        A key counts where the cosine of SAM's values exceeds this many times its mean.
    """

    scope: Scope = "picture"
    spliceable = False

    def __init__(self, *args: Any, sam: SamEncoder, cos_fac: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sam, self.cos_fac = sam, cos_fac

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> WindowTokens:
        """See `Method.encode`."""
        tokens = self.trunk(pixels)
        guide, values = self.guide_and_values(tokens, pixels)
        cls = self.clip.class_features(tokens.x)
        return WindowTokens(guide.unflatten(1, self.tokens_grid), values.unflatten(1, self.tokens_grid), cls)

    @torch.no_grad()
    def mix(self, block: BlockTokens, queries: Tensor | None = None, bank: Bank | None = None) -> Tensor:
        """See `Method.mix`; a token's features are those of its place in the picture, whatever its window."""
        assert block.picture is not None
        features = F.normalize(self.picture_features(block), dim=-1)
        rows, cols = (-(-side // self.token) for side in block.picture.shape[:2])
        features = _resize(features, (rows, cols))
        row, col = _places(block)
        wanted = torch.ones(row.shape, dtype=torch.bool) if queries is None else queries.to(row.device)
        return features[row[wanted].clamp(0, rows - 1), col[wanted].clamp(0, cols - 1)]

    @torch.no_grad()
    def picture_features(self, block: BlockTokens) -> Tensor:
        """Features of the whole picture on SAM's token grid, (h, w, D), not normalised.

        Parameters
        ----------
        block : BlockTokens
            Whole windows, and the picture.
        """
        assert block.picture is not None and block.guide is not None
        seen = self.sam.embed(block.picture)
        spliced = _resize(self.splice(self.attended(block), block), seen.grid)
        mixed = self.sam.aggregate(seen, spliced.flatten(0, 1), self.cos_fac).unflatten(0, seen.grid)
        features = self.clip.head(mixed)
        if not self.bias_alleviation or block.cls is None:
            return features
        cls = self.splice(block.cls.expand(*block.values.shape[:3], -1), block)
        return self.alleviate(features, _resize(cls, seen.grid))

    def attended(self, block: BlockTokens) -> Tensor:
        """Proxy attention within each window, after the output projection, (L, n, n, C)."""
        assert block.guide is not None
        guide, values = F.normalize(block.guide.flatten(1, 2), dim=-1), block.values.flatten(1, 2)
        mean = mean_cosine(guide).mean()
        windows = [self.clip.output(proxy_map(g[None], self.beta, self.gamma, mean)[0] @ v)
                   for g, v in zip(guide, values, strict=True)]
        return torch.stack(windows).view(*block.values.shape[:3], -1)

    def splice(self, windows: Tensor, block: BlockTokens) -> Tensor:
        """Average the windows' rows (L, n, n, V) where they overlap, (rows, cols, V) on the picture's token grid."""
        assert block.picture is not None
        rows, cols = (-(-side // self.token) for side in block.picture.shape[:2])
        row, col = _places(block)
        inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols) & (block.weights > 0)
        cell = (row * cols + col)[inside]
        total = windows.new_zeros(rows * cols, windows.shape[-1]).index_add_(0, cell, windows[inside])
        count = windows.new_zeros(rows * cols).index_add_(0, cell, torch.ones_like(cell, dtype=windows.dtype))
        return (total / count.clamp(min=1)[:, None]).view(rows, cols, -1)


def _places(block: BlockTokens) -> tuple[Tensor, Tensor]:
    """Row and column of each token on the picture's token grid, both (L, h, w)."""
    (_, h, w), device = block.values.shape[:3], block.values.device
    first = (block.offsets - torch.tensor(block.origin)).to(device)
    row = first[:, 0, None, None] + torch.arange(h, device=device)[:, None]
    col = first[:, 1, None, None] + torch.arange(w, device=device)
    row, col = torch.broadcast_tensors(row, col)
    return row, col


def _resize(rows: Tensor, grid: tuple[int, int]) -> Tensor:
    """Resize (h, w, V) to another grid, bilinearly."""
    if tuple(rows.shape[:2]) == grid:
        return rows
    picture = rows.permute(2, 0, 1)[None]
    return F.interpolate(picture, size=grid, mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
