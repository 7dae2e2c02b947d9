"""The collar that nobody declared: found, followed to the pixel, and nothing else taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import SHARED
from pictures import in_windows, picture, whole, write, write_jpeg
from scipy import ndimage

from geo_ovss.collar import Tone, refine
from geo_ovss.raster import RasterOptions, open_raster

REAL = SHARED / "aerial" / "orthophotos"
HEIGHT, WIDTH = 400, 500


def wedge(height: int = HEIGHT, width: int = WIDTH, corner: float = 0.4) -> np.ndarray:
    """Above a slanting line: what a turned flight strip leaves of the raster."""
    row, col = np.mgrid[:height, :width]
    return row + 0.35 * col < corner * height


def with_collar(tone: int, seed: int = 0) -> np.ndarray:
    pixels = picture(HEIGHT, WIDTH, seed=seed).astype(np.uint8)
    pixels[:, wedge()] = tone
    return pixels


def depths(collar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far inside the collar, and outside of it, a pixel lies."""
    return ndimage.distance_transform_edt(collar), ndimage.distance_transform_edt(~collar)


@pytest.mark.parametrize("tone", [0, 255])
@pytest.mark.parametrize("quality", [60, 75, 90])
def test_the_edge_is_followed_through_jpeg_noise(tmp_path: Path, tone: int, quality: int) -> None:
    path = write_jpeg(tmp_path / "a.tif", with_collar(tone), quality)
    with rasterio.open(path) as file:
        noise = np.abs(file.read().astype(int) - tone).max(0)[wedge()]
    assert (noise > 0).mean() > 0.02  # else the test is too easy
    with open_raster(path) as raster:
        _, valid = raster.read(0, 0, HEIGHT, WIDTH)
        assert f"A {'white' if tone else 'black'} collar" in raster.messages[0]
        assert raster.survey.collar_share == pytest.approx(wedge().mean(), abs=0.02)
    inside, outside = depths(wedge())
    assert not (valid & (inside > 2)).any()
    assert not (~valid & (outside > 1)).any()


@pytest.mark.parametrize("tone", [0, 255])
def test_windows_agree(tmp_path: Path, tone: int) -> None:
    path = write_jpeg(tmp_path / "a.tif", with_collar(tone), 60)
    with open_raster(path) as raster:
        rgb, valid = raster.read(0, 0, HEIGHT, WIDTH)
        for side, start in ((64, 0), (97, 31), (250, 7)):
            pieces, known = in_windows(raster, side, start)
            np.testing.assert_array_equal(known, valid)
            np.testing.assert_array_equal(pieces, rgb)


def test_a_lossless_collar_is_followed_exactly(tmp_path: Path) -> None:
    _, valid = whole(write(tmp_path / "a.tif", with_collar(0)))
    np.testing.assert_array_equal(valid, ~wedge())


def test_it_can_be_kept(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "a.tif", with_collar(0), 75)
    assert whole(path, collar="keep")[1].all()
    with open_raster(path, RasterOptions(collar="keep")) as raster:
        assert raster.messages == []


def test_no_data_given_by_the_user_overrides_it(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "a.tif", with_collar(0), 75)
    assert whole(path, nodata=255)[1].all()


def test_noise_around_declared_no_data_goes_with_it(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "a.tif", with_collar(0), 75)
    with rasterio.open(path, "r+") as file:
        file.nodata = 0
        exact = (file.read() == 0).all(0)
    inside, _ = depths(wedge())
    assert (~exact & (inside > 2)).any()
    with open_raster(path) as raster:
        assert raster.messages == []
        _, valid = raster.read(0, 0, HEIGHT, WIDTH)
    assert not (valid & (inside > 2)).any()
    assert not (valid & exact).any()


def test_an_alpha_band_that_masks_is_believed(tmp_path: Path) -> None:
    pixels = np.concatenate([with_collar(0), np.full((1, HEIGHT, WIDTH), 255, np.uint8)])
    pixels[3, :10] = 0
    _, valid = whole(write(tmp_path / "a.tif", pixels, photometric="rgb", alpha="yes"))
    np.testing.assert_array_equal(valid, pixels[3] > 0)


