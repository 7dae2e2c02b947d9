"""Interpreters that a new environment can be made with."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from .child_environment import clean_environment
from .child_process import ChildProcess
from .errors import EngineError, EnvironmentRefused
from .texts import tr

OLDEST, NEWEST = (3, 10), (3, 13)
"""The Pythons that geo-ovss runs on."""

PROBE = (
    "import sys, venv, ensurepip; "
    "print('base-python', sys.version_info[0], sys.version_info[1])"
)
"""Fails where the system has split venv or pip off into a package of its own (Debian: python3-venv)."""

PROBE_SECONDS = 60.0


def candidates() -> list[str]:
    """Interpreters of this computer, the likeliest first; none has been tried yet."""
    seen: dict[str, str] = {}
    for path in _places():
        if path and Path(path).is_file() and os.access(path, os.X_OK):
            seen.setdefault(os.path.normcase(os.path.realpath(path)), str(path))
    return list(seen.values())


def check_base_python(path: str) -> tuple[int, int]:
    """The interpreter's version, once it is known that an environment can be made with it.

    Raises
    ------
    EnvironmentRefused
        Where it is missing, too old or new, or has no venv.
    """
    printed: list[str] = []
    errors: list[str] = []
    child = ChildProcess(path, ["-I", "-c", PROBE], clean_environment(os.environ, path), str(Path.home()))
    try:
        end = child.run(printed.append, errors.append, limit_seconds=PROBE_SECONDS)
    except EngineError as error:
        raise EnvironmentRefused(tr("{} is not an interpreter that can be started.").format(path)) from error
    words = next((line.split() for line in printed if line.startswith("base-python ")), None)
    if end.status != 0 or end.crashed or words is None:
        reason = errors[-1] if errors else tr("it lacks venv or ensurepip (on Debian and Ubuntu: install python3-venv)")
        raise EnvironmentRefused(tr("No environment can be made with {}: {}.").format(path, reason))
    version = (int(words[1]), int(words[2]))
    if not OLDEST <= version <= NEWEST:
        unfit = tr("{} is Python {}; the engine needs {} to {}.")
        raise EnvironmentRefused(unfit.format(path, *map(_dotted, (version, OLDEST, NEWEST))))
    return version


def _places() -> Iterator[str | None]:
    """QGIS's own interpreter is looked at too: an environment made with it takes nothing of QGIS's packages."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        yield shutil.which(f"python3.{minor}")
    yield shutil.which("python3")
    yield shutil.which("python")
    prefix = Path(sys.base_prefix)
    for name in ("python.exe", "python3.exe", "bin/python3", "Resources/bin/python3"):
        yield str(prefix / name)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
