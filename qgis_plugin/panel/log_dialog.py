"""The whole log of the last run."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtGui import QFontDatabase
from qgis.PyQt.QtWidgets import QApplication, QDialog, QDialogButtonBox, QPlainTextEdit, QPushButton, QVBoxLayout

from ..translation import tr


class LogDialog(QDialog):
    """A text to read and to copy."""

    def __init__(self, text: str, parent: Any = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("geo-ovss: log of the last run"))
        self.resize(760, 420)
        self.text = QPlainTextEdit(text or tr("Nothing was run yet."), self)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setToolTip(tr("What was started, and what it printed"))
        copy = QPushButton(tr("&Copy"), self)
        copy.setToolTip(tr("Copy the log to the clipboard"))
        copy.clicked.connect(lambda _checked=False: QApplication.clipboard().setText(self.text.toPlainText()))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
