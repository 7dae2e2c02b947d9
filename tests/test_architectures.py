"""The presets' backbones at their true sizes, with random weights: one window each, one network at a time."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator
from typing import Any

import open_clip
import pytest
import timm
import torch
from tiny_networks import picture
from torch import Tensor, nn

from geo_ovss.encoders.clip import ClipEncoder
from geo_ovss.encoders.guide import GuideEncoder
from geo_ovss.methods import build_method
from geo_ovss.published import picture_block

WINDOW, STRIDE = 224, 112

CLIPS = {  # layers, width, D, patches a side of a window
    "ViT-B-32-quickgelu": (12, 768, 512, 7),
    "ViT-B-16-quickgelu": (12, 768, 512, 14),
    "ViT-L-14-quickgelu": (24, 1024, 768, 16),
    "ViT-H-14": (32, 1280, 1024, 16),
}
GUIDES = {  # tokens a side of a window, G
    "vit_base_patch8_224.dino": (28, 768),
    "vit_base_patch16_224.dino": (14, 768),
    "vit_base_patch14_reg4_dinov2.lvd142m": (16, 768),
    "vit_base_patch16_dinov3.lvd1689m": (14, 768),
}


@pytest.fixture(autouse=True)
def freed() -> Iterator[None]:
    """The largest of the networks takes 2.5 GB: it goes before the next one comes."""
    yield
    gc.collect()


def window() -> Tensor:
    return torch.from_numpy(picture(WINDOW, WINDOW).transpose(2, 0, 1).copy())[None]


def fill(network: nn.Module) -> None:
    """Weights as wide as an initialisation would draw them, tiled from few numbers: drawing 600 million takes long."""
    numbers = torch.randn(999_983, generator=torch.Generator().manual_seed(0))
    for name, parameter in network.named_parameters():
        flat = parameter.data.view(-1)
        if parameter.dim() > 1:
            tiled = numbers.repeat(-(-flat.numel() // len(numbers)))[:flat.numel()]
            flat.copy_(tiled).mul_(1 / math.sqrt(parameter.shape[-1] if parameter.dim() == 2 else 768))
        else:
            flat.fill_(0.0 if name.endswith("bias") else 1.0)


def true_size_clip(name: str) -> ClipEncoder:
    """The picture tower alone; the text tower never takes memory."""
    with torch.device("meta"):
        visual: Any = open_clip.create_model(name, device="meta").visual
    visual = visual.to_empty(device="cpu")
    fill(visual)
    return ClipEncoder(visual)


@pytest.fixture(scope="module")
def small_clip() -> ClipEncoder:
    """The cheapest of them, for the guides."""
    return true_size_clip("ViT-B-32-quickgelu")


@pytest.mark.parametrize("name", CLIPS)
def test_clips_at_their_true_size(name: str) -> None:
    clip = true_size_clip(name)
    layers, width, dim, n = CLIPS[name]
    assert (clip.layers, clip.width, clip.dim) == (layers, width, dim)
    tokens = build_method("clearclip", clip=clip, window=WINDOW, stride=WINDOW).encode(window())
    assert tokens.values.shape == (1, n, n, dim)
    assert torch.allclose(tokens.values.norm(dim=-1), torch.ones(1, n, n), atol=1e-4)
    assert tokens.values[0].flatten(0, 1).std(0).max() > 1e-5  # patches differ, even after so many random blocks
    assert tokens.cls.isfinite().all()


@pytest.mark.parametrize("name", GUIDES)
def test_guides_at_their_true_size(name: str, small_clip: ClipEncoder) -> None:
    guide = GuideEncoder(timm.create_model(name, pretrained=False, num_classes=0, dynamic_img_size=True))
    n, width = GUIDES[name]
    assert guide.encode(window()).shape == (1, n, n, width)
    if n != 28:  # a guide of patch 8 takes as long as all the others together: once is enough
        method = build_method("gla-proxyclip", clip=small_clip, guide=guide, window=WINDOW, stride=STRIDE)
        tokens = method.encode(window())
        features = method.mix(picture_block(method, picture(WINDOW, WINDOW), [(0, 0)], tokens))
        assert features.shape == (n * n, 512)
        assert features.isfinite().all()


def test_dino_v3_knows_where_its_patches_are_at_other_window_sizes() -> None:
    model = timm.create_model("vit_small_patch16_dinov3.lvd1689m", pretrained=False, num_classes=0,
                              dynamic_img_size=True)
    wide = torch.from_numpy(picture(96, 160).transpose(2, 0, 1).copy())[None]
    assert GuideEncoder(model).encode(wide).shape == (1, 6, 10, 384)
