"""The plugin's own environment: its state, how it is made, and the making."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtGui import QShowEvent
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .. import preferences
from ..engine.base_pythons import candidates
from ..engine.install_options import InstallOptions
from ..engine.own_environment import EnvironmentState, FoundEnvironment
from ..tasks.call_task import CallTask
from ..translation import tr
from ..widgets.file_field import FileField
from .installation import Installation

LOG_MS = 400
"""How often the log is drawn while an installation runs."""

BUILDS = ("cpu", "cuda", "index")


class EnvironmentBox(QWidget):
    """Everything about the environment that the plugin makes.

    Parameters
    ----------
    installation : Installation
        The one that runs, or may be started.
    """

    def __init__(self, installation: Installation, parent: Any = None) -> None:
        super().__init__(parent)
        self._installation = installation
        self._check: CallTask | None = None
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self.state.setToolTip(tr("Whether the plugin's own environment is there and whole"))
        self.base = QComboBox(self)
        self.base.setEditable(True)
        self.base.setToolTip(tr("The Python 3.10 to 3.13 that the environment is made with; it is not changed"))
        self.build = QComboBox(self)
        self.build.addItems([tr("processor only"), tr("CUDA (NVIDIA)"), tr("as in pip's index")])
        self.build.setToolTip(tr("Which build of PyTorch is installed"))
        self.index = self._line(tr("pip's own"), tr("Package index in place of pip's own settings"))
        self.proxy = self._line(tr("as QGIS or the environment has it"), tr("HTTP proxy, such as http://host:3128"))
        tooltip = tr("Folder of wheels: with one, nothing is downloaded")
        self.wheels = FileField(QgsFileWidget.StorageMode.GetDirectory, tooltip, tr("none: download"), self)
        self.requirement = self._line("", tr("What pip installs: a version, or the path of a wheel"))
        self.install_button = self._button(tr("&Install"), tr("Make the environment; QGIS's own Python stays as it is"))
        self.install_button.clicked.connect(lambda _checked=False: self.install())
        self.cancel_button = self._button(tr("Ca&ncel"), tr("Stop the installation and remove what it made"))
        self.cancel_button.clicked.connect(lambda _checked=False: installation.cancel())
        self.remove_button = self._button(tr("&Remove"), tr("Delete the plugin's own environment"))
        self.remove_button.clicked.connect(lambda _checked=False: self.remove())
        self.bar = QProgressBar(self)
        self.bar.setToolTip(tr("How far the installation is"))
        self.log = QPlainTextEdit(self)
        self.log.setReadOnly(True)
        self.log.setMinimumHeight(110)
        self.log.setToolTip(tr("What the installation prints"))
        self._timer = QTimer(self)
        self._timer.setInterval(LOG_MS)
        self._timer.timeout.connect(self._draw_log)
        self._lay_out()
        self.read_preferences()
        installation.moved.connect(self._moved)
        installation.ended.connect(self._ended)
        self._show_running(installation.task is not None)
        self.show_state()

    def options(self) -> InstallOptions:
        """How the environment is filled, as the fields say."""
        self.write_preferences()
        return preferences.install_options()

    def install(self) -> None:
        """Make the environment, or make it anew."""
        self._show_running(True)
        self._installation.start(self.base.currentText().strip(), self.options())

    def remove(self) -> None:
        """Delete the environment."""
        preferences.own_environment().remove()
        self.show_state()

    def show_state(self) -> None:
        """Say what is there; a half-made or broken environment is offered for repair."""
        self._show(preferences.own_environment().look())

    def verify(self) -> None:
        """Ask a whole environment's engine whether it answers: files alone do not tell what is broken inside."""
        environment = preferences.own_environment()
        if self._check is None and environment.look().state is EnvironmentState.READY:
            self._check = CallTask(tr("Check the geo-ovss environment"), lambda log, _cancelled: environment.check(log))
            self._check.ended.connect(self._verified)
            QgsApplication.taskManager().addTask(self._check)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """The page is looked at: find out whether the environment is whole."""
        super().showEvent(event)
        self.verify()

    def _verified(self) -> None:
        task, self._check = self._check, None
        if task is not None and task.error is None and self._installation.task is None:
            self._show(task.result)

    def _show(self, found: FoundEnvironment) -> None:
        texts = {
            EnvironmentState.ABSENT: tr("There is no environment yet."),
            EnvironmentState.HALF_MADE: tr("The environment is half-made: repair it. {}"),
            EnvironmentState.BROKEN: tr("The environment is broken: repair it. {}"),
            EnvironmentState.READY: tr("The environment is whole: {}"),
        }
        ready = found.state is EnvironmentState.READY
        self.state.setText(texts[found.state].format(found.interpreter if ready else found.reason))
        repair = found.state in (EnvironmentState.HALF_MADE, EnvironmentState.BROKEN)
        again = tr("&Install again") if ready else tr("&Install")
        self.install_button.setText(tr("&Repair") if repair else again)
        self.remove_button.setEnabled(found.state is not EnvironmentState.ABSENT and self._installation.task is None)

    def read_preferences(self) -> None:
        """Fill the fields."""
        self.base.clear()
        self.base.addItems(candidates())
        if preferences.read("base_python"):
            self.base.setEditText(preferences.read("base_python"))
        self.build.setCurrentIndex(BUILDS.index(preferences.read("build")))
        self.index.setText(preferences.read("index"))
        self.proxy.setText(preferences.read("proxy"))
        self.wheels.setFilePath(preferences.read("wheels"))
        self.requirement.setText(preferences.read("requirement"))

    def write_preferences(self) -> None:
        """Keep what the fields say."""
        preferences.write("base_python", self.base.currentText().strip())
        preferences.write("build", BUILDS[self.build.currentIndex()])
        preferences.write("index", self.index.text().strip())
        preferences.write("proxy", self.proxy.text().strip())
        preferences.write("wheels", self.wheels.path())
        preferences.write("requirement", self.requirement.text().strip() or preferences.DEFAULTS["requirement"])

    def _moved(self, percent: float, text: str) -> None:
        self.bar.setValue(round(percent))
        self.state.setText(text)

    def _ended(self, sentence: str) -> None:
        self._show_running(False)
        self._draw_log()
        self.show_state()
        self.state.setText(f"{sentence} {self.state.text()}" if self._installation.error else self.state.text())

    def _show_running(self, running: bool) -> None:
        self.install_button.setEnabled(not running)
        self.remove_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.bar.setVisible(running)
        if running:
            self._timer.start()
        else:
            self._timer.stop()

    def _draw_log(self) -> None:
        text = self._installation.log
        if text != self.log.toPlainText():
            self.log.setPlainText(text)
            self.log.verticalScrollBar().setValue(self.log.verticalScrollBar().maximum())

    def _line(self, placeholder: str, tooltip: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setPlaceholderText(placeholder)
        line.setToolTip(tooltip)
        return line

    def _button(self, text: str, tooltip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tooltip)
        return button

    def _lay_out(self) -> None:
        form = QFormLayout()
        rows: tuple[tuple[str, QWidget], ...] = (
            (tr("Made with"), self.base),
            (tr("PyTorch"), self.build),
            (tr("Package index"), self.index),
            (tr("Proxy"), self.proxy),
            (tr("Wheel folder"), self.wheels),
            (tr("Package"), self.requirement),
        )
        for text, widget in rows:
            label = QLabel(text, self)
            label.setBuddy(widget)
            form.addRow(label, widget)
        buttons = QHBoxLayout()
        for button in (self.install_button, self.cancel_button, self.remove_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 0, 0, 0)
        layout.addWidget(self.state)
        layout.addLayout(form)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.log)
