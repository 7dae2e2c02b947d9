"""What is wrong with a raster is said in one sentence, before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pictures import picture, write
from range_server import serving_folder
from rasterio.shutil import copy as gdal_copy

from geo_ovss.errors import (
    BadOption,
    GeoOvssError,
    NotARaster,
    NoValidPixels,
    RasterDamaged,
    RasterMissing,
    UnknownBand,
    UnsupportedPixels,
)
from geo_ovss.raster import RasterOptions, open_raster

RGB = picture(300, 400).astype(np.uint8)


def says_one_sentence(error: GeoOvssError) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and ". " not in text


@pytest.mark.parametrize("path", ["nowhere.tif", "/vsizip/nowhere.zip/a.tif", "no folder/a.tif"])
def test_missing(path: str) -> None:
    with pytest.raises(RasterMissing, match="does not exist") as found:
        open_raster(path)
    assert says_one_sentence(found.value)


def test_missing_on_a_server(tmp_path: Path) -> None:
    with serving_folder(tmp_path) as address, pytest.raises(RasterMissing, match="does not exist"):
        open_raster(f"/vsicurl/{address}/a.tif")


def test_not_a_raster(tmp_path: Path) -> None:
    text = tmp_path / "a.tif"
    text.write_text("I am no raster.")
    for path in (text, tmp_path):
        with pytest.raises(NotARaster, match="cannot be opened as a raster") as found:
            open_raster(path)
        assert says_one_sentence(found.value)
    text.write_bytes(b"")
    with pytest.raises(NotARaster):
        open_raster(text)


@pytest.mark.parametrize("kept", [0.97, 0.5, 0.05])
@pytest.mark.parametrize("options", [
    {}, {"compress": "deflate"}, {"compress": "jpeg", "photometric": "ycbcr", "tiled": True},
    {"tiled": True, "blockxsize": 64, "blockysize": 64, "interleave": "band"},
])
def test_a_truncated_tiff_is_found_out(tmp_path: Path, options: dict[str, object], kept: float) -> None:
    """Before its pixels are read: a large one would fail after hours."""
    path = Path(write(tmp_path / "a.tif", RGB, **options))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises((RasterDamaged, NotARaster)) as found:
        open_raster(path)
    assert says_one_sentence(found.value)
    assert str(path) in str(found.value)


def test_a_truncated_cog_is_found_out(tmp_path: Path) -> None:
    """Its directory and its overviews come first and are whole."""
    path = tmp_path / "cog.tif"
    gdal_copy(write(tmp_path / "a.tif", np.tile(RGB, (1, 3, 3))), path, driver="COG", compress="deflate")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.9)])
    with pytest.raises(RasterDamaged, match="the file ends after"):
        open_raster(path)


def test_a_truncated_png_is_found_out(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.png", RGB, driver="PNG"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RasterDamaged, match="damaged or cut short") as found:
        open_raster(path)
    assert says_one_sentence(found.value)


def test_damage_met_later_is_said_as_well(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.tif", RGB, compress="deflate", tiled=True, blockxsize=64, blockysize=64))
    raster = open_raster(path)
    raster.close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RasterDamaged, match="its pixels cannot be read") as found:
        raster.read(0, 0, 300, 400)
    assert says_one_sentence(found.value)


@pytest.mark.parametrize(("bands", "error", "words"), [
    ((4, 3, 2), UnknownBand, r"There is no band 4: .* has 3 bands"),
    ((0,), UnknownBand, "no band 0"),
    ((-1, 1, 2), UnknownBand, "no band -1"),
    ((1, 2), BadOption, "--bands takes one band or three, not '1,2'"),
    ((), BadOption, "one band or three"),
])
def test_bad_bands(tmp_path: Path, bands: tuple[int, ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        open_raster(write(tmp_path / "a.tif", RGB), RasterOptions(bands=bands))


@pytest.mark.parametrize(("options", "words"), [
    ({"stretch": (98, 2)}, "--stretch takes"), ({"stretch": (5,)}, "--stretch takes"),
    ({"stretch": (0, 101)}, "--stretch takes"), ({"gsd": 0}, "--gsd takes"), ({"gsd": -1}, "--gsd takes"),
    ({"gsd": float("nan")}, "--gsd takes"), ({"collar": "maybe"}, "--collar takes auto or keep"),
    ({"resampling": "cubic"}, "--resampling takes average or bilinear"),
])
def test_bad_options(options: dict[str, object], words: str) -> None:
    with pytest.raises(BadOption, match=words):
        RasterOptions(**options)  # type: ignore[arg-type]


def test_complex_pixels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.ones((1, 20, 20), dtype=np.complex64))
    with pytest.raises(UnsupportedPixels, match="complex"):
        open_raster(path)


@pytest.mark.parametrize(("value", "profile", "words"), [
    (0, {}, "can be kept with --collar keep"), (255, {}, "--collar keep"), (77, {"nodata": 77}, "has no valid pixel"),
])
def test_no_valid_pixel(tmp_path: Path, value: int, profile: dict[str, object], words: str) -> None:
    path = write(tmp_path / "a.tif", np.full((3, 200, 300), value, dtype=np.uint8), **profile)
    with open_raster(path) as raster, pytest.raises(NoValidPixels, match=words) as found:
        raster.check_any_valid()
    assert says_one_sentence(found.value)


def test_nothing_but_nan(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((1, 40, 50), np.nan, dtype=np.float32))
    with open_raster(path) as raster, pytest.raises(NoValidPixels):
        raster.check_any_valid()


def test_one_valid_pixel_is_enough(tmp_path: Path) -> None:
    """Also where the look at the whole scene has missed it."""
    path = tmp_path / "a.tif"
    pixels = np.zeros((1, 50, 6000), dtype=np.uint8)
    pixels[0, 20, 4000] = 80
    write(path, pixels, nodata=0, compress="deflate")
    with open_raster(path) as raster:
        assert not raster.survey.data.any()
        raster.check_any_valid()
        assert raster.any_valid(0, 3900, 50, 200)
        assert not raster.any_valid(0, 0, 50, 3000)


def test_several_rasters_in_one_file(tmp_path: Path) -> None:
    with rasterio.open(tmp_path / "a.gpkg", "w", driver="GPKG", width=64, height=64, count=3, dtype="uint8",
                       crs="EPSG:4326", transform=rasterio.Affine(1e-4, 0, 8, 0, -1e-4, 48), RASTER_TABLE="one") as out:
        out.write(RGB[:, :64, :64])
    with rasterio.open(tmp_path / "a.gpkg", "w", driver="GPKG", width=64, height=64, count=3, dtype="uint8",
                       crs="EPSG:4326", transform=rasterio.Affine(1e-4, 0, 8, 0, -1e-4, 48), RASTER_TABLE="two",
                       APPEND_SUBDATASET="YES") as out:
        out.write(RGB[:, :64, :64])
    with pytest.raises(NotARaster, match="it holds several: give one, such as GPKG:"):
        open_raster(tmp_path / "a.gpkg")
    with open_raster(f"GPKG:{tmp_path}/a.gpkg:two") as raster:
        assert raster.height == 64
