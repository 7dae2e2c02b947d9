"""Reading rasters: formats, windows, what is known of a raster."""

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
from pictures import PLACE, UTM, picture, rotated, whole, write
from range_server import serving_folder
from rasterio.shutil import copy as gdal_copy

from geo_ovss.raster import FILL, RasterOptions, open_raster

RGB = picture(90, 120).astype(np.uint8)


@pytest.fixture
def tif(tmp_path: Path) -> str:
    return write(tmp_path / "scene.tif", RGB)


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
