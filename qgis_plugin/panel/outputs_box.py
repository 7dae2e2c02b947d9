"""Where the results go: temporary files, or files that the user names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingUtils
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import QCheckBox, QFormLayout, QGroupBox, QLabel

from ..engine.commands import OutputFiles
from ..engine.errors import EngineError
from ..translation import tr
from ..widgets.file_field import FileField

POLYGON_FILTER = "GeoPackage (*.gpkg)"
RASTER_FILTER = "GeoTIFF (*.tif)"


class OutputsBox(QGroupBox):
    """Polygons always; label raster and confidence where ticked. An empty name is a temporary file."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(tr("Results"), parent)
        self.polygons = self._file_field(POLYGON_FILTER, tr("GeoPackage for the polygons; empty: a temporary one"))
        self.labels_wanted = QCheckBox(tr("La&bel raster"), self)
        self.labels_wanted.setToolTip(tr("Write and add a raster of class numbers; 0 is no label"))
        self.labels = self._file_field(RASTER_FILTER, tr("GeoTIFF for the label raster; empty: a temporary one"))
        self.confidence_wanted = QCheckBox(tr("&Confidence"), self)
        self.confidence_wanted.setToolTip(tr("Write and add a raster of how sure each label is, 0 to 1"))
        self.confidence = self._file_field(RASTER_FILTER, tr("GeoTIFF for the confidence; empty: a temporary one"))
        layout = QFormLayout(self)
        polygons_label = QLabel(tr("Pol&ygons"), self)
        polygons_label.setBuddy(self.polygons)
        layout.addRow(polygons_label, self.polygons)
        layout.addRow(self.labels_wanted, self.labels)
        layout.addRow(self.confidence_wanted, self.confidence)
        for box, widget in ((self.labels_wanted, self.labels), (self.confidence_wanted, self.confidence)):
            widget.setEnabled(False)
            box.toggled.connect(widget.setEnabled)

    def output_files(self) -> OutputFiles:
        """The files to write.

        Raises
        ------
        OutputRefused
            Where a name lies in a folder that does not exist, or two are the same.
        """
        labels, confidence = self.labels_wanted.isChecked(), self.confidence_wanted.isChecked()
        files = OutputFiles(
            polygons=_path(self.polygons, "polygons.gpkg"),
            labels=_path(self.labels, "labels.tif") if labels else "",
            confidence=_path(self.confidence, "confidence.tif") if confidence else "",
        )
        named = [path for path in (files.polygons, files.labels, files.confidence) if path]
        if len({str(Path(path)) for path in named}) < len(named):
            raise OutputRefused(tr("Two results have the same file name."))
        for path in named:
            if not Path(path).parent.is_dir():
                raise OutputRefused(tr("The folder {} does not exist.").format(Path(path).parent))
        return files

    def _file_field(self, file_filter: str, tooltip: str) -> FileField:
        field = FileField(QgsFileWidget.StorageMode.SaveFile, tooltip, tr("[temporary file]"), self)
        field.setFilter(file_filter)
        field.setConfirmOverwrite(True)
        return field


class OutputRefused(EngineError):
    """A file name for the results cannot be used."""


def _path(field: FileField, temporary_name: str) -> str:
    chosen = field.path()
    if not chosen:
        return QgsProcessingUtils.generateTempFilename(temporary_name)
    suffix = Path(temporary_name).suffix
    return chosen if Path(chosen).suffix.lower() == suffix else chosen + suffix
