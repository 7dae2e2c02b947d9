"""Plain CLIP: query-key attention as trained."""

from __future__ import annotations

from torch import Tensor

from geo_ovss.attention import dot_product_map
from geo_ovss.encoders.clip import ClipTokens, merge_heads
from geo_ovss.methods.window import WindowMethod


class Vanilla(WindowMethod):
    """Query-key attention in the last block, of which only the attention is kept (no residual, no feed-forward)."""

    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """See `WindowMethod.attend`."""
        q, k, v = self.clip.qkv(tokens.x)
        return merge_heads(dot_product_map(q, k) @ v)[:, 1:]
