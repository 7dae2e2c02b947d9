"""The plugin as QGIS loads it: an action, the dock, the settings page, the Processing provider."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsProcessingProvider
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QSettings, Qt
from qgis.PyQt.QtGui import QIcon

from .about import FOLDER, ICON, TITLE
from .messages import Messages
from .panel.dock import Dock
from .panel.runner import Runner
from .processing_provider.provider import Provider
from .qt_names import QAction
from .settings_page.factory import PAGE_NAME, SettingsFactory
from .settings_page.installation import Installation
from .translation import load_translator, tr


class GeoOvssPlugin:
    """What QGIS starts and stops.

    Parameters
    ----------
    iface : QgisInterface or None
        None under ``qgis_process``: there is only the Processing provider then.
    """

    def __init__(self, iface: QgisInterface | None) -> None:
        self.iface = iface
        self.provider: QgsProcessingProvider | None = None
        self.dock: Dock | None = None
        self.runner: Runner | None = None
        self.action: QAction | None = None
        self.installation: Installation | None = None
        self._factory: SettingsFactory | None = None
        self._translator = load_translator(FOLDER, _language())

    def initProcessing(self) -> None:  # noqa: N802
        """Offer the algorithms; all that ``qgis_process`` calls."""
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self) -> None:  # noqa: N802
        """Build the panel and what opens it."""
        self.initProcessing()
        if self.iface is None:
            return
        self.installation = Installation()
        self._factory = SettingsFactory(self.installation)
        self.iface.registerOptionsWidgetFactory(self._factory)
        messages = Messages(self.iface, self.open_settings)
        self.dock = Dock(self.iface)
        self.runner = Runner(self.dock, messages)
        self.dock.settings_asked.connect(self.open_settings)
        self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()
        self.action = QAction(QIcon(ICON), tr("geo-ovss panel"), self.iface.mainWindow())
        self.action.setCheckable(True)
        self.action.setToolTip(tr("Segment an orthophoto by class names"))
        self.action.toggled.connect(self.dock.setUserVisible)
        self.dock.visibilityChanged.connect(self._shown)
        self.iface.addToolBarIcon(self.action)
        self.iface.addPluginToRasterMenu(TITLE, self.action)
        self.installation.ended.connect(lambda _sentence: self.runner and self.runner.ask_presets())

    def open_settings(self) -> None:
        """Open the plugin's page in QGIS's options, then ask the engine that may have been chosen there."""
        if self.iface is not None:
            self.iface.showOptionsDialog(self.iface.mainWindow(), PAGE_NAME)
        if self.runner is not None:
            self.runner.refresh()
            self.runner.ask_presets()

    def unload(self) -> None:
        """Take everything away again; what runs is stopped."""
        if self.runner is not None:
            self.runner.stop()
        if self.installation is not None:
            self.installation.cancel()
        if self.iface is not None and self.action is not None:
            self.iface.removeToolBarIcon(self.action)
            self.iface.removePluginRasterMenu(TITLE, self.action)
        if self.iface is not None and self._factory is not None:
            self.iface.unregisterOptionsWidgetFactory(self._factory)
        if self.iface is not None and self.dock is not None:
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
        self.provider = self.dock = self.runner = self.action = self._factory = self.installation = None

    def _shown(self, visible: bool) -> None:
        """Keep the button in step, and ask for the presets when the panel is first seen."""
        if self.action is not None:
            self.action.blockSignals(True)
            self.action.setChecked(visible)
            self.action.blockSignals(False)
        if visible and self.runner is not None:
            self.runner.ask_presets()


def _language() -> str:
    """QGIS's language, where it is not the system's."""
    settings = QSettings()
    chosen = settings.value("locale/overrideFlag", False, type=bool)
    return str(settings.value("locale/userLocale", "")) if chosen else ""