def test_an_alpha_band_that_masks_nothing_is_not(tmp_path: Path) -> None:
    pixels = np.concatenate([with_collar(0), np.full((1, HEIGHT, WIDTH), 255, np.uint8)])
    _, valid = whole(write(tmp_path / "a.tif", pixels, photometric="rgb", alpha="yes"))
    np.testing.assert_array_equal(valid, ~wedge())


# -- what is not a collar -----------------------------------------------------------------------------------------


def speckle(values: tuple[int, int, int], deviation: float, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, deviation, (3, height, width))
    return np.clip(np.array(values)[:, None, None] + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("what", "pixels"),
    [
        ("dark water in a corner", speckle((3, 6, 9), 2, 150, 200)),
        ("almost black water", speckle((2, 2, 3), 2, 150, 200)),
        ("a bright roof in a corner", speckle((250, 250, 246), 5, 60, 80)),
        ("a bright, clipped roof in a corner", speckle((254, 252, 248), 6, 60, 80)),
    ],
)
def test_dark_water_and_white_roofs_at_the_edge_stay(tmp_path: Path, what: str, pixels: np.ndarray) -> None:
    scene = picture(HEIGHT, WIDTH).astype(np.uint8)
    scene[:, : pixels.shape[1], : pixels.shape[2]] = pixels
    for name, path in (("tif", write(tmp_path / "a.tif", scene)), ("jpeg", write_jpeg(tmp_path / "b.tif", scene, 90))):
        with open_raster(path) as raster:
            assert raster.read(0, 0, HEIGHT, WIDTH)[1].all(), f"{what} ({name})"
            assert raster.messages == []


@pytest.mark.parametrize(("tone", "box"), [
    (0, (slice(150, 170), slice(200, 240))),  # inside: a tank, say
    (255, (slice(150, 250), slice(200, 300))),
    (0, (slice(0, 15), slice(200, 215))),  # a small shadow at the edge
    (255, (slice(0, 120), slice(150, 300))),  # a large white hall at the edge, but along less than half of it
])
def test_uniform_black_and_white_without_a_collars_place_stays(tmp_path: Path, tone: int,
                                                               box: tuple[slice, slice]) -> None:
    scene = picture(HEIGHT, WIDTH).astype(np.uint8)
    scene[(slice(None), *box)] = tone
    assert whole(write(tmp_path / "a.tif", scene))[1].all()


def test_dark_water_beside_a_collar_loses_only_a_fringe(tmp_path: Path) -> None:
    scene = picture(HEIGHT, WIDTH).astype(np.uint8)
    scene[:, :300] = speckle((5, 9, 13), 2, 300, WIDTH)
    scene[:, wedge()] = 0
    _, valid = whole(write_jpeg(tmp_path / "a.tif", scene, 75))
    inside, outside = depths(wedge())
    assert not (~valid & (outside > 3)).any()
    assert (valid & (inside > 3)).sum() < 20


# -- large, deep and turned scenes --------------------------------------------------------------------------------


def test_the_coarse_look_at_a_large_scene_is_refined(tmp_path: Path) -> None:
    """A cell of the look is several pixels wide here; the edge is followed as closely, however it is cut."""
    height, width = 300, 7000
    pixels = np.tile(picture(300, 700).astype(np.uint8), (1, 1, 10))
    row, col = np.mgrid[:height, :width]
    collar = (row + 0.02 * col < 90) | (col > 6900 + 0.1 * row)
    pixels[:, collar] = 0
    path = write_jpeg(tmp_path / "a.tif", pixels, 75)
    with open_raster(path) as raster:
        assert raster.survey.cell_pixels > 3
        rgb, valid = raster.read(0, 0, height, width)
        pieces, known = in_windows(raster, 211, 40)
        assert not raster.any_valid(0, 6960, 40, 40)
        assert raster.any_valid(200, 3000, 90, 90)
    inside, outside = depths(collar)
    assert (valid & (inside > 2)).sum() < 5
    assert not (~valid & (outside > 1)).any()
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_array_equal(pieces, rgb)


