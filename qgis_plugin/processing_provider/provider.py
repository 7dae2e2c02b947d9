"""The provider: ``geo_ovss:segment``, ``geo_ovss:encode``, ``geo_ovss:query``."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..about import ICON, TITLE, version
from .encode import EncodeAlgorithm
from .query import QueryAlgorithm
from .segment import SegmentAlgorithm


class Provider(QgsProcessingProvider):
    """The plugin in the Processing toolbox."""

    def id(self) -> str:
        """Leads the algorithms' ids."""
        return "geo_ovss"

    def name(self) -> str:
        """In the toolbox."""
        return TITLE

    def longName(self) -> str:  # noqa: N802
        """With the version."""
        return f"{TITLE} {version()}"

    def icon(self) -> QIcon:
        """The plugin's."""
        return QIcon(ICON)

    def loadAlgorithms(self) -> None:  # noqa: N802
        """Called by Processing."""
        for algorithm in (SegmentAlgorithm, EncodeAlgorithm, QueryAlgorithm):
            self.addAlgorithm(algorithm())
