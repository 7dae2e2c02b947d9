"""A short question to the engine, asked beside the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.run_log import RunLog
from .engine_task import EngineTask


class CallTask(EngineTask):
    """Calls a function with the task's log.

    Parameters
    ----------
    title : str
        As the task manager shows it.
    function : callable
        Takes the log and a callable that tells whether the task was cancelled.
    """

    keeps_log = False

    def __init__(self, title: str, function: Callable[[RunLog, Callable[[], bool]], Any]) -> None:
        super().__init__(title)
        self._function = function

    def work(self) -> Any:
        return self._function(self.log, self.isCanceled)
