"""From the token grid to pixels along the edges of the picture: joint bilateral upsampling, no weights to learn.

Kopf et al., Joint Bilateral Upsampling, SIGGRAPH 2007: a pixel's score is the mean of the scores of the tokens around
it, weighted by how near they are and by how much their colour is the pixel's. Applied once over a patch of 16 pixels it
would compare a pixel with the mean colour of whole patches, in which a road and its verge are one; here the grid is
refined by a factor of four at a time, each step guided by the picture at its own resolution. The defaults were chosen
on training tiles by `benchmarks/upsample.py`; docs/methods.md has its table.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

STEP = 4
"""The grid is refined by this factor at a time: twos cost half as much again and give no more, one leap gives less."""

RADIUS = 1
"""Cells on each side that a step looks at: two cost twice as much and change no figure."""

SIGMA_SPACE = 0.5
"""Cells of the coarser grid of a step."""

SIGMA_RANGE = 25.0
"""Pixel values (0 to 255, root mean square over the bands)."""

FLOOR = 1e-4
"""Range weight of a colour that nothing nearby has: such a pixel falls back to the spatial mean."""

MARGIN = 2
"""Tokens around a tile that its result depends on: the radii of all steps are 1 + 1/4 + 1/16 + ... tokens."""

CHUNK_PIXELS = 1 << 20
"""Rows are done in strips of about this many pixels, which bounds the memory; the result does not depend on it."""


def joint_bilateral(
    scores: Tensor, picture: np.ndarray, token: int, sigma_space: float = SIGMA_SPACE,
    sigma_range: float = SIGMA_RANGE, weight: Tensor | None = None,
) -> Tensor:
    """Upsample token scores to pixels, their borders drawn to the picture's edges.

    Parameters
    ----------
    scores : Tensor, (Q, h, w) float32
    picture : ndarray, (H, W, 3) uint8, RGB
        The same ground at pixel resolution; H and W at most h and w tokens, less where the scene ends within the last
        ones.
    token : int
        Pixels a token side.
    sigma_space : float
        In cells of the coarser grid, at every step.
    sigma_range : float
        In pixel values, root mean square over the bands.
    weight : Tensor or None, (h, w)
        0 for tokens without features: they count for nothing.

    Returns
    -------
    Tensor, (Q, H, W) float32
        Means of scores of tokens within `MARGIN` tokens of the pixel: a tile read with that margin gives the values of
        the whole scene.
    """
    height, width = picture.shape[:2]
    rows, cols = scores.shape[1:]
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()
    pixels = F.pad(pixels, (0, cols * token - width, 0, rows * token - height), mode="replicate")[0]
    known = torch.ones(rows, cols) if weight is None else (weight > 0).float()
    current, cell = scores.float(), token
    for factor in steps_of(token):
        finer = cell // factor
        coarse, fine = _pool(pixels, cell), _pool(pixels, finer)
        current = _refine(current, known, coarse, fine, factor, sigma_space, sigma_range)
        known, cell = torch.ones(current.shape[1:]), finer
    return current[:, :height, :width]


def steps_of(token: int) -> list[int]:
    """Factors by which a token is divided, coarse to fine: fours as long as they go, then what is left.

    >>> steps_of(16), steps_of(14), steps_of(8), steps_of(1)
    ([4, 4], [2, 7], [4, 2], [])
    """
    factors = []
    for factor in (STEP, 2):
        while token % factor == 0:
            factors.append(factor)
            token //= factor
    return factors + ([token] if token > 1 else [])


def _pool(pixels: Tensor, cell: int) -> Tensor:
    """Mean colours (3, H / cell, W / cell)."""
    return pixels if cell == 1 else F.avg_pool2d(pixels[None], cell)[0]


def _refine(
    scores: Tensor, known: Tensor, coarse: Tensor, fine: Tensor, factor: int, sigma_space: float, sigma_range: float,
) -> Tensor:
    """One step: scores (Q, h, w) to (Q, h * factor, w * factor), in strips of rows."""
    rows, cols = scores.shape[1:]
    pad = (RADIUS,) * 4
    near_scores, near_known, near_colours = (F.pad(t, pad) for t in (scores * known, known[None], coarse))
    strip = max(CHUNK_PIXELS // (cols * factor * factor), 1)
    out = scores.new_empty(len(scores), rows * factor, cols * factor)
    for top in range(0, rows, strip):
        bottom = min(top + strip, rows)
        reach, inner = slice(top, bottom + 2 * RADIUS), slice(top * factor, bottom * factor)
        out[:, inner] = _strip(
            near_scores[:, reach], near_known[:, reach], near_colours[:, reach], fine[:, inner], factor, sigma_space,
            sigma_range,
        )
    return out


def _strip(
    scores: Tensor, known: Tensor, coarse: Tensor, fine: Tensor, factor: int, sigma_space: float, sigma_range: float,
) -> Tensor:
    """A strip of a step; the coarse tensors reach RADIUS cells beyond it."""
    rows, cols = (side - 2 * RADIUS for side in scores.shape[1:])
    cells = fine.unflatten(1, (rows, factor)).unflatten(3, (cols, factor))  # (3, rows, factor, cols, factor)
    total = scores.new_zeros(len(scores), rows, factor, cols, factor)
    weights = scores.new_zeros(rows, factor, cols, factor)
    for down in range(-RADIUS, RADIUS + 1):
        for right in range(-RADIUS, RADIUS + 1):
            at = (slice(None), slice(RADIUS + down, RADIUS + down + rows), slice(RADIUS + right, RADIUS + right + cols))
            colour, score, is_known = (t[at][:, :, None, :, None] for t in (coarse, scores, known))
            unlike = (cells - colour).square_().mean(0).mul_(-0.5 / sigma_range**2)
            near = _near(down, factor, sigma_space)[:, None, None] * _near(right, factor, sigma_space)
            weight = (unlike.exp_() + FLOOR) * near * is_known[0]
            weights += weight
            total += weight * score
    return (total / weights.clamp(min=1e-12)).flatten(3).flatten(1, 2)


def _near(offset: int, factor: int, sigma: float) -> Tensor:
    """Spatial weights along one axis of a cell's pixels towards the cell `offset` further on, (factor,)."""
    centres = (torch.arange(factor) + 0.5) / factor - 0.5
    return torch.exp(-0.5 * ((centres - offset) / sigma) ** 2)
