"""The guide: a frozen vision transformer of `timm` (DINO, DINOv2, DINOv3) whose tokens know shapes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from geo_ovss.encoders.pixels import precision, prepare
from geo_ovss.errors import UnsupportedGuide

# DINO, DINOv2 and DINOv3 (web) were trained with these; a model that differs says so in its `pretrained_cfg`.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class GuideEncoder:
    """A `timm` vision transformer that gives final-norm patch tokens.

    Parameters
    ----------
    model : nn.Module
        `timm.models.VisionTransformer` or `Eva` (DINOv3), made with ``num_classes=0`` and ``dynamic_img_size=True``;
        class and register tokens are dropped.
    device : str or torch.device
    dtype : torch.dtype
        What the network computes in (autocast); its tokens come as float32.

    Attributes
    ----------
    dim, patch : int
        G of the tokens; pixels a patch side.

    Raises
    ------
    UnsupportedGuide
        The model is no such transformer, or is bound to one picture size.
    """

    def __init__(
        self, model: nn.Module, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32,
    ) -> None:
        if not all(hasattr(model, name) for name in ("patch_embed", "num_prefix_tokens", "forward_features")):
            raise UnsupportedGuide("it is no vision transformer")
        if not getattr(model, "dynamic_img_size", False):
            raise UnsupportedGuide("it was made for one picture size (dynamic_img_size is off)")
        self.device, self.dtype = torch.device(device), dtype
        network: Any = model
        self.model = network.float().to(self.device).eval().requires_grad_(False)
        self.dim, self.patch = int(self.model.embed_dim), int(self.model.patch_embed.patch_size[0])
        config: Any = getattr(model, "pretrained_cfg", None) or {}
        self.mean, self.std = config.get("mean", IMAGENET_MEAN), config.get("std", IMAGENET_STD)

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """Final-norm patch tokens of windows, not normalised.

        Parameters
        ----------
        pixels : Tensor, (B, 3, H, W) uint8
            Sides that are no multiple of the patch are resized to the next one.

        Returns
        -------
        Tensor, (B, H / patch, W / patch, G) float32
        """
        images = prepare(pixels, self.mean, self.std, self.patch, self.device)
        grid = (images.shape[-2] // self.patch, images.shape[-1] // self.patch)
        with precision(self.device, self.dtype):
            tokens = self.model.forward_features(images)
        return tokens[:, self.model.num_prefix_tokens:].float().unflatten(1, grid)
