"""Killed at any moment, the same command goes on where it was and gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import write_scene

ENV = os.environ | {"OMP_NUM_THREADS": "1"}
SMALL = ["--set", "window=64", "--set", "stride=32", "--set", "block=128", "--set", "halo=64", "--set", "bank=16"]


def command(scene: Path, out: Path, clip: str) -> list[str]:
    return [sys.executable, "-m", "geo_ovss", "segment", str(scene), "--classes", "road,water,tree", "--clip", clip,
            *SMALL, "-o", str(out / "out.gpkg"), "--labels", str(out / "labels.tif"), "--progress", "json"]


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()
            if p.suffix in (".tif", ".csv", ".qml")}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("resume") / "scene.tif", 500, 480)


@pytest.fixture(scope="module")
def uninterrupted(scene: Path, tiny_clip: str) -> dict[str, str]:
    folder = scene.parent / "whole"
    folder.mkdir()
    subprocess.run(command(scene, folder, tiny_clip), env=ENV, check=True, stdout=subprocess.DEVNULL, timeout=300)
    return digests(folder)


def journal(folder: Path) -> set[str]:
    found = list(folder.rglob("journal"))
    return {line for line in found[0].read_text().splitlines() if line} if found else set()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_killed_run_goes_on(scene: Path, tmp_path: Path, tiny_clip: str, uninterrupted: dict[str, str],
                              share: float) -> None:
    process = subprocess.Popen(command(scene, tmp_path, tiny_clip), env=ENV, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        state = json.loads(line)
        if state["stage"] == "encode" and state["done"] >= share * state["total"]:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = journal(tmp_path)
    assert not (tmp_path / "out.gpkg").exists()
    done = subprocess.run(command(scene, tmp_path, tiny_clip), env=ENV, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    first = next(s for s in map(json.loads, done.stdout.splitlines()) if s["stage"] == "encode")
    assert first["done"] > 0 or not before  # what was finished is counted, not computed again
    assert digests(tmp_path) == uninterrupted
    assert not list(tmp_path.glob("*.partial"))


def test_a_full_disk_keeps_what_is_finished(scene: Path, tmp_path: Path, tiny_clip: str,
                                            uninterrupted: dict[str, str]) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=260k", "tmpfs", str(mounted)]).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        full = subprocess.run(command(scene, mounted, tiny_clip), env=ENV, text=True, capture_output=True, timeout=300)
        assert full.returncode == 1, full.stderr
        assert "No room is left" in full.stderr.splitlines()[-1]
        assert "Traceback" not in full.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(mounted)], check=True)
        done = subprocess.run(command(scene, mounted, tiny_clip), env=ENV, text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert digests(mounted) == uninterrupted
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_file_size_limit_is_told(scene: Path, tmp_path: Path, tiny_clip: str) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(command(scene, tmp_path, tiny_clip), env=ENV, text=True, capture_output=True, timeout=300,
                          preexec_fn=limit)
    assert done.returncode == 1, done.stderr
    assert "No room is left" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_dead_worker_loses_nothing(scene: Path, tmp_path: Path, tiny_clip: str,
                                     uninterrupted: dict[str, str]) -> None:
    pytest.importorskip("distributed")
    import psutil

    process = subprocess.Popen([*command(scene, tmp_path, tiny_clip), "--workers", "2"], env=ENV, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    for line in process.stdout:
        state = json.loads(line)
        if state["stage"] == "encode" and state["done"] >= 2:
            break
    workers = [p for p in psutil.Process(process.pid).children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]
    assert len(workers) >= 2
    workers[0].kill()
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert digests(tmp_path) == uninterrupted
