"""The dock panel: its parts, put together."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapLayer, QgsRasterLayer
from qgis.gui import QgisInterface, QgsDockWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from ..about import ICON
from ..engine.commands import EncodeOptions
from ..engine.errors import EngineError
from ..qgis_names import RASTER_LAYERS
from ..results.layer_source import raster_source
from ..tasks.segment_job import SegmentJob
from ..translation import tr
from .class_table import ClassTable
from .extent_box import ExtentBox
from .kept_features import KeptFeatures
from .options_box import OptionsBox
from .outputs_box import OutputsBox
from .preset_box import PresetBox
from .run_bar import RunBar


class FormIncomplete(EngineError):
    """Something is missing in the panel."""


class Dock(QgsDockWidget):
    """The panel, and what is filled in as a `SegmentJob`.

    Parameters
    ----------
    iface : QgisInterface
    """

    settings_asked = pyqtSignal()
    log_asked = pyqtSignal()

    def __init__(self, iface: QgisInterface) -> None:
        super().__init__(tr("geo-ovss"), iface.mainWindow())
        self.setObjectName("GeoOvssDock")
        self.setWindowIcon(QIcon(ICON))
        self.layers = QgsMapLayerComboBox(self)
        self.layers.setFilters(RASTER_LAYERS)
        self.layers.setToolTip(tr("The orthophoto to segment (raster layers only)"))
        self.classes = ClassTable(self)
        self.extent = ExtentBox(iface.mapCanvas(), self)
        self.presets = PresetBox(self)
        self.options = OptionsBox(self)
        self.outputs = OutputsBox(self)
        self.run_bar = RunBar(self)
        self.kept = KeptFeatures(self)
        self.settings_button = self._button(tr("S&ettings..."), tr("Choose or install the engine"), self.settings_asked)
        self.log_button = self._button(tr("Lo&g..."), tr("Show the log of the last run"), self.log_asked)
        self._lay_out()
        self._order_tabs()

    def raster_layer(self) -> QgsRasterLayer:
        """The chosen layer.

        Raises
        ------
        FormIncomplete
            Where the project has no raster layer.
        """
        layer: QgsMapLayer | None = self.layers.currentLayer()
        if not isinstance(layer, QgsRasterLayer):
            raise FormIncomplete(tr("Add a raster layer first: there is nothing to segment."))
        return layer

    def job(self) -> SegmentJob:
        """What Run would do.

        Raises
        ------
        EngineError
            One of its kinds, where something is missing or cannot be.
        """
        layer = self.raster_layer()
        classes = tuple(self.classes.model.ticked)
        if not classes:
            raise FormIncomplete(tr("Tick at least one class, or add one."))
        encode = EncodeOptions(
            preset=self.presets.preset(),
            method=self.options.method_name(),
            gsd=self.options.gsd.choice(),
            aoi=self.extent.area(layer),
        )
        return SegmentJob(
            layer_id=layer.id(),
            layer_name=layer.name(),
            source=raster_source(layer),
            classes=classes,
            encode=encode,
            area_crs=layer.crs().toWkt(),
            answer=self.options.answer_options(),
            outputs=self.outputs.output_files(),
        )

    def _button(self, text: str, tooltip: str, signal: Any) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tooltip)
        button.clicked.connect(lambda _checked=False: signal.emit())
        return button

    def _lay_out(self) -> None:
        label = QLabel(tr("Ra&ster layer"), self)
        label.setBuddy(self.layers)
        top = QFormLayout()
        top.addRow(label, self.layers)
        content = QWidget(self)
        body = QVBoxLayout(content)
        body.addLayout(top)
        for part in (self.classes, self.extent, self.presets, self.options, self.outputs, self.kept):
            body.addWidget(part)
        body.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(content)
        foot = QHBoxLayout()
        foot.addWidget(self.log_button)
        foot.addStretch(1)
        foot.addWidget(self.settings_button)
        whole = QWidget(self)
        layout = QVBoxLayout(whole)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.run_bar)
        layout.addLayout(foot)
        self.setWidget(whole)

    def _order_tabs(self) -> None:
        """From top to bottom, as the eye goes."""
        order = (
            self.layers,
            self.classes.view,
            self.classes.add_button,
            self.classes.remove_button,
            self.classes.paste_button,
            self.classes.suggest_button,
            self.classes.load_button,
            self.classes.save_button,
            self.extent.mode,
            self.extent.polygon_layers,
            self.presets.box,
            self.options,
            self.options.method,
            self.options.gsd,
            self.options.threshold,
            self.options.refine,
            self.options.min_area,
            self.options.simplify,
            self.outputs.polygons.lineEdit(),
            self.outputs.labels_wanted,
            self.outputs.labels.lineEdit(),
            self.outputs.confidence_wanted,
            self.outputs.confidence.lineEdit(),
            self.kept,
            self.kept.tree,
            self.kept.delete_button,
            self.run_bar.run_button,
            self.run_bar.cancel_button,
            self.log_button,
            self.settings_button,
        )
        for place in range(1, len(order)):
            QWidget.setTabOrder(order[place - 1], order[place])
