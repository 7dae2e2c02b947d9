"""An interpreter that is there already, and a button that checks it."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..engine.engine import Engine
from ..tasks.call_task import CallTask
from ..translation import tr
from ..widgets.file_field import FileField


class ExistingBox(QWidget):
    """Path of the interpreter and what it answered."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        tooltip = tr("The Python in which geo-ovss is installed, such as .../venv/bin/python")
        self.path = FileField(QgsFileWidget.StorageMode.GetFile, tooltip, tr("interpreter with geo-ovss"), self)
        self.check_button = QPushButton(tr("&Check"), self)
        self.check_button.setToolTip(tr("Run geo-ovss --version with this interpreter"))
        self.check_button.clicked.connect(lambda _checked=False: self.check())
        self.answer = QLabel(self)
        self.answer.setWordWrap(True)
        self.answer.setToolTip(tr("What the interpreter answered"))
        self._task: CallTask | None = None
        line = QHBoxLayout()
        line.addWidget(self.path, 1)
        line.addWidget(self.check_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 0, 0, 0)
        layout.addLayout(line)
        layout.addWidget(self.answer)

    @property
    def checking(self) -> bool:
        """Whether an answer is awaited."""
        return self._task is not None

    def check(self) -> None:
        """Ask the interpreter for the engine's version, beside the window."""
        path = self.path.path()
        if not path:
            self.answer.setText(tr("Choose an interpreter first."))
        elif self._task is None:
            self.answer.setText(tr("Asking..."))
            self._task = CallTask(tr("Check the geo-ovss engine"), Engine(path).version)
            self._task.ended.connect(self._answered)
            QgsApplication.taskManager().addTask(self._task)

    def _answered(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            good = tr("geo-ovss {} answers.").format(task.result)
            self.answer.setText(str(task.error) if task.error is not None else good)
