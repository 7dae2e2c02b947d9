"""First proxies of GLA-CLIP where CLIP's own queries play the guide (arXiv 2603.23030)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def mean_proxies(guide: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
    """Normalised mean over a token, its 8 neighbours within the window, and other windows' tokens at the same place.

    Parameters
    ----------
    guide : Tensor, (L, h, w, G)
        Raw rows: they are averaged at their own lengths.
    offsets : Tensor, (L, 2) int
        First row and column of each window on the common token grid.
    weights : Tensor, (L, h, w)
        Rows of weight 0 take no part; a row of weight m stands for m windows' tokens.

    Returns
    -------
    Tensor, (L, h, w, G)
        Unit rows.
    """
    valid = (weights > 0).to(weights)
    near, near_count = _sum_of_neighbours(guide, valid)  # a neighbour is one token, however many windows gave it
    place, place_count = _sum_over_windows(guide, offsets, weights)
    total = near + place - guide * valid[..., None]
    count = near_count + place_count - valid
    mean = total / count.clamp(min=1)[..., None]
    return F.normalize(torch.where(valid[..., None] > 0, mean, guide), dim=-1)


def _sum_of_neighbours(guide: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sums (L, h, w, G) and weights (L, h, w) over the 3 x 3 tokens around each, within the window."""
    rows = (guide * weights[..., None]).permute(0, 3, 1, 2)
    total = 9 * F.avg_pool2d(rows, 3, stride=1, padding=1)  # counts the zero padding: nine times the mean is the sum
    count = 9 * F.avg_pool2d(weights[:, None], 3, stride=1, padding=1)[:, 0]
    return total.permute(0, 2, 3, 1), count


def _sum_over_windows(guide: Tensor, offsets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sums and weights of all windows' tokens at each token's own place."""
    (_, h, w, G), device = guide.shape, guide.device
    start = (offsets - offsets.amin(0)).to(device)
    width = int(start[:, 1].max()) + w
    row = start[:, 0, None, None] + torch.arange(h, device=device)[:, None]
    col = start[:, 1, None, None] + torch.arange(w, device=device)
    cell = (row * width + col).flatten()
    cells = int(cell.max()) + 1
    total = guide.new_zeros(cells, G).index_add_(0, cell, (guide * weights[..., None]).flatten(0, 2))
    count = weights.new_zeros(cells).index_add_(0, cell, weights.flatten())
    return total[cell].view_as(guide), count[cell].view_as(weights)
