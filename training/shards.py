"""Shards in memory as sources of augmented batches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training import augment

CACHE = Path(__file__).parent / "cache"
GROUP = 4  # crops in a row that are windows of one scene; they share one symmetry


@dataclass
class Source:
    """One collection: all its crops, and how many of them a step takes."""

    name: str
    pixels: Tensor
    teacher: Tensor
    soft: Tensor
    labels: Tensor
    scene: Tensor
    concepts: list[str]
    class_weights: Tensor
    take: int
    weight: float
    colour: float
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

    def batch(self, generator: torch.Generator, together: bool) -> dict[str, Tensor]:
        """Augmented crops: windows of whole scenes in groups of `GROUP`, or crops from anywhere, some of them mixed."""
        if together:
            first = torch.randint(len(self.pixels) // GROUP, (self.take // GROUP,), generator=generator) * GROUP
            rows = (first[:, None] + torch.arange(GROUP)).flatten()
        else:
            rows = torch.randint(len(self.pixels), (self.take,), generator=generator)
        pixels = self.pixels[rows].permute(0, 3, 1, 2).to(self.device).float()
        grids = [self.teacher[rows].to(self.device).float(), self.soft[rows].to(self.device).float() / 255,
                 self.labels[rows].to(self.device).float() / 255]
        parts = []
        for k in range(0, self.take, GROUP):
            group = slice(k, k + GROUP)
            turn, flip = (int(torch.randint(n, (), generator=generator)) for n in (4, 2))
            parts.append(augment.symmetry(pixels[group], [g[group] for g in grids], turn, bool(flip)))
        pixels = torch.cat([p for p, _ in parts])
        grids = [torch.cat([g[i] for _, g in parts]) for i in range(len(grids))]
        if not together and not self.weak and torch.rand((), generator=generator) < 0.4:
            pixels, grids = augment.cutmix(pixels, grids, generator)
        # one look for the windows of a scene, as in a real one
        changed = augment.colour(pixels, generator, GROUP if together else 1)
        return {"pixels": torch.lerp(pixels, changed, self.colour), "teacher": grids[0], "soft": grids[1],
                "labels": grids[2], "scene": self.scene[rows].to(self.device)}


def open_sources(wanted: dict[str, dict], device: torch.device, workers: int = 1) -> list[Source]:
    """Gather the shards of each collection named in the settings; a collection without a shard is left out."""
    sources = []
    for name, options in wanted.items():
        found = [torch.load(p, weights_only=False) for p in sorted(CACHE.glob(f"shard_{name}_*.pt"))]
        if not found:
            continue
        labels = torch.cat([f["labels"] for f in found])
        features = torch.cat([f["teacher"] for f in found])
        if features.shape[-1]:
            sample = features[:: max(1, len(features) // 300)].flatten(0, 1).float()
            for part in features.split(256):  # in place: the table is large
                part.sub_(sample.mean(0).half())
        soft = torch.cat([f.get("soft", torch.zeros(*f["labels"].shape[:2], 0, dtype=torch.uint8)) for f in found])
        shares = labels.float().mean((0, 1)) / 255 if labels.shape[2] else torch.zeros(0)
        weights = (shares.clamp_min(1e-3) ** -options.get("balance", 0.5)) if len(shares) else shares
        sources.append(Source(
            name, torch.cat([f["pixels"] for f in found]), features, soft, labels,
            torch.cat([f["scene"] for f in found]), list(found[0]["label_names"]),
            (weights / weights.mean() if len(weights) else weights).to(device), options["take"] // workers,
            options.get("weight", 1.0), options["colour"], device))
    return sources
