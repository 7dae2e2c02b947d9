"""The catalogue of weights and `geo-ovss models`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from file_server import FileServer, serving
from typer.testing import CliRunner
from weight_files import tiny_clip

from geo_ovss import models
from geo_ovss.commands.models import models_app
from geo_ovss.errors import ModelMissing, UnknownModel
from geo_ovss.models import MIRROR, Weights, catalogue, get_weights, list_models, locate, status
from geo_ovss.networks import WithoutRandomStart
from geo_ovss.presets import load_presets

RUN = CliRunner()


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, an empty mirror, and no network."""
    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "mirror"


def test_every_entry_says_what_a_user_asks() -> None:
    assert len(catalogue()) >= 20
    for name, entry in catalogue().items():
        assert entry.name == name and entry.title and entry.licence and entry.source
        assert sum(map(bool, (entry.repo, entry.url, entry.package))) == 1, name
        assert entry.package or entry.size or entry.size_about, name
        assert entry.component in ("clip", "guide", "sam")
        assert not entry.url or entry.sha256, "an address alone says nothing about the content"


def test_every_preset_can_be_fetched_by_its_name() -> None:
    named = {m for p in load_presets().values() for m in (p.clip, p.guide, p.sam) if m}
    assert named <= set(catalogue())


def test_sizes_from_parameters_are_those_of_the_architectures() -> None:
    import open_clip
    import timm

    for entry in catalogue().values():
        if not entry.size_about:
            continue
        with WithoutRandomStart():
            network = (open_clip.CLIP(**open_clip.get_model_config(entry.architecture)) if entry.component == "clip"
                       else timm.create_model(entry.architecture, num_classes=0))
        parameters = sum(tensor.numel() for tensor in network.state_dict().values())
        assert entry.size_about == pytest.approx(4 * parameters, rel=2e-3), entry.name


def test_unknown_names() -> None:
    with pytest.raises(UnknownModel, match="models list"):
        get_weights("clip-of-dreams")


@pytest.mark.parametrize("place", [
    "timm/vit_base_patch8_224.dino/model.safetensors", "dino-vit-b-8.safetensors"])
def test_places_in_the_mirror(nothing_here: Path, place: str) -> None:
    entry = get_weights("dino-vit-b-8")
    assert locate(entry) is None
    (nothing_here / place).parent.mkdir(parents=True, exist_ok=True)
    (nothing_here / place).write_bytes(b"x")
    assert locate(entry) == nothing_here / place


def test_a_name_that_several_models_share_is_no_place(nothing_here: Path) -> None:
    (nothing_here / "model.safetensors").write_bytes(b"x")
    assert locate(get_weights("dino-vit-b-8")) is None
    (nothing_here / "RemoteCLIP-ViT-B-32.pt").write_bytes(b"x")
    assert locate(get_weights("remoteclip-vit-b-32")) == nothing_here / "RemoteCLIP-ViT-B-32.pt"


