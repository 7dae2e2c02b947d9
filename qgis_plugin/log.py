"""The plugin's log: QGIS's log panel, and the last run's whole log for a dialog and the diagnostics."""

from __future__ import annotations

from qgis.core import Qgis, QgsMessageLog

from .about import TITLE
from .engine.run_log import RunLog


class LastLog:
    """Remembers the log of the last run."""

    def __init__(self) -> None:
        self.text = ""

    def keep(self, log: RunLog, failed: bool) -> None:
        """Take over the log of a run that ended; a failed one is shown in QGIS's log panel too."""
        self.text = log.text
        if failed:
            QgsMessageLog.logMessage(log.text, TITLE, Qgis.MessageLevel.Warning, notifyUser=False)


last_log = LastLog()
"""One for the whole of QGIS: the panel, the settings page and the algorithms write to it."""
