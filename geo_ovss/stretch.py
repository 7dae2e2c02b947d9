"""From pixel values of any type to the eight bits that the networks were trained on, the same for every window."""

from __future__ import annotations

import numpy as np

SAMPLES = 1_000_000
"""Pixels that the percentiles are taken from at most: beyond, they move by less than one of 256 levels."""


def percentile_limits(pixels: np.ndarray, valid: np.ndarray, percentiles: tuple[float, float]) -> np.ndarray:
    """Values of each band that become 0 and 255.

    Parameters
    ----------
    pixels : ndarray, (B, h, w)
        A sample of the whole scene.
    valid : ndarray of bool, (h, w)
        Which of them count.
    percentiles : (float, float)
        Lower and upper, 0 to 100.

    Returns
    -------
    ndarray, (B, 2) float64
        ``low < high`` in each row, also for a constant band. A band without any valid pixel gets (0, 1).
    """
    limits = np.empty((len(pixels), 2))
    for band, values in enumerate(pixels):
        known = values[valid].astype(np.float64)
        if known.size > SAMPLES:
            known = known[:: -(-known.size // SAMPLES)]
        low, high = np.percentile(known, percentiles) if known.size else (0.0, 1.0)
        if not high > low and known.size:  # nearly constant: the percentiles coincide, the extremes may not
            low, high = known.min(), known.max()
        limits[band] = (low, high if high > low else low + 1.0)
    return limits


def stretch(pixels: np.ndarray, limits: np.ndarray | None) -> np.ndarray:
    """Bring pixels to uint8.

    Parameters
    ----------
    pixels : ndarray, (B, h, w)
        What is no number (NaN) becomes 0.
    limits : ndarray, (B, 2), or None
        Of `percentile_limits`; None for pixels in 0..255 already, which are only rounded.

    Returns
    -------
    ndarray, (B, h, w) uint8
    """
    if pixels.dtype == np.uint8 and limits is None:
        return pixels
    values = pixels.astype(np.float64)
    if limits is not None:
        low, high = limits[:, 0, None, None], limits[:, 1, None, None]
        with np.errstate(invalid="ignore", over="ignore"):
            values = (values - low) * (255.0 / (high - low))
    return np.floor(np.clip(np.nan_to_num(values), 0, 255) + 0.5).astype(np.uint8)
