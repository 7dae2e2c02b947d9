"""A georeferenced raster of any size, read by window: RGB as uint8, and which pixels hold data.

The one door to pixels. Behind it: `source.py` (GDAL, bands, what is declared), `survey.py` and `collar.py` (one look
at the whole scene), `cleaned.py` (reading without the collar), `stretch.py` (eight bits), `ground.py` and `resample.py`
(another resolution), `aoi.py`, `fingerprint.py`, `describe.py`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, Literal

import numpy as np
from affine import Affine

from geo_ovss.aoi import AreaOfInterest, read_aoi
from geo_ovss.cleaned import CleanedSource
from geo_ovss.describe import info, messages
from geo_ovss.errors import BadOption, GsdWithoutMetres, NoValidPixels
from geo_ovss.fingerprint import check_whole, file_size, fingerprint
from geo_ovss.ground import Grid, Ground, pixel_ground_size, working_grid
from geo_ovss.resample import ResampledSource
from geo_ovss.source import Source, as_gdal_path
from geo_ovss.stretch import stretch
from geo_ovss.survey import take_survey

FILL = (123, 117, 104)
"""What invalid pixels look like: CLIP's mean colour, zero after normalisation."""
OVERSAMPLING = 2
"""An overview serves for a coarser grid while its pixels are at least this many times finer."""


@dataclass(frozen=True)
class RasterOptions:
    """All that decides how pixels are read; part of a run's identity.

    Attributes
    ----------
    bands : tuple of int, optional
        One band or three (red, green, blue), counted from 1.
    nodata : float, optional
        The value that means no data, in place of what is declared or found.
    collar : {"auto", "keep"}
        Whether an undeclared black or white collar counts as no data.
    stretch : (float, float)
        Percentiles that become 0 and 255 where pixels are not 8-bit.
    gsd : float, optional
        Metres a pixel to work at.
    resampling : {"average", "bilinear"}
        How pixels are made for `gsd`.
    aoi : str, optional
        ``xmin,ymin,xmax,ymax`` in the scene's CRS, or the path of a vector file.
    """

    bands: tuple[int, ...] | None = None
    nodata: float | None = None
    collar: Literal["auto", "keep"] = "auto"
    stretch: tuple[float, float] = (2, 98)
    gsd: float | None = None
    resampling: Literal["average", "bilinear"] = "average"
    aoi: str | None = None

    def __post_init__(self) -> None:
        if self.bands is not None:
            object.__setattr__(self, "bands", tuple(int(b) for b in self.bands))
        object.__setattr__(self, "stretch", tuple(self.stretch))
        for name, kind in (("collar", ("auto", "keep")), ("resampling", ("average", "bilinear"))):
            if getattr(self, name) not in kind:
                raise BadOption(f"--{name}", getattr(self, name), " or ".join(kind))
        if len(self.stretch) != 2 or not 0 <= self.stretch[0] < self.stretch[1] <= 100:
            raise BadOption("--stretch", ",".join(map(str, self.stretch)), "two percentiles such as 2,98")
        if self.gsd is not None and not 0 < self.gsd < float("inf"):
            raise BadOption("--gsd", self.gsd, "metres above 0")


def scene_name(path: str | Path) -> str:
    """The name of a scene: that of its file without the suffix; an address's query is no part of it.

    >>> scene_name("/vsizip//data/area.zip/town.tif")
    'town'
    """
    return PurePath(str(path).split("?")[0]).stem


def open_raster(path: str | Path, options: RasterOptions | None = None) -> Raster:
    """Open a raster for reading by window.

    Parameters
    ----------
    path : str or Path
        Anything GDAL reads, ``/vsizip/``, ``/vsicurl/`` and addresses included.
    options : RasterOptions, optional

    Raises
    ------
    RasterMissing, NotARaster, RasterDamaged, UnsupportedPixels, UnknownBand, BadOption, GsdWithoutMetres
    AoiMissing, AoiUnreadable, AoiOutside
    """
    return Raster(path, options)


