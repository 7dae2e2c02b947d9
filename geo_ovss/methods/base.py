"""What a method is: tokens go in, it says how they mix. It knows nothing of rasters or files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from geo_ovss.bank import Bank

Scope = Literal["window", "block", "picture"]


@dataclass
class WindowTokens:
    """What `Method.encode` gives for a batch of B windows, each with a grid of n x n tokens; all in float32.

    Attributes
    ----------
    guide : Tensor or None, (B, n, n, G)
        Rows that the similarities are taken of: unit rows of a guide, or the raw last-block queries (and keys) of CLIP
        where the method has no guide (their lengths enter its first proxies; `mix` normalises). None when the scope is
        "window".
    values : Tensor, (B, n, n, V)
        Value rows on the token grid; with ``scope == "window"`` the finished features, unit rows, V = D.
    cls : Tensor or None, (B, D)
        Unit class-token features of the windows, as the ordinary forward of CLIP gives them.
    """

    guide: Tensor | None
    values: Tensor
    cls: Tensor | None = None


@dataclass
class BlockTokens:
    """What `Method.mix` takes: the tokens of one block with its halo, window by window or spliced (L = 1).

    Attributes
    ----------
    guide : Tensor or None, (L, h, w, G)
        As `WindowTokens.guide`, of any length.
    values : Tensor, (L, h, w, V)
    offsets : Tensor, (L, 2) int
        Row and column of each window's first token on the token grid.
    weights : Tensor, (L, h, w) float
        0: no valid pixel, never a key; else how many tokens this one stands for.
    windows : int
        How many windows the tokens come from: the L of the dynamic normalisation.
    picture : ndarray or None, (H, W, 3) uint8
        The block with its halo, for SAM.
    origin : (int, int)
        Row and column, on the same token grid, of the token that ``picture[0, 0]`` belongs to.
    cls : Tensor or None, broadcastable to (L, h, w, D)
        Class-token features, spliced like the values; read by ``bias_alleviation`` alone, which does nothing without.
    """

    guide: Tensor | None
    values: Tensor
    offsets: Tensor
    weights: Tensor
    windows: int
    picture: np.ndarray | None = None
    cls: Tensor | None = None
    origin: tuple[int, int] = (0, 0)

    def to(self, device: torch.device) -> BlockTokens:
        """The same block with its tensors on a device; offsets and picture stay where they are."""
        return replace(
            self, guide=None if self.guide is None else self.guide.to(device), values=self.values.to(device),
            weights=self.weights.to(device), cls=None if self.cls is None else self.cls.to(device),
        )


class Method(ABC):
    """One published method.

    Attributes
    ----------
    name : str
        As in `geo_ovss.methods.METHODS`.
    window, stride, token : int
        Pixels of the working grid; a window holds ``(window // token) ** 2`` tokens.
    dim : int
        D of the features, the width of the text-aligned space.
    scope : {"window", "block", "picture"}
        "window": `encode` gives the finished features, `mix` only picks the queries. "block": tokens attend to all
        tokens of the block. "picture": the same, and `mix` needs ``BlockTokens.picture``.
    spliceable : bool
        Whether `mix` accepts tokens that were averaged over windows; where False it needs one L per whole window.
    """

    name: str
    window: int
    stride: int
    token: int
    dim: int
    scope: Scope
    spliceable: bool = True

    @property
    def grid(self) -> int:
        """n: tokens a side of a window."""
        return self.window // self.token

    @abstractmethod
    def encode(self, pixels: Tensor) -> WindowTokens:
        """Run the networks over windows.

        Parameters
        ----------
        pixels : Tensor, (B, 3, window, window) uint8, RGB
        """

    @abstractmethod
    def mix(self, block: BlockTokens, queries: Tensor | None = None, bank: Bank | None = None) -> Tensor:
        """Let the tokens of a block attend.

        Parameters
        ----------
        block : BlockTokens
        queries : Tensor or None, (L, h, w) bool
            The tokens whose features are asked for; None for all.
        bank : Bank or None
            Weighted centroids of the rest of the scene, joined to the keys.

        Returns
        -------
        Tensor, (n_queries, D) float32
            In the order of ``queries.flatten()``; not yet normalised.
        """
