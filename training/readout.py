"""Finish the last block alone: ``python -m training.readout --minutes 12 [--workers 2]``, after `training.train`.

The trunk is frozen and its outputs for a few thousand augmented crops are kept in memory, so that a step costs a tenth
of a full one: the values, queries, ``ln_post`` and ``proj``, which every method reads, converge where the trunk
has no more time. Writes ``training/runs/NAME/readout.pt``, which `training.export` takes before ``last.pt``.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import torch
from torch import Tensor, distributed, multiprocessing, nn

from training import tower
from training.train import HERE, Trainer, settings


class Readout(Trainer):
    """A trainer of the last block, ``ln_post`` and ``proj`` over kept outputs of the trunk."""

    checkpoint = "readout"

    def prepare(self) -> None:
        """Take the averaged weights, freeze the trunk, fill the cache."""
        self.resume(weights_only=True)
        self.vit.load_state_dict(self.average.state_dict())
        for p in self.vit.parameters():
            p.requires_grad_(False)
        free = [*self.vit.transformer.resblocks[-1].parameters(), *self.vit.ln_post.parameters(), self.vit.proj]
        for p in free:
            p.requires_grad_(True)
        numbers = self.config["readout"]
        self.config = {**self.config, "lr": numbers["lr"], "warmup": numbers["warmup"]}
        self.optimiser = torch.optim.AdamW(free, lr=numbers["lr"], weight_decay=0.01, betas=(0.9, 0.98))
        self.step, self.resumed_at = self.config["thresholded_from"], 0.0
        self.trained = free
        self.kept = [self.keep(i, numbers["crops"][s.name] // self.workers) for i, s in enumerate(self.sources)]

    def parameters(self) -> list[nn.Parameter]:
        return getattr(self, "trained", super().parameters())

    @torch.no_grad()
    def keep(self, index: int, count: int) -> list[tuple[Tensor, dict[str, Tensor]]]:
        """Single crops of a source: the trunk's output in half precision and the batch entries."""
        source, kept = self.sources[index], []
        while len(kept) < count:
            batch = source.batch(self.generator, mix=source.weak is False)
            with torch.autocast(self.device.type, torch.bfloat16):
                x = tower.trunk(self.vit, tower.normalise_pixels(batch["pixels"])).half()
            for row in range(len(x)):
                kept.append((x[row], {k: batch[k][row] for k in ("labels", "scene")}))
        return kept

    def entering_last_block(self) -> tuple[Tensor, list[dict[str, Tensor]]]:
        rows, batches = [], []
        for source, kept in zip(self.sources, self.kept, strict=True):
            picks = torch.randint(len(kept), (source.take,), generator=self.generator).tolist()
            rows += [kept[p][0] for p in picks]
            batch = {k: torch.stack([kept[p][1][k] for p in picks]) for k in ("labels", "scene")}
            batches.append({**batch, "teacher": torch.zeros(source.take, 1, 0)})
        return torch.stack(rows).float(), batches


def run_worker(rank: int, workers: int, run: Path, minutes: float) -> None:
    if workers > 1:
        torch.set_num_threads(1)
        distributed.init_process_group("gloo", rank=rank, world_size=workers)
    trainer = Readout(settings()["image"], torch.device("cpu"), run, rank, workers)
    trainer.prepare()
    if workers > 1:
        distributed.barrier()
    trainer.minutes, trainer.began = minutes, time.time()
    last, sums, count = False, {}, 0
    while not last:
        terms = trainer.one_step()
        last = trainer.finished()
        if rank:
            continue
        count += 1
        for k, v in terms.items():
            sums[k] = sums.get(k, 0.0) + v
        if trainer.step % 50 == 0:
            trainer.log({"readout_step": trainer.step, "lr": trainer.learning_rate(),
                         **{k: round(v / count, 4) for k, v in sums.items()}})
            sums, count = {}, 0
        if trainer.step % 200 == 0 or last:
            trainer.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="mini")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=12.0)
    args = parser.parse_args()
    run = HERE / "runs" / args.run
    if args.workers == 1:
        run_worker(0, 1, run, args.minutes)
        return
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29531")
    multiprocessing.spawn(run_worker, (args.workers, run, args.minutes), nprocs=args.workers)


if __name__ == "__main__":
    main()
