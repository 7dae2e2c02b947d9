"""Methods whose tokens attend within their window: the base that they share."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.bank import Bank
from geo_ovss.encoders.clip import ClipEncoder, ClipTokens
from geo_ovss.encoders.guide import GuideEncoder
from geo_ovss.errors import WindowNotWhole
from geo_ovss.methods.base import BlockTokens, Method, Scope, WindowTokens


class ClipMethod(Method):
    """A method over CLIP and, where it has one, a guide.

    Parameters
    ----------
    name : str
    clip : ClipEncoder
    guide : GuideEncoder or None
    window, stride : int
        Pixels.
    bias_alleviation : float
        Lambda of SegEarth-OV (arXiv 2410.01768): that much of the window's unit class-token feature is taken
        from every unit patch feature. 0 switches it off; the paper's is 0.3. The paper leaves the difference as long as
        it is; here it is brought back to unit length, like all features: labels stay, the softmax is a little sharper.

    Raises
    ------
    WindowNotWhole
        The window or the stride is no whole number of tokens.
    """

    def __init__(
        self, name: str, clip: ClipEncoder, guide: GuideEncoder | None, window: int, stride: int, *,
        bias_alleviation: float,
    ) -> None:
        self.name, self.clip, self.guide = name, clip, guide
        self.window, self.stride = window, stride
        self.token = clip.patch if guide is None else guide.patch
        self.dim = clip.dim
        self.bias_alleviation = bias_alleviation
        if window % self.token or stride % self.token:
            raise WindowNotWhole(window, stride, self.token)

    @property
    def tokens_grid(self) -> tuple[int, int]:
        """Rows and columns of a window's tokens."""
        return self.grid, self.grid

    def trunk(self, pixels: Tensor) -> ClipTokens:
        """The blocks before the last; a method that needs more of them than their output overrides this."""
        return self.clip.trunk(pixels)

    def finish(self, attended: Tensor, cls: Tensor | None = None) -> Tensor:
        """From attended values to features: output projection, final norm, projection, bias alleviation.

        Parameters
        ----------
        attended : Tensor, (..., C)
        cls : Tensor or None, broadcastable to (..., D)

        Returns
        -------
        Tensor, (..., D)
            Not normalised, and unchanged where there is no bias to alleviate.
        """
        return self.alleviate(self.clip.head(self.clip.output(attended)), cls)

    def alleviate(self, features: Tensor, cls: Tensor | None) -> Tensor:
        """Take the share ``bias_alleviation`` of the class-token features from the patch features."""
        if not self.bias_alleviation or cls is None:
            return features
        return F.normalize(features, dim=-1) - self.bias_alleviation * cls


class WindowMethod(ClipMethod):
    """A method whose windows do not see each other: `attend` is all it has to say."""

    scope: Scope = "window"

    @abstractmethod
    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """Attended values on the window's token grid, (B, n * n, C), heads concatenated, before the output projection.

        Parameters
        ----------
        tokens : ClipTokens
            On the threshold of the last block.
        pixels : Tensor, (B, 3, S, S) uint8
        """

    @torch.no_grad()
    def features(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, n * n, D), not normalised, and class-token features (B, D), unit rows."""
        tokens = self.trunk(pixels)
        cls = self.clip.class_features(tokens.x)
        return self.finish(self.attend(tokens, pixels), cls[:, None]), cls

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> WindowTokens:
        """See `Method.encode`."""
        features, cls = self.features(pixels)
        return WindowTokens(None, F.normalize(features, dim=-1).unflatten(1, self.tokens_grid), cls)

    def mix(self, block: BlockTokens, queries: Tensor | None = None, bank: Bank | None = None) -> Tensor:
        """Pick the queries: the features are finished."""
        return block.values.flatten(0, 2) if queries is None else block.values[queries]
