"""The settings page."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget, QgsOptionsPageWidget
from qgis.PyQt.QtWidgets import QApplication, QFormLayout, QGroupBox, QLabel, QPushButton, QRadioButton, QVBoxLayout

from .. import preferences
from ..tasks.call_task import CallTask
from ..translation import tr
from ..widgets.file_field import FileField
from .diagnostics import current_log, report
from .environment_box import EnvironmentBox
from .existing_box import ExistingBox
from .installation import Installation


class SettingsPage(QgsOptionsPageWidget):
    """Which engine, where its things lie, and a report for bug descriptions."""

    def __init__(self, installation: Installation, parent: Any = None) -> None:
        super().__init__(parent)
        self.use_existing = QRadioButton(tr("Use an &existing interpreter"), self)
        self.use_existing.setToolTip(tr("geo-ovss is installed in a Python of yours"))
        self.existing = ExistingBox(self)
        self.use_own = QRadioButton(tr("Use the plugin's &own environment"), self)
        self.use_own.setToolTip(tr("The plugin installs geo-ovss into a virtual environment in your data folder"))
        self.environment = EnvironmentBox(installation, self)
        tooltip = tr("Environments and kept features lie here; features of large layers take gigabytes")
        self.data_folder = FileField(QgsFileWidget.StorageMode.GetDirectory, tooltip, "", self)
        self.report_button = QPushButton(tr("Copy &diagnostics"), self)
        self.report_button.setToolTip(
            tr("Copy versions, paths, interpreter, accelerator and last log to the clipboard; it names your folders")
        )
        self.report_button.clicked.connect(lambda _checked=False: self.copy_report())
        self.report_answer = QLabel(self)
        self.report_answer.setToolTip(tr("Whether the report is on the clipboard"))
        self._report_task: CallTask | None = None
        self._lay_out()
        self._read()
        installation.ended.connect(self._installed)

    def apply(self) -> None:
        """Keep what the page says; called by QGIS on OK."""
        preferences.write("mode", preferences.OWN if self.use_own.isChecked() else preferences.EXISTING)
        preferences.write("interpreter", self.existing.path.path())
        folder = self.data_folder.path()
        preferences.write("data_folder", "" if folder == self._default_folder else folder)
        self.environment.write_preferences()

    def copy_report(self) -> None:
        """Gather the report beside the window, then put it on the clipboard."""
        if self._report_task is None:
            interpreter, folder, log = preferences.interpreter(), preferences.data_folder(), current_log()
            task = CallTask(tr("geo-ovss diagnostics"), lambda _log, _cancelled: report(interpreter, folder, log))
            task.ended.connect(self._reported)
            self._report_task = task
            self.report_answer.setText(tr("Gathering..."))
            QgsApplication.taskManager().addTask(task)

    def _reported(self) -> None:
        task, self._report_task = self._report_task, None
        if task is not None:
            QApplication.clipboard().setText(str(task.error or task.result))
            self.report_answer.setText(tr("The report is on the clipboard."))

    def _installed(self, _sentence: str) -> None:
        self.use_own.setChecked(preferences.read("mode") == preferences.OWN)

    def _read(self) -> None:
        own = preferences.read("mode") == preferences.OWN
        self.use_own.setChecked(own)
        self.use_existing.setChecked(not own)
        self.existing.path.setFilePath(preferences.read("interpreter"))
        self._default_folder = str(preferences.data_folder()) if not preferences.read("data_folder") else ""
        self.data_folder.setFilePath(str(preferences.data_folder()))

    def _lay_out(self) -> None:
        engine = QGroupBox(tr("Engine"), self)
        engine_layout = QVBoxLayout(engine)
        for part in (self.use_existing, self.existing, self.use_own, self.environment):
            engine_layout.addWidget(part)
        label = QLabel(tr("Data &folder"), self)
        label.setBuddy(self.data_folder)
        form = QFormLayout()
        form.addRow(label, self.data_folder)
        form.addRow(self.report_button, self.report_answer)
        layout = QVBoxLayout(self)
        layout.addWidget(engine)
        layout.addLayout(form)
        layout.addStretch(1)
