"""Encode once, ask many times: the same labels as a run of its own, in half the room or less."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geo_ovss.errors import BadOption, StoreMismatch
from geo_ovss.segmenter import Segmenter
from geo_ovss.synthetic import write_scene

CLASSES = "building|house|roof;road|street;vegetation|trees|grass;water"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn scene of several blocks of the settings below."""
    path = tmp_path_factory.mktemp("once") / "town.tif"
    write_scene(path, 7, (560, 720), 0.3)
    return path


@pytest.fixture(scope="module")
def mini() -> Segmenter:
    """The embedded model, its blocks small enough for that scene."""
    return Segmenter("mini", block=448, halo=112, bank=64)


@pytest.fixture(scope="module")
def direct(mini: Segmenter, town: Path) -> np.ndarray:
    return mini.segment(town, CLASSES).labels


@pytest.mark.parametrize(("dtype", "least"), [("float16", 0.999), ("int8", 0.99)])
def test_a_question_gives_the_labels_of_a_run_of_its_own(mini: Segmenter, town: Path, direct: np.ndarray,
                                                         tmp_path: Path, dtype: str, least: float) -> None:
    store = mini.encode(town, out=tmp_path / "town.features", dtype=dtype)
    assert len(store.blocks) == 4
    asked = Segmenter(store.info.preset_object())
    labels = asked.query(tmp_path / "town.features", CLASSES).labels
    assert asked._pipeline is None
    assert np.sort(np.bincount(direct.ravel()))[-2] > 0.01 * direct.size  # a second class, to tell apart
    assert (labels == direct).mean() >= least


def test_int8_takes_half_the_room(mini: Segmenter, town: Path, tmp_path: Path) -> None:
    large = mini.encode(town, out=tmp_path / "large")
    small = mini.encode(town, out=tmp_path / "small", dtype="int8")
    tokens = 35 * 45
    assert large.info.expected_bytes == tokens * 256 * 2
    assert small.info.expected_bytes == tokens * (256 + 4)
    assert small.nbytes < 0.6 * large.nbytes < 0.7 * large.info.expected_bytes
    a, b = (store.read_block((0, 0))[0].astype(np.float32) for store in (large, small))
    assert a.shape == b.shape
    assert (np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)).min() > 0.999


def test_a_store_of_other_numbers_is_refused(mini: Segmenter, town: Path, tmp_path: Path) -> None:
    mini.encode(town, out=tmp_path / "s", dtype="int8")
    with pytest.raises(StoreMismatch, match=r"dtype \(int8, not float16\)"):
        mini.encode(town, out=tmp_path / "s")
    with pytest.raises(BadOption, match="float16 or int8, not 'int4'"):
        mini.encode(town, out=tmp_path / "t", dtype="int4")
    assert not (tmp_path / "t").exists()


def geo_ovss(*arguments: object) -> list[dict[str, object]]:
    """The JSON lines of a command that must succeed."""
    done = subprocess.run([sys.executable, "-m", "geo_ovss", *map(str, arguments), "--progress", "json"], text=True,
                          capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_segment_keeps_the_features_and_uses_them_again(town: Path, tiny_clip: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    words = ["segment", town, "--clip", tiny_clip, "--set", "window=64", "--set", "stride=32", "--set", "block=256",
             "--set", "halo=64", "--set", "bank=16", "--cache", kept, "--dtype", "int8"]
    first = geo_ovss(*words, "--classes", "road,water", "-o", tmp_path / "a.gpkg")
    said = [str(line["message"]) for line in first]
    tokens = 35 * 45
    size = tokens * (32 + 4) / 1e6
    begun = next(n for n, line in enumerate(first) if line["stage"] == "encode")
    told = next(n for n, text in enumerate(said) if f"up to {size:.1f} MB" in text and "before compression" in text)
    assert told < begun
    stores = list(kept.iterdir())
    assert len(stores) == 1
    again = geo_ovss(*words, "--classes", "tree,roof,car", "--templates", "none", "-o", tmp_path / "b.gpkg")
    assert not any(line["stage"] == "encode" for line in again)
    assert any(f"Going on with the features in {stores[0]}" in str(line["message"]) for line in again)
    assert list(kept.iterdir()) == stores


def test_encode_and_query_in_int8(town: Path, tiny_clip: str, tmp_path: Path) -> None:
    store = tmp_path / "town.features"
    said = geo_ovss("encode", town, "-o", store, "--clip", tiny_clip, "--dtype", "int8", "--set", "window=64", "--set",
                    "stride=64", "--set", "block=256", "--set", "halo=64", "--set", "bank=0")
    assert any("in int8, before compression" in str(line["message"]) for line in said)
    geo_ovss("query", store, "--classes", "road,water", "-o", tmp_path / "out.gpkg", "--labels", tmp_path / "out.tif")
    with rasterio.open(tmp_path / "out.tif") as source:
        assert set(np.unique(source.read(1))) <= {1, 2}
