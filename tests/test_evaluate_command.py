"""`geo-ovss evaluate` on small pictures with the embedded model: outputs, resumption of a killed process, errors."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import typer
from miniatures import build_miniature, write_picture
from PIL import Image
from rasterio.features import shapes
from rasterio.transform import from_origin
from shapely.geometry import shape
from typer.testing import CliRunner, Result

from geo_ovss.commands.evaluate import evaluate
from geo_ovss.datasets import load_dataset
from geo_ovss.synthetic import COARSE, draw_scene

CLASSES = ",".join(COARSE)
UTM = "EPSG:32632"
GRID = from_origin(500000, 5400000, 0.3, 0.3)
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """A drawn picture and its labels, which count from 0."""
    scene = draw_scene(11, 256, 0.3, style="suburb")
    return scene.rgb, scene.coarse


@pytest.fixture
def folder(tmp_path: Path, drawn: tuple[np.ndarray, np.ndarray]) -> Path:
    """Four pictures and their labels in one folder, as `tile1.jpg` and `tile1.png`."""
    rgb, labels = drawn
    (tmp_path / "data").mkdir()
    for i in range(4):
        turned = np.rot90(rgb, i), np.rot90(labels, i).copy()
        turned[1][:20] = 255
        Image.fromarray(turned[0]).save(tmp_path / "data" / f"tile{i}.jpg", quality=95)
        Image.fromarray(turned[1]).save(tmp_path / "data" / f"tile{i}.png")
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in the test's own folder; an error is raised, not swallowed."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(evaluate)

    def run(*arguments: object, progress: str = "none") -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--progress", progress], catch_exceptions=False)

    return run


def of_folder(folder: Path) -> list[object]:
    return ["--images", folder, "--labels", folder, "--image-suffix", ".jpg", "--label-suffix", ".png",
            "--classes", CLASSES, "--label-offset", 1, "--templates", "none"]


def test_figures_in_text_json_and_pictures(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(*of_folder(folder), "--json", "out.json", "--plot", "plots", "--table", "out.md")
    said = json.loads((tmp_path / "out.json").read_text())
    assert f"mean IoU {100 * said['mean_iou']:.2f}" in result.output
    labels = [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]
    for i, one in enumerate(said["classes"]):
        assert one["name"] == COARSE[i]
        assert one["truth_pixels"] == sum(int((part == i).sum()) for part in labels)
    assert said["boundary_error_rate"]["windows"]["pairs"] > 0
    assert said["seconds"] > 0
    assert said["peak_memory_bytes"] is None or said["peak_memory_bytes"] > 50e6
    assert sorted(p.name for p in (tmp_path / "plots").iterdir()) == ["classes.png", "confusion.png", "worst.png"]
    assert f"| mini | {100 * said['mean_iou']:.2f} |" in (tmp_path / "out.md").read_text()
    assert not (tmp_path / "geo-ovss-evaluation").exists()


def test_json_on_standard_output_is_alone(run: Run, folder: Path) -> None:
    result = run(*of_folder(folder), "--only", "tile2", "--json", "-")
    assert [p["name"] for p in json.loads(result.stdout)["pictures"]] == ["tile2"]


def test_polygons_and_rasters_say_the_same(
    run: Run, tmp_path: Path, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    rgb, labels = drawn
    for name, bands in (("scene.tif", rgb.transpose(2, 0, 1)), ("truth.tif", (labels + 1)[None])):
        with rasterio.open(tmp_path / name, "w", driver="GTiff", height=256, width=256, count=len(bands),
                           dtype="uint8", crs=UTM, transform=GRID) as target:
            target.write(bands)
    parts = [(shape(s), COARSE[int(v) - 1]) for s, v in shapes(labels + 1, transform=GRID)]
    frame = gpd.GeoDataFrame({"kind": [name for _, name in parts]}, geometry=[s for s, _ in parts], crs=UTM)
    frame.to_crs("EPSG:4326").to_file(tmp_path / "truth.gpkg")
    said = []
    for truth, more in (("truth.tif", []), ("truth.gpkg", ["--label-attribute", "kind"])):
        result = run("--images", "scene.tif", "--labels", truth, "--classes", CLASSES, "--templates", "none",
                     "--json", "-", *more)
        said.append(json.loads(result.stdout))
    raster, polygons = (np.array(part["confusion"]["counts"]) for part in said)
    # Reprojected corners may fall a hair beside a pixel's centre.
    assert np.abs(raster - polygons).sum() < 0.002 * raster.sum()
    alone = frame[frame.kind == "building"]
    alone.to_file(tmp_path / "buildings.gpkg")
    result = run("--images", "scene.tif", "--labels", "buildings.gpkg", "--classes", "building,land", "--templates",
                 "none", "--label-attribute", "kind", "--label-outside", "land", "--json", "-")
    found = json.loads(result.stdout)["classes"]
    assert found[0]["truth_pixels"] == (labels == COARSE.index("building")).sum()
    assert found[0]["truth_pixels"] + found[1]["truth_pixels"] == 256 * 256


def test_benchmark_prints_the_papers_figures(run: Run, tmp_path: Path, drawn: tuple[np.ndarray, np.ndarray]) -> None:
    build_miniature(load_dataset("cityscapes"), tmp_path / "data", drawn[0])
    result = run("--benchmark", "cityscapes", "--root", "data", "--templates", "none", "--limit", 1)
    assert "GLA-CLIP reports a mean IoU of 40.8" in result.output
    assert "ProxyCLIP reports a mean IoU of 38.1" in result.output
    assert "Trident 48.6" in result.output


def test_pictures_as_the_papers_run_them(run: Run, folder: Path) -> None:
    result = run(*of_folder(folder), "--only", "tile0", "--shorter-side", 336, "--json", "-")
    said = json.loads(result.stdout)
    assert said["settings"]["runner"]["rule"]["shorter_side"] == 336
    assert said["boundary_error_rate"]["blocks"]["pairs"] == 0


def test_ablation_and_sweep_tables(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(*of_folder(folder), "--only", "tile1", "--ablate", "--table", "out.csv", "--json", "out.json")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [r["run"] for r in rows][:4] == [
        "local only", "+ key-value extension", "+ proxy anchors", "+ dynamic normalisation"
    ]
    assert len({r["pixel accuracy"] for r in rows[:4]}) > 1
    assert "| local only |" in result.output
    said = json.loads((tmp_path / "out.json").read_text())
    assert [part["run"] for part in said] == [r["run"] for r in rows]
    run(*of_folder(folder), "--only", "tile1", "--sweep", "threshold=0.1:0.9:0.4", "--table", "sweep.csv")
    swept = list(csv.DictReader((tmp_path / "sweep.csv").open()))
    assert [r["threshold"] for r in swept] == ["threshold = 0.1", "threshold = 0.5", "threshold = 0.9"]
    accuracy = [float(r["pixel accuracy"]) for r in swept]
    assert accuracy == sorted(accuracy, reverse=True)
    assert not (tmp_path / "geo-ovss-evaluation").exists()


def test_other_runs_of_the_work_folder_stay(run: Run, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "geo-ovss-evaluation" / "0123456789ab"
    other.mkdir(parents=True)
    (other / "pictures.jsonl").write_text("{}\n")
    run(*of_folder(folder), "--only", "tile1")
    assert [p.name for p in other.parent.iterdir()] == ["0123456789ab"]


def test_slips_are_pointed_out(run: Run, folder: Path) -> None:
    """Labels that count from 0, read as class numbers, would shift every class by one without a word."""
    assert len(COARSE) not in np.asarray(Image.open(folder / "tile3.png"))
    shifted = [a for a in of_folder(folder) if a not in ("--label-offset", 1)]
    result = run(*shifted, "--only", "tile3", progress="plain")
    assert "pass --label-offset 1" in result.output


def command(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "geo_ovss", "evaluate", *map(str, arguments)], cwd=folder, text=True,
                          capture_output=True, timeout=300, env=environment())


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killed_run_goes_on_where_it_was(folder: Path, tmp_path: Path, run: Run) -> None:
    arguments = [*of_folder(folder), "--work", "work", "--json", "out.json", "--progress", "plain"]
    process = subprocess.Popen([sys.executable, "-m", "geo_ovss", "evaluate", *map(str, arguments)], cwd=tmp_path,
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment())
    deadline = time.monotonic() + 240
    while not (lines := list((tmp_path / "work").glob("*/pictures.jsonl"))) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = lines[0].read_text().count("\n")
    assert not (tmp_path / "out.json").exists()
    before = lines[0].read_text().splitlines()[:finished]
    done = command(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert f"{finished} of 4 pictures were finished before" in done.stderr
    after = lines[0].read_text().splitlines()
    assert after[:finished] == before
    assert len({json.loads(line)["name"] for line in after if line.endswith("}")}) == 4
    said = json.loads((tmp_path / "out.json").read_text())
    again = json.loads(run(*of_folder(folder), "--json", "-").stdout)
    assert said["confusion"] == again["confusion"]
    assert said["boundary_error_rate"] == again["boundary_error_rate"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--images", "data", "--labels", "data"], "nothing to evaluate"),
        (["--benchmark", "voc21"], "takes --root"),
        (["--benchmark", "nothing", "--root", "data"], "no benchmark 'nothing'"),
        (["--benchmark", "voc21", "--root", "data"], "JPEGImages does not exist"),
        (["--images", "nowhere", "--labels", "data", "--classes", "a"], "nowhere does not exist"),
        (["--images", "data", "--labels", "data", "--classes", "a,b"], "Several files could belong"),
        (["--images", "data/tile0.jpg", "--labels", "empty", "--classes", "a,b"], "has a ground truth in"),
        (["--label-map", "3=harbour"], "'harbour' is none of the classes"),
        (["--label-outside", "harbour"], "'harbour' is none of the classes"),
        (["--label-offset", "3"], "there are only 6 classes"),
        (["--sweep", "threshold=0.1:0.5"], "three numbers"),
        (["--sweep", "colour=1:2:1"], "neither a value of a preset"),
        (["--table", "out.txt"], "ends in .md or .csv"),
        (["--json", "nowhere/out.json"], "output folder nowhere does not exist"),
        (["--json", "empty/other.png"], "exists already"),
        (["--plot", "empty"], "exists already"),
        (["--threshold", "2"], "--threshold takes"),
        (["--preset", "nothing"], "nothing"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: list[str], sentence: str, folder: Path, tmp_path: Path, run: Run
) -> None:
    from geo_ovss.errors import GeoOvssError

    (tmp_path / "empty").mkdir()
    write_picture(tmp_path / "empty" / "other.png", np.zeros((8, 8, 3), np.uint8))
    full = arguments if {"--images", "--benchmark"} & set(arguments) else [*of_folder(folder), *arguments]
    before = sorted(p for p in tmp_path.rglob("*") if "geo-ovss-evaluation" not in str(p))
    with pytest.raises(GeoOvssError) as raised:
        run(*full)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
    assert sorted(p for p in tmp_path.rglob("*") if "geo-ovss-evaluation" not in str(p)) == before


def test_wrong_input_ends_with_status_two(folder: Path, tmp_path: Path) -> None:
    done = command(tmp_path, "--images", folder, "--labels", folder, "--classes", "a,b")
    assert done.returncode == 2
    assert done.stderr.startswith("geo-ovss: Several files could belong to the picture tile0")
    assert "Traceback" not in done.stderr
