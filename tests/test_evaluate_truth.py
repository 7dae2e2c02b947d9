"""Ground truth from rasters, pictures and polygons, on the scene's own grid."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine, from_origin
from shapely.geometry import Point, box

from geo_ovss.errors import (
    AmbiguousPairs,
    BadLabelMap,
    EvaluationInputMissing,
    NoPairs,
    TruthAttributeMissing,
    TruthNotReadable,
    TruthSizeMismatch,
    TruthValueOutOfRange,
    TruthWithoutCrs,
)
from geo_ovss.grid import Box
from geo_ovss.label_map import LabelMap
from geo_ovss.samples import find_samples
from geo_ovss.truth import SceneGrid, open_truth

NAMES = ["building", "land", "road"]
WHOLE = Box(0, 0, 40, 60)
UTM = "EPSG:32632"


HALF_METRE = from_origin(500000, 5400000, 0.5, 0.5)


def write_raster(path: Path, values: np.ndarray, transform: Affine = HALF_METRE, **options: object) -> Path:
    bands = values[None] if values.ndim == 2 else values
    with rasterio.open(path, "w", driver="GTiff", height=bands.shape[1], width=bands.shape[2], count=len(bands),
                       dtype=bands.dtype, transform=transform, crs=UTM, **options) as target:
        target.write(bands)
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "scene.tif", np.zeros((3, 40, 60), np.uint8))


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, (40, 60)).astype(np.uint8)


def test_class_numbers_as_this_project_writes_them(values: np.ndarray) -> None:
    values[0, 0] = 255
    numbers = LabelMap(NAMES).apply(values)
    assert numbers[0, 0] == 0
    np.testing.assert_array_equal(numbers.ravel()[1:], values.ravel()[1:])


def test_labels_that_count_from_zero() -> None:
    numbers = LabelMap(NAMES, offset=1).apply(np.array([[0, 1, 2, 255]], np.uint8))
    np.testing.assert_array_equal(numbers, [[1, 2, 3, 0]])


def test_value_beyond_the_classes_is_told() -> None:
    with pytest.raises(TruthValueOutOfRange, match=r"value 9 .* 3 classes"):
        LabelMap(NAMES).apply(np.array([[9]], np.uint8))


def test_map_of_values_and_ranges() -> None:
    found = LabelMap.parse("7=road, 10-19=land", NAMES).apply(np.array([[7, 10, 19, 20, 0]], np.uint8))
    np.testing.assert_array_equal(found, [[3, 2, 2, 0, 0]])
    mask = LabelMap.parse("0-127=land,128-255=Road", NAMES).apply(np.array([[0, 127, 128, 255]], np.uint8))
    np.testing.assert_array_equal(mask, [[2, 2, 3, 3]])


@pytest.mark.parametrize("text", ["7", "7=", "=road", "7=harbour", "7=road,#ff0000=land"])
def test_wrong_maps_are_told(text: str) -> None:
    with pytest.raises(BadLabelMap):
        LabelMap.parse(text, NAMES)


def test_colour_picture(tmp_path: Path) -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :20], picture[:, 20:30] = (60, 16, 152), (132, 41, 246)
    Image.fromarray(picture).save(tmp_path / "truth.png")
    Image.fromarray(picture).save(tmp_path / "scene.png")
    label_map = LabelMap.parse("#3C1098=building,#8429F6=land", NAMES)
    truth = open_truth(tmp_path / "truth.png", SceneGrid.of(tmp_path / "scene.png"), label_map).read(WHOLE)
    np.testing.assert_array_equal(truth[0], [1] * 20 + [2] * 10 + [0] * 30)


def test_palette_picture_counts_as_values(tmp_path: Path, values: np.ndarray) -> None:
    picture = Image.fromarray(values, mode="P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(tmp_path / "truth.png")
    grid = SceneGrid.of(tmp_path / "truth.png")
    np.testing.assert_array_equal(open_truth(tmp_path / "truth.png", grid, LabelMap(NAMES)).read(WHOLE), values)


def test_raster_is_read_by_window_and_its_no_data_is_unknown(scene: Path, tmp_path: Path, values: np.ndarray) -> None:
    path = write_raster(tmp_path / "truth.tif", values, nodata=3)
    truth = open_truth(path, SceneGrid.of(scene), LabelMap(NAMES))
    part = truth.read(Box(5, 10, 8, 12))
    expected = np.where(values == 3, 0, values)[5:13, 10:22]
    np.testing.assert_array_equal(part, expected)


def test_raster_on_a_coarser_shifted_grid_lands_on_the_scene(scene: Path, tmp_path: Path) -> None:
    coarse = np.kron(np.array([[1, 2], [3, 1]], np.uint8), np.ones((10, 15), np.uint8))
    path = write_raster(tmp_path / "truth.tif", coarse, from_origin(500000, 5400000, 1.0, 1.0))
    truth = open_truth(path, SceneGrid.of(scene), LabelMap(NAMES)).read(WHOLE)
    np.testing.assert_array_equal(truth, np.kron(coarse, np.ones((2, 2), np.uint8)))
    beside = write_raster(tmp_path / "beside.tif", coarse, from_origin(500010, 5400000, 1.0, 1.0))
    shifted = open_truth(beside, SceneGrid.of(scene), LabelMap(NAMES)).read(WHOLE)
    assert not shifted[:, :20].any()
    np.testing.assert_array_equal(shifted[:, 20:], truth[:, :40])


def test_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    Image.new("L", (30, 20)).save(tmp_path / "truth.png")
    Image.new("RGB", (60, 40)).save(tmp_path / "scene.png")
    with pytest.raises(TruthSizeMismatch, match="20 x 30"):
        open_truth(tmp_path / "truth.png", SceneGrid.of(tmp_path / "scene.png"), LabelMap(NAMES))


def test_unreadable_truth(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "truth.tif").write_text("no raster")
    (tmp_path / "truth.gpkg").write_text("no vector")
    for name in ("truth.tif", "truth.gpkg", "missing.tif"):
        with pytest.raises(TruthNotReadable, match=name):
            open_truth(tmp_path / name, SceneGrid.of(scene), LabelMap(NAMES))


def polygons(crs: str = UTM, **columns: list[object]) -> gpd.GeoDataFrame:
    """A road over the upper left ten by ten pixels and a building in pixels (row 20-30, column 40-50)."""
    shapes = [box(500000, 5399995, 500005, 5400000), box(500020, 5399985, 500025, 5399990)]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM).to_crs(crs)


EXPECTED = np.zeros((40, 60), np.uint16)
EXPECTED[:10, :10], EXPECTED[20:30, 40:50] = 3, 1


@pytest.mark.parametrize(
    ("suffix", "column", "values"),
    [
        (".gpkg", "class_name", ["road", "Building"]),
        (".geojson", "class", ["road", "building"]),
        (".parquet", "class_id", [3, 1]),
        (".fgb", "label", [3.0, 1.0]),
    ],
)
def test_polygons_are_burned(scene: Path, tmp_path: Path, suffix: str, column: str, values: list[object]) -> None:
    frame = polygons("EPSG:4326" if suffix == ".geojson" else UTM, **{column: values})
    path = tmp_path / f"truth{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    truth = open_truth(path, SceneGrid.of(scene), LabelMap(NAMES))
    np.testing.assert_array_equal(truth.read(WHOLE), EXPECTED)
    np.testing.assert_array_equal(truth.read(Box(15, 35, 10, 20)), EXPECTED[15:25, 35:55])


def test_polygons_with_words_of_their_own_and_a_class_outside(scene: Path, tmp_path: Path) -> None:
    polygons(kind=["Strasse", "Haus"]).to_file(tmp_path / "truth.gpkg")
    label_map = LabelMap.parse("Strasse=road,Haus=building", NAMES)
    truth = open_truth(tmp_path / "truth.gpkg", SceneGrid.of(scene), label_map, attribute="kind", outside=2)
    np.testing.assert_array_equal(truth.read(WHOLE), np.where(EXPECTED == 0, 2, EXPECTED))


def test_polygons_on_a_rotated_scene(tmp_path: Path) -> None:
    transform = Affine.translation(500000, 5400000) * Affine.rotation(30) * Affine.scale(0.5, -0.5)
    scene = write_raster(tmp_path / "scene.tif", np.zeros((3, 40, 60), np.uint8), transform)
    centre = Point(transform * (30, 20))
    gpd.GeoDataFrame({"class": ["road"]}, geometry=[centre.buffer(3)], crs=UTM).to_file(tmp_path / "truth.gpkg")
    truth = open_truth(tmp_path / "truth.gpkg", SceneGrid.of(scene), LabelMap(NAMES)).read(WHOLE)
    rows, cols = np.nonzero(truth == 3)
    assert rows.mean() + 0.5 == pytest.approx(20, abs=0.2)
    assert cols.mean() + 0.5 == pytest.approx(30, abs=0.2)
    assert len(rows) == pytest.approx(np.pi * 36, rel=0.1)


def test_polygons_that_cannot_be_used(scene: Path, tmp_path: Path) -> None:
    polygons(height=[3.5, 4.5]).to_file(tmp_path / "truth.gpkg")
    with pytest.raises(TruthAttributeMissing, match="height"):
        open_truth(tmp_path / "truth.gpkg", SceneGrid.of(scene), LabelMap(NAMES))
    with pytest.raises(TruthAttributeMissing, match="kind"):
        open_truth(tmp_path / "truth.gpkg", SceneGrid.of(scene), LabelMap(NAMES), attribute="kind")
    Image.new("RGB", (60, 40)).save(tmp_path / "plain.png")
    with pytest.raises(TruthWithoutCrs):
        open_truth(tmp_path / "truth.gpkg", SceneGrid.of(tmp_path / "plain.png"), LabelMap(NAMES))


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_pairs_by_name(tmp_path: Path) -> None:
    images = touch(tmp_path / "images", "a.tif", "b.png", "town/c.jpg", "readme.txt", ".hidden.png")
    labels = touch(tmp_path / "labels", "a.gpkg", "town/c.png", "d.png")
    samples, unmatched = find_samples(images, labels)
    assert [(s.name, s.truth.name) for s in samples] == [("a", "a.gpkg"), ("town/c", "c.png")]
    assert unmatched == ["b"]
    only, _ = find_samples(images, labels, only=["town/*"])
    assert [s.name for s in only] == ["town/c"]


def test_pairs_by_long_suffixes_and_in_one_folder(tmp_path: Path) -> None:
    images = touch(tmp_path / "left", "city/x_1_leftImg8bit.png")
    labels = touch(tmp_path / "fine", "city/x_1_gtFine_color.png", "city/x_1_gtFine_labelTrainIds.png")
    samples, _ = find_samples(
        images, labels, image_suffix=["_leftImg8bit.png"], label_suffix=["_gtFine_labelTrainIds.png"]
    )
    assert [(s.name, s.truth.name) for s in samples] == [("city/x_1", "x_1_gtFine_labelTrainIds.png")]
    both = touch(tmp_path / "both", "tile1.jpg", "tile1.png")
    with pytest.raises(AmbiguousPairs, match=r"tile1\.jpg, tile1\.png"):
        find_samples(both, both)
    samples, _ = find_samples(both, both, image_suffix=[".jpg"], label_suffix=[".png"])
    assert samples[0].truth.name == "tile1.png"


def test_one_vector_file_serves_all(tmp_path: Path) -> None:
    images = touch(tmp_path / "images", "a.tif", "b.tif")
    truth = touch(tmp_path, "truth.gpkg") / "truth.gpkg"
    samples, _ = find_samples(images, truth)
    assert [s.truth for s in samples] == [truth, truth]
    alone, _ = find_samples(images / "a.tif", truth)
    assert [s.name for s in alone] == ["a"]


def test_pairs_that_are_none(tmp_path: Path) -> None:
    images, labels = touch(tmp_path / "images", "a.tif"), touch(tmp_path / "labels", "b.tif")
    with pytest.raises(NoPairs, match="named like a"):
        find_samples(images, labels)
    with pytest.raises(NoPairs, match="no picture"):
        find_samples(images, labels, only=["z*"])
    with pytest.raises(EvaluationInputMissing, match="does not exist"):
        find_samples(tmp_path / "nowhere", labels)
