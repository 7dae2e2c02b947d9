"""How much the labels of a scene depend on where it was cut: crops saved as files of their own, shifted by pixels.

    python benchmarks/crops.py SCENE.tif [--side 1200] [--shifts 1,7,16,50,100]

Each crop is segmented alone and compared with the scene's own labels, away from the crop's border by a window. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import rasterio
from rasterio.windows import Window

from geo_ovss.segmenter import Segmenter

CLASSES = "building,road,vegetation,water,land"


def main() -> None:
    """Print one row a shift."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", type=Path)
    parser.add_argument("--side", type=int, default=1200)
    parser.add_argument("--shifts", default="1,7,16,50,100")
    parser.add_argument("--preset", default="mini")
    options = parser.parse_args()
    segmenter = Segmenter(options.preset)
    whole = segmenter.segment(options.scene, CLASSES).labels
    margin = segmenter.preset.window
    print("| crop moved by (pixels) | labels that agree |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder, rasterio.open(options.scene) as source:
        for shift in map(int, options.shifts.split(",")):
            window = Window(shift, shift, options.side, options.side)
            profile = source.profile | {"height": options.side, "width": options.side, "compress": "deflate",
                                        "transform": source.window_transform(window)}
            profile.pop("photometric", None)
            crop = Path(folder) / f"crop_{shift}.tif"
            with rasterio.open(crop, "w", **profile) as out:
                out.write(source.read(window=window))
            ours = segmenter.segment(crop, CLASSES).labels
            theirs = whole[shift : shift + options.side, shift : shift + options.side]
            inner = (slice(margin, -margin), slice(margin, -margin))
            both = (ours[inner] > 0) & (theirs[inner] > 0)
            print(f"| {shift} | {(ours[inner] == theirs[inner])[both].mean():.2%} |", flush=True)


if __name__ == "__main__":
    main()
