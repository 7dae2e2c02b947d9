"""Features in eight bits: a token's channels as whole numbers from -127 to 127, and one scale a token."""

from __future__ import annotations

import numpy as np

DTYPES = {"float16": 2, "int8": 1}
"""Kinds of numbers that a store keeps features in, and their bytes a channel."""

SCALE_BYTES = 4
"""A token's scale, float32."""


def quantize(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers and scales of tokens: each token's largest channel becomes 127.

    Parameters
    ----------
    features : ndarray, (h, w, D) float

    Returns
    -------
    codes : ndarray, (h, w, D) int8
    scales : ndarray, (h, w) float32
        0 for a token of zeros.
    """
    scales = (np.abs(features).max(-1) / 127).astype(np.float32)
    codes = np.rint(features / np.where(scales > 0, scales, 1)[..., None]).clip(-127, 127).astype(np.int8)
    return codes, scales


def dequantize(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Features (h, w, D) float16 from what `quantize` gave."""
    return (codes * scales[..., None]).astype(np.float16)


def stored_bytes(tokens: int, dim: int, dtype: str) -> int:
    """Bytes of the features of that many tokens, before compression."""
    return tokens * (dim * DTYPES[dtype] + (SCALE_BYTES if dtype == "int8" else 0))
