"""One scene through the whole command: pixels a second and peak memory.

    python benchmarks/scene.py SCENE.tif [--classes ...] [--preset mini]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import rasterio
from measure import run


def main() -> None:
    """Print the cost of `segment` on a scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", type=Path)
    parser.add_argument("--classes", default="building,road,vegetation,water,land")
    parser.add_argument("--preset", default="mini")
    options = parser.parse_args()
    with rasterio.open(options.scene) as source:
        pixels = source.height * source.width
    with tempfile.TemporaryDirectory() as folder:
        cost = run("segment", str(options.scene), "--classes", options.classes, "--preset", options.preset,
                   "-o", f"{folder}/out.gpkg", "--labels", f"{folder}/out.tif", "--progress", "none")
    print(f"{options.scene.name}: {pixels / 1e6:.2f} megapixels in {cost.seconds:.1f} s ({cost.processor_seconds:.1f} "
          f"processor s), {pixels / cost.seconds:,.0f} pixels a second, peak memory {cost.peak_bytes / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
