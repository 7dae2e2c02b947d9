"""MaskCLIP (arXiv 2112.01071)."""

from __future__ import annotations

from torch import Tensor

from geo_ovss.encoders.clip import ClipTokens, merge_heads
from geo_ovss.methods.window import WindowMethod


class MaskClip(WindowMethod):
    """Each patch keeps its own value: the last block's attention is the identity."""

    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """See `WindowMethod.attend`."""
        _, _, v = self.clip.qkv(tokens.x[:, 1:])
        return merge_heads(v)
