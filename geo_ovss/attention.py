"""How the tokens of one window attend to each other: the last-block attentions of the published methods.

All in float32. Maps are (B, heads, T, T) with softmaxed rows, or (B, T, T) where one map serves all heads.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def dot_product_map(a: Tensor, b: Tensor) -> Tensor:
    """Softmax of a's products with b, scaled by the root of the width; a, b (B, heads, T, d)."""
    return (a @ b.transpose(-1, -2) * a.shape[-1] ** -0.5).softmax(-1)


def gaussian_bonus(rows: int, cols: int, std: float) -> Tensor:
    """NACLIP's neighbourhood prior: exp(-distance^2 / (2 std^2)) between patches, distances in patches.

    Returns
    -------
    Tensor, (1 + rows * cols, 1 + rows * cols)
        Added to the logits before the softmax; zero from and to the class token, which comes first.
    """
    def decay(n: int) -> Tensor:
        at = torch.arange(n, dtype=torch.float32)
        return torch.exp(-((at[:, None] - at) ** 2) / (2 * std**2))

    patches = torch.einsum("ac,bd->abcd", decay(rows), decay(cols)).reshape(rows * cols, rows * cols)
    return F.pad(patches, (1, 0, 1, 0))


def neighbourhood_map(keys: Tensor, bonus: Tensor) -> Tensor:
    """Key-key attention with a prior added to the logits (NACLIP, arXiv 2404.08181); keys (B, heads, T, d)."""
    return (keys @ keys.transpose(-1, -2) * keys.shape[-1] ** -0.5 + bonus).softmax(-1)


def proxy_map(guide: Tensor, beta: float, gamma: float, mean: Tensor | None = None) -> Tensor:
    """ProxyCLIP's attention from a guide's cosines (arXiv 2408.04883).

    s = (cos - beta * mean(cos)) * gamma; entries below min(0, the row's largest) are dropped; softmax.

    Parameters
    ----------
    guide : Tensor, (B, N, G)
        Unit rows.
    beta, gamma : float
    mean : Tensor or None, broadcastable to (B, 1, 1)
        Mean cosine; None takes each window's own.

    Returns
    -------
    Tensor, (B, N, N)
    """
    cosines = guide @ guide.transpose(-1, -2)
    if mean is None:
        mean = cosines.mean((-2, -1), keepdim=True)
    scores = (cosines - beta * mean) * gamma
    floor = scores.amax(-1, keepdim=True).clamp(max=0)
    return scores.masked_fill(scores < floor, float("-inf")).softmax(-1)


def mean_cosine(guide: Tensor) -> Tensor:
    """Mean over all pairs within each window of their cosines, (B, 1, 1), for unit rows (B, N, G).

    The mean of all products is the squared length of the mean row, so no N x N matrix is needed.
    """
    return guide.mean(1).square().sum(-1).view(-1, 1, 1)


def resize_values(values: Tensor, grid: tuple[int, int], to: tuple[int, int]) -> Tensor:
    """Resize value rows (B, rows * cols, V) from one token grid to another, bilinearly."""
    if grid == to:
        return values
    picture = values.transpose(1, 2).unflatten(2, grid)
    return F.interpolate(picture, size=to, mode="bilinear", align_corners=False).flatten(2).transpose(1, 2)
