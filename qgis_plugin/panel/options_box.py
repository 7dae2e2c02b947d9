"""The fold-out: method, resolution, threshold, refinement, minimum area, simplification."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from ..engine.commands import AnswerOptions
from ..engine.methods import METHODS
from ..translation import tr
from ..widgets.option_spin import OptionSpin

REFINE_CHOICES = (None, True, False)


class OptionsBox(QgsCollapsibleGroupBox):
    """What most runs leave alone."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(tr("Options"), parent)
        self.setToolTip(tr("What most runs leave to the preset"))
        self.method = QComboBox(self)
        self.method.setEditable(True)
        self.method.addItems(["", *METHODS])
        self.method.lineEdit().setPlaceholderText(tr("as the preset"))
        self.method.setToolTip(tr("Another published method than the preset's own"))
        self.gsd = OptionSpin(0.01, 100.0, 0.01, 3, tr(" m/pixel"), tr("as the layer"), self)
        self.gsd.setToolTip(tr("Resolution to work at, metres a pixel; coarser is faster and sees larger objects"))
        self.threshold = OptionSpin(0.0, 0.99, 0.05, 2, "", "", self)
        self.threshold.setToolTip(tr("Confidence below which a pixel stays without a label, 0 to 1"))
        self.refine = QComboBox(self)
        self.refine.addItems([tr("as the preset"), tr("yes"), tr("no")])
        self.refine.setToolTip(tr("Let SAM redraw the edges of the labels; slower"))
        self.min_area = OptionSpin(0.1, 1e6, 1.0, 1, tr(" m²"), tr("keep all"), self)
        self.min_area.setToolTip(tr("Regions smaller than this join a neighbour, square metres"))
        self.simplify = OptionSpin(0.01, 1000.0, 0.1, 2, "", tr("none"), self)
        self.simplify.setToolTip(tr("Tolerance for simpler borders, map units; neighbours stay without gaps"))
        self._lay_out()
        self.setCollapsed(True)

    def answer_options(self) -> AnswerOptions:
        """What decides the answer."""
        return AnswerOptions(
            threshold=self.threshold.choice(),
            refine=REFINE_CHOICES[self.refine.currentIndex()],
            min_area=self.min_area.choice(),
            simplify=self.simplify.choice(),
        )

    def method_name(self) -> str:
        """The chosen method; empty for the preset's own."""
        return self.method.currentText().strip()

    def _lay_out(self) -> None:
        layout = QFormLayout(self)
        rows: tuple[tuple[str, QWidget], ...] = (
            (tr("Met&hod"), self.method),
            (tr("Resolut&ion"), self.gsd),
            (tr("&Threshold"), self.threshold),
            (tr("Re&fine edges"), self.refine),
            (tr("Minimum area"), self.min_area),
            (tr("Simplify"), self.simplify),
        )
        for text, widget in rows:
            label = QLabel(text, self)
            label.setBuddy(widget)
            layout.addRow(label, widget)
