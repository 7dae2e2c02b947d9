"""Features in eight bits: what sets a token apart from its block, whole numbers from -127 to 127 and a scale each."""

from __future__ import annotations

import numpy as np

DTYPES = {"float16": 2, "int8": 1}
"""Kinds of numbers that a store keeps features in, and their bytes a channel."""

SCALE_BYTES = 4
"""A token's scale, float32."""


def quantize(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whole numbers and scales of tokens, about their mean: the largest channel of what sets a token apart becomes 127.

    The features of a block are alike, the more so the more context they attend to, and what tells classes apart is
    small against what they share. Rounding is as small as the differences when the shared part is taken out first.

    Parameters
    ----------
    features : ndarray, (h, w, D) float
        Of one block; tokens of zeros have no features, and those that are not numbers become such.

    Returns
    -------
    codes : ndarray, (h, w, D) int8
    scales : ndarray, (h, w) float32
        0 for a token of zeros, above 0 for all others.
    centre : ndarray, (D,) float32
        Mean of the tokens that are not zeros.
    """
    features = features.astype(np.float32)
    known = features.any(-1) & np.isfinite(features).all(-1)
    centre = features[known].mean(0) if known.any() else np.zeros(features.shape[-1], np.float32)
    apart = np.where(known[..., None], features - centre, 0)
    scales = np.where(known, np.maximum(np.abs(apart).max(-1) / 127, np.finfo(np.float32).tiny), 0).astype(np.float32)
    codes = np.rint(apart / np.where(known, scales, 1)[..., None]).clip(-127, 127).astype(np.int8)
    return codes, scales, centre


def dequantize(codes: np.ndarray, scales: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Features (h, w, D) float16 from what `quantize` gave."""
    features = codes * scales[..., None] + centre
    return np.where((scales > 0)[..., None], features, 0).astype(np.float16)


def stored_bytes(tokens: int, dim: int, dtype: str) -> int:
    """Bytes of the features of that many tokens, before compression."""
    return tokens * (dim * DTYPES[dtype] + (SCALE_BYTES if dtype == "int8" else 0))
