"""Run, Cancel, and where the run is."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ..translation import tr


class RunBar(QWidget):
    """Two buttons, a bar, a line."""

    run_asked = pyqtSignal()
    cancel_asked = pyqtSignal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.run_button = QPushButton(tr("&Run"), self)
        self.run_button.setToolTip(tr("Segment the layer by these classes; kept features are asked again"))
        self.cancel_button = QPushButton(tr("Ca&ncel"), self)
        self.cancel_button.setToolTip(tr("Stop the run within two seconds; finished blocks are kept"))
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 100)
        self.bar.setToolTip(tr("How far the run is"))
        self.line = QLabel(self)
        self.line.setWordWrap(True)
        self.line.setToolTip(tr("What the engine does, its rate, and the time left"))
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.line)
        self.run_button.clicked.connect(lambda _checked=False: self.run_asked.emit())
        self.cancel_button.clicked.connect(lambda _checked=False: self.cancel_asked.emit())
        self.show_idle("")

    def show_running(self) -> None:
        """A run has begun."""
        self.run_button.setEnabled(False)
        self.cancel_button.setEnabled(True)
        self.bar.setTextVisible(True)
        self.bar.setValue(0)
        self.line.setText(tr("Starting the engine"))

    def show_progress(self, percent: float) -> None:
        """Move the bar."""
        self.bar.setValue(round(percent))

    def show_line(self, text: str) -> None:
        """Say where the run is."""
        self.line.setText(text)

    def show_idle(self, text: str) -> None:
        """No run, and how the last one ended."""
        self.run_button.setEnabled(True)
        self.cancel_button.setEnabled(False)
        self.bar.setTextVisible(False)
        self.bar.setValue(0)
        self.line.setText(text)
