"""Run by QGIS's own Python: opens the files named on the command line and prints the styles that QGIS applies."""

import json
import sys

from qgis.core import Qgis, QgsApplication, QgsRasterLayer, QgsVectorLayer


def vector_style(uri):
    layer = QgsVectorLayer(uri, "v", "ogr")
    renderer = layer.renderer()
    described = {"valid": layer.isValid(), "count": layer.featureCount(), "renderer": renderer.type()}
    if renderer.type() == "categorizedSymbol":
        described["attribute"] = renderer.classAttribute()
        described["classes"] = [[c.value(), c.label(), c.symbol().color().name()] for c in renderer.categories()]
    return described


def raster_style(path):
    layer = QgsRasterLayer(path, "r")
    renderer = layer.renderer()
    described = {"valid": layer.isValid(), "renderer": renderer.type()}
    if renderer.type() == "paletted":
        described["classes"] = [[c.value, c.label, c.color.name()] for c in renderer.classes()]
    return described


application = QgsApplication([], False)
application.initQgis()
found = {argument: (raster_style if argument.endswith(".tif") else vector_style)(argument) for argument in sys.argv[1:]}
print(json.dumps({"version": Qgis.QGIS_VERSION, "files": found}))
application.exitQgis()
