"""NACLIP (arXiv 2404.08181)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from geo_ovss.attention import gaussian_bonus, neighbourhood_map
from geo_ovss.encoders.clip import ClipTokens, merge_heads
from geo_ovss.methods.window import WindowMethod


class NaClip(WindowMethod):
    """Key-key attention that favours the neighbourhood.

    Parameters
    ----------
    std : float
        Of the Gaussian, in patches; the paper's is 5.
    """

    def __init__(self, *args: Any, std: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.std = std

    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """See `WindowMethod.attend`."""
        _, k, v = self.clip.qkv(tokens.x)
        bonus = gaussian_bonus(*tokens.grid, self.std).to(k)
        return merge_heads(neighbourhood_map(k, bonus) @ v)[:, 1:]
