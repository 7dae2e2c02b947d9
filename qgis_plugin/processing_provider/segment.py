"""``geo_ovss:segment``: class names and a raster in, polygons out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from ..engine.commands import OutputFiles, Question, segment_command
from ..translation import tr
from . import parameters as p
from .answer import AnswerAlgorithm


class SegmentAlgorithm(AnswerAlgorithm):
    """Encode and answer in one go; no features are kept."""

    def name(self) -> str:
        """Part of the algorithm's id."""
        return "segment"

    def displayName(self) -> str:  # noqa: N802
        """In the toolbox."""
        return tr("Segment by class names")

    def shortHelpString(self) -> str:  # noqa: N802
        """Beside the dialog."""
        return tr(
            "Segments a raster into the classes you name, without training. The engine runs as a process of its own; "
            "choose or install it under Settings > Options > geo-ovss."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declare the parameters."""
        p.add_raster(self)
        p.add_classes(self)
        p.add_encoding(self)
        p.add_answer(self)
        self.add_outputs()

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Segment."""
        return self.answer(parameters, context, feedback)

    def command(
        self, parameters: dict[str, Any], context: QgsProcessingContext, question: Question, outputs: OutputFiles
    ) -> list[str]:
        """The engine's arguments."""
        encode = self.encode_options(parameters, context, Path(self.temporary("area.gpkg")))
        return segment_command(self.source(parameters, context), encode, question, outputs)
