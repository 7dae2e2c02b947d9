"""Progress of a run: a bar on a terminal, plain lines elsewhere, JSON lines for programs.

A run passes through named stages; each has a total and is advanced. Messages are one-line notes. The JSON form is one
object a line on stdout: ``{"stage", "done", "total", "message"}``, with ``rate`` (per second) and ``remaining``
(seconds) where they are known; the last line has ``stage`` "done" and ``outputs``.
"""

from __future__ import annotations

import json
import sys
import time
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichBar

PLAIN_SECONDS = 10.0
"""Plain output prints a stage's state at most this often: logs stay readable."""

JSON_SECONDS = 0.1
"""JSON lines come at most this often: a panel redraws no faster."""


class Progress:
    """Silent progress; the base of the others. One stage at a time.

    Attributes
    ----------
    timings : dict of str to float
        Seconds that each ended stage has taken.
    """

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}
        self.stage, self.done, self.total = "", 0.0, 0.0
        self._began = time.monotonic()
        self._first = 0.0

    def start(self, stage: str, total: float, done: float = 0.0) -> None:
        """Begin a stage of `total` steps, `done` of which an earlier run had finished."""
        self.end_stage()
        self.stage, self.total, self.done, self._first = stage, total, done, done
        self._began = time.monotonic()
        self._show(force=True)

    def end_stage(self) -> None:
        """Note how long the present stage took; the next one's start does this too."""
        if self.stage:
            self.timings[self.stage] = self.timings.get(self.stage, 0.0) + time.monotonic() - self._began
            self.stage = ""

    def advance(self, steps: float = 1.0) -> None:
        """Count steps of the present stage."""
        self.done += steps
        self._show(force=self.done >= self.total)

    def message(self, text: str) -> None:
        """Tell the user one line."""

    def finish(self, message: str, outputs: dict[str, str]) -> None:
        """The run is over: one line, and where the results lie."""

    def fail(self, message: str) -> None:
        """The run ends with this sentence (which the command line prints on stderr)."""

    def close(self) -> None:
        """Leave the terminal as it was."""

    @property
    def rate(self) -> float:
        """Steps a second in this run."""
        return (self.done - self._first) / max(time.monotonic() - self._began, 1e-9)

    @property
    def remaining(self) -> float | None:
        """Seconds left of this stage, or None while nothing is known."""
        return (self.total - self.done) / self.rate if self.done > self._first else None

    def _show(self, force: bool) -> None:
        pass


class PlainProgress(Progress):
    """Lines of text, a few a minute."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__()
        self._stream, self._shown = stream or sys.stderr, 0.0

    def _show(self, force: bool) -> None:
        now = time.monotonic()
        if (force and self.done in (0, self._first, self.total)) or now - self._shown >= PLAIN_SECONDS:
            self._shown = now
            left = f", about {self.remaining:.0f} s left" if self.remaining and self.done < self.total else ""
            self._print(f"{self.stage}: {self.done:g} of {self.total:g}{left}")

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def message(self, text: str) -> None:
        self._print(text)

    def finish(self, message: str, outputs: dict[str, str]) -> None:
        self._print(message)


class JsonProgress(Progress):
    """One JSON object a line."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__()
        self._stream, self._shown = stream or sys.stdout, 0.0

    def _emit(self, **fields: Any) -> None:
        print(json.dumps(fields, ensure_ascii=False), file=self._stream, flush=True)

    def _state(self, message: str = "") -> dict[str, Any]:
        state: dict[str, Any] = {"stage": self.stage, "done": self.done, "total": self.total, "message": message}
        if self.remaining is not None:
            state |= {"rate": round(self.rate, 4), "remaining": round(self.remaining, 1)}
        return state

    def _show(self, force: bool) -> None:
        now = time.monotonic()
        if force or now - self._shown >= JSON_SECONDS:
            self._shown = now
            self._emit(**self._state())

    def message(self, text: str) -> None:
        self._emit(**self._state(text))

    def finish(self, message: str, outputs: dict[str, str]) -> None:
        self._emit(stage="done", done=1, total=1, message=message, outputs=outputs)

    def fail(self, message: str) -> None:
        self._emit(stage="error", done=self.done, total=self.total, message=message)


class BarProgress(Progress):
    """A bar with rate and remaining time, on a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True)
        self._bar = RichBar(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(), console=self._console,
        )
        self._task: TaskID | None = None

    def start(self, stage: str, total: float, done: float = 0.0) -> None:
        self._bar.start()
        if self._task is not None:
            self._bar.stop_task(self._task)
        self._task = self._bar.add_task(stage, total=total, completed=int(done), rate="")
        super().start(stage, total, done)

    def _show(self, force: bool) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=self.done, rate=f"{self.rate:.2f}/s" if self.rate else "")

    def message(self, text: str) -> None:
        self._console.print(text, highlight=False)

    def finish(self, message: str, outputs: dict[str, str]) -> None:
        self.close()
        self._console.print(message, highlight=False)

    def close(self) -> None:
        self._bar.stop()


def make_progress(kind: str) -> Progress:
    """The progress called `kind`: "auto" (a bar on a terminal, else lines), "bar", "plain", "json", "none"."""
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "plain"
    return {"bar": BarProgress, "plain": PlainProgress, "json": JsonProgress, "none": Progress}[kind]()
