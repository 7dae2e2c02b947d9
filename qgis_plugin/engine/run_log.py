"""The log of one run: what was started, what it printed, how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock

MOST_LINES = 5_000
"""Lines kept of the newest; a child that prints without end cannot fill the memory."""

FIRST_LINES = 50
"""Lines kept of the beginning: what was started, and how it went wrong first."""


class RunLog:
    """Lines of text: the first few, and the newest `MOST_LINES`. One thread may write while another reads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._first: list[str] = []
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._dropped = 0

    def add(self, line: str) -> None:
        """Append a line."""
        with self._lock:
            if len(self._first) < FIRST_LINES:
                self._first.append(line)
                return
            self._dropped += len(self._lines) == MOST_LINES
            self._lines.append(line)

    def add_command(self, program: str, arguments: Sequence[str]) -> None:
        """Append what is about to be run."""
        self.add("$ " + " ".join([program, *(f'"{text}"' if " " in text else text for text in arguments)]))

    @property
    def text(self) -> str:
        """The whole log."""
        with self._lock:
            gap = [f"... {self._dropped} lines left out"] if self._dropped else []
            return "\n".join([*self._first, *gap, *self._lines])

    @property
    def last(self) -> str:
        """The last line that says something, or an empty string."""
        with self._lock:
            newest = [*self._first, *self._lines]
        return next((line.strip() for line in reversed(newest) if line.strip()), "")
