"""Styles the layers that Processing adds to the project when an algorithm has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
)


class Styler(QgsProcessingLayerPostProcessorInterface):
    """Calls a function with the layer, in the main thread."""

    _alive: ClassVar[list[Styler]] = []
    """Processing keeps no reference to the Python half of a post-processor; without this it would be gone."""

    def __init__(self, style: Callable[[QgsMapLayer], None]) -> None:
        super().__init__()
        self._style = style

    def postProcessLayer(  # noqa: N802
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Called by Processing once the layer is loaded."""
        self._style(layer)
        if self in Styler._alive:
            Styler._alive.remove(self)

    @classmethod
    def attach(cls, context: QgsProcessingContext, output: str, style: Callable[[QgsMapLayer], None]) -> None:
        """Style the layer of this output, if Processing is going to load it."""
        if output and context.willLoadLayerOnCompletion(output):
            styler = cls(style)
            cls._alive.append(styler)
            context.layerToLoadOnCompletionDetails(output).setPostProcessor(styler)
