"""Pictures for the tests of reading: coloured noise as smooth as a real scene's, in any format that GDAL writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

from geo_ovss.raster import RasterOptions, open_raster

UTM = "EPSG:32632"
PLACE = from_origin(500_000, 5_300_000, 0.5, 0.5)


def picture(height: int, width: int, bands: int = 3, low: float = 40, high: float = 220, seed: int = 0) -> np.ndarray:
    """Coloured noise (bands, height, width) float64 between `low` and `high`, neither black nor white anywhere."""
    rng = np.random.default_rng(seed)
    rough = np.stack([gaussian_filter(rng.normal(size=(height, width)), 3) for _ in range(bands)])
    rough = (rough - rough.min()) / np.ptp(rough)
    return low + rough * (high - low)


def write(path: Path, pixels: np.ndarray, **profile: object) -> str:
    """Write (B, h, w) as the driver that the profile names, a GeoTIFF in UTM at half a metre by default."""
    settings: dict[str, object] = {
        "driver": "GTiff", "count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2],
        "dtype": str(pixels.dtype), "crs": UTM, "transform": PLACE,
    }
    with rasterio.open(path, "w", **(settings | profile)) as out:
        out.write(pixels)
    return str(path)


def write_jpeg(path: Path, pixels: np.ndarray, quality: int) -> str:
    """Write (3, h, w) uint8 as most orthophotos come: a tiled TIFF with JPEG inside, colour halved."""
    return write(path, pixels, compress="jpeg", photometric="ycbcr", jpeg_quality=quality, tiled=True,
                 blockxsize=256, blockysize=256)


def rotated(degrees: float = 20.0) -> Affine:
    """A geotransform of half a metre a pixel, turned."""
    return Affine.translation(500_000, 5_300_000) * Affine.rotation(degrees) * Affine.scale(0.5, -0.5)


def in_windows(raster: object, side: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A raster put together from windows of `side` pixels, the first reaching `start` pixels beyond its corner."""
    height, width = raster.height, raster.width  # type: ignore[attr-defined]
    rgb, valid = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), bool)
    for row in range(-start, height, side):
        for col in range(-start, width, side):
            pixels, known = raster.read(row, col, side, side)  # type: ignore[attr-defined]
            top, left = max(row, 0), max(col, 0)
            bottom, right = min(row + side, height), min(col + side, width)
            inside = slice(top - row, bottom - row), slice(left - col, right - col)
            rgb[top:bottom, left:right], valid[top:bottom, left:right] = pixels[inside], known[inside]
    return rgb, valid


def whole(path: str | Path, **options: object) -> tuple[np.ndarray, np.ndarray]:
    """All pixels (h, w, 3) and valid (h, w)."""
    with open_raster(path, RasterOptions(**options)) as raster:  # type: ignore[arg-type]
        return raster.read(0, 0, raster.height, raster.width)
