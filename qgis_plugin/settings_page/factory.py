"""Offers the settings page to QGIS's options dialog."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsOptionsWidgetFactory
from qgis.PyQt.QtGui import QIcon

from ..about import ICON, TITLE
from .installation import Installation
from .page import SettingsPage

PAGE_NAME = "GeoOvssSettings"


class SettingsFactory(QgsOptionsWidgetFactory):
    """Makes the page whenever the dialog is opened."""

    def __init__(self, installation: Installation) -> None:
        super().__init__(TITLE, QIcon(ICON))
        self._installation = installation

    def icon(self) -> QIcon:
        """The plugin's icon in the list of pages."""
        return QIcon(ICON)

    def createWidget(self, parent: Any) -> SettingsPage:  # noqa: N802
        """A new page; the dialog owns it."""
        page = SettingsPage(self._installation, parent)
        page.setObjectName(PAGE_NAME)
        return page
