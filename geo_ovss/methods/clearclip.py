"""ClearCLIP (arXiv 2407.12442)."""

from __future__ import annotations

from torch import Tensor

from geo_ovss.attention import dot_product_map
from geo_ovss.encoders.clip import ClipTokens, merge_heads
from geo_ovss.methods.window import WindowMethod


class ClearClip(WindowMethod):
    """Query-query attention in the last block, without its residual and feed-forward."""

    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """See `WindowMethod.attend`."""
        q, _, v = self.clip.qkv(tokens.x)
        return merge_heads(dot_product_map(q, q) @ v)[:, 1:]
