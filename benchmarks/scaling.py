"""Seconds and peak memory of `segment` against the size of the scene, in one run.

    python benchmarks/scaling.py [--sides 2000,4000,8000,16000] [--set stride=224] [--out benchmarks/out]

Scenes come from the generator. Writes scaling.csv and scaling.png, and prints the cost per megapixel of each size as a
ratio to that of the 4,000-pixel scene (or the first, where that is not among them).
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import matplotlib as mpl
from measure import run

from geo_ovss.synthetic import write_large

mpl.use("Agg")
import matplotlib.pyplot as plt

CLASSES = "building,road,vegetation,water,land"


def main() -> None:
    """Measure every size, then print, write and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", default="2000,4000,8000,16000")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for side in map(int, options.sides.split(",")):
        with tempfile.TemporaryDirectory(dir=options.out) as folder:
            scene = Path(folder) / "scene.tif"
            write_large(scene, side, 0.3, seed=1)
            chosen = [word for setting in options.settings for word in ("--set", setting)]
            cost = run("segment", str(scene), "--classes", CLASSES, "-o", f"{folder}/out.gpkg", "--progress", "none",
                       *chosen)
        megapixels = side * side / 1e6
        rows.append((side, megapixels, cost.seconds, cost.peak_bytes / 1e9, cost.seconds / megapixels))
        print(f"{side} x {side}: {cost.seconds:.0f} s, {rows[-1][-1]:.2f} s/MP, {rows[-1][3]:.2f} GB", flush=True)
    reference = next((r for r in rows if r[0] == 4000), rows[0])[-1]
    for row in rows:
        print(f"{row[0]}: {row[-1] / reference:.2f} times the cost per megapixel of the reference")
    with (options.out / "scaling.csv").open("w", newline="") as file:
        header = ("side", "megapixels", "seconds", "peak_gigabytes", "seconds_per_megapixel")
        csv.writer(file).writerows([header, *rows])
    plot(rows, options.out / "scaling.png")


def plot(rows: list[tuple[int, float, float, float, float]], path: Path) -> None:
    """Seconds and memory against megapixels."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    megapixels = [r[1] for r in rows]
    left.loglog(megapixels, [r[2] for r in rows], "o-")
    left.set(xlabel="megapixels", ylabel="seconds", title="time")
    right.semilogx(megapixels, [r[3] for r in rows], "o-", color="tab:red")
    right.set(xlabel="megapixels", ylabel="peak resident memory (GB)", title="memory", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
