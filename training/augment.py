"""Augmentation of a batch of crops; teacher features and patch labels follow the geometry."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

GRID, PATCH = 14, 16


def symmetry(pixels: Tensor, grids: list[Tensor], turn: int, flip: bool) -> tuple[Tensor, list[Tensor]]:
    """One of the eight symmetries of the square, for pixels (B, 3, S, S) and patch rows (B, 196, C)."""
    pixels = torch.rot90(pixels, turn, (2, 3))
    squares = [torch.rot90(g.unflatten(1, (GRID, GRID)), turn, (1, 2)) for g in grids]
    if flip:
        pixels, squares = pixels.flip(3), [g.flip(2) for g in squares]
    return pixels, [g.flatten(1, 2) for g in squares]


def colour(pixels: Tensor, generator: torch.Generator, alike: int = 1) -> Tensor:
    """Gain, tint, gamma, saturation, contrast, haze, blur, noise; pixels 0..255 float.

    Drawn once for every ``alike`` pictures in a row.
    """
    b = len(pixels) // alike

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand(b, *shape, generator=generator).repeat_interleave(alike, 0)
        return drawn.to(pixels.device) * (high - low) + low

    x = pixels / 255
    x = x * torch.exp(uniform(-0.4, 0.4, 1, 1, 1) + uniform(-0.2, 0.2, 3, 1, 1))
    x = x.clamp(1e-3, 1.2) ** torch.exp(uniform(-0.35, 0.35, 1, 1, 1))
    x = torch.lerp(x.mean(1, keepdim=True), x, uniform(0.1, 1.5, 1, 1, 1))
    x = torch.lerp(x.mean((2, 3), keepdim=True), x, uniform(0.6, 1.4, 1, 1, 1))
    haze = uniform(0, 0.4, 1, 1, 1) * (uniform(0, 1, 1, 1, 1) < 0.3)
    x = torch.lerp(x, uniform(0.55, 0.95, 3, 1, 1), haze)
    soft = uniform(0, 1, 1, 1, 1) < 0.2
    x = torch.where(soft, F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), x)
    noise = uniform(0, 0.03, 1, 1, 1) * (uniform(0, 1, 1, 1, 1) < 0.5)
    return (x + noise * torch.randn_like(x)).clamp(0, 1) * 255


def cutmix(pixels: Tensor, grids: list[Tensor], generator: torch.Generator) -> tuple[Tensor, list[Tensor]]:
    """Paste a random rectangle of whole patches from the next picture of the batch."""
    h, w = (int(v) for v in torch.randint(4, 11, (2,), generator=generator))
    top, left = (int(torch.randint(0, GRID - n + 1, (1,), generator=generator)) for n in (h, w))
    rows, cols = slice(top, top + h), slice(left, left + w)
    px_rows, px_cols = slice(top * PATCH, (top + h) * PATCH), slice(left * PATCH, (left + w) * PATCH)
    mixed = pixels.clone()
    mixed[:, :, px_rows, px_cols] = pixels.roll(1, 0)[:, :, px_rows, px_cols]
    out = []
    for g in grids:
        square = g.unflatten(1, (GRID, GRID)).clone()
        square[:, rows, cols] = g.roll(1, 0).unflatten(1, (GRID, GRID))[:, rows, cols]
        out.append(square.flatten(1, 2))
    return mixed, out
