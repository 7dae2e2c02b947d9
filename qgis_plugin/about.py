"""The plugin's own name, version and folder, read from its metadata."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
TITLE = "geo-ovss"
ICON = str(FOLDER / "icon.svg")


def version() -> str:
    """The version in metadata.txt."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(FOLDER / "metadata.txt", encoding="utf-8")
    return metadata.get("general", "version", fallback="unknown")
