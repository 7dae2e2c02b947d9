"""The plugin's own virtual environment, in the user's data folder; nothing goes into QGIS's own Python.

An environment lies in ``engine-<number>`` with a note ``geo-ovss-environment.json`` inside. The note says "making"
from the first moment and "whole" only after the engine has answered, so that an environment whose making was cut short
(a crash, a full disk, no power) is recognised. A new one is made beside the one in use and takes its place when it is
whole; a failed one is removed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .base_pythons import check_base_python
from .child_environment import clean_environment
from .child_process import ChildProcess
from .engine import FIRST_START_SECONDS, Engine
from .errors import EngineCancelled, EngineError, EngineFailed, EnvironmentRefused
from .install_options import InstallOptions
from .run_log import RunLog
from .texts import tr

NOTE = "geo-ovss-environment.json"
PREFIX = "engine-"
MAKING, WHOLE = "making", "whole"


class EnvironmentState(Enum):
    """What is found in the data folder."""

    ABSENT = "absent"
    HALF_MADE = "half-made"
    BROKEN = "broken"
    READY = "ready"


@dataclass(frozen=True)
class FoundEnvironment:
    """An environment of the plugin, and its state."""

    state: EnvironmentState
    folder: Path | None = None
    reason: str = ""

    @property
    def interpreter(self) -> str:
        """Its Python; empty where there is none."""
        return str(interpreter_in(self.folder)) if self.folder is not None else ""


def interpreter_in(folder: Path) -> Path:
    """Where a virtual environment has its interpreter."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class OwnEnvironment:
    """The environments under a data folder.

    Parameters
    ----------
    data_folder : Path
        The plugin's folder in the user's data.
    """

    def __init__(self, data_folder: Path) -> None:
        self.data_folder = data_folder

    def look(self) -> FoundEnvironment:
        """The environment as the files show it; quick, nothing is started."""
        notes = {folder: _read_state(folder) for folder in self._folders()}
        whole = [folder for folder, state in notes.items() if state == WHOLE]
        if whole:
            folder = whole[-1]
            if interpreter_in(folder).exists():
                return FoundEnvironment(EnvironmentState.READY, folder)
            return FoundEnvironment(EnvironmentState.BROKEN, folder, tr("Its interpreter is missing."))
        if notes:
            unfinished = tr("Its making did not come to an end.")
            return FoundEnvironment(EnvironmentState.HALF_MADE, list(notes)[-1], unfinished)
        return FoundEnvironment(EnvironmentState.ABSENT)

    def check(self, log: RunLog | None = None) -> FoundEnvironment:
        """The environment as it answers: its engine is asked for its version."""
        found = self.look()
        if found.state is EnvironmentState.READY:
            try:
                Engine(found.interpreter).version(log)
            except EngineError as error:
                return FoundEnvironment(EnvironmentState.BROKEN, found.folder, str(error))
        return found

    def make(
        self,
        base_python: str,
        options: InstallOptions,
        log: RunLog,
        on_step: Callable[[int, int, str], None],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> str:
        """Make an environment with the engine in it; the earlier ones go once it is whole.

        Parameters
        ----------
        base_python : str
            The interpreter to make it with.
        on_step : callable
            Called with the step's number, how many there are, and what it does.

        Returns
        -------
        str
            The environment's interpreter.

        Raises
        ------
        EnvironmentRefused, EngineNotStarted, EngineFailed, EngineUnusable, EngineCancelled
        """
        earlier = self._folders()
        folder = self._new_folder(earlier)
        python = str(interpreter_in(folder))
        try:
            on_step(0, 3, tr("Checking the base interpreter"))
            check_base_python(base_python)
            _refuse_own_python(folder)
            folder.mkdir(parents=True)
            _write_state(folder, MAKING)
            on_step(0, 3, tr("Making the virtual environment"))
            _call(base_python, ["-m", "venv", str(folder)], folder, InstallOptions(), log, cancelled)
            on_step(1, 3, tr("Installing the engine"))
            _call(python, options.pip_arguments(), folder, options, log, cancelled)
            on_step(2, 3, tr("Asking the engine for its version"))
            Engine(python).version(log, cancelled, FIRST_START_SECONDS)
            _write_state(folder, WHOLE)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise EnvironmentRefused(tr("The environment cannot be made in {}: {}.").format(folder, error)) from error
        except EngineError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for old in earlier:
            shutil.rmtree(old, ignore_errors=True)
        on_step(3, 3, tr("The engine is ready"))
        return python

    def remove(self) -> None:
        """Delete every environment of the plugin."""
        for folder in self._folders():
            shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        found = [path for path in self.data_folder.glob(f"{PREFIX}*") if path.is_dir() and _number(path) is not None]
        return sorted(found, key=lambda path: _number(path) or 0)

    def _new_folder(self, earlier: list[Path]) -> Path:
        highest = max((_number(path) or 0 for path in earlier), default=0)
        return self.data_folder / f"{PREFIX}{highest + 1}"


def _call(
    program: str,
    arguments: list[str],
    folder: Path,
    options: InstallOptions,
    log: RunLog,
    cancelled: Callable[[], bool],
) -> None:
    """One step, run in `folder` (no module of the user's lies there), its output in the log."""
    log.add_command(program, arguments)
    errors = RunLog()

    def hear_error(line: str) -> None:
        errors.add(line)
        log.add(line)

    environment = options.environment(clean_environment(os.environ, program))
    if arguments[:2] == ["-m", "venv"]:
        environment.pop("PIP_REQUIRE_VIRTUALENV")  # venv brings pip in with a pip that is in no environment yet
    end = ChildProcess(program, arguments, environment, str(folder)).run(log.add, hear_error, cancelled)
    if end.cancelled:
        raise EngineCancelled
    if end.crashed or end.status != 0:
        reason = errors.last or log.last or tr("no reason was given")
        raise EngineFailed(tr("The environment was not made: {}").format(reason))


def _refuse_own_python(folder: Path) -> None:
    """QGIS's own Python is never written to, not even by a data folder chosen inside it."""
    for prefix in {sys.prefix, sys.base_prefix}:
        if Path(prefix).resolve() in [folder.resolve(), *folder.resolve().parents] and Path(prefix) != Path("/usr"):
            raise EnvironmentRefused(tr("{} lies inside QGIS's own Python; choose another data folder.").format(folder))


def _number(folder: Path) -> int | None:
    text = folder.name[len(PREFIX):]
    return int(text) if text.isdigit() else None


def _write_state(folder: Path, state: str) -> None:
    part = folder / (NOTE + ".part")
    part.write_text(json.dumps({"state": state}), encoding="utf-8")
    part.replace(folder / NOTE)


def _read_state(folder: Path) -> str:
    try:
        return str(json.loads((folder / NOTE).read_text(encoding="utf-8")).get("state"))
    except (OSError, ValueError, AttributeError):
        return MAKING
