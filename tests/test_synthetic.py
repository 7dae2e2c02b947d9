"""The generator of synthetic scenes: the same seed the same scene, exact labels, light, files, mosaics, sample data."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geo_ovss.errors import OutputExists, OutputFolderMissing
from geo_ovss.synthetic import (
    CLASSES,
    COARSE,
    COARSE_OF,
    FIVE_CLASSES,
    ID,
    STYLES,
    draw_scene,
    label_numbers,
    write_large,
    write_scene,
)
from geo_ovss.synthetic.__main__ import main
from geo_ovss.synthetic.canvas import Canvas, Sun, polygon_distance
from geo_ovss.synthetic.light import cast_shadows
from geo_ovss.synthetic.mosaic import Mosaic
from geo_ovss.synthetic.noise import NoiseBank
from geo_ovss.vocabulary import parse_classes

SAMPLES = Path(__file__).parent.parent / "sample_data"


def explained(rgb: np.ndarray, labels: np.ndarray) -> float:
    """Share of the colours' variance that lies between the labels."""
    pixels, flat = rgb.reshape(-1, 3).astype(float), labels.ravel()
    total = ((pixels - pixels.mean(0)) ** 2).sum()
    within = sum(((pixels[flat == k] - pixels[flat == k].mean(0)) ** 2).sum() for k in np.unique(flat))
    return float(1.0 - within / total)


def test_classes_are_told_apart_and_have_a_coarse_class() -> None:
    names = [name for name, _ in CLASSES]
    assert len(set(names)) == len(names) <= 255
    assert [COARSE[k] for k in COARSE_OF] == [coarse for _, coarse in CLASSES]
    assert all(CLASSES[index][0] == name for name, index in ID.items())


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_draws(style: str) -> None:
    scene = draw_scene(11, (80, 112), 0.6, style=style)
    assert scene.rgb.shape == (80, 112, 3) and scene.rgb.dtype == np.uint8
    assert scene.labels.shape == (80, 112) and scene.labels.dtype == np.uint8
    assert scene.labels.max() < len(CLASSES)
    assert scene.style == style and scene.gsd == 0.6
    assert scene.rgb.astype(float).std(axis=(0, 1)).min() > 1.5  # no flat colours anywhere
    np.testing.assert_array_equal(scene.coarse, np.asarray(COARSE_OF)[scene.labels])


def test_same_seed_same_scene_and_another_seed_another() -> None:
    first, again, other = draw_scene(3, 96, 0.4), draw_scene(3, 96, 0.4), draw_scene(4, 96, 0.4)
    np.testing.assert_array_equal(first.rgb, again.rgb)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.rgb != other.rgb).mean() > 0.5


@pytest.mark.parametrize(("seed", "style"), [(5, "suburb"), (6, "harbour"), (8, "countryside"), (9, "airport")])
def test_one_world_at_every_pixel_size(seed: int, style: str) -> None:
    fine = draw_scene(seed, 160, 0.5, style=style)
    coarse = draw_scene(seed, 80, 1.0, style=style)
    same = np.mean([(fine.coarse[i::2, j::2] == coarse.coarse).mean() for i in (0, 1) for j in (0, 1)])
    assert same > 0.88
    assert (fine.season, fine.climate) == (coarse.season, coarse.climate)


@pytest.mark.parametrize(("seed", "style"), [(1, "city"), (2, "industrial"), (3, "town"), (4, "harbour")])
def test_labels_lie_exactly_on_what_is_drawn(seed: int, style: str) -> None:
    scene = draw_scene(seed, 192, 0.5, style=style)
    exact = explained(scene.rgb, scene.labels)
    for shift in ((6, 0), (0, 6), (-6, 0), (0, -6)):
        assert explained(scene.rgb, np.roll(scene.labels, shift, axis=(0, 1))) < exact


