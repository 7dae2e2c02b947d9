"""Seconds and memory of polygons: this project's against rasterio.features.shapes and a dissolve.

    python benchmarks/polygons.py
    python benchmarks/polygons.py --kind scene --size 20000 --both-up-to 0

``noise`` is salt and pepper of five classes, the worst that a raster can hold; ``scene`` is blobs with straight-edged
blocks, about as many borders as a real result has. Each way runs in a process of its own, of which CPU seconds (other
work on the machine hardly changes them; loading the libraries is not counted) and peak memory are told. Where seconds
per million pixels stay the same from size to size, time is linear. geopandas's dissolve takes too long for large
rasters: it is left out above `--both-up-to`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

NAMES = ["building", "road", "vegetation", "water", "land"]
COLOURS = ["#ac3218", "#4e5057", "#5cd249", "#457ae7", "#ede0c0"]


def make_raster(path: Path, kind: str, size: int) -> None:
    """Write a label raster strip by strip."""
    random = np.random.default_rng(0)
    cell = 64
    coarse = random.random((5, size // cell + 3, size // cell + 3)).astype(np.float32)
    with rasterio.open(path, "w", driver="GTiff", width=size, height=size, count=1, dtype="uint8", tiled=True,
                       blockxsize=512, blockysize=512, compress="DEFLATE", crs="EPSG:32633", nodata=0,
                       transform=Affine(0.1, 0, 400_000, 0, -0.1, 5_500_000)) as target:
        for row in range(0, size, 256):
            rows = min(256, size - row)
            if kind == "noise":
                labels = random.integers(1, 6, (rows, size), dtype=np.uint8)
            else:
                labels = scene_rows(coarse, row, rows, size, cell)
            target.write(labels, 1, window=((row, row + rows), (0, size)))


def scene_rows(coarse: np.ndarray, row: int, rows: int, size: int, cell: int) -> np.ndarray:
    """Blobs of four classes, and square buildings on some of them."""
    y, x = (np.arange(row, row + rows) / cell, np.arange(size) / cell)
    iy, ix = y.astype(int), x.astype(int)
    fy, fx = (y - iy).astype(np.float32)[:, None], (x - ix).astype(np.float32)
    fields = []
    for field in coarse[:4]:
        upper = field[iy][:, ix] * (1 - fx) + field[iy][:, ix + 1] * fx
        lower = field[iy + 1][:, ix] * (1 - fx) + field[iy + 1][:, ix + 1] * fx
        fields.append(upper * (1 - fy) + lower * fy)
    labels = np.argmax(fields, axis=0).astype(np.uint8) + 2
    built = (coarse[4][iy][:, ix] < 0.3) & ((fy > 0.3) & (fy < 0.7) & (fx > 0.25) & (fx < 0.65))
    labels[built] = 1
    return labels


def ours(path: Path, options: dict[str, object]) -> Callable[[], int]:
    """Partition with attributes on the ellipsoid, written to a GeoPackage with its spatial index."""
    from geo_ovss.export import write_polygons
    from geo_ovss.polygons import PolygonOptions

    return lambda: write_polygons(path, None, NAMES, COLOURS, path.with_name("ours.gpkg"), overwrite=True,
                                  options=PolygonOptions(**options)).count


def theirs(path: Path, _options: dict[str, object]) -> Callable[[], int]:
    """rasterio.features.shapes, a GeoDataFrame, a dissolve by class, written to a GeoPackage."""
    import geopandas as gpd
    import rasterio.features
    from shapely.geometry import shape

    def run() -> int:
        with rasterio.open(path) as source:
            shapes = rasterio.features.shapes(rasterio.band(source, 1), mask=source.read(1) > 0,
                                              transform=source.transform)
            found = [(shape(geometry), int(value)) for geometry, value in shapes]
            frame = gpd.GeoDataFrame({"class_id": [v for _, v in found]}, geometry=[g for g, _ in found],
                                     crs=source.crs)
        frame.dissolve("class_id").to_file(path.with_name("theirs.gpkg"))
        return len(frame)

    return run


WAYS = {"ours": ours, "theirs": theirs}


def peak_bytes() -> int:
    """Of this process so far."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run_one(way: str, path: Path, options: dict[str, object]) -> None:
    """Run one way in this process and print what it took."""
    work = WAYS[way](path, options)
    loaded, began, cpu = peak_bytes(), time.perf_counter(), time.process_time()
    count = work()
    print(json.dumps({"polygons": count, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu,
                      "peak": peak_bytes(), "loaded": loaded}))


def measured(way: str, path: Path, options: dict[str, object], limit: float) -> dict[str, float] | None:
    """What one way took in a process of its own; None where it did not end within `limit` seconds or failed."""
    command = [sys.executable, __file__, "--run", way, str(path), "--options", json.dumps(options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        print(f"  {way}: not done within {limit:g} s", flush=True)
        return None
    if done.returncode:
        print(f"  {way}: failed ({done.returncode}): {done.stderr.strip()[-300:]}", flush=True)
        return None
    return json.loads(done.stdout)


def row(way: str, megapixels: float, took: dict[str, float], against: dict[str, float] | None) -> str:
    """A line of the table."""
    times = f"{against['cpu'] / took['cpu']:.1f}" if against else ""
    return (f"| {megapixels:.2f} | {way} | {took['polygons']:,} | {took['cpu']:.1f} | {took['cpu'] / megapixels:.2f} | "
            f"{took['seconds']:.0f} | {took['peak'] / 1e9:.2f} ({took['loaded'] / 1e9:.2f}) | {times} |")


def main() -> None:
    """Make rasters and run every way on each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["noise", "scene"], default="noise")
    parser.add_argument("--size", type=int, nargs="+", default=[500, 707, 1000, 3163], help="side in pixels")
    parser.add_argument("--both-up-to", type=float, default=1.0, metavar="MPX",
                        help="the other way runs on rasters up to this size only, in million pixels")
    parser.add_argument("--limit", type=float, default=600, help="seconds that one run may take")
    parser.add_argument("--options", type=json.loads, default={}, help='PolygonOptions as JSON, {"simplify": 0.2}')
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run_one(arguments.run[0], Path(arguments.run[1]), arguments.options)
        return
    print("| Mpx | way | polygons | CPU s | CPU s / Mpx | s | peak GB (libraries) | CPU of theirs / ours |\n"
          "|---|---|---|---|---|---|---|---|", flush=True)
    for size in arguments.size:
        megapixels = size * size / 1e6
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "labels.tif"
            make_raster(path, arguments.kind, size)
            other = None
            if megapixels <= arguments.both_up_to:
                other = measured("theirs", path, {}, arguments.limit)
                if other:
                    print(row("theirs", megapixels, other, None), flush=True)
            own = measured("ours", path, arguments.options, arguments.limit)
            if own:
                print(row("ours", megapixels, own, other), flush=True)


if __name__ == "__main__":
    main()
