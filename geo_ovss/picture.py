"""The preview: scene, translucent classes, legend, scale bar and north arrow in one PNG."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrow, Patch, Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from rasterio.enums import Resampling

from geo_ovss.atomic import writing

PREVIEW_SIDE = 1600
"""Longest side of the scene in a preview, in pixels: fits a screen."""

CLASS_OPACITY = 0.45
"""Of the classes over the scene: both can be made out."""

_DPI = 100
_SMALLEST_SIDE = 500
INVALID = np.array([244, 244, 244], np.uint8)
"""Shown where the scene has no data."""
_HALO = [withStroke(linewidth=3, foreground="white")]
_FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Noto Sans Arabic",
          "Noto Sans Devanagari", "Microsoft YaHei", "Hiragino Sans", "Arial Unicode MS")
"""The first is matplotlib's own; the others fill in letters that it lacks, where they are installed."""


def overview_size(width: int, height: int, side: int = PREVIEW_SIDE) -> tuple[int, int]:
    """(height, width) of a raster brought down so that its longer side is at most `side`."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(height * scale)), max(1, round(width * scale))


def read_labels_overview(path: str | Path, shape: tuple[int, int]) -> NDArray:
    """Label raster read at another size, (height, width) = `shape`: of many pixels the most frequent label."""
    with rasterio.open(path) as source:
        near = [f for f in source.overviews(1) if f <= source.width / shape[1]]
        mode = Resampling.mode if not near else Resampling.nearest
        return source.read(1, out_shape=shape, resampling=mode)


def blend(rgb: NDArray[np.uint8], labels: NDArray, colours: Sequence[str], valid: NDArray[np.bool_] | None = None,
          opacity: float = CLASS_OPACITY) -> NDArray[np.uint8]:
    """Classes over the scene, (H, W, 3) uint8; borders between classes are opaque."""
    palette = np.array([[0, 0, 0], *([int(c[i:i + 2], 16) for i in (1, 3, 5)] for c in colours)], np.float32)
    strength = np.where(labels > 0, np.float32(opacity), np.float32(0))
    border = np.zeros(labels.shape, bool)
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    border[1:] |= labels[1:] != labels[:-1]
    strength[border & (labels > 0)] = 1
    over = rgb * (1 - strength[..., None]) + palette[labels] * strength[..., None]
    if valid is not None:
        over[~valid] = INVALID
    return over.round().clip(0, 255).astype(np.uint8)


def draw_preview(overview_rgb: NDArray[np.uint8], overview_valid: NDArray[np.bool_] | None, labels_overview: NDArray,
                 names: Sequence[str], colours: Sequence[str], out_png: str | Path, *,
                 transform: Affine | None = None, metres_per_pixel: float | None = None, title: str = "",
                 shares: Sequence[float] | None = None, overwrite: bool = False) -> Path:
    """Draw the preview.

    Parameters
    ----------
    overview_rgb : (H, W, 3) uint8
    overview_valid : (H, W) bool or None
        False where the scene has no data.
    labels_overview : (H, W) int
        0 is no label, i the i-th class.
    transform : Affine, optional
        From (column, row) to the map; gives the direction of grid north. Without it no arrow is drawn.
    metres_per_pixel : float, optional
        Of the overview. Without it the scale bar counts pixels.
    shares : sequence of float, optional
        Of each class in the labelled area, 0..1; counted in the overview where it is left out.

    Raises
    ------
    OutputExists, OutputFolderMissing, OutputNotWritable
    """
    out = Path(out_png)
    picture = blend(overview_rgb, labels_overview, colours, overview_valid)
    if shares is None:
        counts = np.bincount(labels_overview.ravel().astype(np.int64), minlength=len(names) + 1)[1:len(names) + 1]
        shares = (counts / max(counts.sum(), 1)).tolist()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        figure, axes = _figure(picture, names)
        _legend(figure, axes, names, colours, shares)
        _scale_bar(axes, metres_per_pixel)
        if transform is not None:
            _north_arrow(axes, transform)
        if title:
            axes.set_title(title, fontsize=12, loc="left")
        with writing(out, overwrite) as part:
            FigureCanvasAgg(figure).print_png(str(part))
    return out


def _fonts() -> list[str]:
    installed = set(font_manager.fontManager.get_font_names())
    return [name for name in _FONTS if name in installed]


def _figure(picture: NDArray[np.uint8], names: Sequence[str]) -> tuple[Figure, Axes]:
    """A figure that shows the picture pixel by pixel (small ones enlarged), with room for title and legend."""
    height, width = picture.shape[:2]
    scale = max(1.0, _SMALLEST_SIDE / max(height, width))
    shown_w, shown_h = width * scale, height * scale
    margin, top = 20, 40
    legend = 60 + 8 * max((len(name) + 8 for name in names), default=8)
    total_h = max(shown_h, 24 * len(names) + 60) + top + margin
    total_w = shown_w + 2 * margin + legend
    figure = Figure(figsize=(total_w / _DPI, total_h / _DPI), dpi=_DPI, facecolor="white")
    box = (margin / total_w, 1 - (top + shown_h) / total_h, shown_w / total_w, shown_h / total_h)
    axes = figure.add_axes(box)
    axes.imshow(picture, interpolation="nearest" if scale > 1 else "none", extent=(0, width, height, 0))
    axes.set_axis_off()
    return figure, axes


def _legend(figure: Figure, axes: Axes, names: Sequence[str], colours: Sequence[str], shares: Sequence[float]) -> None:
    handles = [Patch(facecolor=colour, edgecolor="0.3", linewidth=0.5,
                     label=f"{name.replace('$', chr(92) + '$')}  {share:.1%}")
               for name, colour, share in zip(names, colours, shares, strict=True)]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.6, frameon=False,
                prop={"family": _fonts(), "size": 10})


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 50 ... that is not above `longest`."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9)))


def _scale_bar(axes: Axes, metres_per_pixel: float | None) -> None:
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    unit = metres_per_pixel or 1.0
    length = round_length(width * 0.3 * unit)
    if metres_per_pixel is None:
        text = f"{length:g} px"
    else:
        text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m" if length >= 1 else f"{length * 100:g} cm"
    pixels, x, y = length / unit, width * 0.03, height * 0.96
    thick = max(height, width) * 0.008
    for part, colour in ((0, "black"), (1, "white")):
        axes.add_patch(Rectangle((x + part * pixels / 2, y), pixels / 2, thick, facecolor=colour, edgecolor="black",
                                 linewidth=0.8))
    axes.text(x + pixels / 2, y - thick * 0.4, text, ha="center", va="bottom", fontsize=10, path_effects=_HALO)


def north_direction(transform: Affine) -> tuple[float, float]:
    """Unit vector of grid north on the picture, (right, down)."""
    # The inverse of the linear part, applied to (0, 1), up to its (signed) scale.
    dx, dy = -transform.b, transform.a
    sign = 1.0 if transform.determinant > 0 else -1.0
    length = float(np.hypot(dx, dy))
    return sign * dx / length, sign * dy / length


def _north_arrow(axes: Axes, transform: Affine) -> None:
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    size = min(width, height) * 0.09
    dx, dy = north_direction(transform)
    x, y = width - 1.2 * size, 1.2 * size
    axes.add_patch(FancyArrow(x - dx * size / 2, y - dy * size / 2, dx * size, dy * size, width=size * 0.14,
                              head_width=size * 0.5, head_length=size * 0.45, length_includes_head=True,
                              facecolor="black", edgecolor="white", linewidth=1.2))
    axes.text(x + dx * size * 0.74, y + dy * size * 0.74, "N", ha="center", va="center", fontsize=11,
              fontweight="bold", path_effects=_HALO)