def test_plants_are_greener_than_roads_in_summer() -> None:
    greens, greys = [], []
    for seed in range(4):
        scene = draw_scene(seed, 128, 0.5, style="suburb", season="summer")
        excess = 2.0 * scene.rgb[..., 1] - scene.rgb[..., 0].astype(float) - scene.rgb[..., 2]
        greens.append(excess[scene.coarse == COARSE.index("vegetation")].mean())
        greys.append(excess[scene.coarse == COARSE.index("road")].mean())
    assert np.mean(greens) > np.mean(greys) + 8.0


@pytest.mark.parametrize(("call", "message"), [
    ({"seed": 1, "size": 0, "gsd": 0.3}, "at least one pixel"),
    ({"seed": 1, "size": 32, "gsd": 0.0}, "gsd"),
    ({"seed": 1, "size": 32, "gsd": 0.3, "style": "moon"}, "no style 'moon'"),
])  # fmt: skip
def test_what_makes_no_scene_is_refused(call: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_scene(**call)


def test_a_box_casts_a_shadow_as_long_as_the_sun_says() -> None:
    sun = Sun(0.0, math.radians(45.0))  # from +x, so the shadow falls toward -x
    canvas = Canvas(0, (60, 100), 0.5, (0.0, 0.0), 0.0, sun)
    canvas.height[20:40, 60:70] = 8.0
    shadow = cast_shadows(canvas)
    length = (shadow[30, :60] > 0.5).sum() * canvas.gsd
    assert length == pytest.approx(8.0, abs=1.0)
    assert shadow[30, 70:].max() < 0.2 and shadow[5].max() < 0.2


@pytest.mark.parametrize("gsd", [0.05, 0.3, 2.0])
def test_a_thin_line_covers_its_true_area(gsd: float) -> None:
    canvas = Canvas(0, (8, 64), gsd, (0.013, 0.0), 0.0, Sun(0.0, 1.0))
    covered = canvas.band(canvas.x, 0.06).sum(axis=1) * gsd
    np.testing.assert_allclose(covered, 0.12, rtol=1e-3)


def test_a_slope_toward_the_sun_is_bright_and_one_away_is_dark() -> None:
    sun = Sun(0.0, math.radians(40.0))
    toward, flat, away = (float(sun.relief(slope, 0.0)) for slope in (-0.5, 0.0, 0.5))
    assert away < flat < toward and flat == pytest.approx(1.0)


def test_polygon_distance_is_signed() -> None:
    square = np.array([(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)])
    x, y = np.array([2.0, 5.0, 7.0, 2.0], np.float32), np.array([2.0, 2.0, 8.0, 3.5], np.float32)
    np.testing.assert_allclose(polygon_distance(x, y, square), [-2.0, 1.0, 5.0, -0.5], atol=1e-5)


def test_noise_loses_contrast_with_growing_pixels_and_repeats() -> None:
    deviations = [NoiseBank(1, (400, 400), gsd).fractal(0.1, 6.4).std() for gsd in (0.15, 1.0, 2.5)]
    assert deviations[0] > deviations[1] > deviations[2] > 0.0
    np.testing.assert_array_equal(NoiseBank(1, (9, 9), 0.3).band(3), NoiseBank(1, (9, 9), 0.3).band(3))


def test_label_numbers_take_the_fine_name_before_the_coarse() -> None:
    numbers = label_numbers({"plants": ("vegetation",), "tree": ("tree", "forest"), "car": ("car",)})
    assert [int(numbers[ID[name]]) for name in ("grass", "tree", "forest", "car", "road")] == [1, 2, 2, 3, 0]
    with pytest.raises(ValueError, match="no class 'unicorn'"):
        label_numbers({"unicorn": ("unicorn",)})


@pytest.mark.parametrize(("dtype", "low", "high"), [("uint8", 1, 255), ("uint16", 1, 4095), ("int16", 1, 4095),
                                                    ("float32", 0.0, 1.0)])  # fmt: skip
def test_written_scene_with_declared_nodata(tmp_path: Path, dtype: str, low: float, high: float) -> None:
    path, labels = tmp_path / "a.tif", tmp_path / "l.tif"
    scene = write_scene(path, 7, (96, 128), 0.25, dtype=dtype, nodata_wedge=True, labels_path=labels, tile=64)
    with rasterio.open(path) as file, rasterio.open(labels) as label_file:
        assert (file.height, file.width, file.count) == (96, 128, 3) and file.dtypes == (dtype,) * 3
        assert file.crs.to_epsg() == 32632 and file.res == (0.25, 0.25) and file.block_shapes[0] == (64, 64)
        assert file.transform == label_file.transform and file.crs == label_file.crs
        valid, data, truth = file.dataset_mask() > 0, file.read(masked=True), label_file.read(1)
    assert 0.2 < valid.mean() < 0.95
    assert low <= data.min() and data.max() <= high
    if dtype in ("uint16", "int16"):
        assert data.max() > 600  # more than eight bits of range are used
    numbers = label_numbers(FIVE_CLASSES)
    np.testing.assert_array_equal(truth, np.where(valid, numbers[scene.labels], 0))
    assert not list(tmp_path.glob(".*"))


def test_an_undeclared_collar_is_black_with_the_noise_of_jpeg(tmp_path: Path) -> None:
    write_scene(tmp_path / "a.tif", 7, 160, 0.3, nodata_wedge=True, declare_nodata=False)
    write_scene(tmp_path / "b.tif", 7, 160, 0.3, nodata_wedge=True)
    with rasterio.open(tmp_path / "a.tif") as file, rasterio.open(tmp_path / "b.tif") as declared:
        assert file.nodata is None and (file.dataset_mask() == 255).all()
        collar = file.read()[:, declared.dataset_mask() == 0]
    assert collar.mean() < 6 and 0 < (collar > 0).mean() < 0.5


def test_rotation_and_no_georeference(tmp_path: Path) -> None:
    write_scene(tmp_path / "r.tif", 2, 48, 0.5, rotation_deg=30.0)
    with rasterio.open(tmp_path / "r.tif") as file:
        assert math.hypot(file.transform.a, file.transform.d) == pytest.approx(0.5)
        assert math.degrees(math.atan2(file.transform.d, file.transform.a)) == pytest.approx(30.0)
    write_scene(tmp_path / "n.tif", 2, 48, 0.5, crs=None)
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(tmp_path / "n.tif") as file:
        assert file.crs is None


def test_nothing_that_was_there_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_scene(path, 1, 32, 0.5)
    before = path.read_bytes()
    with pytest.raises(OutputExists):
        write_scene(path, 2, 32, 0.5)
    with pytest.raises(ValueError, match="uint8, uint16"):
        write_scene(path, 2, 32, 0.5, dtype="complex64", overwrite=True)
    with pytest.raises(OutputFolderMissing):
        write_scene(tmp_path / "none" / "a.tif", 2, 32, 0.5)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_mosaic_joins_itself_without_a_seam() -> None:
    mosaic = Mosaic(5, 64, 0.5, 2, 4, ["countryside"])
    rgb, labels = mosaic.read(0, 0, 256, 256)
    for edge in (64, 128, 192):
        np.testing.assert_array_equal(rgb[edge - 1], rgb[edge])
        np.testing.assert_array_equal(labels[:, edge - 1], labels[:, edge])
    part, part_labels = mosaic.read(50, 61, 99, 130)
    np.testing.assert_array_equal(part, rgb[50:149, 61:191])
    np.testing.assert_array_equal(part_labels, labels[50:149, 61:191])


def test_a_large_scene_is_a_bigtiff_that_agrees_with_its_labels(tmp_path: Path) -> None:
    path, labels = tmp_path / "a.tif", tmp_path / "l.tif"
    write_large(path, (300, 420), 0.5, 5, labels_path=labels, patch=64, patches=3, tile=128, compress="deflate")
    assert path.read_bytes()[:4] == b"II\x2b\x00"  # 43: BigTIFF
    expected, expected_labels = Mosaic(5, 64, 0.5, 3, 4, None).read(0, 0, 300, 420)
    with rasterio.open(path) as file, rasterio.open(labels) as label_file:
        assert file.block_shapes[0] == (128, 128) and file.crs.to_epsg() == 32632
        np.testing.assert_array_equal(np.moveaxis(file.read(), 0, 2), expected)
        np.testing.assert_array_equal(label_file.read(1), label_numbers(FIVE_CLASSES)[expected_labels])
    write_large(path, (300, 420), 0.5, 5, patch=64, patches=3, tile=128, overwrite=True)
    with rasterio.open(path) as file:
        assert file.profile["compress"] == "jpeg"
        assert np.abs(np.moveaxis(file.read(), 0, 2).astype(int) - expected).mean() < 8


def test_memory_does_not_grow_with_a_large_scene(tmp_path: Path) -> None:
    peaks = []
    for side in (512, 512, 2560):  # the first one fills caches
        tracemalloc.start()
        write_large(tmp_path / f"{side}.tif", side, 0.5, 1, patch=64, patches=1, tile=256, overwrite=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1] + 200_000


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, labels = str(tmp_path / "a.tif"), str(tmp_path / "l.tif")
    assert main([out, "--size", "40", "50", "--seed", "2", "--labels", labels, "--classes", "building,tree"]) == 0
    with rasterio.open(labels) as file:
        assert file.shape == (40, 50) and file.read(1).max() <= 2
    assert main([out, "--size", "40"]) == 2
    assert main([str(tmp_path / "b.tif"), "--size", "40", "--classes", "unicorn"]) == 2
    assert main([str(tmp_path / "c.tif"), "--size", "90", "--large", "--style", "golf"]) == 0
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 2 and "exists already" in error[0] and "no class 'unicorn'" in error[1]


SAMPLE_FILES = {
    "OSBS_029.tif": (32617, "uint8", 255.0), "town.tif": (32632, "uint8", None),
    "town_labels.tif": (32632, "uint8", None), "town_uint16.tif": (32632, "uint16", None),
    "town_nodata.tif": (32632, "uint8", 0.0), "town_collar.tif": (32632, "uint8", None),
    "town_rotated.tif": (32632, "uint8", None), "town_rotated_labels.tif": (32632, "uint8", None),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SAMPLE_FILES))
