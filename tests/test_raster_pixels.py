"""Reading rasters: which bands are the colours, how values become bytes, what is no data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pictures import in_windows, picture, whole, write
from rasterio.enums import ColorInterp
from rasterio.shutil import copy as gdal_copy

from geo_ovss.raster import FILL, RasterOptions, open_raster

RGB = picture(90, 120).astype(np.uint8)


# -- bands --------------------------------------------------------------------------------------------------------


def test_bands_are_chosen_in_order(tmp_path: Path) -> None:
    pixels = picture(30, 40, bands=5).astype(np.uint8)
    path = write(tmp_path / "a.tif", pixels, photometric="minisblack")
    np.testing.assert_array_equal(whole(path, bands=(4, 3, 2))[0], pixels[[3, 2, 1]].transpose(1, 2, 0))
    np.testing.assert_array_equal(whole(path)[0], pixels[:3].transpose(1, 2, 0))
    grey, _ = whole(path, bands=(5,))
    np.testing.assert_array_equal(grey, np.repeat(pixels[4][..., None], 3, axis=2))
    with open_raster(path) as raster:
        assert raster.messages == ["Bands 1, 2, 3 of 5 are taken for the picture; --bands chooses others."]
    with open_raster(path, RasterOptions(bands=[1, 2, 3])) as raster:  # type: ignore[arg-type]
        assert raster.messages == []


def test_bands_follow_the_files_own_description(tmp_path: Path) -> None:
    pixels = picture(30, 40, bands=4).astype(np.uint8)
    path = write(tmp_path / "a.tif", pixels)
    with rasterio.open(path, "r+") as out:
        out.colorinterp = (ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.undefined)
    np.testing.assert_array_equal(whole(path)[0], pixels[[2, 1, 0]].transpose(1, 2, 0))


def test_one_band_is_grey(tmp_path: Path) -> None:
    pixels = picture(30, 40, bands=1).astype(np.uint8)
    rgb, valid = whole(write(tmp_path / "a.tif", pixels))
    np.testing.assert_array_equal(rgb, np.repeat(pixels[0][..., None], 3, axis=2))
    assert valid.all()


def test_a_palette_is_expanded(tmp_path: Path) -> None:
    index = np.random.default_rng(0).integers(0, 4, (1, 30, 40), dtype=np.uint8)
    path = tmp_path / "a.tif"
    table = {0: (200, 10, 30, 255), 1: (20, 160, 80, 255), 2: (90, 90, 250, 255), 3: (1, 2, 3, 255)}
    write(path, index, photometric="palette", nodata=3)
    with rasterio.open(path, "r+") as out:
        out.write_colormap(1, table)
    gdal_copy(path, tmp_path / "a.png", driver="PNG")  # there the entry is a transparent one
    for file in (path, tmp_path / "a.png"):
        rgb, valid = whole(file)
        for value in range(3):
            assert (rgb[index[0] == value] == table[value][:3]).all()
        np.testing.assert_array_equal(valid, index[0] != 3)
    averaged, _ = whole(path, gsd=1.0)  # colours are averaged, never indices
    mean = np.array([table[v][:3] for v in index[0, :2, :2].ravel() if v != 3]).mean(0)
    np.testing.assert_allclose(averaged[0, 0], mean, atol=0.51)


def test_grey_with_alpha(tmp_path: Path) -> None:
    pixels = picture(30, 40, bands=2).astype(np.uint8)
    pixels[1] = 255
    pixels[1, :10] = 0
    path = write(tmp_path / "a.png", pixels, driver="PNG")
    rgb, valid = whole(path)
    np.testing.assert_array_equal(valid, pixels[1] > 0)
    np.testing.assert_array_equal(rgb[10:, :, 1], pixels[0, 10:])


# -- types --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "low", "high"), [("uint16", 300, 9000), ("int16", -2000, 2500),
                                            ("float32", 0.01, 0.6), ("float64", -3e5, 4e5), ("int32", 0, 10**6)])
def test_other_types_are_stretched_alike_in_every_window(tmp_path: Path, dtype: str, low: float, high: float) -> None:
    pixels = picture(150, 130, low=low, high=high).astype(dtype)
    path = write(tmp_path / "a.tif", pixels)
    with open_raster(path) as raster:
        rgb, valid = raster.read(0, 0, 150, 130)
        pieces, _ = in_windows(raster, 37)
        assert any("percentiles 2 and 98" in line for line in raster.messages)
    expected = np.empty_like(rgb)
    for band in range(3):
        a, b = np.percentile(pixels[band].astype(float), (2, 98))
        scaled = np.clip((pixels[band].astype(float) - a) / (b - a) * 255, 0, 255)
        expected[..., band] = np.floor(scaled + 0.5)
    assert valid.all()
    assert np.abs(rgb.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(pieces, rgb)


def test_the_stretch_can_be_set_and_ignores_no_data(tmp_path: Path) -> None:
    pixels = picture(80, 80, low=1000, high=3000).astype(np.uint16)
    pixels[:, :30] = 60_000
    path = write(tmp_path / "a.tif", pixels, nodata=60_000)
    with open_raster(path, RasterOptions(stretch=(0, 100))) as raster:
        rgb, valid = raster.read(0, 0, 80, 80)
    assert not valid[:30].any()
    assert valid[30:].all()
    data = rgb[30:].reshape(-1, 3)
    assert data.min(0).tolist() == [0, 0, 0]
    assert data.max(0).tolist() == [255, 255, 255]


def test_a_constant_scene_has_a_stretch(tmp_path: Path) -> None:
    pixels = np.full((3, 20, 20), 700, dtype=np.uint16)
    rgb, valid = whole(write(tmp_path / "a.tif", pixels), collar="keep")
    assert valid.all()
    assert np.ptp(rgb) == 0


# -- what is no data ----------------------------------------------------------------------------------------------


def test_no_data_needs_all_bands(tmp_path: Path) -> None:
    pixels = RGB.copy()
    pixels[:, 20:30, 20:30] = 7
    pixels[0, 50:60, 50:60] = 7
    _, valid = whole(write(tmp_path / "a.tif", pixels, nodata=7))
    assert not valid[20:30, 20:30].any()
    assert valid.sum() == valid.size - 100 - (pixels[:, 50:60, 50:60] == 7).all(0).sum()


def test_no_data_given_by_the_user(tmp_path: Path) -> None:
    pixels = RGB.copy()
    pixels[:, 20:30, 20:30] = 9
    path = write(tmp_path / "a.tif", pixels, nodata=0)
    assert whole(path)[1].all()
    _, valid = whole(path, nodata=9)
    assert (~valid).sum() == 100


def test_not_a_number_is_no_data(tmp_path: Path) -> None:
    pixels = picture(60, 60, low=0.1, high=0.9).astype(np.float32)
    pixels[:, :, :15] = np.nan
    pixels[1, 40, 40] = np.inf
    for nodata in (None, float("nan")):
        rgb, valid = whole(write(tmp_path / "a.tif", pixels, nodata=nodata))
        assert not valid[:, :15].any()
        assert not valid[40, 40]
        assert valid.sum() == 60 * 45 - 1
        assert (rgb[~valid] == FILL).all()


def test_the_smallest_float_is_no_data(tmp_path: Path) -> None:
    pixels = picture(60, 60, low=0.1, high=0.9).astype(np.float32)
    smallest = np.finfo(np.float32).min
    pixels[:, :5] = smallest
    _, valid = whole(write(tmp_path / "a.tif", pixels, nodata=float(smallest)))
    np.testing.assert_array_equal(valid, pixels[0] > 0)


def test_alpha_and_masks(tmp_path: Path) -> None:
    known = np.ones((90, 120), dtype=bool)
    known[10:30, 40:80] = False
    with_alpha = np.concatenate([RGB, known[None].astype(np.uint8) * 255])
    path = write(tmp_path / "alpha.tif", with_alpha, photometric="rgb", alpha="yes")
    np.testing.assert_array_equal(whole(path)[1], known)
    path = tmp_path / "mask.tif"
    write(path, RGB)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as out:
        out.write_mask(known)
    np.testing.assert_array_equal(whole(path)[1], known)
    np.testing.assert_array_equal(whole(path, bands=(2,))[1], known)
