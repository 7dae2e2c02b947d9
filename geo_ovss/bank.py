"""The token bank: the rest of a scene as a few hundred weighted centroids."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Bank:
    """Weighted centroids of a scene's tokens, to be joined to the keys of a block.

    Attributes
    ----------
    guide : Tensor, (M, G)
        Unit rows.
    values : Tensor, (M, V)
        Mean value row of the tokens behind each centroid.
    weights : Tensor, (M,) float
        How many tokens a centroid stands for.
    """

    guide: Tensor
    values: Tensor
    weights: Tensor
