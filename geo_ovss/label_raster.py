"""Label and confidence rasters as users keep them: cloud-optimised, coloured, named, with overviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import rasterio
from rasterio.shutil import copy as copy_raster

from geo_ovss.atomic import writing
from geo_ovss.errors import NotATiff
from geo_ovss.regions import iterate_strips, place_of
from geo_ovss.style import raster_qml

BLOCK = 512
"""Side of a tile in pixels."""


def finish_label_raster(source: str | Path, out: str | Path, names: Sequence[str], colours: Sequence[str], *,
                        metadata: Mapping[str, Any] | None = None, overwrite: bool = False) -> Path:
    """Write a label raster as COG with colour table, category names and overviews, a QGIS style beside it.

    GDAL keeps category names beside a GeoTIFF, in ``<name>.aux.xml``; the file itself names them in its metadata
    (``CLASS_1`` and so on), for whom it reaches alone.

    Parameters
    ----------
    source : path
        Band 1, uint8 or uint16: 0 is no label, i the i-th class.
    out : path
        .tif or .tiff.

    Raises
    ------
    NotATiff, OutputExists, OutputFolderMissing, OutputNotWritable
    """
    out = check_tiff(Path(out))
    with writing(out, overwrite) as part:
        working = part.with_name("working.tif")
        with rasterio.open(source) as raster:
            profile = _profile(raster) | {"nodata": 0}
            with rasterio.open(working, "w", **profile) as target:
                for row, labels in iterate_strips(raster):
                    target.write(labels, 1, window=((row, row + len(labels)), (0, raster.width)))
                target.write_colormap(1, colour_table(colours))
                target.update_tags(**{key: str(value) for key, value in (metadata or {}).items()})
                target.update_tags(1, **{f"CLASS_{i}": name for i, name in enumerate(names, 1)})
                target.set_band_description(1, "class")
        _to_cog(working, part, "MODE")
        working.unlink()
        part.with_name(f"{part.name}.aux.xml").write_text(category_names(names), encoding="utf-8")
        part.with_suffix(".qml").write_text(raster_qml(names, colours), encoding="utf-8")
    return out


def finish_confidence_raster(source: str | Path, out: str | Path, *, metadata: Mapping[str, Any] | None = None,
                             overwrite: bool = False) -> Path:
    """Write a confidence raster (float32, 0..1) as COG with overviews.

    Raises
    ------
    NotATiff, OutputExists, OutputFolderMissing, OutputNotWritable
    """
    out = check_tiff(Path(out))
    with writing(out, overwrite) as part:
        working = part.with_name("working.tif")
        with rasterio.open(source) as raster:
            profile = _profile(raster) | {"nodata": 0.0 if raster.nodata is None else raster.nodata, "predictor": 3}
            with rasterio.open(working, "w", **profile) as target:
                for row, values in iterate_strips(raster):
                    target.write(values, 1, window=((row, row + len(values)), (0, raster.width)))
                target.update_tags(**{key: str(value) for key, value in (metadata or {}).items()})
                target.set_band_description(1, "confidence")
        _to_cog(working, part, "AVERAGE", predictor="YES")
        working.unlink()
    return out


def _profile(raster: rasterio.DatasetReader) -> dict[str, Any]:
    return {
        "driver": "GTiff", "width": raster.width, "height": raster.height, "count": 1, "dtype": raster.dtypes[0],
        "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "DEFLATE", "zlevel": 1,
        "BIGTIFF": "IF_SAFER", **place_of(raster),
    }


def _to_cog(source: Path, out: Path, resampling: str, **options: str) -> None:
    copy_raster(source, out, driver="COG", BLOCKSIZE=str(BLOCK), COMPRESS="DEFLATE", OVERVIEW_RESAMPLING=resampling,
                BIGTIFF="IF_SAFER", **{key.upper(): value for key, value in options.items()})


def check_tiff(path: Path) -> Path:
    """Raise `NotATiff` unless the name is that of a TIFF."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise NotATiff(path)
    return path


def colour_table(colours: Sequence[str]) -> dict[int, tuple[int, int, int, int]]:
    """GDAL's colour table: 0 transparent, class i in its colour."""
    table = {0: (0, 0, 0, 0)}
    for i, colour in enumerate(colours, 1):
        red, green, blue = (int(colour[k:k + 2], 16) for k in (1, 3, 5))
        table[i] = (red, green, blue, 255)
    return table


def category_names(names: Sequence[str]) -> str:
    """The sidecar file in which GDAL keeps the names of the values 0, 1, 2 ..."""
    root = Xml.Element("PAMDataset")
    categories = Xml.SubElement(Xml.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for name in ("", *names):
        Xml.SubElement(categories, "Category").text = name
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode") + "\n"
