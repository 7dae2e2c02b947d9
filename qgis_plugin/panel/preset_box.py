"""The preset, with one line about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from ..engine.presets import Preset
from ..translation import tr

NAME_ROLE = Qt.ItemDataRole.UserRole


class PresetBox(QWidget):
    """A box of presets and the line about the chosen one."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.box = QComboBox(self)
        self.box.setToolTip(tr("Which networks answer: small and offline, or larger and better"))
        self.title = QLabel(self)
        self.title.setWordWrap(True)
        self.title.setToolTip(tr("What the chosen preset is"))
        label = QLabel(tr("Pre&set"), self)
        label.setBuddy(self.box)
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow(label, self.box)
        layout.addRow(self.title)
        self._presets: list[Preset] = []
        self.box.currentIndexChanged.connect(self._show_title)

    def set_presets(self, presets: Sequence[Preset], chosen: str) -> None:
        """Offer these presets; `chosen` stays chosen where it is among them."""
        self._presets = list(presets)
        self.box.clear()
        for preset in presets:
            self.box.addItem(preset.name, preset.name)
        self.box.setCurrentIndex(max(self.box.findData(chosen, NAME_ROLE), 0))
        self._show_title()

    def preset(self) -> str:
        """The chosen preset's name."""
        return str(self.box.currentData(NAME_ROLE) or "")

    def _show_title(self, *_: Any) -> None:
        row = self.box.currentIndex()
        if not 0 <= row < len(self._presets):
            self.title.clear()
            return
        preset = self._presets[row]
        fetch = "" if preset.offline else " " + tr("Its weights are not part of the package (geo-ovss models fetch).")
        self.title.setText(preset.title + "." + fetch if preset.title else "")
