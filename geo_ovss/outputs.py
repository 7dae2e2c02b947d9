"""The files that a run leaves: checked before it begins, written under temporary names, renamed when whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geo_ovss.atomic import check_folder
from geo_ovss.errors import BadOption, OutputExists
from geo_ovss.export import check_centerlines, check_layer, check_target
from geo_ovss.formats import format_of
from geo_ovss.label_raster import check_tiff


@dataclass(frozen=True)
class Outputs:
    """Where the results of one run go; None is not wanted."""

    polygons: Path
    labels: Path | None = None
    confidence: Path | None = None
    preview: Path | None = None
    report: Path | None = None
    layer: str | None = None
    target_crs: str | None = None

    def paths(self) -> dict[str, Path]:
        """The wanted files by kind."""
        named = {"polygons": self.polygons, "labels": self.labels, "confidence": self.confidence,
                 "preview": self.preview, "report": self.report}
        return {kind: path for kind, path in named.items() if path is not None}

    def check(self, overwrite: bool, lines: bool = False) -> None:
        """Find out before any work whether every output can be written, with `lines` those of centre lines too.

        Raises
        ------
        UnknownVectorFormat, NotATiff, BadOption, BadTargetCrs, OutputFolderMissing, OutputNotWritable, OutputExists,
        LayerUnsupported, NotAGeoPackage, LayerExists
        """
        check_target(self.target_crs, format_of(self.polygons))
        for raster in filter(None, (self.labels, self.confidence)):
            check_tiff(raster)
        for path, suffix, option in ((self.preview, ".png", "--preview"), (self.report, ".html", "--report")):
            if path is not None and path.suffix.lower() != suffix:
                raise BadOption(option, str(path), f"a file that ends with {suffix}")
        for kind, path in self.paths().items():
            check_folder(path)
            if kind == "polygons" and self.layer is not None and path.exists():
                check_layer(path, self.layer, overwrite)
            elif path.exists() and not overwrite:
                raise OutputExists(path)
        if lines and not overwrite:
            check_centerlines(self.polygons)

    def run_folder(self, *identity: Any) -> Path:
        """The folder of this run's unfinished work, beside the polygons: the same for the same question."""
        return Path(f"{self.polygons}.partial") / digest(*identity)


def digest(*identity: Any) -> str:
    """Twelve letters that stand for a run's identity in a folder's name."""
    text = json.dumps(identity, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
