"""What blocks, halos and the token bank do to the result, against exact attention over the whole scene.

    python benchmarks/bank.py [--side 2048] [--seeds 3] [SCENE.tif ...]

Generated scenes have labels: mIoU and the boundary error rate at block seams are taken on them; real scenes give the
agreement with exact attention alone. Prints a Markdown table and writes bank.csv.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from geo_ovss import scene as scene_module
from geo_ovss.grid import Layout
from geo_ovss.scene import SceneWalk
from geo_ovss.segmenter import Segmenter
from geo_ovss.synthetic import CLASSES, write_scene

COARSE = ("building", "road", "vegetation", "water", "land")
NAMES = ",".join(COARSE)


@dataclass(frozen=True)
class Case:
    """One way of giving context."""

    name: str
    overrides: dict[str, Any]
    splice: bool = False
    share: float = 1.0


def cases(side: int) -> list[Case]:
    """Exact first; the others are compared with it."""
    whole = -(-side // 1008) * 1008 + 1008
    small: list[Case] = [
        Case("exact, every window", {"block": whole}),
        Case("exact, spliced", {"block": whole}, splice=True),
        Case("blocks alone", {"halo": 0, "bank": 0}),
        Case("blocks, halo 112", {"halo": 112, "bank": 0}),
        Case("blocks, halo 224", {"halo": 224, "bank": 0}),
        Case("blocks of 560, halo 224", {"block": 560, "halo": 224, "bank": 0}),
        Case("windows in blocks, halo 224", {"halo": 224, "bank": 0, "mix": "windows"}),
    ]
    banks = [Case(f"halo 224, bank {m}, share {s:g}", {"halo": 224, "bank": m}, share=s)
             for m in (256, 1024, 4096) for s in (0.5, 1.0, 3.0)]
    return small + banks


def run(case: Case, path: Path) -> tuple[np.ndarray, float, Layout]:
    """Labels, seconds and the layout of one case."""
    scene_module.BANK_SHARE = case.share
    segmenter = Segmenter("mini", **case.overrides)
    original = SceneWalk.__init__

    def init(self: SceneWalk, *args: Any) -> None:
        original(self, *args)
        self.spliced = self.spliced or case.splice

    SceneWalk.__init__ = init  # type: ignore[method-assign]
    try:
        _ = segmenter.pipeline
        began = time.monotonic()
        result = segmenter.segment(path, NAMES)
        seconds = time.monotonic() - began
        layout = segmenter.scene_info(result.open_source()).layout
    finally:
        SceneWalk.__init__ = original  # type: ignore[method-assign]
    return result.labels, seconds, layout


def miou(labels: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the classes that the truth holds; truth 0 is ignored."""
    known = truth > 0
    scores = []
    for k in range(1, len(COARSE) + 1):
        a, b = (labels == k) & known, (truth == k) & known
        if b.any():
            scores.append((a & b).sum() / (a | b).sum())
    return float(np.mean(scores))


def seam_errors(labels: np.ndarray, truth: np.ndarray, at: list[int]) -> float:
    """Share of pixel pairs across the given columns and rows that differ although the truth is the same."""
    wrong = total = 0
    for array, known in ((labels, truth), (labels.T, truth.T)):
        for edge in at:
            if not 0 < edge < array.shape[0]:
                continue
            same = (known[edge - 1] == known[edge]) & (known[edge] > 0)
            wrong += int((array[edge - 1] != array[edge])[same].sum())
            total += int(same.sum())
    return wrong / max(total, 1)


def main() -> None:
    """Measure every case on every scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    coarse = np.array([COARSE.index(c) + 1 if c in COARSE else 0 for _, c in CLASSES], np.uint8)
    jobs: list[tuple[Path, np.ndarray | None]] = [(s, None) for s in options.scenes]
    for seed in range(options.seeds):
        path, truth_path = (options.out / f"bank_{kind}_{seed}.tif" for kind in ("scene", "truth"))
        write_scene(path, 100 + seed, options.side, 0.3, labels_path=truth_path)
        with rasterio.open(truth_path) as source:
            jobs.append((path, coarse[source.read(1)]))
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for path, truth in jobs:
        exact: np.ndarray | None = None
        for case in cases(options.side):
            labels, seconds, layout = run(case, path)
            exact = labels if exact is None else exact
            row = table[case.name]
            row["agreement"].append(float((labels == exact)[exact > 0].mean()))
            row["seconds"].append(seconds)
            if truth is not None:
                seams = sorted({*layout.block_rows[1:], *layout.block_cols[1:]}) or [1008]
                row["mIoU"].append(miou(labels, truth))
                row["seam errors"].append(seam_errors(labels, truth, seams))
                row["errors inside"].append(seam_errors(labels, truth, [s + 504 for s in seams] + [504]))
            print(path.name, case.name, {k: round(v[-1], 4) for k, v in row.items()}, flush=True)
    columns = ["agreement", "seconds", "mIoU", "seam errors", "errors inside"]
    lines = [[name, *(f"{np.mean(row[c]):.4f}" if row[c] else "" for c in columns)] for name, row in table.items()]
    print("\n| context | " + " | ".join(columns) + " |\n|---" * 1 + "|---" * len(columns) + "|")
    for line in lines:
        print("| " + " | ".join(line) + " |")
    with (options.out / "bank.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["context", *columns], *lines])


if __name__ == "__main__":
    main()