def test_whole_and_cut_files_are_told_apart(tmp_path: Path, nothing_here: Path) -> None:
    entry = Weights("x", "clip", "tiny", repo="a/b", file="tiny.safetensors")
    whole = tiny_clip(tmp_path).with_suffix(".safetensors").read_bytes()
    place = nothing_here / "x.safetensors"
    for data in (whole[:-1], whole + b"x", whole[:100], b"\0" * 8 + b"[]", b"", whole):
        place.write_bytes(data)
        assert status(entry).state == ("whole" if data == whole else "cut"), len(data)
    torch.save({"a": torch.ones(1000)}, tmp_path / "x.pt")
    data = (tmp_path / "x.pt").read_bytes()
    assert zipfile.is_zipfile(tmp_path / "x.pt")
    for length, state in ((len(data), "whole"), (len(data) // 2, "cut"), (0, "cut")):
        (nothing_here / "x.pt").write_bytes(data[:length])
        assert status(replace(entry, file="y.pt")).state == state
    sized = replace(entry, file="z.pth", size=10)
    (nothing_here / "x.pth").write_bytes(bytes(9))
    assert status(sized).state == "cut"


def test_list(nothing_here: Path) -> None:
    (nothing_here / "sam_vit_b_01ec64.pth").write_bytes(b"half")
    rows = {row["name"]: row for row in json.loads(RUN.invoke(models_app, ["list", "--json"]).stdout)}
    assert list(rows) == list(catalogue())
    sam = rows["sam-vit-b"]
    assert (sam["state"], sam["bytes"], sam["licence"]) == ("cut", 375_042_383, "Apache-2.0")
    assert sam["path"] == str(nothing_here / "sam_vit_b_01ec64.pth") and "trident-base" in sam["presets"]
    assert rows["dino-vit-b-8"]["state"] == "missing" and rows["dino-vit-b-8"]["path"] is None
    table = RUN.invoke(models_app, ["list"]).stdout
    assert "sam-vit-b  sam, 375 MB, cut" in table and "Licence: Apache-2.0" in table
    assert "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth" in table
    assert str(nothing_here / "sam_vit_b_01ec64.pth") in table


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A catalogue of one small CLIP on a loopback server."""
    data = tiny_clip(tmp_path).with_suffix(".safetensors").read_bytes()
    with serving(FileServer({"/tiny.safetensors": data})) as server:
        import hashlib

        entry = Weights("tiny", "clip", "tiny", url=server.address + "/tiny.safetensors", file="tiny.safetensors",
                        sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setenv("HOME", str(tmp_path))  # open_clip's own cache lies there
        for module in ("geo_ovss.models", "geo_ovss.commands.models", "geo_ovss.model_sources"):
            monkeypatch.setattr(f"{module}.catalogue", lambda: {"tiny": entry})
        yield server


def test_fetch_and_verify(served: FileServer, tmp_path: Path) -> None:
    result = RUN.invoke(models_app, ["fetch", "tiny"])
    path = tmp_path / ".cache" / "clip" / "tiny.safetensors"
    assert result.exit_code == 0 and str(path) in result.stdout.replace("\n", "") and path.is_file()
    assert "as published" in RUN.invoke(models_app, ["verify"]).stdout
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    broken = RUN.invoke(models_app, ["verify", "tiny", "--json"])
    assert json.loads(broken.stdout)[0]["ok"] is False and type(broken.exception).__name__ == "ModelDamaged"


def test_verify_of_what_is_not_here() -> None:
    result = RUN.invoke(models_app, ["verify", "sam-vit-b"])
    assert isinstance(result.exception, ModelMissing) and "missing" in result.stdout


def test_fetch_of_an_unknown_name() -> None:
    assert isinstance(RUN.invoke(models_app, ["fetch", "clip-of-dreams"]).exception, UnknownModel)


@pytest.mark.parametrize(("name", "file"), [
    ("ViT-B-16:laion2b_s34b_b88k", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K/open_clip_model.safetensors"),
    ("vit_small_patch14_dinov2.lvd142m", "timm/vit_small_patch14_dinov2.lvd142m/model.safetensors"),
])
def test_models_of_the_libraries_own_lists_can_be_fetched(nothing_here: Path, name: str, file: str) -> None:
    """The command that an error message gives works for them too."""
    failed = RUN.invoke(models_app, ["fetch", name])
    assert isinstance(failed.exception, ModelMissing) and f"models fetch {name}" in str(failed.exception)
    (nothing_here / file).parent.mkdir(parents=True)
    shutil.copy(tiny_clip(nothing_here).with_suffix(".safetensors"), nothing_here / file)
    assert str(nothing_here / file) in RUN.invoke(models_app, ["fetch", name]).stdout.replace("\n", "")
    assert "no published hash" in RUN.invoke(models_app, ["verify", name]).stdout


def test_a_download_shows_on_the_progress(served: FileServer, tmp_path: Path) -> None:
    import io

    import open_clip

    from geo_ovss.build import build_text
    from geo_ovss.presets import get_preset
    from geo_ovss.progress import JsonProgress

    open_clip.add_model_config(tmp_path / "tiny.json")
    lines = io.StringIO()
    build_text(get_preset("mini"), clip="tiny", device="cpu", progress=JsonProgress(lines))
    states = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {state["stage"] for state in states} == {"fetch tiny (MB)"}
    assert states[-1]["done"] == pytest.approx(states[-1]["total"], abs=0.1)


def test_the_command_ends_with_status_2_and_one_sentence(nothing_here: Path) -> None:
    """The real command line, without a network."""
    result = subprocess.run(
        [sys.executable, "-m", "geo_ovss", "models", "fetch", "base"], capture_output=True, text=True,
        env={**os.environ, "HF_HUB_CACHE": str(nothing_here / "hub"), "HF_HUB_OFFLINE": "1"}, check=False,
    )
    assert result.returncode == 2 and "Traceback" not in result.stderr
    (sentence,) = [line for line in result.stderr.splitlines() if line.startswith("geo-ovss:")]
    assert "open_clip_model.safetensors" in sentence and "models fetch openai-vit-b-16" in sentence
    assert "preset mini" in sentence


def test_a_mirror_is_enough_to_build(nothing_here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of a known name, from the mirror, without a network."""
    from geo_ovss.build import build
    from geo_ovss.presets import get_preset

    tiny_clip(tmp_path)
    entry = Weights("tiny", "clip", "tiny-architecture", repo="a/b", file="w.safetensors")
    monkeypatch.setattr("geo_ovss.model_sources.catalogue", lambda: {"tiny": entry})
    import open_clip

    config = tmp_path / "tiny-architecture.json"
    shutil.copy(tmp_path / "tiny.json", config)
    open_clip.add_model_config(config)
    shutil.copy(tmp_path / "tiny.safetensors", nothing_here / "tiny.safetensors")
    pipeline = build(get_preset("mini"), clip="tiny", device="cpu", offline=True)
    assert pipeline.clip_identity.startswith("tiny ")
    assert models.locate(entry) == nothing_here / "tiny.safetensors"


def test_list_needs_no_torch() -> None:
    """Listing is quick: it imports none of the networks' libraries."""
    code = "import sys; from geo_ovss.models import list_models; list_models(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert len(list_models()) == len(catalogue())
