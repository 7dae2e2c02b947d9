"""Upsampling alone: token scores made from the ground truth, to pixels bilinearly and along the picture's edges.

The truth's share of each class in a patch, blurred over its neighbours and with noise, plays the part of a model's
scores, so that the table shows what upsampling gives and takes whatever the model. Numbers are chosen on training
tiles, then held-back ones are measured:

    python benchmarks/upsample.py ../shared/aerial/dubai --tiles 1 3 --limit 6 --grid
    python benchmarks/upsample.py ../shared/aerial/dubai --tiles 2 5

With a model, on whole pictures:

    geo-ovss evaluate --images ../shared/aerial/dubai --labels ../shared/aerial/dubai --image-suffix .jpg \
        --label-suffix .png --label-offset 1 --classes "building,land,road,vegetation,water" \
        --only "tile2_*" --only "tile5_*" --sweep upsample=bilinear,bilateral
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from geo_ovss import upsample
from geo_ovss.metrics import ConfusionMatrix

CLASSES = ("building", "land", "road", "vegetation", "water")
TOKEN = 16
NOISE = (0.05, 0.15)
"""Standard deviation of what is added to the shares: little, and much."""

DEFAULTS = (upsample.STEP, upsample.RADIUS, upsample.SIGMA_SPACE, upsample.SIGMA_RANGE)
Upsampler = Callable[[Tensor, np.ndarray], Tensor]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, help="pictures (.jpg) with labels (.png) beside them")
    parser.add_argument("--tiles", nargs="+", default=["2", "5"])
    parser.add_argument("--limit", type=int, default=None, help="only the first so many pictures")
    parser.add_argument("--grid", action="store_true", help="try other steps, sigmas and radii too")
    chosen = parser.parse_args()
    files = [f for tile in chosen.tiles for f in sorted(chosen.images.glob(f"tile{tile}_*.jpg"))][:chosen.limit]
    print(f"{len(files)} pictures, tokens of {TOKEN} pixels\n")
    print("| upsampling | noise | mIoU | " + " | ".join(CLASSES) + " | s/Mpx |")
    print("|---" * (len(CLASSES) + 4) + "|")
    for noise in NOISE:
        for name, upsampler in candidates(chosen.grid):
            matrix, seconds = measure(files, noise, upsampler)
            iou = matrix.iou
            row = [f"{np.nanmean(iou):.3f}", *(f"{v:.3f}" for v in iou), f"{seconds:.2f}"]
            print(f"| {name} | {noise} | " + " | ".join(row) + " |", flush=True)


def candidates(grid: bool) -> Iterator[tuple[str, Upsampler]]:
    """Names and functions to compare; the defaults first."""
    yield "bilinear", lambda scores, _: F.interpolate(scores[None], scale_factor=TOKEN, mode="bilinear")[0]
    rows = [DEFAULTS]
    if grid:
        rows += [(step, 1, 0.5, sigma) for step in (2, 4, 16) for sigma in (15.0, 25.0, 35.0)]
        rows += [(4, 1, 0.4, 25.0), (4, 1, 0.6, 25.0), (4, 1, 0.75, 25.0), (4, 2, 0.5, 25.0), (4, 2, 0.75, 25.0)]
    for step, radius, space, colour in dict.fromkeys(rows):
        name = f"step {step}, radius {radius}, sigma {space} / {colour:g}"
        yield name, partial(along_edges, step, radius, space, colour)


def along_edges(step: int, radius: int, space: float, colour: float, scores: Tensor, picture: np.ndarray) -> Tensor:
    """`joint_bilateral` with other constants."""
    upsample.STEP, upsample.RADIUS = step, radius
    return upsample.joint_bilateral(scores, picture, TOKEN, space, colour)


def measure(files: list[Path], noise: float, upsampler: Upsampler) -> tuple[ConfusionMatrix, float]:
    """Confusion over all pictures, and seconds a megapixel of the upsampling."""
    matrix, seconds, pixels = ConfusionMatrix(CLASSES), 0.0, 0
    for number, file in enumerate(files):
        picture, truth = np.asarray(Image.open(file).convert("RGB")), np.asarray(Image.open(file.with_suffix(".png")))
        height, width = (side // TOKEN * TOKEN for side in truth.shape)
        picture, truth = picture[:height, :width], truth[:height, :width]
        scores = token_scores(truth, noise, torch.Generator().manual_seed(number))
        began = time.perf_counter()
        result = upsampler(scores, picture)
        seconds += time.perf_counter() - began
        pixels += truth.size
        matrix.update(np.where(truth < len(CLASSES), truth + 1, 0), result.argmax(0).numpy() + 1)
    return matrix, seconds / pixels * 1e6


def token_scores(truth: np.ndarray, noise: float, generator: torch.Generator) -> Tensor:
    """Shares of the classes (C, h, w), blurred over 3 x 3 patches, with noise."""
    one_hot = F.one_hot(torch.from_numpy(truth.astype(np.int64)).clamp(max=len(CLASSES)), len(CLASSES) + 1)
    shares = F.avg_pool2d(one_hot[..., :-1].permute(2, 0, 1)[None].float(), TOKEN)
    blurred = F.avg_pool2d(shares, 3, stride=1, padding=1, count_include_pad=False)[0]
    return blurred + noise * torch.randn(blurred.shape, generator=generator)


if __name__ == "__main__":
    main()
