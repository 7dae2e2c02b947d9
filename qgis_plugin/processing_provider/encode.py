"""``geo_ovss:encode``: a raster's features, kept for any number of class lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterFolderDestination

from ..engine.commands import encode_command
from ..translation import tr
from . import parameters as p
from .base import EngineAlgorithm


class EncodeAlgorithm(EngineAlgorithm):
    """Encode once."""

    def name(self) -> str:
        """Part of the algorithm's id."""
        return "encode"

    def displayName(self) -> str:  # noqa: N802
        """In the toolbox."""
        return tr("Encode a raster")

    def shortHelpString(self) -> str:  # noqa: N802
        """Beside the dialog."""
        return tr(
            "Encodes a raster once and keeps its features in a folder; geo_ovss:query answers class names from them. "
            "An interrupted encoding into the same folder is gone on with."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declare the parameters."""
        p.add_raster(self)
        p.add_encoding(self)
        self.addParameter(QgsProcessingParameterFolderDestination(p.FEATURES, tr("Folder of features")))

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Encode."""
        store = Path(self.parameterAsString(parameters, p.FEATURES, context))
        store.parent.mkdir(parents=True, exist_ok=True)
        area_file = store.with_name(store.name + ".aoi.gpkg")  # the engine reads it again when it answers
        encode = self.encode_options(parameters, context, area_file)
        self.run_engine(encode_command(self.source(parameters, context), str(store), encode), feedback)
        return {p.FEATURES: str(store)}
