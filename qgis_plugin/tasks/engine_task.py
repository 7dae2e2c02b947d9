"""The base of the plugin's tasks: runs in a worker thread, ends with a result or with one sentence."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..engine.errors import EngineCancelled, EngineError
from ..engine.run_log import RunLog
from ..log import last_log
from ..translation import tr


class EngineTask(QgsTask):
    """Calls `work` in a worker thread; `ended` follows in the main thread, whatever happened.

    Attributes
    ----------
    result : object
        What `work` gave; None unless it came to its end.
    error : EngineError or None
        Why it did not.
    log : RunLog
        What was run, and what it printed.
    """

    spoke = pyqtSignal(str)
    """One line about where the work is."""

    keeps_log = True
    """Whether its log is one that the user wants to see: a run's, not that of a question in the background."""

    ended = pyqtSignal()
    """The task is over; `result` or `error` is set."""

    def __init__(self, title: str) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self.log = RunLog()
        self.result: Any = None
        self.error: EngineError | None = None

    def work(self) -> Any:
        """What the task is for; it asks `isCanceled` often and raises `EngineError`."""
        raise NotImplementedError

    def run(self) -> bool:
        """Called by QGIS in a worker thread. Nothing may leave it: an exception there would end QGIS."""
        try:
            self.result = self.work()
        except EngineError as error:
            self.error = error
        except Exception as error:  # a fault of the plugin itself: told like any other
            self.log.add(repr(error))
            self.error = EngineError(tr("The geo-ovss plugin failed: {}").format(error))
        return self.error is None

    def finished(self, result: bool) -> None:
        """Called by QGIS in the main thread."""
        if not result and self.error is None:
            self.error = EngineCancelled()
        if self.keeps_log:
            last_log.keep(self.log, failed=self.error is not None and not isinstance(self.error, EngineCancelled))
        self.ended.emit()
