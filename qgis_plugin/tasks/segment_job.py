"""What one press on Run asks for, gathered in the main thread, so that the worker touches no widget and no layer."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.class_entry import ClassEntry
from ..engine.commands import AnswerOptions, EncodeOptions, OutputFiles


@dataclass(frozen=True)
class SegmentJob:
    """One run.

    Attributes
    ----------
    layer_id, layer_name : str
        The raster layer.
    source : str
        Its path.
    classes : tuple of ClassEntry
        The ticked classes, in order: the first has the number 1.
    encode : EncodeOptions
        Its `aoi` is a box, WKT of polygons, or empty.
    area_crs : str
        WKT of the CRS of polygons in `encode.aoi`.
    answer : AnswerOptions
    outputs : OutputFiles
    """

    layer_id: str
    layer_name: str
    source: str
    classes: tuple[ClassEntry, ...]
    encode: EncodeOptions
    area_crs: str
    answer: AnswerOptions
    outputs: OutputFiles
