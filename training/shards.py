"""Shards in memory as sources of augmented batches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training import augment

CACHE = Path(__file__).parent / "cache"
GROUP = 4  # crops that share one symmetry: cheap, and varied enough over a batch


@dataclass
class Source:
    """One collection: all its crops, and how many of them a step takes."""

    name: str
    pixels: Tensor
    teacher: Tensor
    labels: Tensor
    scene: Tensor
    concepts: list[str]
    class_weights: Tensor
    take: int
    weight: float
    device: torch.device

    def view(self, labels: Tensor, generator: torch.Generator) -> tuple[list[str], Tensor, Tensor]:
        """Concepts, shares and class weights of a step; a source with fine and coarse labels alternates."""
        coarse = [i for i, c in enumerate(self.concepts) if c.startswith("coarse:")]
        fine = [i for i in range(len(self.concepts)) if i not in coarse]
        chosen = coarse if coarse and torch.rand((), generator=generator) < 0.5 else fine
        return ([self.concepts[i].removeprefix("coarse:") for i in chosen], labels[..., chosen],
                self.class_weights[chosen])

    @property
    def weak(self) -> bool:
        return not self.concepts

    def batch(self, generator: torch.Generator, mix: bool) -> dict[str, Tensor]:
        rows = torch.randint(len(self.pixels), (self.take,), generator=generator)
        pixels = self.pixels[rows].permute(0, 3, 1, 2).to(self.device).float()
        grids = [self.teacher[rows].to(self.device).float(), self.labels[rows].to(self.device).float() / 255]
        parts = []
        for k in range(0, self.take, GROUP):
            group = slice(k, k + GROUP)
            turn, flip = (int(torch.randint(n, (), generator=generator)) for n in (4, 2))
            parts.append(augment.symmetry(pixels[group], [g[group] for g in grids], turn, bool(flip)))
        pixels = torch.cat([p for p, _ in parts])
        grids = [torch.cat([g[i] for _, g in parts]) for i in range(2)]
        if mix and torch.rand((), generator=generator) < 0.4:
            pixels, grids = augment.cutmix(pixels, grids, generator)
        return {"pixels": augment.colour(pixels, generator), "teacher": grids[0], "labels": grids[1],
                "scene": self.scene[rows].to(self.device)}


def open_sources(wanted: dict[str, dict], device: torch.device, workers: int = 1) -> list[Source]:
    """Gather the shards of each collection named in the settings; a collection without a shard is left out."""
    sources = []
    for name, options in wanted.items():
        found = [torch.load(p, weights_only=False) for p in sorted(CACHE.glob(f"shard_{name}_*.pt"))]
        if not found:
            continue
        labels = torch.cat([f["labels"] for f in found])
        features = torch.cat([f["teacher"] for f in found])
        if features.shape[-1]:  # the strongest components count most: they are what can be learned
            sample = features[:: max(1, len(features) // 300)].flatten(0, 1).float()
            features = ((features.float() - sample.mean(0)) * sample.std(0)).half()
        shares = labels.float().mean((0, 1)) / 255 if labels.shape[2] else torch.zeros(0)
        weights = (shares.clamp_min(1e-3) ** -options.get("balance", 0.5)) if len(shares) else shares
        sources.append(Source(
            name, torch.cat([f["pixels"] for f in found]), features, labels,
            torch.cat([f["scene"] for f in found]), list(found[0]["label_names"]),
            (weights / weights.mean() if len(weights) else weights).to(device), options["take"] // workers,
            options.get("weight", 1.0), device))
    return sources
