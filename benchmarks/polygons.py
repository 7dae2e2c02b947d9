"""Seconds and memory of polygons: this project's against rasterio.features.shapes and a dissolve.

    python benchmarks/polygons.py --kind noise --size 3163
    python benchmarks/polygons.py --kind scene --size 20000 --only ours

``noise`` is salt and pepper of five classes, the worst that a raster can hold; ``scene`` is blobs with straight-edged
blocks, about as many borders as a real result has. Each way runs in a process of its own, whose peak memory is printed.
Quadratic time would show in a fourfold raster that takes more than four times as long: give several sizes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
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


def ours(path: Path, options: dict[str, object]) -> int:
    """Partition with attributes on the ellipsoid, written to a GeoPackage with its spatial index."""
    from geo_ovss.export import write_polygons
    from geo_ovss.polygons import PolygonOptions

    return write_polygons(path, None, NAMES, COLOURS, path.with_name("ours.gpkg"), overwrite=True,
                          options=PolygonOptions(**options)).count


def theirs(path: Path) -> int:
    """rasterio.features.shapes, a GeoDataFrame, a dissolve by class, written to a GeoPackage."""
    import geopandas as gpd
    import rasterio.features
    from shapely.geometry import shape

    with rasterio.open(path) as source:
        shapes = rasterio.features.shapes(rasterio.band(source, 1), mask=source.read(1) > 0, transform=source.transform)
        found = [(shape(geometry), int(value)) for geometry, value in shapes]
        frame = gpd.GeoDataFrame({"class_id": [v for _, v in found]}, geometry=[g for g, _ in found], crs=source.crs)
    frame.dissolve("class_id").to_file(path.with_name("theirs.gpkg"))
    return len(frame)


def run_one(way: str, path: Path, options: dict[str, object]) -> None:
    """Run one way in this process and print what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    count = ours(path, options) if way == "ours" else theirs(path)
    print(json.dumps({"way": way, "polygons": count, "seconds": round(time.perf_counter() - began, 1),
                      "cpu_seconds": round(time.process_time() - cpu, 1),
                      "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)}))


def main() -> None:
    """Make rasters and run every way on each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["noise", "scene"], default="noise")
    parser.add_argument("--size", type=int, nargs="+", default=[1581, 3163], help="side in pixels")
    parser.add_argument("--only", choices=["ours", "theirs"])
    parser.add_argument("--options", type=json.loads, default={}, help='PolygonOptions as JSON, {"simplify": 0.2}')
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run_one(arguments.run[0], Path(arguments.run[1]), arguments.options)
        return
    for size in arguments.size:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "labels.tif"
            make_raster(path, arguments.kind, size)
            for way in ("ours", "theirs"):
                if arguments.only in (None, way):
                    command = [sys.executable, __file__, "--run", way, str(path), "--options",
                               json.dumps(arguments.options)]
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    told = done.stdout.strip() or f"failed ({done.returncode}): {done.stderr.strip()[-300:]}"
                    print(f"{arguments.kind} {size} x {size} ({size * size / 1e6:.1f} Mpx): {told}", flush=True)


if __name__ == "__main__":
    main()
