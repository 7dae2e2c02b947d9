"""Reading rasters: formats, bands, types, masks."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pictures import PLACE, UTM, in_windows, picture, rotated, write
from range_server import serving_folder
from rasterio.enums import ColorInterp
from rasterio.shutil import copy as gdal_copy

from geo_ovss.raster import FILL, RasterOptions, open_raster

RGB = picture(90, 120).astype(np.uint8)


@pytest.fixture
def tif(tmp_path: Path) -> str:
    return write(tmp_path / "scene.tif", RGB)


def whole(path: str | Path, **options: object) -> tuple[np.ndarray, np.ndarray]:
    """All pixels (h, w, 3) and valid (h, w)."""
    with open_raster(path, RasterOptions(**options)) as raster:  # type: ignore[arg-type]
        return raster.read(0, 0, raster.height, raster.width)


# -- formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "driver", "options"),
    [
        ("a.tif", "GTiff", {}),
        ("a.tif", "COG", {"compress": "deflate", "blocksize": 64}),
        ("a.vrt", "VRT", {}),
        ("a.jp2", "JP2OpenJPEG", {"QUALITY": "100", "REVERSIBLE": "YES"}),
        ("a.png", "PNG", {"WORLDFILE": "YES"}),
        ("a.img", "HFA", {}),
    ],
)
def test_formats_give_the_same_pixels_in_the_same_place(tif: str, tmp_path: Path, name: str, driver: str,
                                                        options: dict[str, object]) -> None:
    path = tmp_path / "other" / name
    path.parent.mkdir()
    gdal_copy(tif, path, driver=driver, **options)
    for side in path.parent.glob("*.aux.xml"):
        if driver == "PNG":
            side.unlink()  # what is left is the world file
    with open_raster(path) as raster:
        rgb, valid = raster.read(0, 0, 90, 120)
        assert raster.transform.almost_equals(PLACE)
        assert raster.name == "a"
        if driver == "PNG":
            assert raster.crs is None
            assert "no CRS" in raster.messages[0]
        else:
            assert raster.crs.to_epsg() == 32632
            assert raster.metres_per_pixel == pytest.approx(0.5)
            assert raster.messages == []
    np.testing.assert_array_equal(rgb, RGB.transpose(1, 2, 0))
    assert valid.all()


def test_inside_a_zip_file(tif: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tif, "deep/scene.tif")
    rgb, _ = whole(f"/vsizip/{tmp_path}/a.zip/deep/scene.tif")
    np.testing.assert_array_equal(rgb, RGB.transpose(1, 2, 0))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with serving_folder(tmp_path) as place:
        yield place


@pytest.mark.parametrize("kind", [str, Path])
def test_over_http(tif: str, address: str, kind: type) -> None:
    """A `Path` loses a slash of the address, which is put back."""
    rgb, _ = whole(kind(f"/vsicurl/{address}/scene.tif"))
    np.testing.assert_array_equal(rgb, RGB.transpose(1, 2, 0))
    np.testing.assert_array_equal(whole(f"{address}/scene.tif")[0], rgb)


# -- windows ------------------------------------------------------------------------------------------------------


def test_a_window_may_reach_beyond_the_raster(tif: str) -> None:
    with open_raster(tif) as raster:
        rgb, valid = raster.read(-10, 100, 50, 60)
        nothing, none = raster.read(500, 500, 5, 7)
        assert not raster.any_valid(-20, 0, 20, 20)
        assert raster.any_valid(-20, 0, 21, 20)
    assert rgb.shape == (50, 60, 3)
    assert rgb.dtype == np.uint8
    np.testing.assert_array_equal(rgb[10:, :20], RGB.transpose(1, 2, 0)[:40, 100:])
    assert valid[10:, :20].all()
    assert valid.sum() == 40 * 20
    assert (rgb[~valid] == FILL).all()
    assert nothing.shape == (5, 7, 3)
    assert not none.any()


def test_threads_read_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", picture(400, 300).astype(np.uint16) * 30, tiled=True, blockxsize=64, blockysize=64)
    boxes = [(row, col, 70, 50) for row in range(0, 400, 40) for col in range(0, 300, 60)]
    with open_raster(path) as raster:
        alone = [raster.read(*box)[0] for box in boxes]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda box: raster.read(*box)[0], boxes))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_pickled_raster_reads_the_same(tmp_path: Path) -> None:
    pixels = picture(60, 70).astype(np.uint16) * 30
    path = write(tmp_path / "a.tif", pixels)
    with open_raster(path, RasterOptions(gsd=0.8, aoi="500005,5299980,500020,5299995")) as raster:
        other = pickle.loads(pickle.dumps(raster))
        for a, b in zip(raster.read(0, 0, 30, 30), other.read(0, 0, 30, 30), strict=True):
            np.testing.assert_array_equal(a, b)
        assert other.aoi_box() == raster.aoi_box()
        assert other.identity == raster.identity


def test_a_closed_raster_opens_again(tif: str) -> None:
    raster = open_raster(tif)
    before = raster.read(0, 0, 20, 20)[0]
    raster.close()
    np.testing.assert_array_equal(raster.read(0, 0, 20, 20)[0], before)
    raster.close()


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


# -- what it is ---------------------------------------------------------------------------------------------------


def test_without_a_crs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RGB, crs=None, transform=rasterio.Affine.identity())
    with open_raster(path) as raster:
        assert raster.crs is None
        assert raster.metres_per_pixel is None
        assert raster.transform == rasterio.Affine.identity()
        assert raster.messages == ["The scene has no CRS: results are in pixel coordinates."]


def test_a_rotated_geotransform(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RGB, transform=rotated())
    with open_raster(path) as raster:
        assert raster.transform.almost_equals(rotated())
        assert raster.metres_per_pixel == pytest.approx(0.5)
        np.testing.assert_array_equal(raster.read(0, 0, 90, 120)[0], RGB.transpose(1, 2, 0))


def test_the_identity_is_of_the_pixels_and_how_they_are_read(tif: str, tmp_path: Path) -> None:
    identity = open_raster(tif).identity
    assert json.loads(json.dumps(identity)) == identity
    copied = tmp_path / "copy.tif"
    copied.write_bytes(Path(tif).read_bytes())
    assert open_raster(copied).identity == identity
    assert open_raster(tif, RasterOptions(gsd=1)).identity != identity
    changed = RGB.copy()
    changed[1, 70, 31] += 1
    other = open_raster(write(tmp_path / "changed.tif", changed)).identity
    assert other["file_size"] == identity["file_size"]
    assert other["pixels"] != identity["pixels"]


def test_the_identity_of_a_large_raster_is_sampled(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    settings = {"driver": "GTiff", "count": 1, "height": 9000, "width": 9000, "dtype": "uint8", "crs": UTM,
                "transform": PLACE, "tiled": True, "compress": "lzw", "SPARSE_OK": True}
    prints = []
    for value in (50, 51):
        with rasterio.open(path, "w", **settings) as out:
            out.write(np.full((1, 256, 256), value, np.uint8), window=((0, 256), (0, 256)))
        prints.append(open_raster(path).identity["pixels"])
    assert prints[0] != prints[1]


def test_info_is_plain_data(tif: str) -> None:
    with open_raster(tif) as raster:
        info = raster.info()
    assert json.loads(json.dumps(info))["crs"] == UTM
    assert (info["height"], info["width"], info["bands"], info["dtype"]) == (90, 120, [1, 2, 3], "uint8")
    assert info["pixel_metres"] == pytest.approx([0.5, 0.5])
    assert info["valid_share"] == 1


def test_the_overview_is_the_scene_made_small(tmp_path: Path) -> None:
    pixels = picture(300, 450).astype(np.uint8)
    pixels[:, :100, :150] = 0
    path = write(tmp_path / "a.tif", pixels)
    with open_raster(path) as raster:
        rgb, valid, transform = raster.overview(90)
        same, _, place = raster.overview(1000)
    assert rgb.shape == (60, 90, 3)
    mean = pixels.reshape(3, 60, 5, 90, 5).mean((2, 4)).transpose(1, 2, 0)
    np.testing.assert_allclose(rgb[valid], mean[valid], atol=0.51)
    np.testing.assert_array_equal(valid, ~((np.arange(60) < 20)[:, None] & (np.arange(90) < 30)))
    assert transform.almost_equals(PLACE * rasterio.Affine.scale(5))
    assert same.shape == (300, 450, 3)
    assert place == PLACE


# -- the pictures that come with the project ----------------------------------------------------------------------

SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"


@pytest.mark.skipif(not (SAMPLES / "town.tif").exists(), reason="sample_data/ is not here")
def test_the_sample_scenes() -> None:
    """One town in several shapes: what is read of it is the same town, and what is no data in it is none."""
    shapes = {}
    for name in ("town_uint16", "town_nodata", "town_collar", "town_rotated"):
        with open_raster(SAMPLES / f"{name}.tif") as raster:
            shapes[name] = raster.read(0, 0, raster.height, raster.width)
    valid = {name: known.mean() for name, (_, known) in shapes.items()}
    assert valid["town_uint16"] == valid["town_rotated"] == 1
    assert 0.7 < valid["town_collar"] < 0.8
    assert valid["town_nodata"] == pytest.approx(valid["town_collar"], abs=0.005)
    both = shapes["town_nodata"][1] & shapes["town_collar"][1]
    difference = np.abs(shapes["town_nodata"][0].astype(int) - shapes["town_collar"][0])[both]
    assert difference.mean() < 8  # the one is a JPEG of the other
