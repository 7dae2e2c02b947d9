"""Builds the QGIS plugin's zip, installable by "Install from ZIP".

The zip holds one folder, ``geo_ovss_qgis`` (never ``geo_ovss``: it must not shadow the Python package), with the
plugin's code, ``metadata.txt`` and ``LICENSE``. The same sources give the same bytes.

Usage: python scripts/build_plugin.py [--out FOLDER]
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "geo_ovss_qgis"
SUFFIXES = {".py", ".svg", ".txt"}
BESIDE = ("metadata.txt", "LICENSE")
LARGEST = 1_000_000
"""Bytes: the plugin is code and one drawing."""

EPOCH = (2020, 1, 1, 0, 0, 0)
REQUIRED = (
    "name", "description", "about", "version", "qgisMinimumVersion", "author", "email", "repository", "tracker",
    "homepage", "icon", "license", "hasProcessingProvider",
)
"""What the plugin repository asks for, and what this plugin promises."""


class PluginError(Exception):
    """Something is missing, or too large."""


def read_metadata(path: Path) -> dict[str, str]:
    """The fields of metadata.txt; raises `PluginError` where a required one is missing or empty."""
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their capitals
    parser.read(path, encoding="utf-8")
    fields = dict(parser["general"])
    missing = [name for name in REQUIRED if not fields.get(name, "").strip()]
    if missing:
        raise PluginError(f"{path.name} lacks {', '.join(missing)}")
    return fields


def plugin_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Name inside the zip and path of every file, sorted."""
    source = root / "qgis_plugin"
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix in SUFFIXES and "__pycache__" not in path.parts:
            yield f"{FOLDER}/{path.relative_to(source).as_posix()}", path
    for name in BESIDE:
        yield f"{FOLDER}/{name}", root / name


def build(root: Path, out: Path) -> Path:
    """Write the zip into `out`; gives its path."""
    version = read_metadata(root / "metadata.txt")["version"]
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{FOLDER}-{version}.zip"
    part = target.with_name(target.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in plugin_files(root):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    if part.stat().st_size > LARGEST:
        part.unlink()
        raise PluginError(f"The zip is larger than {LARGEST} bytes")
    part.replace(target)
    return target


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Build the QGIS plugin's zip.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the zip (default: dist)")
    arguments = parser.parse_args()
    try:
        target = build(ROOT, arguments.out)
    except PluginError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target} ({target.stat().st_size / 1000:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
