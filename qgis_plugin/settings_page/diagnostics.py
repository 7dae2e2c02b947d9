"""The report for a bug's description: versions, paths, interpreter, accelerator, last log."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from qgis.core import Qgis
from qgis.PyQt.QtCore import PYQT_VERSION_STR, QT_VERSION_STR

from .. import preferences
from ..about import FOLDER, version
from ..engine.accelerator import describe_accelerator
from ..engine.engine import Engine
from ..engine.errors import EngineError
from ..engine.feature_stores import size_text
from ..log import last_log


def report(interpreter: str, data_folder: Path, log: str) -> str:
    """The whole report; the engine is asked, so this takes seconds and belongs into a worker thread."""
    environment = preferences.OwnEnvironment(data_folder).look()
    lines = [
        "geo-ovss plugin " + version(),
        f"QGIS {Qgis.version()}, Qt {QT_VERSION_STR}, PyQt {PYQT_VERSION_STR}",
        f"QGIS's Python {platform.python_version()} ({sys.executable})",
        f"System {platform.platform()}",
        f"Plugin folder {FOLDER}",
        f"Data folder {data_folder}, {_free(data_folder)} free",
        f"Own environment: {environment.state.value} {environment.reason}".rstrip(),
        f"Interpreter: {interpreter or 'none chosen'}",
        *_engine_lines(interpreter),
        "",
        "Last log:",
        log or "nothing was run yet",
    ]
    return "\n".join(lines)


def current_log() -> str:
    """The log of the last run."""
    return last_log.text


def _engine_lines(interpreter: str) -> list[str]:
    if not interpreter:
        return []
    try:
        answer = "geo-ovss " + Engine(interpreter).version()
    except EngineError as error:
        return [f"Engine: {error}"]
    return [f"Engine: {answer}", describe_accelerator(interpreter)]


def _free(folder: Path) -> str:
    place = next((path for path in (folder, *folder.parents) if path.exists()), Path.home())
    return size_text(shutil.disk_usage(place).free)
