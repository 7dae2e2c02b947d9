"""Sentences in QGIS's message bar, the log a click away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import Qgis
from qgis.gui import QgisInterface
from qgis.PyQt.QtWidgets import QPushButton

from .about import TITLE
from .engine.errors import EngineError, EngineNotSet, EngineNotStarted, EngineUnusable
from .log import last_log
from .panel.log_dialog import LogDialog
from .translation import tr

GOOD_NEWS_SECONDS = 8
"""Errors stay until they are closed."""


class Messages:
    """Tells the user how things went.

    Parameters
    ----------
    iface : QgisInterface
    open_settings : callable
        Opens the plugin's settings page.
    """

    def __init__(self, iface: QgisInterface, open_settings: Callable[[], None]) -> None:
        self._iface, self._open_settings = iface, open_settings
        self.dialog: LogDialog | None = None

    def good(self, text: str) -> None:
        """Something worked."""
        self._iface.messageBar().pushMessage(TITLE, text, Qgis.MessageLevel.Success, GOOD_NEWS_SECONDS)

    def problem(self, text: str) -> None:
        """Something in the panel cannot be; no run, no log."""
        self._iface.messageBar().pushMessage(TITLE, text, Qgis.MessageLevel.Warning, 0)

    def failure(self, error: EngineError) -> None:
        """A run failed: its sentence, and buttons for the log or the settings."""
        about_engine = isinstance(error, (EngineNotSet, EngineNotStarted, EngineUnusable))
        widget = self._iface.messageBar().createMessage(TITLE, str(error))
        if about_engine:
            self._add_button(widget, tr("Settings"), tr("Open the geo-ovss settings"), self._open_settings)
        if not isinstance(error, EngineNotSet):
            self._add_button(widget, tr("Log"), tr("Show all that the engine printed"), self.show_log)
        self._iface.messageBar().pushWidget(widget, Qgis.MessageLevel.Critical)

    def show_log(self) -> None:
        """Open the log of the last run."""
        self.dialog = LogDialog(last_log.text, self._iface.mainWindow())
        self.dialog.show()

    @staticmethod
    def _add_button(widget: Any, text: str, tooltip: str, slot: Callable[[], None]) -> None:
        button = QPushButton(text, widget)
        button.setToolTip(tooltip)
        button.clicked.connect(lambda _checked=False: slot())
        widget.layout().addWidget(button)
