"""The engine as the rest of the plugin sees it: an interpreter that runs ``geo_ovss``."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence

from .child_environment import clean_environment
from .child_process import ChildEnd, ChildProcess
from .errors import EngineCancelled, EngineError, EngineFailed, EngineUnusable
from .events import EngineEvent, parse_event
from .run_log import RunLog
from .texts import tr

ENGINE_SERIES = (0, 1)
"""The engine's major and minor version whose command line this plugin speaks."""

CHECK_SECONDS = 120.0
"""Time limit of a check."""

FIRST_START_SECONDS = 900.0
"""Time limit of the first start of a fresh environment: it compiles every module it imports, from a cold disk."""

VERSION_LINE = re.compile(r"geo-ovss (\d+)\.(\d+)(\S*)")

USER_ERROR = 2
"""The engine's exit status where the input is wrong; its sentence is on standard error."""


class Engine:
    """Runs the engine's command line.

    Parameters
    ----------
    interpreter : str
        The Python that has ``geo_ovss``.
    """

    def __init__(self, interpreter: str) -> None:
        self.interpreter = interpreter

    def run(
        self,
        arguments: Sequence[str],
        log: RunLog,
        on_event: Callable[[EngineEvent], None] = lambda event: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, str]:
        """Run one command to its end and give the files it wrote, by kind.

        Raises
        ------
        EngineNotStarted, EngineCancelled, EngineFailed
        EngineUnusable
            It ended before it said anything: the interpreter has no engine, or its libraries are broken.
        """
        last: list[EngineEvent] = []

        def hear(line: str) -> None:
            event = parse_event(line)
            if event is None or event.message:
                log.add(line if event is None else f"{event.stage}: {event.message}")
            if event is not None:
                last[:] = [event]
                on_event(event)

        end, errors = self._call(["-m", "geo_ovss", *arguments], log, hear, cancelled)
        if end.cancelled:
            raise EngineCancelled
        event = last[0] if last else EngineEvent("")
        if not last and not end.crashed and end.status not in (0, USER_ERROR):
            raise EngineUnusable(self._cannot_run(errors))
        if end.crashed or end.status != 0:
            raise EngineFailed(_sentence(end, event, errors))
        if event.stage != "done":
            raise EngineFailed(tr("The engine ended without saying what it wrote; the log shows what it printed."))
        return event.outputs

    def ask(
        self,
        arguments: Sequence[str],
        log: RunLog,
        cancelled: Callable[[], bool] = lambda: False,
        limit_seconds: float = CHECK_SECONDS,
    ) -> str:
        """Run a short command (``-m geo_ovss --version``, ``-c ...``) and give its standard output.

        Raises
        ------
        EngineNotStarted, EngineCancelled, EngineUnusable
        """
        answer: list[str] = []
        end, errors = self._call(list(arguments), log, answer.append, cancelled, limit_seconds)
        if end.cancelled:
            raise EngineCancelled
        if end.timed_out:
            late = tr("{} did not answer within {} seconds.")
            raise EngineUnusable(late.format(self.interpreter, round(limit_seconds)))
        if end.crashed or end.status != 0:
            raise EngineUnusable(self._cannot_run(errors))
        return "\n".join(answer)

    def version(
        self,
        log: RunLog | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        limit_seconds: float = CHECK_SECONDS,
    ) -> str:
        """The engine's version, once it is known to be one that this plugin speaks with.

        Raises
        ------
        EngineNotStarted, EngineCancelled, EngineUnusable
        """
        answer = self.ask(["-m", "geo_ovss", "--version"], log or RunLog(), cancelled, limit_seconds)
        match = VERSION_LINE.search(answer)
        if match is None:
            heard = _ending(answer[:80] or tr("nothing"))
            raise EngineUnusable(tr("{} answers, but not as geo-ovss: {}").format(self.interpreter, heard))
        series, version = (int(match[1]), int(match[2])), f"{match[1]}.{match[2]}{match[3]}"
        if series != ENGINE_SERIES:
            wanted = ".".join(map(str, ENGINE_SERIES))
            other = tr("{} has geo-ovss {}; this plugin needs {}.")
            raise EngineUnusable(other.format(self.interpreter, version, wanted))
        return version

    def _cannot_run(self, errors: RunLog) -> str:
        reason = _ending(errors.last or tr("it gave no reason"))
        return tr("{} cannot run geo-ovss: {}").format(self.interpreter, reason)

    def _call(
        self,
        arguments: list[str],
        log: RunLog,
        on_stdout: Callable[[str], None],
        cancelled: Callable[[], bool],
        limit_seconds: float | None = None,
    ) -> tuple[ChildEnd, RunLog]:
        """Start the interpreter in an empty folder: a module in QGIS's own one must not shadow the engine's."""
        errors = RunLog()

        def hear_error(line: str) -> None:
            errors.add(line)
            log.add(line)

        log.add_command(self.interpreter, arguments)
        folder = tempfile.mkdtemp(prefix="geo-ovss-")
        child = ChildProcess(self.interpreter, arguments, clean_environment(os.environ, self.interpreter), folder)
        try:
            end = child.run(on_stdout, hear_error, cancelled, limit_seconds)
        except EngineError as error:
            log.add(str(error))
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        log.add(_end_line(end))
        return end, errors


def _sentence(end: ChildEnd, event: EngineEvent, errors: RunLog) -> str:
    """What the user reads of a run that failed: the engine's own words where there are any."""
    if event.stage == "error" and event.message:
        own = event.message if end.status == USER_ERROR else tr("The engine failed: {}").format(event.message)
        return _ending(own)
    if end.crashed:
        return tr("The engine was ended by the system while it worked; most often the memory was not enough.")
    if end.status == USER_ERROR and errors.last:
        return _ending(errors.last)
    reason = errors.last or tr("it gave no reason")
    return tr("The engine failed (exit status {}): {}").format(end.status, _ending(reason))


def _ending(text: str) -> str:
    """Cut to a length that a message bar shows, ended as a sentence."""
    text = text if len(text) <= 300 else text[:297] + "..."
    return text if text.endswith((".", "!", "?")) else text + "."


def _end_line(end: ChildEnd) -> str:
    if end.cancelled or end.timed_out:
        return "[stopped: cancelled]" if end.cancelled else "[stopped: time limit]"
    return "[ended by a signal]" if end.crashed else f"[exit status {end.status}]"
