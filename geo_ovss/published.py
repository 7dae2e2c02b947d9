"""A method over one picture held in memory, as its paper runs it: the windows' logits averaged at full resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.grid import window_starts
from geo_ovss.methods.base import BlockTokens, Method, WindowTokens
from geo_ovss.methods.trident import Trident

BATCH = 8  # windows encoded together; the result does not depend on it


@dataclass
class PublishedResult:
    """What a method says of one picture.

    Attributes
    ----------
    logits : Tensor, (Q, H, W) float32
        Cosines of each pixel's feature with the text rows, averaged where windows overlap.
    window_features : Tensor or None, (L, N, D)
        Unit rows, window by window; None where the method splices before it projects.
    token_features : Tensor or None, (h, w, D)
        Not normalised; of methods that answer for the whole picture (Trident).
    """

    logits: Tensor
    window_features: Tensor | None = None
    token_features: Tensor | None = None


def run_published(method: Method, picture: np.ndarray, text: Tensor, batch: int = BATCH) -> PublishedResult:
    """Run a method over a picture.

    Parameters
    ----------
    method : Method
    picture : ndarray, (H, W, 3) uint8
        One smaller than a window is extended by its last row and column for the networks.
    text : Tensor, (Q, D)
        Unit rows.
    """
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((0, max(method.window - height, 0)), (0, max(method.window - width, 0)), (0, 0)), "edge")
    corners = window_corners(padded.shape[0], padded.shape[1], method.window, method.stride)
    tokens = encode_windows(method, padded, corners, batch)
    text = text.to(tokens.values.device)
    block = picture_block(method, padded, corners, tokens)
    if isinstance(method, Trident):
        return picture_result(method.picture_features(block), text, (height, width), (padded.shape[0], padded.shape[1]))
    features = F.normalize(method.mix(block), dim=-1).unflatten(0, block.values.shape[:3])
    logits = average_windows(features @ text.T, corners, (padded.shape[0], padded.shape[1]), method.window)
    return PublishedResult(logits[:, :height, :width], features.flatten(1, 2))


def picture_result(features: Tensor, text: Tensor, size: tuple[int, int], padded: tuple[int, int]) -> PublishedResult:
    """Logits from features of the whole (padded) picture, (h, w, D), upsampled bilinearly."""
    scores = (F.normalize(features, dim=-1) @ text.T).permute(2, 0, 1)
    logits = F.interpolate(scores[None], size=padded, mode="bilinear", align_corners=False)[0]
    return PublishedResult(logits[:, :size[0], :size[1]], token_features=features)


def window_corners(height: int, width: int, window: int, stride: int) -> list[tuple[int, int]]:
    """First row and column of the windows, row-major, in pixels; the last ones are aligned to the far edges."""
    rows, cols = (window_starts(side, window, stride, 1) for side in (height, width))
    return [(row, col) for row in rows for col in cols]


def encode_windows(method: Method, picture: np.ndarray, corners: list[tuple[int, int]], batch: int) -> WindowTokens:
    """Tokens of all windows, `batch` at a time."""
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)
    parts = []
    for start in range(0, len(corners), batch):
        crops = [pixels[:, r:r + method.window, c:c + method.window] for r, c in corners[start:start + batch]]
        parts.append(method.encode(torch.stack(crops)))
    guide = None if parts[0].guide is None else torch.cat([p.guide for p in parts if p.guide is not None])
    cls = None if parts[0].cls is None else torch.cat([p.cls for p in parts if p.cls is not None])
    return WindowTokens(guide, torch.cat([p.values for p in parts]), cls)


def picture_block(
    method: Method, picture: np.ndarray, corners: list[tuple[int, int]], tokens: WindowTokens,
) -> BlockTokens:
    """All windows as one block.

    Corners need not lie on the token grid (the far edge of a picture seldom does): they are rounded to it.
    """
    offsets = torch.tensor(corners).div(method.token, rounding_mode="floor")
    weights = torch.ones(tokens.values.shape[:3], device=tokens.values.device)
    cls = None if tokens.cls is None else tokens.cls[:, None, None]
    return BlockTokens(tokens.guide, tokens.values, offsets, weights, len(corners), picture, cls)


def average_windows(
    scores: Tensor, corners: list[tuple[int, int]], size: tuple[int, int], window: int,
) -> Tensor:
    """Upsample the windows' scores (L, n, n, Q) bilinearly to pixels and average them where windows overlap.

    Returns
    -------
    Tensor, (Q, H, W)
    """
    total = scores.new_zeros(scores.shape[-1], *size)
    count = scores.new_zeros(size)
    for window_scores, (row, col) in zip(scores.permute(0, 3, 1, 2), corners, strict=True):
        at = (slice(row, row + window), slice(col, col + window))
        total[:, at[0], at[1]] += F.interpolate(
            window_scores[None], size=(window, window), mode="bilinear", align_corners=False,
        )[0]
        count[at] += 1
    return total / count
