"""What a user should be told about a raster, in words and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geo_ovss.fingerprint import file_size

if TYPE_CHECKING:
    from geo_ovss.raster import Raster

SILENT_COLLAR = 0.0005
"""Share of the picture under which a collar is not worth a line."""


def messages(raster: Raster) -> list[str]:
    """One line for each thing that was decided without asking."""
    lines = [part(raster) for part in (_place, _bands, _collar, _stretch, _ground)]
    return [line for line in lines if line]


def info(raster: Raster) -> dict[str, Any]:
    """The raster and how it is read, as plain data."""
    native, survey, grid = raster.native, raster.survey, raster.grid
    return {
        "path": raster.path,
        "name": raster.name,
        "driver": native.driver,
        "file_size": file_size(raster.path),
        "height": native.height,
        "width": native.width,
        "band_count": native.count,
        "bands": list(native.bands),
        "palette": native.palette is not None,
        "alpha": native.alpha,
        "mask": native.masked,
        "dtype": str(native.stored),
        "nodata": None if native.nodata is None else [float(v) for v in native.nodata],
        "overviews": list(native.overviews),
        "block": list(native.blocks),
        "crs": _crs_name(raster),
        "transform": list(native.transform)[:6],
        "pixel_metres": None if raster.ground is None else [raster.ground.across, raster.ground.down],
        "working_height": grid.height,
        "working_width": grid.width,
        "metres_per_pixel": raster.metres_per_pixel,
        "valid_share": float(survey.data.mean()),
        "collar_share": survey.collar_share,
        "stretch": None if survey.limits is None else survey.limits.tolist(),
        "aoi_box": raster.aoi_box(),
        "messages": list(raster.messages),
    }


def _crs_name(raster: Raster) -> str | None:
    if raster.crs is None:
        return None
    authority = raster.crs.to_authority()
    return ":".join(authority) if authority else raster.crs.to_wkt()


def _place(raster: Raster) -> str:
    if raster.crs is not None:
        return ""
    native = raster.native
    what = "its own, unnamed coordinates" if native.located else "pixel coordinates"
    more = " (its ground control points are not used)" if native.control_points else ""
    return f"The scene has no CRS{more}: results are in {what}."


def _bands(raster: Raster) -> str:
    native = raster.native
    colours = native.count - (native.alpha is not None)
    if raster.options.bands is not None or colours <= len(native.bands):
        return ""
    chosen = ", ".join(map(str, native.bands))
    what = f"Bands {chosen} of {native.count} are" if len(native.bands) == 3 else f"Band {chosen} of {native.count} is"
    return f"{what} taken for the picture; --bands chooses others."


def _collar(raster: Raster) -> str:
    share = raster.survey.collar_share
    if share < SILENT_COLLAR:
        return ""
    colours = [_tone_name(c.tone.value, c.tone.bright, raster) for c in raster.survey.collars if not c.declared]
    return (
        f"A {' and '.join(colours)} collar that is not declared covers {100 * share:.1f} % of the picture and counts as"
        " no data (--collar keep to label it)."
    )


def _tone_name(value: float, bright: bool, raster: Raster) -> str:
    if raster.native.dtype == np.uint8:
        return "white" if bright else "black"
    return f"constant ({value:g})"


def _stretch(raster: Raster) -> str:
    limits = raster.survey.limits
    if limits is None:
        return ""
    low, high = raster.options.stretch
    ranges = ", ".join(f"{a:.4g} to {b:.4g}" for a, b in limits)
    return f"{raster.native.stored} pixels are stretched to 8 bits between percentiles {low:g} and {high:g}: {ranges}."


def _ground(raster: Raster) -> str:
    finer = "" if raster.options.gsd is None or min(raster.grid.rows, raster.grid.cols) >= 1 else (
        f"--gsd {raster.options.gsd:g} is finer than the scene's own pixels: it adds no detail."
    )
    note = raster.ground.note if raster.ground is not None and raster.options.gsd is not None else ""
    return " ".join(part for part in (note, finer) if part)
