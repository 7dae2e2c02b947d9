"""Run inside QGIS by `qgis_screenshot.sh`: fills in the panel, runs the engine, takes the picture, leaves.

Reads from the environment: SCENE (raster), CLASSES (as typed into the panel), PICTURE (PNG to write).
"""

from __future__ import annotations

import os

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QDockWidget
from qgis.utils import iface, plugins

WINDOW = (1500, 940)
PANEL_WIDTH = 400


def begin() -> None:
    """Open the raster and the panel, press Run."""
    window = iface.mainWindow()
    window.setGeometry(0, 0, *WINDOW)
    layer = QgsRasterLayer(os.environ["SCENE"], "Orthophoto")
    QgsProject.instance().addMapLayer(layer)
    plugin = plugins["geo_ovss_qgis"]
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() not in ("Layers", plugin.dock.objectName()):
            dock.hide()
    plugin.dock.setUserVisible(True)
    window.resizeDocks([plugin.dock], [PANEL_WIDTH], 1)
    plugin.dock.classes.model.set_entries([])
    QApplication.clipboard().setText(os.environ["CLASSES"])
    plugin.dock.classes.paste()
    plugin.dock.layers.setLayer(layer)
    iface.mapCanvas().setExtent(layer.extent())
    plugin.runner.run()
    QTimer.singleShot(1000, wait)


def wait() -> None:
    """Look again until the run is over and the map is drawn."""
    if plugins["geo_ovss_qgis"].runner.task is not None:
        QTimer.singleShot(500, wait)
        return
    iface.mapCanvas().zoomToFullExtent()
    QTimer.singleShot(6000, picture)


def picture() -> None:
    """Take the picture of the whole window."""
    if iface.mapCanvas().isDrawing():
        QTimer.singleShot(500, picture)
        return
    window = iface.mainWindow()
    QApplication.primaryScreen().grabWindow(window.winId()).save(os.environ["PICTURE"])
    QgsProject.instance().setDirty(False)
    QgsApplication.instance().quit()


QTimer.singleShot(4000, begin)