def test_sample_data_opens(name: str) -> None:
    epsg, dtype, nodata = SAMPLE_FILES[name]
    with rasterio.open(SAMPLES / name) as file:
        assert file.crs.to_epsg() == epsg and set(file.dtypes) == {dtype} and file.nodata == nodata
        assert (file.transform.b != 0.0) == ("rotated" in name)
        data = file.read()
    if dtype == "uint16":
        assert 1000 < data.max() <= 4095
    if "labels" in name:
        assert set(np.unique(data)) <= set(range(8)) and (data > 0).mean() > 0.8


def test_sample_data_is_small_explained_and_complete() -> None:
    files = [path for path in SAMPLES.iterdir() if path.is_file() and not path.name.endswith(".aux.xml")]
    assert sum(path.stat().st_size for path in files) < 15e6
    text = (SAMPLES / "README.md").read_text()
    assert all(f"`{path.name}`" in text for path in files if path.name != "README.md")
    names = [entry.name for entry in parse_classes(str(SAMPLES / "town_classes.txt")).classes]
    assert names == ["building", "road", "tree", "grass", "field", "water", "car"]
    with rasterio.open(SAMPLES / "town_labels.tif") as file:
        assert set(np.unique(file.read(1))) >= set(range(1, 8))  # every class can be seen