class Raster:
    """A raster on its working grid (its own, or that of `RasterOptions.gsd`); use `open_raster`.

    May be read from several threads at once, pickled, and used as a context manager.

    Attributes
    ----------
    path, name : str
        As GDAL reads it; the file's name without its suffix.
    options : RasterOptions
    crs : rasterio CRS, or None
    transform : Affine
        Pixel of the working grid to map.
    height, width : int
        Of the working grid.
    metres_per_pixel : float or None
        Of the working grid, on the ground; None where the CRS does not tell.
    pixel_area : float or None
        Square metres.
    messages : list of str
        What a user should be told, a line each.
    """

    def __init__(self, path: str | Path, options: RasterOptions | None = None) -> None:
        self.path, self.options = as_gdal_path(path), options or RasterOptions()
        self.name = scene_name(self.path)
        self.native = Source(self.path, self.options.bands, self.options.nodata)
        self._overviews: dict[int, Source] = {}
        check_whole(self.native)
        self.crs = self.native.crs or None
        self.ground, self.grid = self._choose_grid()
        self.transform, self.height, self.width = self.grid.transform, self.grid.height, self.grid.width
        self.pixel_area = None if self.ground is None else self.ground.across * self.ground.down
        self.metres_per_pixel = None if self.pixel_area is None else self.pixel_area**0.5
        self.survey = take_survey(
            self._source(self.grid.rows, self.grid.cols), self.options.collar, self.options.stretch, self.options.nodata
        )
        self._pixels = self._reader(self.grid.rows, self.grid.cols)
        self._aoi: AreaOfInterest | None = None
        self.messages = messages(self)
        if self.options.aoi is not None:
            self._aoi, notes = read_aoi(
                self.options.aoi, self.crs, self.transform, self.height, self.width, self.path
            )
            self.messages += notes

    # -- pixels -------------------------------------------------------------------------------------------------

    def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Read a box of the working grid, which may reach beyond the raster.

        Returns
        -------
        rgb : ndarray, (height, width, 3) uint8
            `FILL` where not valid.
        valid : ndarray of bool, (height, width)
            False outside, where no data is declared or found, and in the collar. However the raster is cut into
            boxes, a pixel comes out the same.

        Raises
        ------
        RasterDamaged
        """
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        rgb[:] = FILL
        valid = np.zeros((height, width), dtype=bool)
        box = self._inside(row, col, height, width)
        if box is None:
            return rgb, valid
        pixels, known = self._pixels.read(*box)
        at = slice(box[0] - row, box[0] - row + box[2]), slice(box[1] - col, box[1] - col + box[3])
        rgb[at] = self._as_rgb(pixels, known)
        valid[at] = known
        return rgb, valid

    def any_valid(self, row: int, col: int, height: int, width: int) -> bool:
        """Whether a box of the working grid holds a valid pixel; mostly known without reading one."""
        box = self._inside(row, col, height, width)
        if box is None:
            return False
        row, col, height, width = box
        rows = self.survey.inner_cells(row / self.height, (row + height) / self.height, 0)
        cols = self.survey.inner_cells(col / self.width, (col + width) / self.width, 1)
        inner = self._clear[rows, cols]
        if inner.size and (inner.any() if self.grid.same else inner.all()):
            return True
        return bool(self._pixels.read(*box)[1].any())

    def check_any_valid(self) -> None:
        """Make sure that there is something to do: a valid pixel, inside the area of interest where there is one.

        Raises
        ------
        NoValidPixels
        """
        top, left, height, width = self.aoi_box() or (0, 0, self.height, self.width)
        side = 1024
        for row in range(top, top + height, side):
            for col in range(left, left + width, side):
                box = row, col, min(side, top + height - row), min(side, left + width - col)
                mask = self.aoi_mask(*box)
                if mask is None and self.any_valid(*box):
                    return
                if mask is not None and mask.any() and (mask & self.read(*box)[1]).any():
                    return
        hint = "; its collar can be kept with --collar keep" if self.survey.collar_share > 0 else ""
        raise NoValidPixels(self.path, " in the area of interest" if self._aoi else "", hint)

    def overview(self, longest: int) -> tuple[np.ndarray, np.ndarray, Affine]:
        """The whole scene, small.

        Parameters
        ----------
        longest : int
            Pixels of the longer side, at most.

        Returns
        -------
        rgb : ndarray, (h, w, 3) uint8
        valid : ndarray of bool, (h, w)
        transform : Affine
        """
        factor = max(self.height, self.width) / longest
        if factor <= 1:
            return *self.read(0, 0, self.height, self.width), self.transform
        height, width = max(round(self.height / factor), 1), max(round(self.width / factor), 1)
        rows, cols = self.height / height, self.width / width
        pixels, valid = self._reader(rows * self.grid.rows, cols * self.grid.cols).read(0, 0, height, width)
        return self._as_rgb(pixels, valid), valid, self.transform * Affine.scale(cols, rows)

    # -- the area of interest -----------------------------------------------------------------------------------

    def aoi_mask(self, row: int, col: int, height: int, width: int) -> np.ndarray | None:
        """Pixels (height, width) of a box whose centres the area of interest holds; None where there is none."""
        return None if self._aoi is None else self._aoi.mask(row, col, height, width)

    def aoi_box(self) -> tuple[int, int, int, int] | None:
        """Row, column, height and width that hold the area of interest; None where there is none."""
        return None if self._aoi is None else self._aoi.box

    # -- what it is ---------------------------------------------------------------------------------------------

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What tells this raster, read this way, from any other; as plain as JSON has it."""
        options: dict[str, Any] = json.loads(json.dumps(asdict(self.options)))
        return {
            "height": self.native.height, "width": self.native.width, "bands": list(self.native.bands),
            "dtype": str(self.native.stored), "crs": self.crs.to_wkt() if self.crs else None,
            "transform": list(self.native.transform)[:6], "file_size": file_size(self.path),
            "pixels": fingerprint(self.native), "aoi": self._aoi.digest if self._aoi else None, "options": options,
        }

    def info(self) -> dict[str, Any]:
        """What `geo-ovss info` prints."""
        return info(self)

    def close(self) -> None:
        """Close the files; a later read opens them again."""
        for source in (self.native, *self._overviews.values()):
            source.close()

    def __enter__(self) -> Raster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Raster {self.path}: {self.width} x {self.height}, {self.metres_per_pixel or '?'} m a pixel>"

    # -- how ----------------------------------------------------------------------------------------------------

    def _choose_grid(self) -> tuple[Ground | None, Grid]:
        native, gsd = self.native, self.options.gsd
        ground = pixel_ground_size(self.crs, native.transform, native.height, native.width)
        if gsd is None:
            return ground, Grid(native.transform, native.height, native.width)
        if self.crs is None:
            raise GsdWithoutMetres(self.path, "it has no CRS, so that nothing says how large a pixel is")
        if ground is None:
            raise GsdWithoutMetres(self.path, "its CRS does not say how many metres a unit is")
        grid = working_grid(native.transform, native.height, native.width, ground, gsd)
        return replace(ground, across=gsd, down=gsd), grid

    def _source(self, rows: float, cols: float) -> Source:
        """The coarsest overview finer than a grid of so many of the file's pixels asks for, else the file."""
        fits = [i for i, factor in enumerate(self.native.overviews) if factor * OVERSAMPLING <= min(rows, cols)]
        if not fits:
            return self.native
        if fits[-1] not in self._overviews:
            self._overviews[fits[-1]] = self.native.at_overview(fits[-1])
        return self._overviews[fits[-1]]

    def _reader(self, rows: float, cols: float) -> CleanedSource | ResampledSource[CleanedSource]:
        """Reads a grid whose pixels are so many of the file's high and wide."""
        source = self._source(rows, cols)
        size = source.height, source.width
        cleaned = CleanedSource(source, replace(self.survey, size=size))
        if rows == cols == 1:
            return cleaned
        rows, cols = rows * size[0] / self.native.height, cols * size[1] / self.native.width
        return ResampledSource(cleaned, size, rows, cols, self.options.resampling)

    @property
    def _clear(self) -> np.ndarray:
        return (self._pixels if isinstance(self._pixels, CleanedSource) else self._pixels.source).clear

    def _inside(self, row: int, col: int, height: int, width: int) -> tuple[int, int, int, int] | None:
        top, left = max(row, 0), max(col, 0)
        bottom, right = min(row + height, self.height), min(col + width, self.width)
        return None if bottom <= top or right <= left else (top, left, bottom - top, right - left)

    def _as_rgb(self, pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """(B, h, w) of any type -> (h, w, 3) uint8, `FILL` where not valid."""
        colours = np.moveaxis(stretch(pixels, self.survey.limits), 0, 2)
        return np.where(valid[..., None], colours, np.array(FILL, dtype=np.uint8))
