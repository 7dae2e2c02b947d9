"""A path with its button, the tooltip on every part that takes the focus."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import QWidget


class FileField(QgsFileWidget):
    """A path to type or to choose.

    Parameters
    ----------
    mode : QgsFileWidget.StorageMode
        Whether a file is opened, saved, or a folder chosen.
    tooltip, placeholder : str
        The placeholder says what an empty field means.
    """

    def __init__(
        self, mode: QgsFileWidget.StorageMode, tooltip: str, placeholder: str = "", parent: Any = None
    ) -> None:
        super().__init__(parent)
        self.setStorageMode(mode)
        self.lineEdit().setPlaceholderText(placeholder)
        self.setToolTip(tooltip)
        for part in self.findChildren(QWidget):
            part.setToolTip(tooltip)

    def path(self) -> str:
        """What is in the field, without blanks around it."""
        return self.filePath().strip()
