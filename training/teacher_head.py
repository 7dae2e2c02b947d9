"""The teacher's opinion of every patch: ``python -m training.teacher_head``, after `training.data`.

A small head over the frozen dense features of EfficientNet-Lite2 learns the five coarse classes from the labels of
Dubai, and from UC Merced that a patch is one of the classes its kind of scene is made of. What it then says of every
patch of both collections (``soft``, uint8 shares of 255, added to the shards; in UC Merced moved so that the classes
cover what they usually cover in such scenes) is a target for the student beside the labels. Prints how good the head
itself is on tiles 2 and 5, which it never sees: the second yardstick of ``docs/mini.md``.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from training import teacher, validate, words
from training.data import CACHE, SCENES, dubai_pictures

CLASSES = validate.CLASSES


class Head(nn.Module):
    """Two layers from reduced teacher features to the logits of the coarse classes."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.net = nn.Sequential(nn.Linear(len(mean), 256), nn.GELU(), nn.Dropout(0.2), nn.Linear(256, len(CLASSES)))

    def forward(self, features: Tensor) -> Tensor:
        x = (features - self.mean) / self.std
        if self.training:
            x = F.dropout(x + 0.2 * torch.randn_like(x), 0.1)
        return self.net(x)


def possible_classes(scene: Tensor) -> Tensor:
    """(B,) folder indices to (B, 5) bool: the coarse classes such a scene is made of."""
    return usual_shares()[scene] > 0


def usual_shares() -> Tensor:
    """(21, 5): how much of each kind of scene the coarse classes usually cover."""
    return torch.tensor([[words.UCMERCED_SHARES[s].get(c, 0.0) for c in CLASSES] for s in SCENES])


def fit(dubai: dict, ucmerced: dict, minutes: float) -> Head:
    features, shares = dubai["teacher"], dubai["labels"]
    sample = features[::10].flatten(0, 1).float()
    head = Head(sample.mean(0), sample.std(0))
    weights = (shares.float().mean((0, 1)) / 255) ** -0.35
    weights = weights / weights.mean()
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.05)
    began, along = time.time(), 0.0
    while along < 1:
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * (0.5 + 0.5 * math.cos(math.pi * along)) + 1e-6
        a, b = torch.randint(len(features), (32,)), torch.randint(len(ucmerced["teacher"]), (16,))
        share = shares[a].float() / 255
        log_p = head(features[a].float()).log_softmax(-1)
        loss = -(log_p * share * weights).sum() / (share * weights).sum()
        weak = head(ucmerced["teacher"][b].float()).log_softmax(-1)
        absent = ~possible_classes(ucmerced["scene"][b])[:, None]
        loss = loss - 0.3 * weak.masked_fill(absent, -1e4).logsumexp(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        along = (time.time() - began) / (60 * minutes)
    return head.eval()


def calibrated(logits: Tensor, shares: Tensor, rounds: int = 50) -> Tensor:
    """Probabilities (M, 5) whose mean over the patches is ``shares`` (5,): each class's logit moved by one number."""
    logits = logits.masked_fill(shares == 0, -1e4)
    target, offset = shares.clamp_min(1e-6).log(), torch.zeros(len(shares))
    for _ in range(rounds):
        mean = (logits + offset).softmax(-1).mean(0)
        offset = offset + torch.where(shares > 0, target - mean.clamp_min(1e-6).log(), torch.zeros(()))
    return (logits + offset).softmax(-1)


@torch.no_grad()
def opinions(head: Head, shard: dict) -> Tensor:
    """Shares of 255, uint8 (N, 196, 5); over all pictures of a kind of scene they add up to what is usual there."""
    logits = torch.cat([head(features.float()) for features in shard["teacher"].split(256)])
    probability = logits.softmax(-1)
    for scene in shard["scene"].unique().tolist():
        if scene >= 0:
            rows = shard["scene"] == scene
            flat = calibrated(logits[rows].flatten(0, 1), usual_shares()[scene])
            probability[rows] = flat.unflatten(0, (-1, logits.shape[1]))
    return (probability * 255).round().to(torch.uint8)


@torch.no_grad()
def measure(head: Head) -> np.ndarray:
    """IoU of each class on tiles 2 and 5, windows of 224 at stride 112, probabilities averaged."""
    net, pca, counts = teacher.Teacher(), torch.load(teacher.CACHE), np.zeros((5, 6))
    side, patch, n = 224, 16, 14
    for picture, labels in dubai_pictures(validation=True):
        image, truth = np.asarray(Image.open(picture).convert("RGB")), np.asarray(Image.open(labels))
        grid = [-(-v // patch) for v in truth.shape]
        pad = [(0, g * patch - v) for g, v in zip(grid, truth.shape, strict=True)]
        image = np.pad(image, (*pad, (0, 0)), mode="reflect")
        total = torch.zeros(len(CLASSES), *grid)
        boxes = [(y, x) for y in validate.window_starts(image.shape[0]) for x in validate.window_starts(image.shape[1])]
        for k in range(0, len(boxes), 16):
            part = boxes[k:k + 16]
            pixels = torch.stack([torch.from_numpy(image[y:y + side, x:x + side].copy()) for y, x in part])
            for (y, x), p in zip(part, head(teacher.reduce(net(pixels.permute(0, 3, 1, 2)), pca)).softmax(-1),
                                 strict=True):
                total[:, y // patch:y // patch + n, x // patch:x // patch + n] += p.T.unflatten(1, (n, n))
        full = F.interpolate(total[None] / total.sum(0), scale_factor=patch, mode="bilinear")[0]
        counts += validate.confusion(full[:, :truth.shape[0], :truth.shape[1]].argmax(0).numpy(), truth)
    return validate.ious(counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.5)
    args = parser.parse_args()
    torch.manual_seed(0)
    paths: list[Path] = [CACHE / "shard_dubai_0.pt", CACHE / "shard_ucmerced_0.pt"]
    shards = [torch.load(p, weights_only=False) for p in paths]
    head = fit(shards[0], shards[1], args.minutes)
    for path, shard in zip(paths, shards, strict=True):
        part = path.with_suffix(".part")
        torch.save({**shard, "soft": opinions(head, shard)}, part)
        part.replace(path)
    iou = measure(head)
    print(f"frozen EfficientNet-Lite2 with a head, tiles 2 and 5: mIoU {iou.mean():.3f} "
          + " ".join(f"{c} {v:.3f}" for c, v in zip(CLASSES, iou, strict=True)))


if __name__ == "__main__":
    main()
