"""Styles by class: polygons, label raster, confidence."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsColorRampShader,
    QgsFillSymbol,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRendererCategory,
    QgsSingleBandPseudoColorRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from ..engine.class_entry import ClassEntry
from ..qgis_names import LINEAR_SHADING

FILL_ALPHA = 110
"""Of 255: the orthophoto shows through the polygons."""

CONFIDENCE_COLOURS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""Dark to light; even steps for the eye, and safe for colour-blind readers."""


def style_polygons(layer: QgsVectorLayer, classes: Sequence[ClassEntry]) -> None:
    """A category for each class, numbered from 1 in the order asked."""
    categories = []
    for number, entry in enumerate(classes, start=1):
        fill, line = QColor(entry.colour), QColor(entry.colour).darker(140)
        fill.setAlpha(FILL_ALPHA)
        symbol = QgsFillSymbol.createSimple({"outline_width": "0.3", "joinstyle": "round"})
        symbol.symbolLayer(0).setFillColor(fill)
        symbol.symbolLayer(0).setStrokeColor(line)
        categories.append(QgsRendererCategory(number, symbol, entry.name))
    layer.setRenderer(QgsCategorizedSymbolRenderer("class_id", categories))
    layer.setDisplayExpression('"class_name"')
    layer.triggerRepaint()


def style_labels(layer: QgsRasterLayer, classes: Sequence[ClassEntry]) -> None:
    """The classes' colours and names; 0, no label, is left out of the legend and not drawn."""
    entries = [
        QgsPalettedRasterRenderer.Class(number, QColor(entry.colour), entry.name)
        for number, entry in enumerate(classes, start=1)
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    layer.triggerRepaint()


def style_confidence(layer: QgsRasterLayer) -> None:
    """From 0 to 1 along a ramp."""
    ramp = QgsColorRampShader(0.0, 1.0)
    ramp.setColorRampType(LINEAR_SHADING)
    steps = len(CONFIDENCE_COLOURS) - 1
    ramp.setColorRampItemList([
        QgsColorRampShader.ColorRampItem(step / steps, QColor(colour), f"{step / steps:.2f}")
        for step, colour in enumerate(CONFIDENCE_COLOURS)
    ])
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(ramp)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader)
    renderer.setClassificationMin(0.0)
    renderer.setClassificationMax(1.0)
    layer.setRenderer(renderer)
    layer.triggerRepaint()
