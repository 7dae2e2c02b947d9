"""One child process: started with an argument list, read line by line, stopped within two seconds.

Blocking on purpose: it is called in a worker thread (a task of QGIS) or by a Processing algorithm. Qt's process class
hides the console window on Windows and quotes arguments there; no shell is ever involved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from qgis.PyQt.QtCore import QIODevice, QProcess, QProcessEnvironment

from .errors import EngineNotStarted

POLL_MS = 100
"""How often a waiting run looks whether it was cancelled."""

START_MS = 15_000
"""A process that has not started by then never will."""

GRACE_MS = 1_000
"""After the polite signal the process has this long before it is killed; with the poll this stays below two seconds."""

LONGEST_LINE = 64_000
"""Bytes; a longer line is handed on in pieces, so that a child that prints no line ends cannot fill the memory."""


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended.

    Attributes
    ----------
    status : int
        Its exit status; meaningless where it crashed.
    crashed : bool
        Whether a signal ended it (out of memory, a fault in a library).
    cancelled : bool
        Whether we stopped it.
    timed_out : bool
        Whether its time limit ran out.
    """

    status: int
    crashed: bool = False
    cancelled: bool = False
    timed_out: bool = False


class _Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hand_on(line)
        if len(self._rest) > LONGEST_LINE:
            self.end()

    def end(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._hand_on(rest)

    def _hand_on(self, line: bytes) -> None:
        self._on_line(line.decode("utf-8", errors="replace").rstrip("\r"))


class ChildProcess:
    """A program with its arguments, environment and folder, ready to run once."""

    def __init__(self, program: str, arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> None:
        self.program, self.arguments = program, list(arguments)
        self._environment, self._folder = environment, folder

    def run(
        self,
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
        cancelled: Callable[[], bool] = lambda: False,
        limit_seconds: float | None = None,
    ) -> ChildEnd:
        """Run to the end, or until `cancelled()` says so, or until the limit.

        Raises
        ------
        EngineNotStarted
            When the program is missing or may not be run.
        """
        process = self._start()
        out, err = _Lines(on_stdout), _Lines(on_stderr)
        deadline = None if limit_seconds is None else monotonic() + limit_seconds
        stopped = timed_out = False
        while process.state() != QProcess.ProcessState.NotRunning:
            process.waitForReadyRead(POLL_MS)
            self._drain(process, out, err)
            timed_out = deadline is not None and monotonic() > deadline
            if cancelled() or timed_out:
                stopped = not timed_out
                _stop(process)
                break
        self._drain(process, out, err)
        out.end()
        err.end()
        crashed = process.exitStatus() == QProcess.ExitStatus.CrashExit
        return ChildEnd(process.exitCode(), crashed, stopped, timed_out)

    def _start(self) -> QProcess:
        process = QProcess()
        process.setProgram(self.program)
        process.setArguments(self.arguments)
        process.setWorkingDirectory(self._folder)
        environment = QProcessEnvironment()
        for name, value in self._environment.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.start(QIODevice.OpenModeFlag.ReadOnly)
        if not process.waitForStarted(START_MS):
            raise EngineNotStarted(self.program)
        return process

    @staticmethod
    def _drain(process: QProcess, out: _Lines, err: _Lines) -> None:
        out.take(bytes(process.readAllStandardOutput()))
        err.take(bytes(process.readAllStandardError()))


def _stop(process: QProcess) -> None:
    """End a process politely, then not."""
    process.terminate()
    if not process.waitForFinished(GRACE_MS):
        process.kill()
        process.waitForFinished(GRACE_MS // 2)
