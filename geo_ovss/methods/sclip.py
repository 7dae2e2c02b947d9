"""SCLIP (arXiv 2312.01597)."""

from __future__ import annotations

from torch import Tensor

from geo_ovss.attention import dot_product_map
from geo_ovss.encoders.clip import ClipTokens, merge_heads
from geo_ovss.methods.window import WindowMethod


class Sclip(WindowMethod):
    """Correlative self-attention: the softmaxes of query-query and key-key, summed (rows sum to two, as published)."""

    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """See `WindowMethod.attend`."""
        q, k, v = self.clip.qkv(tokens.x)
        return merge_heads((dot_product_map(q, q) + dot_product_map(k, k)) @ v)[:, 1:]
