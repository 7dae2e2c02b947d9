"""The log of one run: what was started, what it printed, how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock

MOST_LINES = 5_000
"""Lines kept; older ones are dropped, so that a child that prints without end cannot fill the memory."""


class RunLog:
    """Lines of text; the newest `MOST_LINES` of them. One thread may write while another reads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._dropped = 0

    def add(self, line: str) -> None:
        """Append a line."""
        with self._lock:
            self._dropped += len(self._lines) == MOST_LINES
            self._lines.append(line)

    def add_command(self, program: str, arguments: Sequence[str]) -> None:
        """Append what is about to be run."""
        self.add("$ " + " ".join([program, *(f'"{text}"' if " " in text else text for text in arguments)]))

    @property
    def text(self) -> str:
        """The whole log."""
        with self._lock:
            head = [f"... {self._dropped} earlier lines left out"] if self._dropped else []
            return "\n".join([*head, *self._lines])

    @property
    def last(self) -> str:
        """The last line that says something, or an empty string."""
        with self._lock:
            return next((line.strip() for line in reversed(self._lines) if line.strip()), "")
