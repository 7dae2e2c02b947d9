"""Names that moved between QGIS 3.22 and 4: found once, here.

Newer releases gather their enums in ``Qgis``; older ones have them in the classes they belong to.
"""

from __future__ import annotations

from typing import Any

from qgis.core import (
    Qgis,
    QgsColorRampShader,
    QgsMapLayerProxyModel,
    QgsProcessing,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
)


def _find(new_group: str, new_name: str, old_group: Any, old_name: str) -> Any:
    group = getattr(Qgis, new_group, None)
    return getattr(group, new_name) if hasattr(group, new_name) else getattr(old_group, old_name)


def _old(owner: Any, group: str) -> Any:
    """The old enum; releases that lack it have the new one."""
    return getattr(owner, group, owner)


RASTER_LAYERS = _find("LayerFilter", "RasterLayer", _old(QgsMapLayerProxyModel, "Filter"), "RasterLayer")
POLYGON_LAYERS = _find("LayerFilter", "PolygonLayer", _old(QgsMapLayerProxyModel, "Filter"), "PolygonLayer")
ADVANCED = _find(
    "ProcessingParameterFlag", "Advanced", _old(QgsProcessingParameterDefinition, "Flag"), "FlagAdvanced"
)
NUMBER_DOUBLE = _find("ProcessingNumberParameterType", "Double", _old(QgsProcessingParameterNumber, "Type"), "Double")
SOURCE_POLYGONS = _find("ProcessingSourceType", "VectorPolygon", _old(QgsProcessing, "SourceType"), "TypeVectorPolygon")
FILE = _find("ProcessingFileParameterBehavior", "File", _old(QgsProcessingParameterFile, "Behavior"), "File")
FOLDER = _find("ProcessingFileParameterBehavior", "Folder", _old(QgsProcessingParameterFile, "Behavior"), "Folder")
LINEAR_SHADING = _find("ShaderInterpolationMethod", "Linear", _old(QgsColorRampShader, "Type"), "Interpolated")