def test_the_look_at_overviews_finds_the_same(tmp_path: Path) -> None:
    pixels = np.tile(picture(300, 500).astype(np.uint8), (1, 1, 10))
    row, col = np.mgrid[:300, :5000]
    collar = row + 0.03 * col < 120
    pixels[:, collar] = 0
    path = write_jpeg(tmp_path / "a.tif", pixels, 80)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4], rasterio.enums.Resampling.average)
    with open_raster(path) as raster:
        assert raster.survey.thinned == (150, 2500)
        _, valid = raster.read(0, 0, 300, 5000)
    inside, outside = depths(collar)
    assert (valid & (inside > 2)).sum() < 100  # at the wedge's thin end, which is all noise
    assert not (valid & (inside > 4)).any()
    assert not (~valid & (outside > 1)).any()


@pytest.mark.parametrize(("dtype", "value"), [("uint16", 0), ("uint16", 65535), ("int16", -9999), ("float32", -1e6)])
def test_other_types_have_collars_of_one_value(tmp_path: Path, dtype: str, value: float) -> None:
    pixels = picture(HEIGHT, WIDTH, low=300, high=4000).astype(dtype)
    pixels[:, wedge()] = value
    path = write(tmp_path / "a.tif", pixels)
    with open_raster(path) as raster:
        _, valid = raster.read(0, 0, HEIGHT, WIDTH)
        assert f"constant ({value:g})" in raster.messages[0]
        low, high = raster.survey.limits.T  # the collar does not take part in the stretch
    np.testing.assert_array_equal(valid, ~wedge())
    assert (low > 300).all()
    assert (high < 4000).all()


def test_a_slit_between_the_pieces_of_a_mosaic_goes_with_the_collar() -> None:
    """All noise and nowhere pure; the same noise over a wide area is dark water."""
    rng = np.random.default_rng(0)
    pixels = picture(200, 200).astype(np.uint8)
    pixels[:, :60] = 0
    pixels[:, 60:160, 100:105] = rng.integers(4, 9, (3, 100, 5))
    near = np.ones((200, 200), dtype=bool)
    slits = np.zeros((200, 200), dtype=bool)
    slits[60:160, 98:107] = True
    collar = refine(pixels, near, slits, Tone(0, 3, 12, 40, False))
    assert collar[:60].all()
    assert collar[60:160, 100:105].all()
    assert collar.sum() == 60 * 200 + 100 * 5


# -- real pictures ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="the real orthophotos in ../shared/aerial are not here")
def test_the_black_wedge_of_the_river_city() -> None:
    path = REAL / "river_city_10cm.tif"
    with rasterio.open(path) as file:
        brightest = file.read().max(0)
    labels, _ = ndimage.label(brightest <= 4)
    black = labels == np.bincount(labels[labels > 0]).argmax()
    bright = ndimage.distance_transform_edt(~black)
    with open_raster(path) as raster:
        _, valid = raster.read(0, 0, 2048, 2048)
        pieces = raster.read(512, 300, 448, 448)[1]
        assert raster.messages[0].startswith("A black collar that is not declared covers 18.5 % of the picture")
    assert not valid[black].any()
    lost = ~valid & (bright > 2) & (brightest > 40)
    assert lost.sum() == 0
    assert 0.183 < (~valid).mean() < 0.187
    np.testing.assert_array_equal(pieces, valid[512:960, 300:748])


@pytest.mark.skipif(not REAL.is_dir(), reason="the real orthophotos in ../shared/aerial are not here")
def test_the_dry_land_has_no_collar() -> None:
    with open_raster(REAL / "dry_land_10cm.tif") as raster:
        assert raster.messages == []
        assert raster.survey.data.all()
        assert raster.read(0, 0, 600, 600)[1].all()
