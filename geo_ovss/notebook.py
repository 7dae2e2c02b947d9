"""How a result shows itself in Jupyter."""

from __future__ import annotations

import base64
import html
import importlib
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image

from geo_ovss.errors import FoliumMissing
from geo_ovss.measure import PixelAreas
from geo_ovss.regions import iterate_strips

PREVIEW_SIDE = 1000
"""In pixels: a notebook is saved with its pictures."""


class _Names(Protocol):
    @property
    def names(self) -> list[str]: ...

    @property
    def colours(self) -> list[str]: ...


class Result(Protocol):
    """What is asked of a segmentation."""

    name: str
    labels_path: Path

    @property
    def vocabulary(self) -> _Names:
        """Names and colours of the classes."""

    def preview(self, path: Path) -> Path:
        """Draw the preview."""


def count_pixels(labels_path: str | Path, classes: int) -> NDArray[np.int64]:
    """Pixels of no label and of each class, (classes + 1,); read strip by strip."""
    counts = np.zeros(classes + 1, np.int64)
    with rasterio.open(labels_path) as labels:
        for _, values in iterate_strips(labels):
            counts += np.bincount(values.ravel(), minlength=classes + 1)
    return counts


def repr_html(result: Result) -> str:
    """Preview and class table of a segmentation, for ``_repr_html_``."""
    names, colours = result.vocabulary.names, result.vocabulary.colours
    with tempfile.TemporaryDirectory() as folder:
        picture = _small(result.preview(Path(folder) / "preview.png"))
    counts = count_pixels(result.labels_path, len(names))
    with rasterio.open(result.labels_path) as labels:
        unit = "m²" if labels.crs is not None else "px"
        area = PixelAreas(labels.crs, labels.transform, labels.width, labels.height).middle() if labels.crs else 1.0
    labelled = max(int(counts[1:].sum()), 1)
    rows = "".join(
        f'<tr><td style="text-align:left"><span style="display:inline-block;width:1em;height:1em;background:{colour};'
        f'border:1px solid #0004"></span> {html.escape(name)}</td><td>{count * area:,.0f}</td>'
        f"<td>{count / labelled:.1%}</td></tr>"
        for name, colour, count in zip(names, colours, counts[1:].tolist(), strict=True)
    )
    return (
        f'<div><b>{html.escape(result.name)}</b><br><img alt="Preview" style="max-width:100%;max-height:32em" '
        f'src="data:image/jpeg;base64,{picture}">'
        f'<table><thead><tr><th style="text-align:left">class</th><th>about {unit}</th><th>share</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _small(path: Path) -> str:
    """A picture as base64 of a JPEG no wider than a notebook's column."""
    file = io.BytesIO()
    with Image.open(path) as picture:
        picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        picture.convert("RGB").save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode()


def explore(polygons: gpd.GeoDataFrame, names: Sequence[str], colours: Sequence[str], **options: Any) -> Any:
    """Polygons on an interactive map in the colours of their classes; needs folium.

    Parameters
    ----------
    polygons : GeoDataFrame
        With a CRS, and a column class_name.
    **options
        For `GeoDataFrame.explore`.

    Raises
    ------
    FoliumMissing
    """
    try:
        for module in ("folium", "mapclassify"):         # geopandas asks for both
            importlib.import_module(module)
    except ImportError as error:
        raise FoliumMissing from error
    present = [(name, colour) for name, colour in zip(names, colours, strict=True)
               if (polygons["class_name"] == name).any()]
    chosen = {"column": "class_name", "categorical": True, "categories": [name for name, _ in present],
              "cmap": [colour for _, colour in present], "style_kwds": {"fillOpacity": 0.5, "weight": 1}}
    return polygons.explore(**{**chosen, **options})
