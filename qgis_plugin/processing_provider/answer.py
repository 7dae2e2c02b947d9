"""The algorithms that answer a class list: what they write, and how it is styled."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsFeatureSink,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSink,
    QgsVectorLayer,
)

from ..engine.commands import OutputFiles, Question
from ..qgis_names import SOURCE_POLYGONS
from ..results.result_layers import ResultNotReadable
from ..results.style import style_confidence, style_labels, style_polygons
from ..translation import tr
from . import parameters as p
from .base import EngineAlgorithm
from .styler import Styler


class AnswerAlgorithm(EngineAlgorithm):
    """Polygons into any destination that Processing knows, label raster and confidence into files."""

    encodes = True
    """Whether the engine encodes the raster first."""

    def add_outputs(self) -> None:
        """Declare the outputs."""
        self.addParameter(QgsProcessingParameterFeatureSink(p.OUTPUT, tr("Polygons"), SOURCE_POLYGONS))
        p.add_rasters_out(self)

    def answer(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run the engine and hand its results on."""
        classes = self.classes(parameters, context)
        question = Question(self.class_file(classes), self.answer_options(parameters, context))
        outputs = OutputFiles(
            polygons=self.temporary("polygons.gpkg"),
            labels=self._raster_path(parameters, p.LABELS, context),
            confidence=self._raster_path(parameters, p.CONFIDENCE, context),
        )
        command = self.command(parameters, context, question, outputs)
        written = self.run_engine(command, feedback, encodes=self.encodes)
        results: dict[str, Any] = {p.OUTPUT: self._hand_on(written["polygons"], parameters, context, feedback)}
        Styler.attach(context, results[p.OUTPUT], lambda layer: style_polygons(layer, classes))
        for name, path in ((p.LABELS, outputs.labels), (p.CONFIDENCE, outputs.confidence)):
            if path:
                results[name] = path
        Styler.attach(context, outputs.labels, lambda layer: style_labels(layer, classes))
        Styler.attach(context, outputs.confidence, style_confidence)
        return results

    def command(
        self, parameters: dict[str, Any], context: QgsProcessingContext, question: Question, outputs: OutputFiles
    ) -> list[str]:
        """The engine's arguments."""
        raise NotImplementedError

    def _raster_path(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        return self.parameterAsOutputLayer(parameters, name, context) if parameters.get(name) else ""

    def _hand_on(
        self,
        path: str,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> str:
        """Copy the engine's polygons into the destination that the user chose."""
        layer = QgsVectorLayer(path, "polygons", "ogr")
        if not layer.isValid():
            raise ResultNotReadable(path)
        sink, destination = self.parameterAsSink(
            parameters, p.OUTPUT, context, layer.fields(), layer.wkbType(), layer.crs()
        )
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, p.OUTPUT))
        for feature in layer.getFeatures():
            if feedback.isCanceled():
                break
            if not sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
                raise QgsProcessingException(tr("A polygon cannot be written: {}").format(sink.lastError()))
        sink.flushBuffer()
        del sink
        return destination
