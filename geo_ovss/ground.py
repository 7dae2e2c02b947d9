"""How large a pixel is on the ground, and the grid on which pixels have the size that was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from affine import Affine
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import ProjError

MAP_SCALE_TOLERANCE = 0.10
"""A projection's own metres are believed up to this error; beyond it (Web Mercator in the north) the ellipsoid's."""


@dataclass(frozen=True)
class Ground:
    """Size of a pixel on the ground.

    Attributes
    ----------
    across, down : float
        Metres from a pixel to the next in its row, and in its column.
    note : str
        What a user should know about it; empty where nothing.
    """

    across: float
    down: float
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """A working grid over a raster: same origin, same axes.

    Attributes
    ----------
    transform : Affine
    height, width : int
    rows, cols : float
        Pixels of the raster that a pixel of the grid is high and wide.
    """

    transform: Affine
    height: int
    width: int
    rows: float = 1.0
    cols: float = 1.0

    @property
    def same(self) -> bool:
        """Whether it is the raster's own."""
        return self.rows == 1 and self.cols == 1


def pixel_ground_size(crs: Any, transform: Affine, height: int, width: int) -> Ground | None:
    """Size of a pixel on the ground at the scene's centre.

    Parameters
    ----------
    crs : rasterio CRS, or None
    transform : Affine
        Pixel to map.
    height, width : int

    Returns
    -------
    Ground or None
        None where nothing says how long a unit of the CRS is.
    """
    if not crs:
        return None
    known = CRS.from_wkt(crs.to_wkt())
    on_ellipsoid = _on_ellipsoid(known, transform, height, width)
    if known.is_geographic:
        return on_ellipsoid
    metres = _unit_in_metres(known)
    if metres is None:
        return None
    plane = Ground(math.hypot(transform.a, transform.d) * metres, math.hypot(transform.b, transform.e) * metres)
    if on_ellipsoid is None:
        return plane
    factor = math.sqrt(plane.across * plane.down / (on_ellipsoid.across * on_ellipsoid.down))
    if abs(factor - 1) <= MAP_SCALE_TOLERANCE:
        return plane
    note = f"A metre of {known.name} is {1 / factor:.2f} m on the ground here; resolutions are those on the ground."
    return Ground(on_ellipsoid.across, on_ellipsoid.down, note)


def working_grid(transform: Affine, height: int, width: int, ground: Ground, gsd: float) -> Grid:
    """The grid whose pixels are `gsd` metres wide and high, from the same corner along the same axes.

    Its size is rounded to whole pixels, so that its far edges lie at most half a pixel from the raster's.
    """
    rows, cols = _whole(gsd / ground.down), _whole(gsd / ground.across)
    return Grid(
        transform * Affine.scale(cols, rows), max(round(height / rows), 1), max(round(width / cols), 1), rows, cols
    )


def _on_ellipsoid(crs: CRS, transform: Affine, height: int, width: int) -> Ground | None:
    """Size of the middle pixel on the ellipsoid; None where the CRS leads to no longitude and latitude."""
    if crs.geodetic_crs is None:
        return None
    col, row = width / 2, height / 2
    places = [transform * place for place in ((col, row), (col + 1, row), (col, row + 1))]
    try:
        to_degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
        lon, lat = to_degrees.transform(*zip(*places, strict=True))
    except ProjError:
        return None
    unit = math.degrees(crs.geodetic_crs.axis_info[0].unit_conversion_factor)
    lon, lat = [v * unit for v in lon], [v * unit for v in lat]
    if not all(map(math.isfinite, (*lon, *lat))) or max(map(abs, lat)) > 90:
        return None
    geod: Geod = crs.geodetic_crs.get_geod() or Geod(ellps="WGS84")
    _, _, across = geod.inv(lon[0], lat[0], lon[1], lat[1])
    _, _, down = geod.inv(lon[0], lat[0], lon[2], lat[2])
    return Ground(across, down) if across > 0 and down > 0 else None


def _unit_in_metres(crs: CRS) -> float | None:
    axes = crs.axis_info
    lengths = ("metre", "meter", "foot", "feet", "kilometre", "kilometer", "yard", "chain", "link", "fathom", "mile")
    if not axes or not any(name in axes[0].unit_name.lower() for name in lengths):
        return None
    return float(axes[0].unit_conversion_factor) or None


def _whole(scale: float) -> float:
    """A scale that is a whole number but for rounding errors, as that number."""
    return float(round(scale)) if abs(scale - round(scale)) < 1e-9 * scale else scale
