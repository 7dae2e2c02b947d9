"""Polygons to files: whole or not at all, in the format of the suffix."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import rasterio

from geo_ovss.atomic import writing
from geo_ovss.centerlines import centerlines
from geo_ovss.cleaning import clean_labels
from geo_ovss.errors import BadTargetCrs, ConfidenceNeeded, LayerExists, LayerUnsupported, NotAGeoPackage, OutputExists
from geo_ovss.formats import Layer, VectorFormat, format_of, write_gpkg
from geo_ovss.instances import split_instances
from geo_ovss.measure import Ground
from geo_ovss.place import Placement
from geo_ovss.polygons import PolygonOptions, polygonize
from geo_ovss.progress import Progress
from geo_ovss.shaping import class_mask
from geo_ovss.style import add_layer_style, line_qml, polygon_qml
from geo_ovss.summary import Summary, SummaryBuilder

WGS84 = "OGC:CRS84"


def write_polygons(labels_path: str | Path, confidence_path: str | Path | None, names: Sequence[str],
                   colours: Sequence[str], out_path: str | Path, *, options: PolygonOptions | None = None,
                   layer: str | None = None, target_crs: Any = None, metadata: Mapping[str, Any] | None = None,
                   overwrite: bool = False, append: bool = False, progress: Progress | None = None,
                   cleaned_path: str | Path | None = None) -> Summary:
    """Write the polygons of a label raster; gives the summary per class, which is also written beside as CSV.

    Parameters
    ----------
    labels_path, confidence_path : path
        See `geo_ovss.polygons.read_map`.
    names, colours : sequences of str
        Of class i at i - 1; colours as "#rrggbb".
    out_path : path
        .gpkg, .parquet, .fgb, .geojson or .shp.
    layer : str, optional
        Name of the layer; the file's name where it is left out.
    target_crs : anything that pyproj understands, optional
        CRS of the polygons. GeoJSON is always in WGS 84.
    metadata : mapping
        Goes into the layer's metadata, and with it the options that are not off.
    overwrite : bool
        Replace an existing file; with `append`, an existing layer.
    append : bool
        Add the layer to an existing GeoPackage. The file is replaced by one with the layer when that is whole.
    cleaned_path : path, optional
        Where the labels are kept that polygons are made from, if `options` clean them.

    Raises
    ------
    UnknownVectorFormat, OutputExists, OutputFolderMissing, OutputNotWritable, LayerExists, LayerUnsupported,
    BadTargetCrs
    """
    path, options, progress = Path(out_path), options or PolygonOptions(), progress or Progress()
    kind = format_of(path)
    name = layer or path.stem
    adding = append and path.exists()
    if adding:
        check_layer(path, name, overwrite)
    messages = [kind.message] if kind.message else []
    with rasterio.open(labels_path) as source:
        crs = check_target(target_crs, kind, georeferenced=source.crs is not None)
        placement = Placement(source.crs, source.transform, source.width, source.height, crs)
        builder = SummaryBuilder(names, "m2" if Ground(source.crs).metric else "px")
    line_classes = np.flatnonzero(class_mask(options.centerlines, names)).tolist()
    if line_classes and not overwrite:
        check_centerlines(path)
    with (writing(path, overwrite or adding) as part,
          tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as work):
        if options.cleans:
            labels_path = clean_labels(labels_path, cleaned_path or Path(work) / "labels.tif",
                                       min_area=options.min_area, holes=options.fill_holes, progress=progress)
        instances = _instances(labels_path, confidence_path, names, options, Path(work), progress)
        frames = polygonize(labels_path, names, confidence_path=confidence_path, instances_path=instances,
                            options=options, target_crs=crs, progress=progress)
        if adding:
            shutil.copy2(path, part)
        multi = options.dissolve or placement.crosses
        content = Layer(name, _counted(frames, builder, names, placement.crs),
                        "MultiPolygon" if multi else "Polygon", placement.crs,
                        {key: str(value) for key, value in {**(metadata or {}), **options.chosen()}.items()})
        kind.write(content, part, adding)
        if kind.write is write_gpkg:
            add_layer_style(part, name, polygon_qml(names, colours))
        if line_classes:
            lines = Layer(f"{name}_centerlines", centerlines(labels_path, names, line_classes, target_crs=crs),
                          "MultiLineString" if placement.crosses else "LineString", placement.crs, content.metadata)
            if kind.write is write_gpkg:
                kind.write(lines, part, True)
                add_layer_style(part, lines.name, line_qml(names, colours))
            else:
                kind.write(lines, part.with_name(centerlines_path(path).name), False)
    summary = builder.summary(path, messages)
    summary.write_csv(summary_path(path, name if adding else None))
    return summary


def _instances(labels_path: str | Path, confidence_path: str | Path | None, names: Sequence[str],
               options: PolygonOptions, work: Path, progress: Progress) -> Path | None:
    """The numbers of objects, where classes are to be split; a dissolved class has no single objects."""
    classes = np.flatnonzero(class_mask(options.instances, names)).tolist()
    if not classes or options.dissolve:
        return None
    if confidence_path is None:
        raise ConfidenceNeeded
    return split_instances(labels_path, confidence_path, work / "instances.tif", classes, progress=progress)


def summary_path(path: Path, layer: str | None = None) -> Path:
    """The table beside a file of polygons, or beside a layer that was added to one."""
    added = "" if layer is None else "_" + re.sub(r"[^\w.-]+", "_", layer)
    return path.with_name(f"{path.stem}{added}_summary.csv")


def centerlines_path(path: Path) -> Path:
    """The file of centre lines beside a file of polygons; in a GeoPackage they are a layer."""
    return path.with_name(f"{path.stem}_centerlines{path.suffix}")


def check_centerlines(path: Path) -> None:
    """Raise `OutputExists` where the file of centre lines beside a file of polygons would replace another."""
    beside = centerlines_path(path)
    if format_of(path).write is not write_gpkg and beside.exists():
        raise OutputExists(beside)


def read_polygons(path: str | Path, layer: str | None = None) -> gpd.GeoDataFrame:
    """Read polygons that `write_polygons` has written."""
    if Path(path).suffix.lower() == ".parquet":
        return gpd.read_parquet(path)
    if layer is None and Path(path).suffix.lower() == ".gpkg":
        layer = next(name for name, geometry in pyogrio.list_layers(path) if geometry is not None)
    return gpd.read_file(path, layer=layer)


def check_target(target_crs: Any, kind: VectorFormat, georeferenced: bool = True) -> pyproj.CRS | None:
    """The CRS that polygons are asked for in, None for the raster's.

    Raises
    ------
    BadTargetCrs
        It is no CRS, or the format has another one, or the raster has none (`georeferenced` is False).
    """
    if not georeferenced and (kind.wgs84 or target_crs is not None):
        raise BadTargetCrs(target_crs or f"WGS 84, as {kind.name} always is", "the raster has no CRS to convert from")
    if target_crs is None:
        return pyproj.CRS.from_user_input(WGS84) if kind.wgs84 else None
    try:
        crs = pyproj.CRS.from_user_input(target_crs)
    except pyproj.exceptions.CRSError as error:
        raise BadTargetCrs(target_crs, "it is no CRS that PROJ knows") from error
    if kind.wgs84 and not crs.equals("EPSG:4326", ignore_axis_order=True):
        raise BadTargetCrs(target_crs, f"{kind.name} is always in WGS 84 (EPSG:4326)")
    return pyproj.CRS.from_user_input(WGS84) if kind.wgs84 else crs


def check_layer(path: Path, name: str, overwrite: bool) -> None:
    """Find out whether a layer can be added to a file that exists.

    Raises
    ------
    LayerUnsupported, NotAGeoPackage, LayerExists
    """
    if format_of(path).write is not write_gpkg:
        raise LayerUnsupported(path)
    try:
        layers = {layer[0] for layer in pyogrio.list_layers(path)}
    except pyogrio.errors.DataSourceError as error:
        raise NotAGeoPackage(path) from error
    if name in layers and not overwrite:
        raise LayerExists(path, name)


def _counted(frames: Iterator[gpd.GeoDataFrame], builder: SummaryBuilder, names: Sequence[str],
             crs: pyproj.CRS | None) -> Iterator[gpd.GeoDataFrame]:
    """The frames as they pass, added up; one empty frame where there is none."""
    first = next(frames, None)
    if first is None:
        yield empty_frame(crs)
        return
    for frame in chain([first], frames):
        area = frame["area_m2"] if "area_px" not in frame else frame["area_px"]
        builder.add(frame["class_id"].to_numpy(), area.to_numpy(), frame["confidence"].to_numpy())
        yield frame


def empty_frame(crs: Any) -> gpd.GeoDataFrame:
    """A layer without polygons."""
    real: dict[str, list[float]] = {name: [] for name in ("confidence", "confidence_min", "area_m2", "perimeter_m")}
    frame = gpd.GeoDataFrame({"class_id": [], "class_name": [], **real}, geometry=[], crs=crs)
    return frame.astype({"class_id": "int32", "class_name": object, **dict.fromkeys(real, "float64")})
