"""Train the image tower: ``python -m training.train --device auto [--resume]``; settings in ``training/settings.toml``.

Every step reads the last block in the forms that the methods use (identity, query-query, GLA-CLIP's thresholded
scene attention) and the class token in the ordinary form. Checkpoints, the averaged weights and the log go to
``training/runs/NAME/``; started with ``--resume`` it goes on from the last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import shutil
import time
from pathlib import Path

import tomllib
import torch
import torch.nn.functional as F
from open_clip.transformer import VisionTransformer
from torch import Tensor, distributed, multiprocessing, nn

from training import losses, text_space, tower, validate, words
from training.prototypes import Prototypes
from training.shards import GROUP, Source, open_sources

HERE = Path(__file__).parent


def settings() -> dict:
    return tomllib.loads((HERE / "settings.toml").read_text())


def build_tower(vision: dict) -> VisionTransformer:
    return VisionTransformer(
        image_size=224, patch_size=vision["patch_size"], width=vision["width"], layers=vision["layers"],
        heads=vision["width"] // vision["head_width"], mlp_ratio=vision["mlp_ratio"], output_dim=text_space.DIM)


def start_from_statistics(vit: VisionTransformer, sources: list[Source]) -> None:
    """Begin the patch embedding at the principal components of real patches instead of noise."""
    pixels = torch.cat([s.pixels[:: max(1, len(s.pixels) // 200)] for s in sources]).permute(0, 3, 1, 2)
    patches = F.unfold(tower.normalise_pixels(pixels), 16, stride=16).transpose(1, 2).flatten(0, 1)[::3]
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    width = vit.conv1.weight.shape[0]
    # the square root keeps the coarse components larger without drowning the fine ones
    filters = (vectors[:, -width:] / values[-width:].clamp_min(1e-5).pow(0.35)).T
    vit.conv1.weight.data.copy_(filters.reshape_as(vit.conv1.weight) * 0.5)


class Trainer:
    """One training run: model, heads that only training needs, optimiser, averaged weights, log."""

    def __init__(self, config: dict, device: torch.device, run: Path, rank: int = 0, workers: int = 1) -> None:
        self.config, self.device, self.run, self.workers = config, device, run, workers
        torch.manual_seed(config["seed"])
        self.generator = torch.Generator().manual_seed(config["seed"] + 1000 * rank)
        self.space = text_space.load()
        self.words = Prototypes(self.space, device)
        self.sources = open_sources(config["sources"], device, workers)
        self.vit = build_tower(config["vision"]).to(device)
        start_from_statistics(self.vit, self.sources)
        teacher_dim = self.sources[0].teacher.shape[-1]
        self.distil = nn.Linear(config["vision"]["width"], teacher_dim).to(device)
        self.average = copy.deepcopy(self.vit).eval()
        decay = [p for p in self.parameters() if p.ndim > 1]
        rest = [p for p in self.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decay, "weight_decay": config["weight_decay"]}, {"params": rest, "weight_decay": 0.0}],
            lr=config["lr"], betas=(0.9, 0.98))
        self.step, self.resumed_at, self.began = 0, 0.0, time.time()
        self.minutes: float | None = None

    @property
    def scale(self) -> float:
        """Of the cosines before the softmax: large at first, to find the classes; then small, to set them apart."""
        return self.config["scale_early" if self.step < self.config["scale_from"] else "scale"]

    def parameters(self) -> list[nn.Parameter]:
        return [*self.vit.parameters(), *self.distil.parameters()]

    def learning_rate(self) -> float:
        if self.step < self.config["warmup"]:
            return self.config["lr"] * (self.step + 1) / self.config["warmup"]
        return self.config["lr"] * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.along())))

    def along(self) -> float:
        """How far the schedule has come, 0..1: by steps, or by the clock where minutes are given."""
        warm, steps = self.config["warmup"], self.config["steps"]
        if self.minutes is None:
            return min(1.0, max(0.0, (self.step - warm) / max(1, steps - warm)))
        return min(1.0, self.resumed_at + (1 - self.resumed_at) * (time.time() - self.began) / (60 * self.minutes))

    def dense_forms(self, q: Tensor, v: Tensor, together: bool) -> dict[str, Tensor]:
        """Text-aligned features (B, 196, D) in each of the forms that this step trains."""
        queries, values = tower.flat(q)[:, 1:], tower.flat(v)[:, 1:]
        forms = {"identity": values, "query": tower.query_query(q, v)}
        if together:
            group = GROUP
            forms["scene"] = torch.cat([
                tower.thresholded(a.flatten(0, 1), b.flatten(0, 1)).unflatten(0, (-1, a.shape[1]))
                for a, b in zip(queries.split(group), values.split(group), strict=True)])
        return {name: tower.read(self.vit, mixed) for name, mixed in forms.items()}

    def labelled_loss(self, source: Source, forms: dict[str, Tensor], queries: Tensor, batch: dict) -> dict:
        shares = batch["labels"]
        if batch["soft"].shape[-1]:  # what the teacher says beside what the label says, where there is one
            part = self.config["soft"]
            shares = (1 - part) * shares + part * batch["soft"] * shares.sum(-1, keepdim=True)
        concepts, shares, weights = source.view(shares, self.generator)
        text = torch.cat([self.words.draw(concepts, self.generator),
                          self.words.negatives(concepts, self.config["negatives"], self.generator)])
        centres = self.words.centres(concepts)
        out: dict[str, Tensor] = {}
        for name, features in forms.items():
            ce, p = losses.soft_cross_entropy(features.flatten(0, 1), text, shares.flatten(0, 1), weights,
                                               self.scale)
            near = self.config["towards"] * losses.towards(features.flatten(0, 1), centres, shares.flatten(0, 1))
            out[f"dense_{name}"] = (ce + 0.5 * losses.dice(p, shares.flatten(0, 1)) + near) * self.config["form"][name]
        keep = torch.randperm(queries.shape[0] * queries.shape[1], generator=self.generator)[:1500]
        out["regions"] = self.config["regions"] * losses.query_regions(
            queries.flatten(0, 1)[keep], shares.flatten(0, 1)[keep])
        return out

    def scene_loss(self, forms: dict[str, Tensor], scene: Tensor, soft: Tensor) -> dict:
        names = list(words.UCMERCED_CONCEPT)
        scenes = self.words.draw([words.UCMERCED_CONCEPT[n] for n in names], self.generator)
        contents = sorted({c for group in words.UCMERCED_CONTENTS.values() for c in group})
        parts = torch.cat([self.words.draw(contents, self.generator),
                           self.words.negatives(contents, self.config["negatives"], self.generator)])
        possible = torch.zeros(len(scene), len(parts), dtype=torch.bool, device=scene.device)
        for row, s in enumerate(scene.tolist()):
            possible[row, [contents.index(c) for c in words.UCMERCED_CONTENTS[names[s]]]] = True
        coarse = torch.cat([self.words.draw(validate.CLASSES, self.generator),
                            self.words.negatives(validate.CLASSES, self.config["negatives"], self.generator)])
        # a patch is what the teacher takes it for, and part of such a scene
        centres = self.words.centres([*validate.CLASSES, *(words.UCMERCED_CONCEPT[n] for n in names)])
        meant = torch.cat([soft, 0.7 * F.one_hot(scene, len(names))[:, None].expand(-1, soft.shape[1], -1)], -1)
        out: dict[str, Tensor] = {}
        for name, features in forms.items():
            logits = features @ scenes.T * self.scale
            patch = F.cross_entropy(logits.flatten(0, 1), scene.repeat_interleave(features.shape[1]),
                                    label_smoothing=0.1)
            weak = losses.partial_labels(features, parts, possible, self.scale)
            total = patch + 0.5 * losses.presence(features, scenes, scene, self.scale) + 0.5 * weak
            out[f"weak_{name}"] = self.config["weak"] * total * self.config["form"][name]
            opinion = losses.soft_cross_entropy(features.flatten(0, 1), coarse, soft.flatten(0, 1),
                                                torch.ones(soft.shape[-1], device=soft.device), self.scale)[0]
            near = self.config["towards"] * losses.towards(features.flatten(0, 1), centres, meant.flatten(0, 1))
            out[f"soft_{name}"] = (self.config["opinion"] * opinion + near) * self.config["form"][name]
        return out

    def class_loss(self, feature: Tensor, source: Source, shares: Tensor, scene: Tensor) -> Tensor:
        if source.weak:
            text = self.words.draw(list(words.UCMERCED_CONCEPT.values()), self.generator)
            return F.cross_entropy(feature @ text.T * self.scale, scene, label_smoothing=0.05)
        concepts, shares, _ = source.view(shares, self.generator)
        text = self.words.draw(concepts, self.generator)
        share = shares.mean(1)
        return 0.3 * losses.soft_cross_entropy(feature, text, share, torch.ones_like(share[:1]), self.scale)[0]

    def terms(self, x: Tensor, batches: list[dict[str, Tensor]], together: bool) -> dict[str, Tensor]:
        """The weighted losses of one step from what enters the last block, (B, 197, W)."""
        seen = self.distil(x[:, 1:]).float()
        block = self.vit.transformer.resblocks[-1]
        q, k, v = tower.heads(block, block.ln_1(x))
        classes = tower.class_feature(self.vit, x, (q, k, v))
        terms: dict[str, Tensor] = {}
        start = 0
        for source, batch in zip(self.sources, batches, strict=True):
            rows = slice(start, start + len(batch["labels"]))
            start = rows.stop
            forms = self.dense_forms(q[rows], v[rows], together)
            if source.weak:
                found = self.scene_loss(forms, batch["scene"], batch["soft"])
            else:
                found = self.labelled_loss(source, forms, tower.flat(q[rows])[:, 1:], batch)
            found["class"] = self.class_loss(classes[rows], source, batch["labels"], batch["scene"])
            if batch["teacher"].shape[-1]:
                found["distil"] = self.config["distil"] * (1 - F.cosine_similarity(
                    seen[rows], batch["teacher"], dim=-1)).mean()
            terms.update({f"{source.name}_{key}": term * source.weight for key, term in found.items()})
        return terms

    def entering_last_block(self) -> tuple[Tensor, list[dict[str, Tensor]], bool]:
        """The trunk's output for a fresh augmented batch of every source, the batches, whether they are scenes."""
        together = self.step >= self.config["scenes_from"] and bool(torch.rand((), generator=self.generator) < 0.5)
        batches = [s.batch(self.generator, together) for s in self.sources]
        pixels = torch.cat([b["pixels"] for b in batches])
        return tower.trunk(self.vit, tower.normalise_pixels(pixels)), batches, together

    def one_step(self) -> dict[str, float]:
        self.vit.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            terms = self.terms(*self.entering_last_block())
            loss = torch.stack([t.float() for t in terms.values()]).sum()
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.optimiser.zero_grad()
        loss.backward()
        self.share_gradients()
        nn.utils.clip_grad_norm_(self.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self.update_average()
        return {"loss": float(loss.detach()), **{k: float(t.detach()) for k, t in terms.items()}}

    def finished(self) -> bool:
        """Whether this was the last step; worker 0's clock counts for all."""
        flag = torch.tensor(float(self.along() >= 1))
        if self.workers > 1:
            distributed.broadcast(flag, 0)
        return bool(flag)

    @torch.no_grad()
    def share_gradients(self) -> None:
        """Mean of the workers' gradients: one meeting a step, where threads would meet at every operation."""
        if self.workers == 1:
            return
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        joined = torch.cat([g.flatten() for g in gradients]) / self.workers
        distributed.all_reduce(joined)
        start = 0
        for g in gradients:
            g.copy_(joined[start:start + g.numel()].view_as(g))
            start += g.numel()

    @torch.no_grad()
    def update_average(self) -> None:
        keep = min(self.config["average"], 1 - 1 / (1 + self.step / 10))
        for a, p in zip(self.average.parameters(), self.vit.parameters(), strict=True):
            a.lerp_(p, 1 - keep)

    def save(self) -> None:
        part = self.run / "last.part"
        states = {"vit": self.vit, "average": self.average, "distil": self.distil, "optimiser": self.optimiser}
        torch.save({"step": self.step, "along": self.along(), **{k: v.state_dict() for k, v in states.items()}}, part)
        part.replace(self.run / "last.pt")

    def resume(self) -> None:
        found = torch.load(self.run / "last.pt", map_location=self.device)
        self.vit.load_state_dict(found["vit"])
        self.average.load_state_dict(found["average"])
        self.distil.load_state_dict(found["distil"])
        self.optimiser.load_state_dict(found["optimiser"])
        self.step = found["step"]
        self.resumed_at = found.get("along", self.along())

    def log(self, record: dict) -> None:
        with (self.run / "log.jsonl").open("a") as out:
            out.write(json.dumps(record) + "\n")


def run_worker(rank: int, workers: int, device: str, name: str, resume: bool, minutes: float | None) -> None:
    """Train until the schedule's end; worker 0 alone writes."""
    config = settings()["image"]
    if workers > 1:
        torch.set_num_threads(1)
        distributed.init_process_group("gloo", rank=rank, world_size=workers)
    run = HERE / "runs" / name
    run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, torch.device(device), run, rank, workers)
    if resume and (run / "last.pt").exists():
        trainer.resume()
    trainer.generator.manual_seed(config["seed"] + 1000 * rank + trainer.step)  # no repetition after a resume
    sums: dict[str, float] = {}
    began, count = time.time(), 0
    trainer.minutes, trainer.began = minutes, time.time()
    last = False
    while not last:
        terms = trainer.one_step()
        last = trainer.finished()
        if rank:
            continue
        for k, v in terms.items():
            sums[k] = sums.get(k, 0.0) + v
        count += 1
        if trainer.step % config["log_every"] == 0:
            seconds = (time.time() - began) / count
            trainer.log({"step": trainer.step, "s_per_step": round(seconds, 3), "lr": trainer.learning_rate(),
                         **{k: round(v / count, 4) for k, v in sums.items()}})
            began, sums, count = time.time(), {}, 0
        if trainer.step % config["save_every"] == 0 or last:
            trainer.save()
        if trainer.step % config["validate_every"] == 0 or last:
            trainer.log({"step": trainer.step, "validation": validate.quick(trainer.average, trainer.words)})
            shutil.copy(run / "last.pt", run / f"step_{trainer.step}.pt")
            began = time.time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--run", default="mini")
    parser.add_argument("--workers", type=int, default=1, help="processes that share a step's crops (CPU)")
    parser.add_argument("--minutes", type=float, help="end by the clock instead of after the settings' steps")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = auto if args.device == "auto" else args.device
    if args.workers == 1:
        run_worker(0, 1, device, args.run, args.resume, args.minutes)
        return
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29522")
    multiprocessing.spawn(run_worker, (args.workers, device, args.run, args.resume, args.minutes), nprocs=args.workers)


if __name__ == "__main__":
    main()
