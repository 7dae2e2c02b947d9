"""Vector formats by suffix, written as a stream of record batches."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from pyogrio.raw import write_arrow

from geo_ovss.errors import UnknownVectorFormat

GPKG_VERSION = "1.3"
"""Newer GeoPackages make GDAL 3.6, which QGIS 3.22 to 3.28 came with, print a warning."""

SHAPEFILE_NAMES = {"confidence_min": "conf_min", "perimeter_m": "perim_m", "width_min_m": "wid_min_m",
                   "width_min_px": "wid_min_px"}
"""A shapefile's column names have ten letters at most."""

SHAPEFILE_LIMITS = (
    "A shapefile holds 2 GB at most, shortens column names ("
    + ", ".join(f"{long} is {short}" for long, short in SHAPEFILE_NAMES.items())
    + ") and class names of more than 254 bytes, and keeps neither style nor metadata; .gpkg has none of these limits."
)


@dataclass(frozen=True)
class Layer:
    """What a file of polygons or lines is written from.

    Attributes
    ----------
    frames : iterable of GeoDataFrame
        All with the same columns.
    geometry : str
        "Polygon", "MultiPolygon" or "LineString".
    crs : pyproj.CRS or None
    metadata : mapping of str to str
    """

    name: str
    frames: Iterable[gpd.GeoDataFrame]
    geometry: str
    crs: pyproj.CRS | None
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class VectorFormat:
    """One format.

    Attributes
    ----------
    name : str
        As people call it.
    write : callable
        ``write(layer, path, append)``.
    wgs84 : bool
        Coordinates are always WGS 84.
    message : str
        What the user should know; may be empty.
    """

    name: str
    write: Callable[[Layer, Path, bool], None]
    wgs84: bool = False
    message: str = ""


def _batches(layer: Layer, rename: Mapping[str, str] | None = None) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema of a layer and its features, geometries as WKB."""
    frames = iter(layer.frames)
    first = next(frames)
    schema = _batch(first, layer.geometry, rename).schema

    def generate() -> Iterator[pa.RecordBatch]:
        yield _batch(first, layer.geometry, rename)
        for frame in frames:
            yield _batch(frame, layer.geometry, rename)

    return schema, generate()


def _batch(frame: gpd.GeoDataFrame, geometry: str, rename: Mapping[str, str] | None) -> pa.RecordBatch:
    names, arrays = [], []
    for name in frame.columns.drop(frame.geometry.name):
        values = frame[name].to_numpy()
        real = values.dtype.kind == "f"
        arrays.append(pa.array(values, from_pandas=real, type=pa.string() if values.dtype.kind == "O" else None))
        names.append((rename or {}).get(name, name))
    shapes = frame.geometry.to_numpy()
    if geometry == "MultiPolygon":
        single = shapely.get_type_id(shapes) == 3
        shapes[single] = [shapely.multipolygons([shape]) for shape in shapes[single]]
    arrays.append(pa.array(list(shapely.to_wkb(shapes, flavor="iso")), pa.binary()))
    fields = [pa.field(name, array.type) for name, array in zip(names, arrays[:-1], strict=True)]
    fields.append(pa.field("geometry", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}))
    return pa.record_batch(arrays, schema=pa.schema(fields))


def _write_gdal(driver: str, layer: Layer, path: Path, *, rename: Mapping[str, str] | None = None,
                **options: Any) -> None:
    schema, generate = _batches(layer, rename)
    failure: list[BaseException] = []

    def guarded() -> Iterator[pa.RecordBatch]:
        try:
            yield from generate
        except BaseException as error:           # Arrow would replace it with a sentence of its own
            failure.append(error)
            raise

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided")
            write_arrow(
                pa.RecordBatchReader.from_batches(schema, guarded()), str(path), layer=layer.name, driver=driver,
                geometry_name="geometry", geometry_type=layer.geometry, encoding="UTF-8",
                crs=None if layer.crs is None else layer.crs.to_wkt(), **options,
            )
    except Exception as error:
        if failure:
            raise failure[0] from error
        raise


def write_gpkg(layer: Layer, path: Path, append: bool) -> None:
    """Write a GeoPackage, or add a layer to one; a layer of that name is replaced."""
    options: dict[str, Any] = {} if append else {"dataset_options": {"VERSION": GPKG_VERSION}}
    _write_gdal("GPKG", layer, path, layer_metadata=dict(layer.metadata) or None, **options)


def write_flatgeobuf(layer: Layer, path: Path, append: bool) -> None:
    """Write FlatGeobuf with its spatial index."""
    _write_gdal("FlatGeobuf", layer, path, layer_options={"DESCRIPTION": _described(layer)})


def write_shapefile(layer: Layer, path: Path, append: bool) -> None:
    """Write an ESRI Shapefile."""
    _write_gdal("ESRI Shapefile", layer, path, rename=SHAPEFILE_NAMES)


def write_geojson(layer: Layer, path: Path, append: bool) -> None:
    """Write GeoJSON after RFC 7946; coordinates are in WGS 84 already."""
    _write_gdal("GeoJSON", layer, path, layer_options={
        "RFC7946": "YES", "COORDINATE_PRECISION": "9", "DESCRIPTION": _described(layer)})


def _described(layer: Layer) -> str:
    return json.dumps(dict(layer.metadata), ensure_ascii=False)


def write_parquet(layer: Layer, path: Path, append: bool) -> None:
    """Write GeoParquet 1.1 (WKB, zstd), row group by row group."""
    schema, generate = _batches(layer)
    kinds: set[str] = set()
    bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])
    # Without an Arrow schema of its own in the file, readers find the metadata that is known only at the end.
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
        for batch in generate:
            shapes = shapely.from_wkb(batch.column("geometry").to_pylist())
            if len(shapes):
                kinds |= {_KINDS[k] for k in np.unique(shapely.get_type_id(shapes)).tolist()}
                low_high = shapely.total_bounds(shapes)
                bounds = np.concatenate([np.fmin(bounds[:2], low_high[:2]), np.fmax(bounds[2:], low_high[2:])])
            writer.write_batch(batch)
        column: dict[str, Any] = {
            "encoding": "WKB", "geometry_types": sorted(kinds), "orientation": "counterclockwise",
            "crs": None if layer.crs is None else layer.crs.to_json_dict(),
        }
        if np.isfinite(bounds).all():
            column["bbox"] = bounds.tolist()
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        writer.add_key_value_metadata({"geo": json.dumps(geo), **layer.metadata})


_KINDS = {1: "LineString", 3: "Polygon", 5: "MultiLineString", 6: "MultiPolygon"}

FORMATS: dict[str, VectorFormat] = {
    ".gpkg": VectorFormat("GeoPackage", write_gpkg),
    ".parquet": VectorFormat("GeoParquet", write_parquet),
    ".fgb": VectorFormat("FlatGeobuf", write_flatgeobuf),
    ".geojson": VectorFormat("GeoJSON", write_geojson, wgs84=True),
    ".shp": VectorFormat("Shapefile", write_shapefile, message=SHAPEFILE_LIMITS),
}
"""By suffix."""


def format_of(path: Path) -> VectorFormat:
    """The format that a path's suffix asks for.

    Raises
    ------
    UnknownVectorFormat
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise UnknownVectorFormat(path, list(FORMATS))
    return found
