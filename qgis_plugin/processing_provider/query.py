"""``geo_ovss:query``: other class names for a raster that is encoded already."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterFile

from ..engine.commands import OutputFiles, Question, query_command
from ..qgis_names import FOLDER
from ..translation import tr
from . import parameters as p
from .answer import AnswerAlgorithm


class QueryAlgorithm(AnswerAlgorithm):
    """Answer a class list from kept features, in seconds."""

    encodes = False

    def name(self) -> str:
        """Part of the algorithm's id."""
        return "query"

    def displayName(self) -> str:  # noqa: N802
        """In the toolbox."""
        return tr("Ask kept features for class names")

    def shortHelpString(self) -> str:  # noqa: N802
        """Beside the dialog."""
        return tr("Answers a class list from the features that geo_ovss:encode has made; no image is encoded again.")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declare the parameters."""
        self.addParameter(QgsProcessingParameterFile(p.FEATURES, tr("Folder of features"), behavior=FOLDER))
        p.add_classes(self)
        p.add_answer(self)
        self.add_outputs()

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Answer."""
        return self.answer(parameters, context, feedback)

    def command(
        self, parameters: dict[str, Any], context: QgsProcessingContext, question: Question, outputs: OutputFiles
    ) -> list[str]:
        """The engine's arguments."""
        return query_command(self.parameterAsFile(parameters, p.FEATURES, context), question, outputs)
