"""The result of a run: labelled pixels of one scene, and everything that is made from them when asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine

from geo_ovss.progress import Progress
from geo_ovss.raster import Raster, RasterOptions, open_raster
from geo_ovss.vocabulary import Vocabulary

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_ovss.polygons import PolygonOptions
    from geo_ovss.summary import Summary


@dataclass(frozen=True)
class Overview:
    """A scene and its labels at the size of a preview.

    Attributes
    ----------
    rgb : ndarray, (H, W, 3) uint8
    valid : ndarray of bool, (H, W)
    labels : ndarray, (H, W)
    transform : Affine or None
        None without a CRS.
    metres_per_pixel : float or None
    """

    rgb: np.ndarray
    valid: np.ndarray
    labels: np.ndarray
    transform: Affine | None
    metres_per_pixel: float | None


@dataclass
class Segmentation:
    """Labelled pixels of one scene, and what follows from them; everything is read or made when asked for.

    Attributes
    ----------
    labels_path, confidence_path : Path
        Working rasters: 0 is no label, i the i-th class; confidence in 0..1.
    vocabulary : Vocabulary
    source : str
        Path of the raster, for pictures.
    raster_options : dict
        How the raster was read.
    metadata : dict
        Preset, version and source, for the outputs.
    """

    labels_path: Path
    confidence_path: Path
    vocabulary: Vocabulary
    name: str
    source: str
    raster_options: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    _polygons: Any = field(default=None, repr=False)
    _drawn: Path | None = field(default=None, repr=False)

    @property
    def labels(self) -> np.ndarray:
        """Label raster (H, W), uint8 or uint16: 0 is no label, i the i-th class as given."""
        with rasterio.open(self.labels_path) as source:
            return source.read(1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the label (H, W), float32 in 0..1; 0 where there is none."""
        with rasterio.open(self.confidence_path) as source:
            return source.read(1)

    @property
    def polygons(self) -> gpd.GeoDataFrame:
        """The labelled polygons: class_id, class_name, confidence, area_m2 and more; in the scene's CRS."""
        if self._polygons is None:
            from geo_ovss.export import read_polygons

            path = self.labels_path.with_name("polygons.gpkg")
            if not path.exists():
                self.to_gpkg(path)
            self._polygons = read_polygons(path)
        return self._polygons

    def write_polygons(self, path: str | Path, options: PolygonOptions | None = None, *, layer: str | None = None,
                       target_crs: str | None = None, overwrite: bool = False,
                       progress: Progress | None = None) -> Summary:
        """Write polygons in the format of the suffix; gives the summary per class.

        A `layer` that is named is added to a GeoPackage that exists. Pictures made afterwards show the same labels:
        cleaned ones where `options` ask for that.
        """
        from geo_ovss.export import write_polygons

        cleaned = self.labels_path.with_name("cleaned.tif") if options is not None and options.cleans else None
        summary = write_polygons(
            self.labels_path, self.confidence_path, self.vocabulary.names, self.vocabulary.colours, path,
            options=options, layer=layer or self.name, target_crs=target_crs, metadata=self.metadata,
            overwrite=overwrite, append=layer is not None, progress=progress, cleaned_path=cleaned,
        )
        self._drawn = cleaned
        return summary

    def to_gpkg(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the polygons as a GeoPackage; gives its path."""
        self.write_polygons(path, overwrite=overwrite)
        return Path(path)

    def write_labels(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the label raster as COG with colours, names and a QGIS style beside it."""
        from geo_ovss.label_raster import finish_label_raster

        return finish_label_raster(self.labels_path, path, self.vocabulary.names, self.vocabulary.colours,
                                   metadata=self.metadata, overwrite=overwrite)

    def write_confidence(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the confidence raster as COG."""
        from geo_ovss.label_raster import finish_confidence_raster

        return finish_confidence_raster(self.confidence_path, path, metadata=self.metadata, overwrite=overwrite)

    def preview(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Draw the scene with translucent classes, legend, scale bar and north arrow (PNG)."""
        from geo_ovss.picture import draw_preview

        seen = self.overview()
        return draw_preview(seen.rgb, seen.valid, seen.labels, self.vocabulary.names, self.vocabulary.colours, path,
                            transform=seen.transform, metres_per_pixel=seen.metres_per_pixel, title=self.name,
                            overwrite=overwrite)

    def report(self, path: str | Path, summary: Summary, *, timings: dict[str, float] | None = None,
               overwrite: bool = False) -> Path:
        """Write one self-contained page: an interactive map, class table, confidence histogram, settings, timings."""
        from geo_ovss.report import confidence_histogram, write_report

        seen = self.overview()
        return write_report(
            path, rgb=seen.rgb, valid=seen.valid, labels=seen.labels, names=self.vocabulary.names,
            colours=self.vocabulary.colours, summary=summary, title=self.name, transform=seen.transform,
            metres_per_pixel=seen.metres_per_pixel, settings=self.metadata, timings=timings, overwrite=overwrite,
            histogram=confidence_histogram(self.labels_path, self.confidence_path, len(self.vocabulary.names)),
        )

    def explore(self, **options: Any) -> Any:
        """The polygons on an interactive map; needs folium."""
        from geo_ovss.notebook import explore

        return explore(self.polygons, self.vocabulary.names, self.vocabulary.colours, **options)

    def _repr_html_(self) -> str:
        from geo_ovss.notebook import repr_html

        return repr_html(self)

    def overview(self) -> Overview:
        """Scene and labels, small enough to look at; the labels that polygons were last written from."""
        from geo_ovss.picture import PREVIEW_SIDE, read_labels_overview

        with self.open_source() as source:
            rgb, valid, transform = source.overview(PREVIEW_SIDE)
            metres = None if source.metres_per_pixel is None else source.metres_per_pixel * source.width / rgb.shape[1]
            labels = read_labels_overview(self._drawn or self.labels_path, rgb.shape[:2])
            return Overview(rgb, valid, labels, transform if source.crs else None, metres)

    def open_source(self) -> Raster:
        """The raster, opened again as it was read."""
        return open_raster(self.source, RasterOptions(**self.raster_options))
