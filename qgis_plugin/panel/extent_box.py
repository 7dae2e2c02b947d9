"""Which part of the layer: all of it, the map canvas, or selected polygons."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer, QgsRectangle, QgsVectorLayer
from qgis.gui import QgsMapCanvas, QgsMapLayerComboBox
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from ..qgis_names import POLYGON_LAYERS
from ..results.area_file import AreaError, box_text, polygons_text
from ..translation import tr

WHOLE, CANVAS, SELECTED = range(3)


class ExtentBox(QWidget):
    """The choice of an area, and that area in the raster's CRS.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    def __init__(self, canvas: QgsMapCanvas, parent: Any = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self.mode = QComboBox(self)
        self.mode.addItems([tr("Whole layer"), tr("Map canvas"), tr("Selected polygons")])
        self.mode.setToolTip(tr("Segment all of the layer, what the map shows, or the selected polygons of a layer"))
        self.polygon_layers = QgsMapLayerComboBox(self)
        self.polygon_layers.setFilters(POLYGON_LAYERS)
        self.polygon_layers.setToolTip(tr("The polygon layer whose selected features bound the work"))
        self.polygon_label = QLabel(tr("P&olygons"), self)
        self.polygon_label.setBuddy(self.polygon_layers)
        extent_label = QLabel(tr("E&xtent"), self)
        extent_label.setBuddy(self.mode)
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow(extent_label, self.mode)
        layout.addRow(self.polygon_label, self.polygon_layers)
        self.mode.currentIndexChanged.connect(self._show_polygons)
        self._show_polygons(WHOLE)

    def area(self, raster: QgsRasterLayer) -> str:
        """The area in the raster's CRS: empty for all of it, a box, or WKT.

        Raises
        ------
        AreaError
            Where it is empty or does not meet the raster.
        """
        mode = self.mode.currentIndex()
        if mode == WHOLE:
            return ""
        return self._canvas_box(raster) if mode == CANVAS else self._selected_polygons(raster)

    def _canvas_box(self, raster: QgsRasterLayer) -> str:
        settings = self._canvas.mapSettings()
        transforms = QgsProject.instance().transformContext()
        box = box_text(settings.visibleExtent(), settings.destinationCrs(), raster.crs(), transforms)
        if not QgsRectangle(*(float(edge) for edge in box.split(","))).intersects(raster.extent()):
            raise AreaError(tr("The map canvas does not show the layer {}.").format(raster.name()))
        return box

    def _selected_polygons(self, raster: QgsRasterLayer) -> str:
        layer: QgsMapLayer | None = self.polygon_layers.currentLayer()
        if not isinstance(layer, QgsVectorLayer) or not layer.selectedFeatureCount():
            raise AreaError(tr("No polygon is selected: select some in a polygon layer, or choose another extent."))
        geometries = [feature.geometry() for feature in layer.selectedFeatures()]
        return polygons_text(geometries, layer.crs(), raster.crs(), QgsProject.instance().transformContext())

    def _show_polygons(self, mode: int) -> None:
        self.polygon_layers.setVisible(mode == SELECTED)
        self.polygon_label.setVisible(mode == SELECTED)
