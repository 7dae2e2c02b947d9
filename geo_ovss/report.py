"""The report: one page with everything in it, that opens offline in any browser."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

from geo_ovss.atomic import writing
from geo_ovss.picture import INVALID, north_direction
from geo_ovss.regions import iterate_strips
from geo_ovss.summary import Summary

REPORT_SIDE = 1600
"""Longest side of the scene in a report, in pixels: a page of a few megabytes."""

HISTOGRAM_BINS = 40
JPEG_QUALITY = 85


def confidence_histogram(labels_path: str | Path, confidence_path: str | Path, classes: int,
                         bins: int = HISTOGRAM_BINS) -> NDArray[np.int64]:
    """Pixels per class and bin of confidence between 0 and 1, (classes, bins); read strip by strip."""
    counts = np.zeros((classes + 1) * bins, np.int64)
    with rasterio.open(labels_path) as labels, rasterio.open(confidence_path) as confidence:
        for row, values in iterate_strips(labels):
            sure = confidence.read(1, window=((row, row + len(values)), (0, labels.width)))
            known = (values > 0) & np.isfinite(sure)
            bin_ = np.clip((sure[known] * bins).astype(np.int64), 0, bins - 1)
            counts += np.bincount(values[known].astype(np.int64) * bins + bin_, minlength=len(counts))
    return counts.reshape(-1, bins)[1:]


def write_report(out_html: str | Path, *, rgb: NDArray[np.uint8], valid: NDArray[np.bool_] | None, labels: NDArray,
                 names: Sequence[str], colours: Sequence[str], summary: Summary, title: str,
                 transform: Affine | None = None, metres_per_pixel: float | None = None,
                 histogram: NDArray | None = None, settings: Mapping[str, Any] | None = None,
                 timings: Mapping[str, float] | None = None, overwrite: bool = False) -> Path:
    """Write the report.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        Overview of the scene.
    valid : (H, W) bool or None
        False where the scene has no data.
    labels : (H, W) int
        Overview of the labels: 0 is no label, i the i-th class.
    summary : Summary
        Of the polygons.
    transform : Affine, optional
        From pixels of the overview to the map; None without a CRS.
    metres_per_pixel : float, optional
        Of the overview.
    histogram : (classes, bins) int array, optional
        From `confidence_histogram`.
    settings : mapping, optional
        What the result was made with; shown as it is.
    timings : mapping of str to float, optional
        Seconds by stage.

    Raises
    ------
    OutputExists, OutputFolderMissing, OutputNotWritable
    """
    out = Path(out_html)
    height, width = labels.shape
    scene = rgb if valid is None else np.where(valid[..., None], rgb, INVALID)
    numbers = np.stack([labels & 255, labels >> 8, np.zeros_like(labels)], axis=2).astype(np.uint8)
    content = {
        "title": title,
        "subtitle": f"{summary.count:,} polygons of {sum(row.count > 0 for row in summary.rows)} classes",
        "footer": "Made by geo-ovss. The map is an overview; polygons and rasters hold every pixel.",
        "width": width, "height": height, "unit": summary.unit,
        "scene": _data_url(scene, "JPEG"), "labels": _data_url(numbers, "PNG"),
        "metres": metres_per_pixel,
        "transform": None if transform is None else list(transform)[:6],
        "digits": _digits(transform),
        "north": None if transform is None else north_direction(transform),
        "classes": [
            {"name": name, "colour": colour, "count": row.count, "area": row.area, "share": row.share,
             "confidence": row.confidence if np.isfinite(row.confidence) else None}
            for name, colour, row in zip(names, colours, summary.rows, strict=True)
        ],
        "histogram": None if histogram is None or not histogram.any() else histogram.tolist(),
        "settings": {key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
                     for key, value in (settings or {}).items()},
        "timings": dict(timings or {}),
    }
    page = (files("geo_ovss") / "report.html").read_text(encoding="utf-8")
    with writing(out, overwrite) as part:
        part.write_text(page.replace("__DATA__", _for_script(content)), encoding="utf-8")
    return out


def _data_url(pixels: NDArray[np.uint8], kind: str) -> str:
    """A picture as text: "PNG" keeps every number, "JPEG" is a tenth of the size."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, quality=JPEG_QUALITY, optimize=True)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(file.getvalue()).decode()


def _digits(transform: Affine | None) -> int:
    """Digits after the point that tell pixels apart."""
    if transform is None:
        return 0
    side = float(np.hypot(transform.a, transform.d))
    return int(np.clip(np.ceil(-np.log10(side)), 0, 9))


def _for_script(content: Mapping[str, Any]) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(content, ensure_ascii=False).replace("</", "<\\/").replace("<!--", "<\\u0021--")
