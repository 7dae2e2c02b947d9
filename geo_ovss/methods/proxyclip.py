"""ProxyCLIP (arXiv 2408.04883)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.attention import proxy_map, resize_values
from geo_ovss.encoders.clip import ClipTokens, merge_heads
from geo_ovss.methods.window import WindowMethod


class ProxyClip(WindowMethod):
    """CLIP's values attend by the cosines of a guide's tokens, on the guide's grid.

    Parameters
    ----------
    beta, gamma : float
        Offset in means, and scale, of the cosines; the paper's are 1.2 and 3.
    """

    def __init__(self, *args: Any, beta: float, gamma: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.beta, self.gamma = beta, gamma

    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """See `WindowMethod.attend`."""
        guide, values = self.guide_and_values(tokens, pixels)
        return proxy_map(guide, self.beta, self.gamma) @ values

    @torch.no_grad()
    def guide_and_values(self, tokens: ClipTokens, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Unit guide rows (B, N, G) and value rows (B, N, C) on the guide's grid; the class token is left out."""
        assert self.guide is not None  # the registry does not build it without
        guide = self.guide.encode(pixels)
        _, _, v = self.clip.qkv(tokens.x[:, 1:])
        values = resize_values(merge_heads(v), tokens.grid, (guide.shape[1], guide.shape[2]))
        return F.normalize(guide.flatten(1, 2), dim=-1), values
