"""Working at another resolution, and the area of interest."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from pictures import PLACE, UTM, in_windows, picture, rotated, write
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from geo_ovss.errors import AoiMissing, AoiOutside, AoiUnreadable, GsdWithoutMetres, NoValidPixels
from geo_ovss.raster import Raster, RasterOptions, open_raster
from geo_ovss.resample import axis_weights

RGB = picture(90, 120).astype(np.uint8)


def opened(path: str | Path, **options: object) -> Raster:
    return open_raster(path, RasterOptions(**options))  # type: ignore[arg-type]


# -- resolution ---------------------------------------------------------------------------------------------------


def test_a_whole_factor_is_the_mean_of_blocks(tmp_path: Path) -> None:
    with opened(write(tmp_path / "a.tif", RGB), gsd=1.5) as raster:
        rgb, valid = raster.read(0, 0, raster.height, raster.width)
        assert (raster.height, raster.width) == (30, 40)
        assert raster.transform.almost_equals(from_origin(500_000, 5_300_000, 1.5, 1.5))
        assert raster.metres_per_pixel == 1.5
    mean = RGB.reshape(3, 30, 3, 40, 3).mean((2, 4)).transpose(1, 2, 0)
    np.testing.assert_allclose(rgb, mean, atol=0.51)
    assert valid.all()


@pytest.mark.parametrize("resampling", ["average", "bilinear"])
@pytest.mark.parametrize("gsd", [0.13, 0.5, 0.77, 2.3, 31])
def test_windows_agree_at_any_resolution(tmp_path: Path, gsd: float, resampling: str) -> None:
    pixels = RGB.copy()
    pixels[:, :30, :50] = 0
    with opened(write(tmp_path / "a.tif", pixels, nodata=0), gsd=gsd, resampling=resampling) as raster:
        rgb, valid = raster.read(0, 0, raster.height, raster.width)
        pieces, known = in_windows(raster, 23, 5)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_array_equal(pieces, rgb)


@pytest.mark.parametrize("gsd", [0.2, 0.5, 1.3])
@pytest.mark.parametrize("transform", [PLACE, rotated()])
def test_it_lands_on_the_scene(tmp_path: Path, gsd: float, transform: rasterio.Affine) -> None:
    """A slope of brightness has the same value at the same place on the ground at any resolution."""
    row, col = np.mgrid[:90, :120]
    slope = np.repeat((20 + row + col).astype(np.uint8)[None], 3, axis=0)
    with opened(write(tmp_path / "a.tif", slope, transform=transform), gsd=gsd) as raster:
        rgb, valid = raster.read(0, 0, raster.height, raster.width)
        there = raster.transform
        assert np.hypot(there.a, there.d) == pytest.approx(gsd)
        assert np.hypot(there.b, there.e) == pytest.approx(gsd)
        assert abs(raster.height * gsd - 45) <= gsd / 2
    rows, cols = np.mgrid[3 : raster.height - 3, 3 : raster.width - 3]
    x, y = there * (cols + 0.5, rows + 0.5)
    col, row = ~transform * (x, y)
    np.testing.assert_allclose(rgb[3:-3, 3:-3, 0], 20 + (row - 0.5) + (col - 0.5), atol=0.6)
    assert valid.all()


def test_invalid_pixels_do_not_bleed(tmp_path: Path) -> None:
    pixels = np.full((3, 60, 60), 180, np.uint8)
    pixels[:, :, :25] = 0
    with opened(write(tmp_path / "a.tif", pixels), gsd=2.0) as raster:  # four pixels in one; the collar ends within
        rgb, valid = raster.read(0, 0, 15, 15)
    assert (rgb[valid] == 180).all()
    np.testing.assert_array_equal(valid.all(0), np.arange(15) >= 6)  # a quarter of column 6 is collar


def test_sixteen_bits_are_averaged_before_the_stretch(tmp_path: Path) -> None:
    pixels = picture(60, 80, low=500, high=9000).astype(np.uint16)
    with opened(write(tmp_path / "a.tif", pixels), gsd=1.0, stretch=(0, 100)) as raster:
        rgb, _ = raster.read(0, 0, 30, 40)
        low, high = raster.survey.limits[:, 0], raster.survey.limits[:, 1]
    mean = pixels.reshape(3, 30, 2, 40, 2).mean((2, 4))
    expected = (mean - low[:, None, None]) / (high - low)[:, None, None] * 255
    np.testing.assert_allclose(rgb, expected.transpose(1, 2, 0), atol=0.51)


def test_overviews_serve_coarse_grids(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", picture(640, 512).astype(np.uint8), tiled=True, blockxsize=128, blockysize=128)
    with opened(path, gsd=8.0) as raster:
        plain, _ = raster.read(0, 0, 40, 32)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4, 8], Resampling.average)
    with opened(path, gsd=8.0) as raster:
        assert raster._source(raster.grid.rows, raster.grid.cols).height == 80
        rgb, valid = raster.read(0, 0, 40, 32)
        assert raster.transform.almost_equals(from_origin(500_000, 5_300_000, 8, 8))
    assert valid.all()
    np.testing.assert_allclose(rgb.astype(int), plain, atol=2)


def test_a_very_coarse_grid_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.tif", RGB)
    with opened(path, gsd=3.5) as raster:
        at_once = raster.read(0, 0, raster.height, raster.width)[0]
        monkeypatch.setattr("geo_ovss.resample.PIXELS_AT_ONCE", 500)
        np.testing.assert_array_equal(raster.read(0, 0, raster.height, raster.width)[0], at_once)


def test_a_finer_grid_says_that_it_adds_nothing(tmp_path: Path) -> None:
    with opened(write(tmp_path / "a.tif", RGB), gsd=0.25) as raster:
        assert raster.messages == ["--gsd 0.25 is finer than the scene's own pixels: it adds no detail."]
        assert raster.read(0, 0, 180, 240)[1].all()


@pytest.mark.parametrize("kernel", ["average", "bilinear"])
@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0, 2.9999999999999996, 7.31])
def test_weights_sum_to_one_and_keep_a_slope(kernel: str, scale: float) -> None:
    first, matrix = axis_weights(4, 9, scale, 200, kernel)  # type: ignore[arg-type]
    np.testing.assert_allclose(matrix.sum(1), 1)
    centres = matrix @ (first + np.arange(matrix.shape[1]) + 0.5)
    np.testing.assert_allclose(centres, (np.arange(4, 13) + 0.5) * scale, atol=0.02 * scale)


# -- metres -------------------------------------------------------------------------------------------------------


def test_degrees_are_measured_on_the_ellipsoid(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RGB, crs="EPSG:4326", transform=from_origin(10, 60, 1e-5, 1e-5))
    with opened(path) as raster:
        across, down = raster.info()["pixel_metres"]
        assert across == pytest.approx(0.558, abs=0.002)  # a degree of longitude is half as long at 60 degrees north
        assert down == pytest.approx(1.114, abs=0.002)
    with opened(path, gsd=2.0) as raster:
        assert raster.info()["pixel_metres"] == [2.0, 2.0]
        assert raster.transform.a / 1e-5 == pytest.approx(2 / across)
        assert raster.transform.e / -1e-5 == pytest.approx(2 / down)
        assert raster.read(0, 0, raster.height, raster.width)[1].all()


def test_feet_are_no_metres(tmp_path: Path) -> None:
    with opened(write(tmp_path / "a.tif", RGB, crs="EPSG:2263"), gsd=1.0) as raster:  # New York, US survey feet
        assert raster.transform.a == pytest.approx(1 / 0.3048006096)


def test_web_mercator_is_measured_on_the_ground(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RGB, crs="EPSG:3857", transform=from_origin(1_113_194, 8_399_737, 1, 1))  # 60 N
    with opened(path, gsd=1.0) as raster:
        assert raster.transform.a == pytest.approx(2.0, rel=0.01)
        assert "0.50 m on the ground" in raster.messages[0]


def test_a_local_crs_with_metres_will_do(tmp_path: Path) -> None:
    local = 'LOCAL_CS["works",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
    with opened(write(tmp_path / "a.tif", RGB, crs=local), gsd=1.0) as raster:
        assert raster.transform.a == 1.0


@pytest.mark.parametrize("crs", [None, 'LOCAL_CS["works",UNIT["unknown",1],AXIS["x",EAST],AXIS["y",NORTH]]'])
def test_no_resolution_without_metres(tmp_path: Path, crs: str | None) -> None:
    path = write(tmp_path / "a.png", RGB, driver="PNG", crs=crs)  # GeoTIFF would make metres of unknown units
    opened(path).close()
    with pytest.raises(GsdWithoutMetres, match="--gsd cannot be used on"):
        opened(path, gsd=1.0)


# -- the area of interest -----------------------------------------------------------------------------------------


def mask_of(raster: Raster) -> np.ndarray:
    mask = raster.aoi_mask(0, 0, raster.height, raster.width)
    assert mask is not None
    return mask


def test_a_box(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RGB)
    with opened(path) as raster:
        assert raster.aoi_box() is None
        assert raster.aoi_mask(0, 0, 5, 5) is None
    with opened(path, aoi="500010,5299970,500030.2,5299990") as raster:
        assert raster.aoi_box() == (20, 20, 40, 41)
        mask = mask_of(raster)
        expected = np.zeros((90, 120), dtype=bool)
        expected[20:60, 20:60] = True  # the centre of the 61st column is not inside
        np.testing.assert_array_equal(mask, expected)
        beyond = raster.aoi_mask(-5, 30, 40, 200)
        np.testing.assert_array_equal(beyond[:, :90], np.pad(mask[:35], ((5, 0), (0, 0)))[:, 30:])


def test_a_box_that_sticks_out_is_cut(tmp_path: Path) -> None:
    with opened(write(tmp_path / "a.tif", RGB), aoi="400000,5299990,500020,5400000") as raster:
        assert raster.aoi_box() == (0, 0, 20, 40)


@pytest.mark.parametrize(("name", "crs"), [("a.gpkg", UTM), ("a.geojson", "EPSG:4326"), ("a.shp", "EPSG:3035"),
                                           ("a.fgb", "EPSG:3857")])
@pytest.mark.parametrize("transform", [PLACE, rotated()])
def test_polygons_in_any_crs(tmp_path: Path, name: str, crs: str, transform: rasterio.Affine) -> None:
    on_pixels = [shapely.Polygon([(10, 10), (60, 20), (40, 70)], [[(30, 30), (40, 32), (35, 40)]]),
                 shapely.box(80, 50, 300, 300)]
    shapes = [shapely.transform(p, lambda xy: np.stack(transform * xy.T, axis=1)) for p in on_pixels]
    gpd.GeoSeries(shapes, crs=UTM).to_crs(crs).to_file(tmp_path / name)
    with opened(write(tmp_path / "a.tif", RGB, transform=transform), aoi=str(tmp_path / name)) as raster:
        mask = mask_of(raster)
        assert np.abs(np.subtract(raster.aoi_box(), (10, 10, 80, 110))).max() <= 1  # edges bend in another CRS
    row, col = np.mgrid[:90, :120] + 0.5
    expected = shapely.contains_xy(shapely.union_all(on_pixels), col, row)
    assert (mask != expected).sum() <= 12  # a centre that lies on an edge falls to either side


def test_an_area_on_a_coarser_grid(tmp_path: Path) -> None:
    with opened(write(tmp_path / "a.tif", RGB), aoi="500010,5299970,500030,5299990", gsd=2.0) as raster:
        assert raster.aoi_box() == (5, 5, 10, 10)
        assert mask_of(raster).sum() == 100


def test_polygons_without_a_crs_are_taken_as_they_are(tmp_path: Path) -> None:
    gpd.GeoSeries([shapely.box(500_010, 5_299_970, 500_030, 5_299_990)]).to_file(tmp_path / "a.gpkg")
    with opened(write(tmp_path / "a.tif", RGB), aoi=str(tmp_path / "a.gpkg")) as raster:
        assert raster.aoi_box() == (20, 20, 40, 40)
        assert raster.messages == ["The area of interest has no CRS: its coordinates are taken as they are."]


def test_a_large_country_around_a_small_scene(tmp_path: Path) -> None:
    """Far corners that the scene's CRS cannot hold do no harm."""
    world = gpd.GeoSeries([shapely.box(-180, -90, 180, 90)], crs="EPSG:4326")
    world.to_file(tmp_path / "world.gpkg")
    with opened(write(tmp_path / "a.tif", RGB), aoi=str(tmp_path / "world.gpkg")) as raster:
        assert mask_of(raster).all()


