"""The command line as a user meets it: results under their names, one sentence for each mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from conftest import write_scene

from geo_ovss.cli import main

ENV = os.environ | {"OMP_NUM_THREADS": "1"}
SMALL = ["--set", "window=64", "--set", "stride=32", "--set", "block=128", "--set", "halo=64", "--set", "bank=16"]


def geo_ovss(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "geo_ovss", *map(str, arguments)], cwd=cwd, env=ENV, text=True,
                          capture_output=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def small_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("cli") / "scene.tif", 200, 230)


@pytest.fixture(scope="module")
def whole_run(small_scene: Path, tiny_clip: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run with every output."""
    folder = small_scene.parent
    done = geo_ovss(
        "segment", small_scene, "--classes", "Roof|house;road;background", "--clip", tiny_clip, *SMALL, "-o",
        folder / "out.gpkg", "--labels", folder / "labels.tif", "--confidence", folder / "confidence.tif",
        "--preview", folder / "preview.png", "--report", folder / "report.html", "--progress", "json", "--cache",
        folder / "kept",
    )
    assert done.returncode == 0, done.stderr
    return done, folder


def test_polygons_cover_what_is_labelled(whole_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    folder = whole_run[1]
    with rasterio.open(folder / "labels.tif") as source:
        labels = source.read(1)
        assert source.crs.to_epsg() == 32632
        assert source.nodata == 0
    frame = gpd.read_file(folder / "out.gpkg", layer="scene")
    assert frame.crs.to_epsg() == 32632
    assert frame.geometry.is_valid.all()
    assert frame.geometry.area.sum() == pytest.approx((labels > 0).sum() * 0.25)
    assert set(frame["class_name"]) <= {"Roof", "road", "background"}
    for number, name in enumerate(["Roof", "road", "background"], 1):
        found = frame[frame["class_id"] == number]
        assert set(found["class_name"]) <= {name}
        assert found.geometry.area.sum() == pytest.approx((labels == number).sum() * 0.25)
    with rasterio.open(folder / "confidence.tif") as source:
        confidence = source.read(1)
    assert ((confidence > 0) == (labels > 0)).all()
    assert confidence.max() <= 1


def test_progress_is_one_json_object_a_line(whole_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = whole_run
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"encode", "classify"} <= {line["stage"] for line in lines}
    assert all({"stage", "done", "total", "message"} <= set(line) for line in lines)
    outputs = lines[-1]["outputs"]
    assert lines[-1]["stage"] == "done"
    assert {k: Path(v).exists() for k, v in outputs.items()} == dict.fromkeys(
        ("polygons", "labels", "confidence", "preview", "report", "features"), True)
    assert not list(folder.glob("*.partial*"))


def test_kept_features_answer_other_names(whole_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = whole_run
    store = json.loads(done.stdout.splitlines()[-1])["outputs"]["features"]
    asked = geo_ovss("query", store, "--classes", "sea,car,tree", "-o", folder / "asked.fgb", "--labels",
                     folder / "asked.tif", "--progress", "plain")
    assert asked.returncode == 0, asked.stderr
    with rasterio.open(folder / "asked.tif") as source:
        assert source.read(1).max() <= 3
    assert len(gpd.read_file(folder / "asked.fgb"))
    again = geo_ovss("query", store, "--classes", "sea,car,tree", "-o", folder / "asked.fgb")
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_info_says_what_would_be_done(small_scene: Path) -> None:
    done = geo_ovss("info", small_scene, "--classes", "road|street;tree", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["windows"] == 2
    assert said["classes"] == {"road": ["road", "street"], "tree": ["tree"]}
    assert said["estimated_memory_megabytes"] > 100
    tokens = 13 * 15
    assert said["features_megabytes"] == round(tokens * 256 * 2 / 1e6, 1)
    assert said["features_before_compression"] == [f"{tokens * n / 1e6:.1f} MB in {kind}"
                                                   for kind, n in (("float16", 512), ("int8", 260))]
    assert "EPSG:32632" in geo_ovss("info", small_scene).stdout


def test_presets_and_version() -> None:
    assert geo_ovss("--version").stdout.startswith("geo-ovss 0.")
    rows = json.loads(geo_ovss("presets", "--json").stdout)
    assert rows[0]["name"] == "mini"
    assert rows[0]["offline"]
    assert not rows[1]["offline"]


MISTAKES = {
    "missing": (["missing.tif", "--classes", "a"], "does not exist"),
    "not a raster": (["text.tif", "--classes", "a"], "text.tif"),
    "truncated": (["cut.tif", "--classes", "a"], "cut.tif"),
    "no classes": (["scene.tif", "--classes", ""], "class"),
    "the same class twice": (["scene.tif", "--classes", "a,A"], "twice"),
    "a class without a word": (["scene.tif", "--classes", "a;|"], "class"),
    "preset": (["scene.tif", "--classes", "a", "--preset", "tiny"], "mini"),
    "method": (["scene.tif", "--classes", "a", "--method", "magic"], "gla-clearclip"),
    "band": (["scene.tif", "--classes", "a", "--bands", "9,2,1"], "band"),
    "bands": (["scene.tif", "--classes", "a", "--bands", "red"], "--bands"),
    "output folder": (["scene.tif", "--classes", "a", "-o", "nowhere/out.gpkg"], "does not exist"),
    "output exists": (["scene.tif", "--classes", "a", "-o", "there.gpkg"], "exists already"),
    "output format": (["scene.tif", "--classes", "a", "-o", "out.docx"], ".gpkg"),
    "nothing valid": (["empty.tif", "--classes", "a"], "valid"),
    "gsd without metres": (["plain.tif", "--classes", "a", "--gsd", "0.5"], "no CRS"),
    "setting": (["scene.tif", "--classes", "a", "--set", "magic=1"], "magic"),
    "threshold": (["scene.tif", "--classes", "a", "--threshold", "2"], "--threshold"),
    "labels format": (["scene.tif", "--classes", "a", "--labels", "out.jpg"], ".tif"),
    "target CRS": (["scene.tif", "--classes", "a", "--target-crs", "EPSG:0"], "CRS"),
    "instances": (["scene.tif", "--classes", "a", "--instances", "b"], "--instances"),
}


@pytest.fixture(scope="module")
def mistakes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    scene = write_scene(folder / "scene.tif", 300, 300)
    (folder / "text.tif").write_text("no raster")
    (folder / "cut.tif").write_bytes(scene.read_bytes()[: scene.stat().st_size // 2])
    (folder / "there.gpkg").write_text("precious")
    write_scene(folder / "plain.tif", 100, 100, crs=None)
    with rasterio.open(write_scene(folder / "empty.tif", 100, 100, nodata=0), "r+") as file:
        file.write(np.zeros((3, 100, 100), np.uint8))
    return folder


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistakes_folder: Path, mistake: str, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    before = {p: p.stat().st_mtime_ns for p in mistakes_folder.rglob("*")}
    arguments, expected = MISTAKES[mistake]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(mistakes_folder)
    monkeypatch.setattr(sys, "argv", ["geo-ovss", "segment", *arguments, "--progress", "none"])
    with pytest.raises(SystemExit) as end:
        main()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    said = capsys.readouterr().err
    assert end.value.code == 2, said
    assert expected.lower() in said.lower()
    assert len(said.strip().splitlines()) == 1
    assert {p: p.stat().st_mtime_ns for p in mistakes_folder.rglob("*")} == before


def test_a_mistake_in_a_process_of_its_own_has_no_traceback(mistakes_folder: Path) -> None:
    done = geo_ovss("segment", "missing.tif", "--classes", "a", cwd=mistakes_folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "geo-ovss: missing.tif does not exist.\n"
    assert geo_ovss("segment", cwd=mistakes_folder).returncode == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="dropping rights needs root")
def test_a_folder_without_write_permission_is_told(tmp_path: Path) -> None:
    from geo_ovss.atomic import check_folder
    from geo_ovss.errors import OutputNotWritable

    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    child = os.fork()
    if child == 0:  # root may write anywhere: look as somebody else
        os.setuid(65534)
        try:
            check_folder(locked / "out.gpkg")
        except OutputNotWritable:
            os._exit(7)
        finally:
            os._exit(8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_soon_and_leaves_no_output(tmp_path: Path, tiny_clip: str, sign: signal.Signals) -> None:
    scene = write_scene(tmp_path / "scene.tif", 900, 900)
    process = subprocess.Popen(
        [sys.executable, "-m", "geo_ovss", "segment", str(scene), "--classes", "a,b", "--clip", tiny_clip, *SMALL, "-o",
         str(tmp_path / "out.gpkg"), "--progress", "json"],
        env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        state = json.loads(line)
        if state["stage"] == "encode" and state["done"] > 0:
            break
    began = time.monotonic()
    process.send_signal(sign)
    error = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert time.monotonic() - began < 10  # two seconds by themselves; the machine may be busy
    assert "interrupted" in error
    assert "Traceback" not in error
    assert not (tmp_path / "out.gpkg").exists()
