"""The installation that runs, if one does: it goes on when the settings page is closed."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from .. import preferences
from ..engine.errors import EngineCancelled, EngineError
from ..engine.install_options import InstallOptions
from ..tasks.environment_task import EnvironmentTask
from ..translation import tr


class Installation(QObject):
    """Makes the plugin's own environment, one at a time.

    Signals
    -------
    moved(float, str)
        Percent done, and what is being done.
    ended(str)
        It is over; the sentence says how.
    """

    moved = pyqtSignal(float, str)
    ended = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.task: EnvironmentTask | None = None
        self.error: EngineError | None = None
        self._log = ""

    @property
    def log(self) -> str:
        """What was run, and what it printed."""
        return self.task.log.text if self.task is not None else self._log

    def start(self, base_python: str, options: InstallOptions) -> None:
        """Begin; nothing happens while one runs."""
        if self.task is not None:
            return
        self.error = None
        self.task = EnvironmentTask(preferences.own_environment(), base_python, options)
        self.task.spoke.connect(self._spoke)
        self.task.ended.connect(self._ended)
        QgsApplication.taskManager().addTask(self.task)

    def cancel(self) -> None:
        """Stop it; what it made so far is removed."""
        if self.task is not None:
            self.task.cancel()

    def _spoke(self, text: str) -> None:
        if self.task is not None:
            self.moved.emit(self.task.progress(), text)

    def _ended(self) -> None:
        task, self.task = self.task, None
        if task is None:
            return
        self.error, self._log = task.error, task.log.text
        if task.error is None:
            preferences.write("mode", preferences.OWN)
            self.ended.emit(tr("The engine is ready."))
        elif isinstance(task.error, EngineCancelled):
            self.ended.emit(tr("The installation was cancelled."))
        else:
            self.ended.emit(str(task.error))
