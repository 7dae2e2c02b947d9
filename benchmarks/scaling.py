"""Seconds and peak memory of `segment` against the size of the scene, in one run.

    python benchmarks/scaling.py [--sides 4000,8000,16000] [--set stride=224] [--out benchmarks/out]
    python benchmarks/scaling.py --pictures A.tif B.tif      a VRT that repeats real pictures, in place of the generator

Runs the real command with polygons. Each size is entered into scaling.json as it finishes, so that a run that is
stopped keeps what it has; `--continue` goes on with the last run's settings and skips the sizes that it has. Prints a
Markdown table with the cost per megapixel as a ratio to that of the 4,000-pixel scene (or the first, where that is not
among them), and draws scaling.png.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import rasterio
from measure import run

from geo_ovss.synthetic import write_large

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator

CLASSES = "building,road,vegetation,water,land"
REFERENCE = 4000
"""Side (pixels) of the scene that the others' cost per megapixel is compared with."""


@dataclass(frozen=True)
class Row:
    """One size."""

    side: int
    megapixels: float
    seconds: float
    processor_seconds: float
    peak_gigabytes: float

    @property
    def each(self) -> float:
        """Processor seconds a megapixel."""
        return self.processor_seconds / self.megapixels


def main() -> None:
    """Measure every size, then print, write and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", default="4000,8000,16000", help="also 20000,40000: hours")
    parser.add_argument("--pictures", nargs="+", type=Path, default=[])
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--continue", dest="go_on", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = {"settings": options.settings, "pictures": [p.name for p in options.pictures]}
    journal = options.out / "scaling.json"
    rows = last_rows(journal, settings) if options.go_on else []
    for side in map(int, options.sides.split(",")):
        if side not in {row.side for row in rows}:
            rows.append(measure(side, options.pictures, options.settings, options.out))
            keep(journal, settings, rows)
            print(f"{side} x {side} done", flush=True)
    rows.sort(key=lambda row: row.side)
    print(table(rows))
    plot(rows, options.out / "scaling.png")


def measure(side: int, pictures: list[Path], settings: list[str], out: Path) -> Row:
    """One scene of `side` x `side` pixels through `segment`."""
    with tempfile.TemporaryDirectory(dir=out) as folder:
        scene = Path(folder) / ("scene.vrt" if pictures else "scene.tif")
        if pictures:
            write_repeating(scene, side, pictures)
        else:
            write_large(scene, side, 0.3, seed=1, run=1)  # every patch anew: each size holds the same mix of them
        chosen = [word for setting in settings for word in ("--set", setting)]
        cost = run("segment", str(scene), "--classes", CLASSES, "-o", f"{folder}/out.gpkg", "--progress", "none",
                   *chosen)
    return Row(side, side * side / 1e6, cost.seconds, cost.processor_seconds, cost.peak_bytes / 1e9)


def write_repeating(path: Path, side: int, pictures: list[Path]) -> None:
    """A VRT of `side` x `side` pixels that lays pictures of one size side by side, in turn."""
    with rasterio.open(pictures[0]) as first:
        height, width, transform, crs = first.height, first.width, first.transform, first.crs
    cells = [(row, col) for row in range(0, side, height) for col in range(0, side, width)]
    bands = []
    for band, colour in enumerate(("Red", "Green", "Blue"), 1):
        sources = []
        for number, (row, col) in enumerate(cells):
            h, w = min(height, side - row), min(width, side - col)
            file = pictures[(number + row // height) % len(pictures)].resolve()
            sources.append(
                f"<SimpleSource><SourceFilename relativeToVRT=\"0\">{file}</SourceFilename><SourceBand>{band}"
                f"</SourceBand><SrcRect xOff=\"0\" yOff=\"0\" xSize=\"{w}\" ySize=\"{h}\"/>"
                f"<DstRect xOff=\"{col}\" yOff=\"{row}\" xSize=\"{w}\" ySize=\"{h}\"/></SimpleSource>")
        bands.append(f"<VRTRasterBand dataType=\"Byte\" band=\"{band}\"><ColorInterp>{colour}</ColorInterp>"
                     f"{''.join(sources)}</VRTRasterBand>")
    numbers = ", ".join(map(str, transform.to_gdal()))
    path.write_text(f"<VRTDataset rasterXSize=\"{side}\" rasterYSize=\"{side}\"><SRS>{crs.to_string()}</SRS>"
                    f"<GeoTransform>{numbers}</GeoTransform>{''.join(bands)}</VRTDataset>")


def keep(path: Path, settings: dict[str, Any], rows: list[Row]) -> None:
    """Write what there is so far, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps({**settings, "rows": [asdict(row) for row in rows]}, indent=1))
    part.replace(path)


def last_rows(path: Path, settings: dict[str, Any]) -> list[Row]:
    """The rows of the last run, if it had the same settings."""
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    rows = [Row(**row) for row in found.pop("rows")]
    return rows if found == settings else []


def table(rows: list[Row]) -> str:
    """A Markdown table."""
    reference = next((row for row in rows if row.side == REFERENCE), rows[0]).each
    lines = ["| scene | megapixels | seconds | processor s | processor s a megapixel | ratio | peak GB |",
             "|---|---|---|---|---|---|---|"]
    lines += [f"| {r.side} x {r.side} | {r.megapixels:.1f} | {r.seconds:.0f} | {r.processor_seconds:.0f} "
              f"| {r.each:.2f} | {r.each / reference:.2f} | {r.peak_gigabytes:.2f} |" for r in rows]
    return "\n".join(lines)


def plot(rows: list[Row], path: Path) -> None:
    """Seconds and memory against megapixels."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    megapixels = [row.megapixels for row in rows]
    left.loglog(megapixels, [row.seconds for row in rows], "o-", label="wall clock")
    left.loglog(megapixels, [row.processor_seconds for row in rows], "s--", label="processor, all cores")
    left.set(xlabel="megapixels", ylabel="seconds", title="time")
    left.legend()
    right.semilogx(megapixels, [row.peak_gigabytes for row in rows], "o-", color="tab:red")
    right.set(xlabel="megapixels", ylabel="peak resident memory (GB)", title="memory", ylim=(0, None))
    for axes in (left, right):
        axes.set_xticks(megapixels, [f"{value:g}" for value in megapixels])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    left.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
