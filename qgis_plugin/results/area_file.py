"""Areas of interest: a box as text, or polygons as a GeoPackage that the engine reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from ..engine.errors import EngineError
from ..translation import tr

_BOX = re.compile(r"^[-+0-9.eE]+(,[-+0-9.eE]+){3}$")


class AreaError(EngineError):
    """An area of interest is empty or cannot be brought into the raster's CRS."""


def is_box(area: str) -> bool:
    """Whether an area is "xmin,ymin,xmax,ymax"; otherwise it is WKT."""
    return bool(_BOX.match(area))


def box_text(
    rectangle: QgsRectangle,
    crs: QgsCoordinateReferenceSystem,
    raster_crs: QgsCoordinateReferenceSystem,
    transforms: QgsCoordinateTransformContext,
) -> str:
    """A rectangle as "xmin,ymin,xmax,ymax" in the raster's CRS.

    Raises
    ------
    AreaError
    """
    if rectangle.isEmpty() or not rectangle.isFinite():
        raise AreaError(tr("The extent is empty."))
    if crs.isValid() and raster_crs.isValid() and crs != raster_crs:
        try:
            rectangle = QgsCoordinateTransform(crs, raster_crs, transforms).transformBoundingBox(rectangle)
        except Exception as error:  # QgsCsException: its class moved between releases
            lost = tr("The extent cannot be brought into the raster's coordinate reference system.")
            raise AreaError(lost) from error
    edges = rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum()
    return ",".join(f"{edge:.15g}" for edge in edges)


def polygons_text(
    geometries: Iterable[QgsGeometry],
    crs: QgsCoordinateReferenceSystem,
    raster_crs: QgsCoordinateReferenceSystem,
    transforms: QgsCoordinateTransformContext,
) -> str:
    """Polygons, joined, as WKT in the raster's CRS.

    Raises
    ------
    AreaError
    """
    parts = [QgsGeometry(geometry) for geometry in geometries if not geometry.isEmpty()]
    if not parts:
        raise AreaError(tr("No polygon is selected."))
    joined = QgsGeometry.unaryUnion(parts)
    if crs.isValid() and raster_crs.isValid() and crs != raster_crs:
        try:
            joined.transform(QgsCoordinateTransform(crs, raster_crs, transforms))
        except Exception as error:
            lost = tr("The polygons cannot be brought into the raster's coordinate reference system.")
            raise AreaError(lost) from error
    joined.convertToMultiType()
    return joined.asWkt(9)


def write_area(path: Path, wkt: str, crs_wkt: str) -> None:
    """Write polygons to a GeoPackage with one feature; a file that was there is replaced.

    Raises
    ------
    AreaError
    """
    layer = QgsVectorLayer("MultiPolygon", "area", "memory")
    layer.setCrs(QgsCoordinateReferenceSystem.fromWkt(crs_wkt))
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt(wkt))
    layer.dataProvider().addFeatures([feature])
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "area"
    answer = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsCoordinateTransformContext(), options)
    if answer[0] != QgsVectorFileWriter.WriterError.NoError:
        raise AreaError(tr("The area of interest cannot be written to {}: {}.").format(path, answer[1]))
