"""Builds and unpacks the QGIS plugin's zip for the tests."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "qgis_plugin"


def build_script() -> ModuleType:
    """`scripts/build_plugin.py` as a module."""
    spec = importlib.util.spec_from_file_location("build_plugin", ROOT / "scripts" / "build_plugin.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build_and_unpack(folder: Path) -> tuple[Path, Path]:
    """The zip, and the folder that it was unpacked into."""
    archive = build_script().build(ROOT, folder / "dist")
    plugins = folder / "plugins"
    with zipfile.ZipFile(archive) as content:
        content.extractall(plugins)
    return archive, plugins
