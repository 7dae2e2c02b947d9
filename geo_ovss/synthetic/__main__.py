"""``python -m geo_ovss.synthetic OUT.tif``: draw a scene into a GeoTIFF."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..errors import GeoOvssError
from .classes import CLASSES
from .mosaic import write_large
from .scene import STYLES
from .write import FIVE_CLASSES, write_scene


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m geo_ovss.synthetic", description="Draw a synthetic overhead scene."
    )
    parser.add_argument("out", metavar="OUT.tif", help="the GeoTIFF to write")
    parser.add_argument(
        "--size", type=int, nargs="+", default=[1024], metavar="N", help="pixels a side, or rows and columns"
    )
    parser.add_argument("--gsd", type=float, default=0.3, help="metres a pixel (0.3)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same scene (1)")
    parser.add_argument("--style", choices=sorted(STYLES), help="kind of scene; by default at random")
    parser.add_argument("--season", choices=("spring", "summer", "dry", "autumn", "winter"))
    parser.add_argument("--labels", metavar="L.tif", help="also write the exact labels")
    parser.add_argument(
        "--classes",
        help="comma-separated class names of the labels, fine or coarse "
        f"({','.join(FIVE_CLASSES)}; fine ones are {', '.join(name for name, _ in CLASSES)})",
    )
    parser.add_argument("--crs", default="EPSG:32632", help="coordinate system in metres (EPSG:32632)")
    parser.add_argument("--dtype", choices=("uint8", "uint16", "int16", "float32"), default="uint8")
    parser.add_argument("--nodata-wedge", action="store_true", help="leave a wedge without data")
    parser.add_argument(
        "--undeclared", action="store_true", help="do not declare the wedge; it is black with JPEG noise"
    )
    parser.add_argument("--rotation", type=float, default=0.0, metavar="DEG", help="rotate the geotransform")
    parser.add_argument("--large", action="store_true", help="stream a BigTIFF mosaic of any size")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status (2: the input is wrong)."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if len(args.size) > 2:
        parser.error("--size takes one number or two")
    size = args.size[0] if len(args.size) == 1 else (args.size[0], args.size[1])
    classes = {name.strip(): (name.strip(),) for name in args.classes.split(",")} if args.classes else FIVE_CLASSES
    try:
        if args.large:
            styles = [args.style] if args.style else None
            write_large(args.out, size, args.gsd, args.seed, crs=args.crs, labels_path=args.labels, classes=classes,
                        styles=styles, overwrite=args.overwrite)  # fmt: skip
        else:
            write_scene(
                args.out,
                args.seed,
                size,
                args.gsd,
                crs=args.crs,
                dtype=args.dtype,
                nodata_wedge=args.nodata_wedge,
                declare_nodata=not args.undeclared,
                rotation_deg=args.rotation,
                labels_path=args.labels,
                classes=classes,
                style=args.style,
                season=args.season,
                overwrite=args.overwrite,
            )
    except (GeoOvssError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
