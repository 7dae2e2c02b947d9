"""From the pixels of a window to the input of a network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F


def prepare(pixels: Tensor, mean: Sequence[float], std: Sequence[float], patch: int, device: torch.device) -> Tensor:
    """Normalise RGB pixels and make both sides whole numbers of patches.

    Parameters
    ----------
    pixels : Tensor, (B, 3, H, W) uint8
    mean, std : three numbers each
        Of pixels scaled to 0..1.
    patch : int
        Sides that are no multiple of it are resized, bilinearly, to the next one.

    Returns
    -------
    Tensor, (B, 3, H', W') float32
    """
    x = pixels.to(device).float() / 255
    size = tuple(-(-side // patch) * patch for side in x.shape[-2:])
    if size != tuple(x.shape[-2:]):
        x = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
    shape = (1, 3, 1, 1)
    return (x - x.new_tensor(mean).view(shape)) / x.new_tensor(std).view(shape)


def precision(device: torch.device, dtype: torch.dtype) -> AbstractContextManager:
    """Autocast for the networks; the weights stay float32, so that what follows can be computed in it."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)
