"""What the three algorithms have in common: the engine's run, and options from parameters."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QIcon

from .. import preferences
from ..about import ICON
from ..engine.class_entry import ClassEntry
from ..engine.class_file import parse_typed, read_classes, write_classes
from ..engine.commands import AnswerOptions, EncodeOptions
from ..engine.errors import EngineCancelled, EngineError
from ..engine.events import EngineEvent
from ..engine.pace import Pace
from ..engine.run_log import RunLog
from ..engine.suggestions import coloured
from ..log import last_log
from ..results.area_file import box_text, polygons_text, write_area
from ..results.layer_source import raster_source
from ..translation import tr
from . import parameters as p


class EngineAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that runs the engine once."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = ""

    def group(self) -> str:
        """None: the provider has few algorithms."""
        return ""

    def groupId(self) -> str:  # noqa: N802
        """None."""
        return ""

    def icon(self) -> QIcon:
        """The plugin's."""
        return QIcon(ICON)

    def tr(self, text: str) -> str:
        """As Processing asks for it."""
        return tr(text)

    def createInstance(self) -> QgsProcessingAlgorithm:  # noqa: N802
        """A fresh one for each run."""
        return type(self)()

    def processAlgorithm(  # noqa: N802
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run in a folder for small files; every error of the engine becomes Processing's."""
        self._folder = tempfile.mkdtemp(prefix="geo-ovss-")
        try:
            return self.work(parameters, context, feedback)
        except EngineCancelled:
            return {}
        except EngineError as error:
            raise QgsProcessingException(str(error)) from error
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """What the algorithm is for."""
        raise NotImplementedError

    # -- options from parameters -------------------------------------------------------------------------------

    def raster(self, parameters: dict[str, Any], context: QgsProcessingContext) -> QgsRasterLayer:
        """The raster layer."""
        layer = self.parameterAsRasterLayer(parameters, p.INPUT, context)
        if layer is None:
            raise QgsProcessingException(self.invalidRasterError(parameters, p.INPUT))
        return layer

    def source(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """The raster's path."""
        return raster_source(self.raster(parameters, context))

    def encode_options(
        self, parameters: dict[str, Any], context: QgsProcessingContext, area_file: Path
    ) -> EncodeOptions:
        """What decides the features; polygons of an area are written to `area_file`."""
        return EncodeOptions(
            preset=self.parameterAsString(parameters, p.PRESET, context),
            method=self.parameterAsString(parameters, p.METHOD, context),
            gsd=self.number(parameters, p.GSD, context),
            aoi=self._area(parameters, context, area_file),
            bands=self.parameterAsString(parameters, p.BANDS, context),
        )

    def answer_options(self, parameters: dict[str, Any], context: QgsProcessingContext) -> AnswerOptions:
        """What decides the answer."""
        return AnswerOptions(
            threshold=self.number(parameters, p.THRESHOLD, context),
            refine=p.REFINE_CHOICES[self.parameterAsEnum(parameters, p.REFINE, context)],
            min_area=self.number(parameters, p.MIN_AREA, context),
            simplify=self.number(parameters, p.SIMPLIFY, context),
        )

    def classes(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[ClassEntry]:
        """The classes, each with a colour."""
        path = self.parameterAsFile(parameters, p.CLASS_FILE, context)
        typed = self.parameterAsString(parameters, p.CLASSES, context)
        entries = [e for e in read_classes(path) if e.ticked] if path else coloured(parse_typed(typed))
        if not entries:
            raise QgsProcessingException(tr("Give class names, or a class file."))
        return entries

    def class_file(self, entries: list[ClassEntry]) -> str:
        """The classes as a file for the engine."""
        path = str(Path(self._folder) / "classes.txt")
        write_classes(path, entries)
        return path

    def temporary(self, name: str) -> str:
        """A path that goes when the algorithm ends."""
        return str(Path(self._folder) / name)

    def number(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> float | None:
        """An optional number."""
        given = parameters.get(name)
        return None if given is None or given == "" else self.parameterAsDouble(parameters, name, context)

    def _area(self, parameters: dict[str, Any], context: QgsProcessingContext, area_file: Path) -> str:
        raster = self.raster(parameters, context)
        transforms = context.transformContext()
        polygons = self.parameterAsSource(parameters, p.POLYGONS, context)
        if polygons is not None:
            geometries = [feature.geometry() for feature in polygons.getFeatures()]
            wkt = polygons_text(geometries, polygons.sourceCrs(), raster.crs(), transforms)
            write_area(area_file, wkt, raster.crs().toWkt())
            return str(area_file)
        extent = self.parameterAsExtent(parameters, p.EXTENT, context)
        if extent.isNull() or extent.isEmpty():
            return ""
        return box_text(extent, self.parameterAsExtentCrs(parameters, p.EXTENT, context), raster.crs(), transforms)

    # -- the run -----------------------------------------------------------------------------------------------

    def run_engine(
        self, command: list[str], feedback: QgsProcessingFeedback, encodes: bool = True
    ) -> dict[str, str]:
        """Run the engine with its progress in Processing's log; gives the files written, by kind."""
        log, pace = RunLog(), Pace(encodes)

        def hear(event: EngineEvent) -> None:
            text = pace.follow(event)
            feedback.setProgress(pace.percent)
            feedback.setProgressText(text)

        feedback.pushCommandInfo(" ".join(command))
        failed = True
        try:
            outputs = preferences.engine().run(command, log, hear, feedback.isCanceled)
            failed = False
            return outputs
        finally:
            last_log.keep(log, failed and not feedback.isCanceled())
            feedback.pushConsoleInfo(log.text)
