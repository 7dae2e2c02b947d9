"""Draw a run's log: ``python -m training.curves [--run mini]`` writes ``training/curves.png`` and copies the logs."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from training.train import HERE


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def draw(run: Path, out: Path) -> None:
    log, text = records(run / "log.jsonl"), records(run / "text_log.jsonl")
    steps = [r for r in log if "loss" in r]
    checks = [r for r in log if "validation" in r]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.2))
    for key in sorted({k for r in steps for k in r} - {"step", "s_per_step", "lr", "loss"}):
        rows = [(r["step"], r[key]) for r in steps if key in r]
        left.plot(*zip(*rows, strict=True), label=key, lw=0.9)
    left.set(title="training losses", xlabel="step", yscale="log")
    left.legend(fontsize=4, ncol=2, loc="lower left")
    for key in sorted({k for r in checks for k in r["validation"] if not k.startswith("scenes")}):
        rows = [(r["step"], r["validation"][key][0]) for r in checks if key in r["validation"]]
        middle.plot(*zip(*rows, strict=True), marker=".", label=key)
    for key in ("area", "token"):
        rows = [(r["step"], r["validation"]["scenes_scene"][key]) for r in checks]
        if rows:
            middle.plot(*zip(*rows, strict=True), ls="--", label=f"scene names, {key}")
    middle.axhline(0.45, color="grey", lw=0.8)
    middle.set(title="validation: mIoU (every third picture), scenes right", xlabel="step", ylim=(0, 1))
    middle.legend(fontsize=6)
    if text:
        right.plot([r["step"] for r in text], [r["text_loss"] for r in text])
    right.set(title="text tower: distance to its targets", xlabel="step", yscale="log")
    figure.tight_layout()
    figure.savefig(out, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="mini")
    args = parser.parse_args()
    run = HERE / "runs" / args.run
    draw(run, HERE / "curves.png")
    for name, kept in (("log.jsonl", "log_image.jsonl"), ("text_log.jsonl", "log_text.jsonl")):
        if (run / name).exists():
            shutil.copyfile(run / name, HERE / kept)


if __name__ == "__main__":
    main()
