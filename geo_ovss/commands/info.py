"""`geo-ovss info scene.tif`: what a run would do, before anything is computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from geo_ovss.commands import options as o
from geo_ovss.commands.assemble import preset_with, raster_options
from geo_ovss.grid import Box, Layout
from geo_ovss.presets import DEFAULT_PRESET, Preset
from geo_ovss.quantize import DTYPES, stored_bytes
from geo_ovss.raster import open_raster
from geo_ovss.vocabulary import parse_classes

BASE_MEMORY = 600e6
"""Bytes that the libraries and the networks of `mini` take before any pixel is read, about."""

OptionalClasses = Annotated[str | None, typer.Option("--classes", help="Show what the class list means.")]


def info(
    scene: o.Scene,
    classes: OptionalClasses = None,
    preset: o.PresetOption = DEFAULT_PRESET,
    settings: o.SetOption = None,
    bands: o.Bands = None,
    nodata: o.Nodata = None,
    collar: o.CollarOption = o.Collar.AUTO,
    stretch: o.Stretch = "2,98",
    gsd: o.Gsd = None,
    aoi: o.Aoi = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Print what `segment` would do with a raster: size, bands, CRS, metres a pixel, windows, memory, words."""
    chosen = preset_with(preset, settings)
    read = raster_options(bands=bands, nodata=nodata, collar=collar.value, stretch=stretch, gsd=gsd, aoi=aoi)
    with open_raster(scene, read) as raster:
        rows: dict[str, Any] = {**raster.info(), **plan(raster.height, raster.width, chosen, raster.aoi_box())}
    if classes is not None:
        rows["classes"] = {c.name: list(c.words) for c in parse_classes(classes).classes}
    if as_json:
        print(json.dumps(rows, default=str))
        return
    table = Table(show_header=False, box=None)
    for key, value in rows.items():
        table.add_row(key.replace("_", " "), _text(value))
    Console().print(f"[bold]{Path(scene).name}[/bold]")
    Console().print(table)


def plan(height: int, width: int, preset: Preset, area: tuple[int, int, int, int] | None) -> dict[str, Any]:
    """Windows, blocks, expected size of the features (before compression) and memory of a run.

    Parameters
    ----------
    area : tuple of int or None
        Row, column, height, width (pixels) of the area of interest: only the blocks that meet it are encoded.
    """
    from geo_ovss.build import shape_of

    token, dim = shape_of(preset)
    layout = Layout(height, width, preset.window, preset.stride, token, preset.block, preset.halo)
    blocks, windows, kept = _all_of(layout) if area is None else _part_of(layout, Box(*area))
    sizes = {dtype: round(stored_bytes(kept, dim, dtype) / 1e6, 1) for dtype in DTYPES}
    # the largest things alive at once: the tokens of a block's reach twice over, its pixels, its scores
    side = preset.block + 2 * preset.halo
    tokens = (side // token) ** 2 * 4 * (2 * dim + 3 * dim) * 4
    memory = BASE_MEMORY + tokens + 12 * side**2 * 4
    return {
        "preset": preset.name, "method": preset.method, "windows": windows,
        "window_pixels": preset.window, "stride_pixels": preset.stride, "blocks": blocks,
        "features_megabytes": sizes["float16"],
        "features_before_compression": [f"{size:,.1f} MB in {dtype}" for dtype, size in sizes.items()],
        "estimated_memory_megabytes": round(memory / 1e6),
    }


def _all_of(layout: Layout) -> tuple[int, int, int]:
    """Blocks, windows and tokens of a scene."""
    rows, cols = layout.token_shape
    return len(layout.block_rows) * len(layout.block_cols), layout.window_count, rows * cols


def _part_of(layout: Layout, area: Box) -> tuple[int, int, int]:
    """Blocks and tokens that an area needs, and windows: those around are encoded for their keys."""
    blocks = layout.meeting(area)
    near = {n for block in blocks for n in layout.neighbours(*block)}
    tokens = sum(layout.core(*block).tokens(layout.token).area for block in blocks)
    return len(blocks), sum(len(layout.windows(*block)) for block in near), tokens


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {' | '.join(words)}" for name, words in value.items())
    if isinstance(value, (list, tuple)):
        sentences = any(isinstance(v, str) and " " in v for v in value)
        return ("\n" if sentences else ", ").join(map(str, value)) or "-"
    return "-" if value is None else str(value)
