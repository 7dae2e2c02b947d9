"""From a raster layer to what the engine can open."""

from __future__ import annotations

from qgis.core import QgsProviderRegistry, QgsRasterLayer

from ..engine.errors import EngineError
from ..translation import tr


class LayerNotReadable(EngineError):
    """The layer's data are not a raster that GDAL can open in another process."""

    def __init__(self, layer: str, provider: str) -> None:
        sentence = tr(
            "The layer {} comes from the provider {}; geo-ovss needs a raster file (GDAL): "
            "export the part of interest to a GeoTIFF first."
        )
        super().__init__(sentence.format(layer, provider))


def raster_source(layer: QgsRasterLayer) -> str:
    """The path that GDAL opens for a layer.

    Raises
    ------
    LayerNotReadable
        For web services, databases and layers whose file is gone.
    """
    if layer.providerType() != "gdal" or not layer.isValid():
        raise LayerNotReadable(layer.name(), layer.providerType())
    parts = QgsProviderRegistry.instance().decodeUri("gdal", layer.source())
    path, sublayer = str(parts.get("path") or ""), str(parts.get("layerName") or "")
    if sublayer and path.lower().endswith(".gpkg"):
        return f"GPKG:{path}:{sublayer}"
    return path or layer.source()