def test_the_identity_follows_the_polygons(tmp_path: Path) -> None:
    path, area = write(tmp_path / "a.tif", RGB), tmp_path / "a.gpkg"
    found = []
    for right in (500_030, 500_031):
        gpd.GeoSeries([shapely.box(500_010, 5_299_970, right, 5_299_990)], crs=UTM).to_file(area)
        found.append(opened(path, aoi=str(area)).identity)
    assert found[0]["aoi"] != found[1]["aoi"]
    assert found[0]["pixels"] == found[1]["pixels"]


@pytest.mark.parametrize(("aoi", "error", "words"), [
    ("500010,5299970,500030", AoiUnreadable, "four numbers"),
    ("500030,5299970,500010,5299990", AoiUnreadable, "minimum is not below"),
    ("nan,5299970,500010,5299990", AoiUnreadable, "four numbers"),
    ("0,0,10,10", AoiOutside, "holds no pixel of"),
    ("nowhere.gpkg", AoiMissing, "neither a file nor a box"),
    ("a,b,c,d", AoiMissing, "neither a file nor a box"),
])
def test_bad_areas(tmp_path: Path, aoi: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        opened(write(tmp_path / "a.tif", RGB), aoi=aoi)


def test_bad_area_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RGB)
    text = tmp_path / "a.txt"
    text.write_text("no vector")
    with pytest.raises(AoiUnreadable, match="it is no vector file"):
        opened(path, aoi=str(text))
    gpd.GeoSeries([shapely.Point(500_010, 5_299_970)], crs=UTM).to_file(tmp_path / "points.gpkg")
    with pytest.raises(AoiUnreadable, match="holds no polygon"):
        opened(path, aoi=str(tmp_path / "points.gpkg"))
    gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs="EPSG:4326").to_file(tmp_path / "away.gpkg")
    with pytest.raises(AoiOutside):
        opened(path, aoi=str(tmp_path / "away.gpkg"))


def test_an_area_without_valid_pixels(tmp_path: Path) -> None:
    pixels = RGB.copy()
    pixels[:, :, :60] = 9
    with opened(write(tmp_path / "a.tif", pixels, nodata=9), aoi="500000,5299960,500020,5300000") as raster, \
            pytest.raises(NoValidPixels, match="in the area of interest"):
        raster.check_any_valid()
