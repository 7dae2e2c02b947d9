"""Every benchmark's description: its data, and a miniature of its layout run through the embedded model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from miniatures import build_miniature

from geo_ovss.commands.evaluation_task import benchmark_task
from geo_ovss.datasets import HOMES, dataset_names, load_dataset, paper_means
from geo_ovss.errors import BadBenchmark, BenchmarkLayoutMissing, NoPairs, UnknownBenchmark
from geo_ovss.evaluate import ResultsFolder, evaluate
from geo_ovss.grid import Box
from geo_ovss.raster import RasterOptions
from geo_ovss.segmenter import Segmenter
from geo_ovss.synthetic import draw_scene
from geo_ovss.truth import SceneGrid, open_truth
from geo_ovss.vocabulary import parse_classes

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAPERS = ["voc21", "voc20", "context60", "context59", "coco-object", "coco-stuff", "cityscapes", "ade20k"]
OVERHEAD = ["openearthmap", "loveda", "potsdam", "vaihingen", "uavid", "udd5", "vdd", "isaid", "whu", "inria", "xbd",
            "chn6-cug", "deepglobe", "massachusetts", "spacenet", "wbs-si"]
CLASSES = {"voc21": 21, "voc20": 20, "context60": 60, "context59": 59, "coco-object": 81, "coco-stuff": 171,
           "cityscapes": 19, "ade20k": 150}


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return draw_scene(4, 288, 0.3, style="suburb").rgb


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter("mini", device="cpu")


def test_all_of_them_are_here() -> None:
    assert set(dataset_names()) == set(PAPERS + OVERHEAD)
    assert paper_means()["sets"] == PAPERS


def test_the_package_carries_them() -> None:
    """The wheel takes the descriptions to where `load_dataset` looks for them."""
    root = Path(__file__).parents[1]
    build = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    taken = {(root / source).resolve(): target for source, target in build["force-include"].items()}
    assert taken[root / "benchmarks" / "datasets"] == f"geo_ovss/{HOMES[0].name}/datasets"
    assert taken[root / "benchmarks" / "papers.toml"] == f"geo_ovss/{HOMES[0].name}/papers.toml"


@pytest.mark.parametrize("name", PAPERS + OVERHEAD)
def test_description_is_whole(name: str) -> None:
    dataset = load_dataset(name)
    vocabulary = parse_classes(dataset.class_file)
    assert vocabulary.names == dataset.names
    assert len(vocabulary) == CLASSES.get(name, len(vocabulary))
    assert dataset.kind == ("picture" if name in PAPERS else "scene")
    assert set(dataset.label_map.values()) <= set(dataset.names)
    if name in PAPERS:
        assert (dataset.run.window, dataset.run.stride) == (224, 112)
        assert dataset.run.shorter_side == (560 if name == "cityscapes" else 336)


def test_figures_are_the_papers() -> None:
    figures = {name: dict(load_dataset(name).papers) for name in PAPERS}
    gla = {name: found["GLA-CLIP"] for name, found in figures.items() if "GLA-CLIP" in found}
    assert gla == {"voc21": 66.3, "context60": 36.1, "coco-object": 37.7, "ade20k": 20.0, "cityscapes": 40.8}
    proxy = {name: found["ProxyCLIP"] for name, found in figures.items() if "ProxyCLIP" in found}
    assert proxy == {"voc21": 61.3, "context60": 35.3, "coco-object": 37.5, "ade20k": 20.2, "cityscapes": 38.1}
    assert paper_means()["mean"] == {"GLA-CLIP": 44.0, "ProxyCLIP": 42.3, "Trident": 48.6}


@pytest.mark.parametrize("name", PAPERS + OVERHEAD)
def test_miniature_runs_through(name: str, tmp_path: Path, scene: np.ndarray, segmenter: Segmenter) -> None:
    dataset = load_dataset(name)
    wanted = build_miniature(dataset, tmp_path / "data", scene)
    task = benchmark_task(name, tmp_path / "data", {"templates": "none"}, RasterOptions(), [])
    assert {s.name for s in task.samples} == set(wanted)
    for sample in task.samples:
        numbers = wanted[sample.name]
        truth = open_truth(sample.truth, SceneGrid.of(sample.image), task.truth.label_map)
        np.testing.assert_array_equal(truth.read(Box(0, 0, *numbers.shape)), numbers)
    runner = task.runner(segmenter, {})
    found = evaluate(task.samples, runner, task.truth, results=ResultsFolder(tmp_path / "work", dataset.names))
    expected = sum(np.bincount(n.ravel(), minlength=len(dataset.names) + 1)[1:] for n in wanted.values())
    np.testing.assert_array_equal(found.matrix.truth_pixels, expected)
    assert 0 <= found.matrix.pixel_accuracy <= 1
    assert found.matrix.predicted_pixels.sum() > 0.9 * expected.sum()
    assert found.windows.pairs > 0


def test_one_of_ones_own(tmp_path: Path, scene: np.ndarray) -> None:
    text = (Path(__file__).parents[1] / "benchmarks" / "datasets" / "whu.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace("test/image", "pictures").replace("test/label", "masks"))
    dataset = load_dataset(str(mine))
    assert dataset.name == "mine"
    build_miniature(dataset, tmp_path, scene)
    assert len(dataset.samples(tmp_path)) == 2


def test_what_is_missing_is_told(tmp_path: Path, scene: np.ndarray) -> None:
    with pytest.raises(UnknownBenchmark, match="cityscapes"):
        load_dataset("imagenet")
    dataset = load_dataset("voc21")
    with pytest.raises(BenchmarkLayoutMissing, match="JPEGImages"):
        dataset.samples(tmp_path)
    build_miniature(dataset, tmp_path, scene)
    (tmp_path / "JPEGImages" / "pic_2.jpg").unlink()
    with pytest.raises(BenchmarkLayoutMissing, match="picture pic_2"):
        dataset.samples(tmp_path)
    (tmp_path / "ImageSets" / "Segmentation" / "val.txt").unlink()
    with pytest.raises(BenchmarkLayoutMissing, match=r"val\.txt"):
        dataset.samples(tmp_path)
    with pytest.raises(BenchmarkLayoutMissing, match="images_png"):
        load_dataset("loveda").samples(tmp_path)
    empty = replace(dataset, layout=replace(dataset.layout, only=("nothing*",)))
    with pytest.raises(NoPairs):
        empty.samples(tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind = [", "no TOML"),
        ('title = "x"', "layout"),
        ('title="x"\nsource="y"\nkind="film"\nclasses=["a"]\n[layout]\nimages="i"\nlabels="l"\nimage_suffix=[".png"]\n'
         'label_suffix=[".png"]', "film"),
        ('title="x"\nsource="y"\nkind="scene"\nclasses=["a"]\ncolour="red"\n[layout]\nimages="i"\nlabels="l"\n'
         'image_suffix=[".png"]\nlabel_suffix=[".png"]', "colour"),
        ('title="x"\nsource="y"\nkind="scene"\nclasses=["a"]\n[layout]\nimages="i"\nlabels="l"\n'
         'image_suffix=[".png"]\nlabel_suffix=[".png"]\n[run]\nspeed=3', "speed"),
    ],
)
def test_wrong_descriptions_are_told(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(BadBenchmark, match=why):
        load_dataset(str(tmp_path / "wrong.toml"))
