"""SAM by `segment_anything`: last-block attention for Trident, prompted masks for the refinement."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from geo_ovss.errors import UnsupportedSam


class SamEncoder:
    """A `segment_anything.modeling.Sam` as Trident and the refinement need it.

    Parameters
    ----------
    model : nn.Module
        As `segment_anything.sam_model_registry` builds it.
    device : str or torch.device
    dtype : torch.dtype
        What the picture encoder computes in (autocast); attention, prompts and masks are float32.

    Raises
    ------
    UnsupportedSam
        The picture encoder's last block is not one of global attention.
    """

    def __init__(
        self, model: nn.Module, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32,
    ) -> None:
        if not hasattr(model, "image_encoder") or not hasattr(model, "mask_decoder"):
            raise UnsupportedSam("it is no segment_anything Sam")
        self.device, self.dtype = torch.device(device), dtype
        self.model: Any = model.float().to(self.device).eval().requires_grad_(False)
        if self.model.image_encoder.blocks[-1].window_size:
            raise UnsupportedSam("its last block attends within windows")
