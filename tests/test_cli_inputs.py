"""The command line before any work: where the raster lies, and what is missing for the question."""

from __future__ import annotations

import json
import signal
import sys
import zipfile
from pathlib import Path

import pytest
import rasterio
from conftest import write_scene
from range_server import serving_folder

from geo_ovss.cli import main
from geo_ovss.commands.assemble import default_output
from geo_ovss.models import MIRROR
from geo_ovss.store import SceneFeatures

SMALL = ["--set", "window=64", "--set", "stride=32", "--set", "block=128", "--set", "halo=64", "--set", "bank=0"]


def run(*arguments: object) -> int:
    """The command line in this process; gives its exit status."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(sys, "argv", ["geo-ovss", *map(str, arguments)])
        main()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return int(end.value.code or 0)


@pytest.mark.parametrize(("scene", "name"), [
    ("town.tif", "town.gpkg"), ("/vsizip//data/area.zip/deep/town.tif", "town.gpkg"), ("../a.b.tif", "a.b.gpkg"),
    ("/vsicurl/https://host/tiles/town.tif?key=1/2", "town.gpkg"), ("https://host/town.tif", "town.gpkg"),
])
def test_outputs_are_named_after_the_scene(scene: str, name: str) -> None:
    assert str(default_output(scene)) == name


def test_a_raster_in_a_zip_file_by_its_whole_path(tmp_path: Path, tiny_clip: str,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """Two slashes follow /vsizip where the archive's path begins with one; `pathlib` would make one of them."""
    with zipfile.ZipFile(tmp_path / "area.zip", "w") as archive:
        archive.write(write_scene(tmp_path / "a.tif", 96, 96), "deep/town.tif")
    scene = f"/vsizip/{tmp_path}/area.zip/deep/town.tif"
    assert scene.startswith("/vsizip//")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert run("encode", scene, "--clip", tiny_clip, *SMALL, "--progress", "none") == 0
    store = SceneFeatures.open("town.features")
    assert (store.info.name, store.info.source) == ("town", scene)
    # refinement, bilateral upsampling and areas of interest open the raster again when it is asked
    assert run("segment", scene, "--classes", "a,b", "--clip", tiny_clip, *SMALL, "--set", "upsample=bilateral",
               "--progress", "none") == 0
    assert Path("town.gpkg").stat().st_size > 0


def test_a_raster_at_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_scene(tmp_path / "scene.tif", 96, 96)
    with serving_folder(tmp_path) as address:
        for scene in (f"{address}/scene.tif", f"/vsicurl/{address}/scene.tif"):
            assert run("info", scene, "--json") == 0
            assert json.loads(capsys.readouterr().out)["windows"] == 1


@pytest.mark.parametrize(("arguments", "said"), [
    (["--refine"], ("sam", "models fetch sam-vit-b", "preset mini")),
    (["--refine", "--sam", "sam-vit-h"], ("models fetch sam-vit-h",)),
    (["--refine", "--sam", "nowhere.pth"], ("nowhere.pth",)),
    (["--preset", "trident-base"], ("models fetch", "preset mini")),
    (["--preset", "trident-huge", "--no-refine"], ("models fetch", "preset mini")),
    (["--templates", "magic"], ("magic", "overhead")),
])
def test_what_is_missing_is_told_before_the_scene_is_encoded(
    tmp_path: Path, tiny_clip: str, arguments: list[str], said: tuple[str, ...], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, folder in ((MIRROR, "mirror"), ("TORCH_HOME", "torch")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("geo_ovss.segmenter.encode_scene", lambda *_: pytest.fail("encoded"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    scene = write_scene(Path("scene.tif"), 96, 96)
    clip = [] if "--preset" in arguments else ["--clip", tiny_clip, *SMALL]
    assert run("segment", scene, "--classes", "a,b", *clip, *arguments, "--progress", "none") == 2
    sentence = capsys.readouterr().err.strip()
    assert len(sentence.splitlines()) == 1
    assert all(part in sentence for part in said), sentence
    assert [path.name for path in Path().iterdir()] == ["scene.tif"]


def test_the_help_names_every_method() -> None:
    from geo_ovss.commands.options import METHOD_NAMES
    from geo_ovss.methods import METHODS

    assert METHOD_NAMES.split(", ") == list(METHODS)


@pytest.mark.parametrize(("command", "flags"), [
    ("segment", {"--refine", "--bias-alleviation", "--scales", "--upsample", "--presence", "--method"}),
    ("evaluate", {"--refine", "--bias-alleviation", "--scales", "--upsample", "--presence", "--ablate"}),
    ("encode", {"--bias-alleviation", "--scales", "--method"}),
    ("query", {"--refine", "--upsample", "--presence"}),
])
def test_the_help_lists_the_flags(command: str, flags: set[str], capsys: pytest.CaptureFixture[str],
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(command, "--help") == 0
    said = capsys.readouterr().out
    assert all(flag in said for flag in flags)


def test_flags_for_overhead_scenes(tmp_path: Path, tiny_clip: str, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    """GCLIP's fused maps under the key-value extension, at two scales, with all that an overhead scene may need."""
    monkeypatch.chdir(tmp_path)
    scene = write_scene(tmp_path / "scene.tif", 96, 96)
    model = ["--clip", tiny_clip, *SMALL, "--method", "gla-gclip", "--set", "fused_blocks=1", "--bias-alleviation", 0.3]
    assert run("encode", scene, *model, "--scales", "1,2", "--progress", "none") == 0
    info = SceneFeatures.open("scene.features").info
    assert info.preset_object().scales == (1, 2)
    assert info.preset["options"]["bias_alleviation"] == 0.3
    asked = ["query", "scene.features", "--classes", "a,b,c", "--progress", "none"]
    assert run(*asked, "--upsample", "bilateral", "--presence", 0.01, "--labels", "asked.tif") == 0
    assert run("segment", scene, "--classes", "a,b,c", *model, "--scales", "1,2", "--upsample", "bilateral",
               "--presence", 0.01, "-o", "again.gpkg", "--labels", "again.tif", "--progress", "none") == 0
    labels = []
    for name in ("asked.tif", "again.tif"):
        with rasterio.open(name) as source:
            labels.append(source.read(1))
    assert (labels[0] == labels[1]).all() and (labels[0] > 0).all()
    capsys.readouterr()
    for wrong in (["--scales", "1.5"], ["--scales", "fine"], ["--upsample", "nearest"], ["--presence", "-1"]):
        assert run("segment", scene, "--classes", "a", *model, *wrong, "-o", "no.gpkg", "--progress", "none") == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
