"""A raster as GDAL gives it: which bands make the picture, and which pixels are declared to hold no data.

Knows nothing of collars, stretching, or grids other than the file's own.
"""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.windows import Window

from geo_ovss.errors import BadOption, NotARaster, RasterDamaged, RasterMissing, UnknownBand, UnsupportedPixels

GDAL_OPTIONS = {"GDAL_HTTP_TIMEOUT": 60, "GDAL_HTTP_CONNECTTIMEOUT": 20, "GDAL_HTTP_MAX_RETRY": 2}

GDAL_CACHE_MB = 192
"""GDAL's block cache is 5 % of the machine's memory by default, which alone can be more than everything else."""

# The limit is the whole process's and is read once. An environment of rasterio's would change it back and forth, and
# those of two threads that overlap would leave it changed.
os.environ.setdefault("GDAL_CACHEMAX", str(GDAL_CACHE_MB))

LOSSY = ("JPEG", "YCBCR JPEG", "WEBP", "JXL", "JPEG2000", "JP2OPENJPEG", "JP2ECW", "JP2KAK", "ECW", "MRSID", "LERC")

_OPENING = threading.Lock()  # warnings.catch_warnings changes the whole process


class Source:
    """One raster at one of its resolutions, read in that resolution's own pixels; safe to read from several threads.

    Parameters
    ----------
    path : str
        Anything GDAL opens.
    bands : tuple of int, optional
        One band or three, counted from 1; chosen from the file's own description where left out.
    nodata : float, optional
        In place of the declared value.
    overview : int, optional
        Read this overview (0 is the finest) as if it were the raster.

    Raises
    ------
    RasterMissing, NotARaster, UnsupportedPixels, UnknownBand, BadOption
    """

    def __init__(
        self, path: str, bands: tuple[int, ...] | None = None, nodata: float | None = None, overview: int | None = None
    ) -> None:
        self.path, self.overview, self._nodata_option = path, overview, nodata
        self._local, self._lock = threading.local(), threading.Lock()
        self._handles: list[Any] = []
        dataset = self._dataset()
        self.height, self.width = dataset.height, dataset.width
        self.crs, self.transform = dataset.crs, dataset.transform
        self.driver, self.count = dataset.driver, dataset.count
        self.blocks = dataset.block_shapes[0] if dataset.count else (1, self.width)
        self.overviews = tuple(dataset.overviews(1)) if dataset.count else ()
        self.lossy = str(dataset.profile.get("compress", "")).upper() in LOSSY or self.driver.upper() in LOSSY
        self.located = self.transform != Affine.identity()
        self.control_points = bool(dataset.gcps[0])
        self.alpha = next((i for i, c in enumerate(dataset.colorinterp, 1) if c == ColorInterp.alpha), None)
        self.bands = _choose_bands(dataset, bands, self.alpha)
        self.stored = np.dtype(_common_type(dataset, self.bands))
        self.palette = _palette(dataset, self.bands)
        self.dtype = self.stored if self.palette is None else np.dtype(np.uint8)
        self.channels = 3 if self.palette is not None else len(self.bands)
        self.masked = any(
            MaskFlags.per_dataset in f and MaskFlags.alpha not in f for f in dataset.mask_flag_enums
        )
        self.nodata = self._nodata_values(dataset, nodata)

    # -- reading ------------------------------------------------------------------------------------------------

    def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of a box that lies in the raster.

        Returns
        -------
        pixels : ndarray, (B, height, width)
            B is 1 (grey) or 3 (red, green, blue, palettes expanded), in the file's own type and values.
        valid : ndarray of bool, (height, width)
            What is declared, or not a number.

        Raises
        ------
        RasterDamaged
        """
        dataset, window = self._dataset(), Window(col, row, width, height)
        try:
            with rasterio.Env(**GDAL_OPTIONS):
                pixels = dataset.read(self.bands, window=window)
                valid = np.ones(pixels.shape[1:], dtype=bool)
                if self.alpha is not None:
                    valid &= dataset.read(self.alpha, window=window) > 0
                if self.masked:
                    valid &= dataset.read_masks(self.bands[0], window=window) > 0
        except RasterioError as error:
            raise RasterDamaged(self.path, _reason(error)) from error
        if self.nodata is not None:
            valid &= ~np.logical_and.reduce([band == v for band, v in zip(pixels, self.nodata, strict=True)])
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(pixels).all(0)
        if self.palette is not None:
            colours = self.palette[np.minimum(pixels[0], len(self.palette) - 1)]
            valid &= colours[..., 3] > 0
            pixels = np.moveaxis(colours[..., :3], 2, 0)
        return pixels, valid

    def _nodata_values(self, dataset: Any, nodata: float | None) -> np.ndarray | None:
        """The value of each band that means no data (a pixel is none where all bands have theirs), or None."""
        declared = [dataset.nodatavals[b - 1] for b in self.bands] if nodata is None else [nodata] * len(self.bands)
        if any(v is None or np.isnan(v) for v in declared):
            return None  # what is not a number never is data
        with np.errstate(over="ignore"):
            return np.asarray(declared, dtype=self.stored if self.stored.kind == "f" else np.float64)

    # -- handles ------------------------------------------------------------------------------------------------

    def _dataset(self) -> Any:
        """The calling thread's own handle: GDAL's are not to be shared."""
        dataset = getattr(self._local, "dataset", None)
        if dataset is None or dataset.closed:
            options = {} if self.overview is None else {"overview_level": self.overview}
            dataset = open_dataset(self.path, **options)
            self._local.dataset = dataset
            with self._lock:
                self._handles.append(dataset)
        return dataset

    def close(self) -> None:
        """Close the handles of all threads; a later read opens them again."""
        with self._lock:
            for dataset in self._handles:
                dataset.close()
            self._handles.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_local", "_handles", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._local, self._lock = threading.local(), threading.Lock()
        self._handles = []

    def at_overview(self, index: int) -> Source:
        """The same bands of an overview."""
        return Source(self.path, self.bands, self._nodata_option, index)


def open_dataset(path: str, **options: Any) -> Any:
    """Open with GDAL; every failure is one sentence.

    Raises
    ------
    RasterMissing, NotARaster
    """
    local = not path.startswith("/vsi") and "://" not in path and ":" not in path[2:]
    if local and not Path(path).exists():
        raise RasterMissing(path)
    try:
        with _OPENING, warnings.catch_warnings(), rasterio.Env(**GDAL_OPTIONS):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(path, **options)
    except (RasterioIOError, RasterioError, OSError, ValueError) as error:
        reason = _reason(error)
        if re.search(r"does not exist|No such file|response code: 404|not found", str(error)):
            raise RasterMissing(path) from error
        raise NotARaster(path, reason) from error
    if dataset.count == 0:
        layers = dataset.subdatasets
        dataset.close()
        raise NotARaster(path, f"it holds several: give one, such as {layers[0]}" if layers else "it has no band")
    return dataset


def as_gdal_path(path: str | Path) -> str:
    """A path as GDAL reads it: `pathlib` makes one slash of the two of an address, and they are put back."""
    return re.sub(r"^((?:/vsi\w+/)*(?:https?|ftp|s3|gs|az|zip|tar|file)):/(?=[^/])", r"\1://", str(path))


def _choose_bands(dataset: Any, bands: tuple[int, ...] | None, alpha: int | None) -> tuple[int, ...]:
    if bands is not None:
        if len(bands) not in (1, 3):
            raise BadOption("--bands", ",".join(map(str, bands)), "one band or three")
        for band in bands:
            if not 1 <= band <= dataset.count:
                raise UnknownBand(dataset.name, band, dataset.count)
        return tuple(bands)
    named = {c: i for i, c in reversed(list(enumerate(dataset.colorinterp, 1)))}
    rgb = [named.get(c) for c in (ColorInterp.red, ColorInterp.green, ColorInterp.blue)]
    if None not in rgb:
        return tuple(i for i in rgb if i is not None)
    plain = [i for i in range(1, dataset.count + 1) if i != alpha]
    if not plain:
        raise NotARaster(dataset.name, "it has an alpha band only")
    return tuple(plain[:3]) if len(plain) >= 3 else (plain[0],)


def _common_type(dataset: Any, bands: Sequence[int]) -> str:
    types = [dataset.dtypes[b - 1] for b in bands]
    if any("complex" in t or "cint" in t for t in types):
        raise UnsupportedPixels(dataset.name, "complex")
    return str(np.result_type(*[np.dtype(t) for t in types]))


def _palette(dataset: Any, bands: Sequence[int]) -> np.ndarray | None:
    """Colours (n, 4) uint8 of a single band with a colour table."""
    if len(bands) != 1 or dataset.colorinterp[bands[0] - 1] != ColorInterp.palette:
        return None
    table = dataset.colormap(bands[0])
    colours = np.zeros((max(table) + 1, 4), dtype=np.uint8)
    for value, rgba in table.items():
        colours[value] = rgba
    return colours


def _reason(error: BaseException) -> str:
    """What GDAL says, without the path and on one line."""
    cause = error.__cause__ or error
    text = " ".join(str(cause).split()).rstrip(".")
    return text if len(text) <= 160 else text[:157] + "..."
