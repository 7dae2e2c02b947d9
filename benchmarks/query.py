"""What a question to kept features costs against encoding them: `encode`, then `query`, by the command line.

    python benchmarks/query.py SCENE.tif [--preset mini] [--dtype int8] [--set stride=224]

Prints wall-clock and processor seconds of both, with the size of the store, before compression and on disk. Starting
the program costs seconds in both; `--help` is run to say how many.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measure import run

from geo_ovss.store import SceneFeatures


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", type=Path)
    parser.add_argument("--classes", default="building,road,vegetation,water,land")
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--dtype", default="float16")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    options = parser.parse_args()
    chosen = [word for setting in options.settings for word in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "scene.features"
        costs = {
            "`--help`": run("query", "--help"),
            "`encode`": run("encode", str(options.scene), "-o", str(store), "--preset", options.preset, "--dtype",
                            options.dtype, "--progress", "none", *chosen),
            "`query`": run("query", str(store), "--classes", options.classes, "-o", f"{folder}/out.gpkg", "--progress",
                           "none"),
        }
        features = SceneFeatures.open(store)
        megapixels = features.layout.height * features.layout.width / 1e6
        print(f"{options.scene.name}, {megapixels:.2f} megapixels, {options.preset}; features in {options.dtype} "
              f"{features.info.expected_bytes / 1e6:.1f} MB, {features.nbytes / 1e6:.1f} MB on disk\n")
    print("| command | seconds | processor s | peak GB |\n|---|---|---|---|")
    for name, cost in costs.items():
        print(f"| {name} | {cost.seconds:.1f} | {cost.processor_seconds:.1f} | {cost.peak_bytes / 1e9:.2f} |")
    encode, query = costs["`encode`"], costs["`query`"]
    print(f"\nA question takes 1/{encode.seconds / query.seconds:.1f} of the seconds of encoding, "
          f"1/{encode.processor_seconds / query.processor_seconds:.1f} of the processor's.")


if __name__ == "__main__":
    main()
