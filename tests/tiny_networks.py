"""Tiny random networks of the real libraries' classes, for the tests of the methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from open_clip.transformer import QuickGELU, VisionTransformer
from scipy.ndimage import zoom

from geo_ovss.encoders.clip import ClipEncoder
from geo_ovss.encoders.guide import GuideEncoder
from geo_ovss.encoders.sam import SamEncoder
from geo_ovss.golden import build_sam
from geo_ovss.methods import Method, build_method

WINDOW, STRIDE = 64, 32
SAM_SIZES = {
    "img_size": 128, "patch_size": 16, "embed_dim": 32, "depth": 2, "num_heads": 4, "global_attn_indexes": [1],
    "window_size": 4, "out_chans": 32, "prompt_embed_dim": 32, "mask_in_chans": 16,
    "decoder": {"depth": 2, "mlp_dim": 64, "num_heads": 8, "iou_head_depth": 3, "iou_head_hidden_dim": 32},
}


def tiny_visual(seed: int = 0, layers: int = 4, **options: Any) -> VisionTransformer:
    """A CLIP picture tower of 64 channels whose patches differ from each other."""
    torch.manual_seed(seed)
    visual = VisionTransformer(
        WINDOW, 16, 64, layers, 4, mlp_ratio=4.0, output_dim=24, act_layer=QuickGELU, **options,
    )
    with torch.no_grad():
        for parameter in visual.parameters():
            parameter.mul_(2.0)
    return visual


def tiny_clip(seed: int = 0, layers: int = 4, **options: Any) -> ClipEncoder:
    """Its encoder."""
    return ClipEncoder(tiny_visual(seed, layers, **options))


def tiny_guide(patch: int = 8, seed: int = 1) -> GuideEncoder:
    """A guide of 32 channels."""
    from timm.models import VisionTransformer as TimmTransformer

    torch.manual_seed(seed)
    model = TimmTransformer(
        img_size=WINDOW, patch_size=patch, embed_dim=32, depth=2, num_heads=2, num_classes=0, dynamic_img_size=True,
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    return GuideEncoder(model)


def tiny_sam(seed: int = 2) -> SamEncoder:
    """A SAM that sees pictures at 128 pixels."""
    torch.manual_seed(seed)
    return build_sam(SAM_SIZES, None)


def tiny_method(name: str, clip: ClipEncoder | None = None, guide_patch: int = 8, **options: Any) -> Method:
    """A method over tiny networks."""
    return build_method(
        name, clip=clip or tiny_clip(), guide=tiny_guide(guide_patch), sam=tiny_sam(), window=WINDOW, stride=STRIDE,
        options=options,
    )


def picture(height: int = 96, width: int = 128, seed: int = 5) -> np.ndarray:
    """Smooth coloured noise, (height, width, 3) uint8."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (height // 8 + 1, width // 8 + 1, 3))
    return zoom(coarse, (8, 8, 1), order=1)[:height, :width].astype(np.uint8)


def windows(count: int = 2, seed: int = 5) -> torch.Tensor:
    """Windows of that noise, (count, 3, WINDOW, WINDOW) uint8."""
    crops = np.stack([picture(WINDOW, WINDOW, seed + n) for n in range(count)])
    return torch.from_numpy(crops.transpose(0, 3, 1, 2).copy())


def texts(count: int = 5, dim: int = 24) -> torch.Tensor:
    """Unit rows that stand for words."""
    generator = torch.Generator().manual_seed(9)
    return torch.nn.functional.normalize(torch.randn(count, dim, generator=generator), dim=-1)
