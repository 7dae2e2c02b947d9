"""Parameters that the algorithms share: declared once, so that they read the same everywhere."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from .. import preferences
from ..engine.presets import DEFAULT_PRESET
from ..qgis_names import ADVANCED, FILE, NUMBER_DOUBLE, SOURCE_POLYGONS
from ..translation import tr

INPUT, CLASSES, CLASS_FILE, PRESET, METHOD, GSD = "INPUT", "CLASSES", "CLASS_FILE", "PRESET", "METHOD", "GSD"
EXTENT, POLYGONS, BANDS = "EXTENT", "POLYGONS", "BANDS"
THRESHOLD, REFINE, MIN_AREA, SIMPLIFY = "THRESHOLD", "REFINE", "MIN_AREA", "SIMPLIFY"
OUTPUT, LABELS, CONFIDENCE, FEATURES = "OUTPUT", "LABELS", "CONFIDENCE", "FEATURES"

REFINE_CHOICES = (None, True, False)


def add_raster(algorithm: QgsProcessingAlgorithm) -> None:
    """The raster layer."""
    algorithm.addParameter(QgsProcessingParameterRasterLayer(INPUT, tr("Raster layer")))


def add_classes(algorithm: QgsProcessingAlgorithm) -> None:
    """The classes: typed, or a class file."""
    algorithm.addParameter(QgsProcessingParameterString(
        CLASSES, tr("Classes (road,building  or  building|house;road|street)"), optional=True
    ))
    algorithm.addParameter(QgsProcessingParameterFile(
        CLASS_FILE, tr("Class file, in place of the list"), behavior=FILE, optional=True, fileFilter="Classes (*.txt)"
    ))


def add_encoding(algorithm: QgsProcessingAlgorithm) -> None:
    """What decides the features."""
    # a text, no fixed list: a model or a script may be run where the engine has other presets
    names = ", ".join(preset.name for preset in preferences.known_presets())
    algorithm.addParameter(QgsProcessingParameterString(
        PRESET, tr("Preset ({})").format(names), defaultValue=DEFAULT_PRESET
    ))
    algorithm.addParameter(QgsProcessingParameterExtent(EXTENT, tr("Extent"), optional=True))
    algorithm.addParameter(QgsProcessingParameterFeatureSource(
        POLYGONS, tr("Only inside these polygons"), [SOURCE_POLYGONS], optional=True
    ))
    _advanced(algorithm, QgsProcessingParameterString(METHOD, tr("Method (empty: the preset's own)"), optional=True))
    _advanced(algorithm, _number(GSD, tr("Resolution, metres a pixel (empty: the layer's)"), 0.001, None))
    _advanced(algorithm, QgsProcessingParameterString(
        BANDS, tr("Bands for red, green, blue, such as 4,3,2"), optional=True
    ))


def add_answer(algorithm: QgsProcessingAlgorithm) -> None:
    """What decides the answer."""
    _advanced(algorithm, _number(THRESHOLD, tr("Confidence below which there is no label"), 0.0, 1.0))
    choices = [tr("as the preset"), tr("yes"), tr("no")]
    _advanced(algorithm, QgsProcessingParameterEnum(REFINE, tr("Refine edges with SAM"), choices, defaultValue=0))
    _advanced(algorithm, _number(MIN_AREA, tr("Minimum area, square metres"), 0.0, None))
    _advanced(algorithm, _number(SIMPLIFY, tr("Simplification, map units"), 0.0, None))


def add_rasters_out(algorithm: QgsProcessingAlgorithm) -> None:
    """Label raster and confidence, unless wanted left out."""
    for name, text in ((LABELS, tr("Label raster")), (CONFIDENCE, tr("Confidence"))):
        algorithm.addParameter(
            QgsProcessingParameterRasterDestination(name, text, optional=True, createByDefault=False)
        )


def _number(name: str, text: str, smallest: float, largest: float | None) -> QgsProcessingParameterNumber:
    ranges: dict[str, Any] = {"minValue": smallest}
    if largest is not None:
        ranges["maxValue"] = largest
    return QgsProcessingParameterNumber(name, text, type=NUMBER_DOUBLE, optional=True, **ranges)


def _advanced(algorithm: QgsProcessingAlgorithm, parameter: QgsProcessingParameterDefinition) -> None:
    parameter.setFlags(parameter.flags() | ADVANCED)
    algorithm.addParameter(parameter)
