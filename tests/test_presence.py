"""Class tokens from the windows to the question: a class that no window over a block shows is not offered there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from geo_ovss import cluster
from geo_ovss.classify import Classes, hide_absent
from geo_ovss.errors import DamagedStore, NoClassTokens
from geo_ovss.grid import Box
from geo_ovss.presets import Preset
from geo_ovss.raster import RasterOptions, open_raster
from geo_ovss.segmenter import QueryOptions, Segmenter
from geo_ovss.store import CLASS_TOKENS, JOURNAL, SceneFeatures
from geo_ovss.tokens import TokenFile, windows_over
from geo_ovss.vocabulary import parse_classes

NAMES = "road;water|lake;tree;roof;car;field"
BOX = "500070,5299880,500120,5299930"  # metres: rows and columns 140 to 240, one block of nine


def classes(**changes: object) -> Classes:
    fields: dict[str, object] = {
        "text": torch.eye(4), "class_of_word": torch.tensor([0, 0, 1, 2]), "count": 3, "background": None,
        "logit_scale": 40.0,
    }
    return Classes(**fields | changes)  # type: ignore[arg-type]


def windows(*scores: tuple[float, ...]) -> torch.Tensor:
    """Class tokens whose cosines with the four words are these."""
    rows = torch.tensor(scores)
    return torch.cat([rows, (1 - rows.square().sum(1, keepdim=True)).sqrt()], 1)


def hidden(class_tokens: torch.Tensor, presence: float, **changes: object) -> list[bool]:
    asked = classes(text=torch.eye(4, 5), **changes)
    logits = torch.rand(4, 2, 3, generator=torch.Generator().manual_seed(0))
    out = hide_absent(logits, class_tokens, asked, presence)
    gone = (out == -1).all((1, 2))
    assert torch.equal(out[~gone], logits[~gone])
    return gone.tolist()


def test_a_class_counts_by_its_best_word_in_its_best_window() -> None:
    shown = windows((0.1, 0.3, 0.1, 0.2), (0.0, 0.1, 0.27, 0.1))
    assert hidden(shown, 0.05) == [False, False, False, True]  # the second word speaks for the first
    assert hidden(shown, 0.02) == [False, False, True, True]
    assert hidden(shown, 0.2) == [False] * 4


def test_the_background_is_always_offered() -> None:
    assert hidden(windows((0.3, 0.3, 0.1, 0.0)), 0.05, background=2) == [False, False, True, False]


def test_a_block_without_windows_hides_nothing() -> None:
    assert hidden(torch.zeros(0, 5), 0.01) == [False] * 4


def test_windows_over_a_core_come_from_all_files() -> None:
    def file(rows: np.ndarray | None, *boxes: Box) -> TokenFile:
        return TokenFile({}, np.zeros((0, 0, 0), np.float32), [], list(boxes), np.ones((1, 1), bool), rows)

    here = file(np.eye(3, dtype=np.float16)[:2], Box(0, 0, 4, 4), Box(0, 4, 4, 4))
    above = file(np.eye(3, dtype=np.float16)[2:], Box(-2, 0, 4, 4))
    core, empty = Box(0, 0, 4, 4), file(None)
    np.testing.assert_array_equal(windows_over([here, above, empty], core, 3), np.eye(3)[[0, 2]])  # type: ignore[arg-type]
    assert windows_over([empty], core, 3).shape == (0, 3)  # type: ignore[union-attr]
    assert windows_over([here, file(None, core)], core, 3) is None


@pytest.mark.parametrize("changes", [{}, {"mix": "windows"}, {"block": 416}, {"method": "clearclip"}])
def test_the_store_keeps_the_class_tokens_of_the_windows_over_each_block(
    scene: Path, tiny_preset: Preset, changes: dict[str, object]
) -> None:
    segmenter = Segmenter(tiny_preset, device="cpu", **changes)
    store = segmenter.encode(scene)
    raster, layout, method = open_raster(scene), store.layout, segmenter.pipeline.method
    every = [w for b in layout.blocks() for w in layout.windows(*b)]
    for block in store.blocks[:: max(len(store.blocks) // 3, 1)]:
        over = [w for w in every if w.meets(layout.core(*block))]
        pixels = torch.from_numpy(np.stack([raster.read(*w)[0] for w in over]).transpose(0, 3, 1, 2).copy())
        expected = method.encode(pixels).cls
        assert expected is not None
        found = store.read_class_tokens(block).astype(np.float32)
        assert found.shape == expected.shape  # each window once, whichever block has encoded it
        distance = (torch.from_numpy(found)[:, None] - expected).norm(dim=-1)
        assert distance.min(0).values.max() < 5e-3
        assert distance.min(1).values.max() < 5e-3


def test_labels_hold_no_class_that_the_class_tokens_rule_out(scene: Path, tiny_preset: Preset) -> None:
    segmenter = Segmenter(tiny_preset, device="cpu")
    store = segmenter.encode(scene)
    every = segmenter.query(store, NAMES).labels
    asked = segmenter.classes(parse_classes(NAMES), QueryOptions())
    presence = 0.02
    found = Segmenter(tiny_preset, device="cpu", presence=presence).query(store, NAMES).labels
    left_out = 0
    for block in store.blocks:
        cosines = (torch.from_numpy(store.read_class_tokens(block)).float() @ asked.text.T).amax(0)
        best = [float(cosines[asked.class_of_word == c].max()) for c in range(asked.count)]
        offered = {c + 1 for c, score in enumerate(best) if score >= max(best) - presence}
        at = store.layout.core(*block).slices()
        assert set(np.unique(found[at])) <= offered
        kept = np.isin(every[at], list(offered))
        np.testing.assert_array_equal(found[at][kept], every[at][kept])  # who wins among more wins among fewer
        left_out += (~kept).sum()
    assert left_out
    np.testing.assert_array_equal(Segmenter(tiny_preset, device="cpu", presence=2).query(store, NAMES).labels, every)


def test_a_part_of_a_scene_is_offered_what_the_whole_is(scene: Path, tiny_preset: Preset) -> None:
    segmenter = Segmenter(tiny_preset, device="cpu", presence=0.02)
    whole = segmenter.encode(scene)
    part = segmenter.encode(scene, options=RasterOptions(aoi=BOX))
    assert 0 < len(part.blocks) < len(whole.blocks)
    for block in part.blocks:
        np.testing.assert_array_equal(part.read_class_tokens(block), whole.read_class_tokens(block))
    inside = segmenter.query(part, NAMES).labels
    np.testing.assert_array_equal(inside[inside > 0], segmenter.query(whole, NAMES).labels[inside > 0])


def test_a_run_that_was_stopped_goes_on(scene: Path, tiny_preset: Preset, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Segmenter(tiny_preset, device="cpu").encode(scene)
    committed, done = SceneFeatures.commit, []

    def stop(self: SceneFeatures, block: tuple[int, int], checks: tuple[int, int, int | None]) -> None:
        committed(self, block, checks)
        done.append(block)
        if len(done) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(SceneFeatures, "commit", stop)
    with pytest.raises(KeyboardInterrupt):
        Segmenter(tiny_preset, device="cpu").encode(scene, out=tmp_path / "cut")
    monkeypatch.setattr(SceneFeatures, "commit", committed)
    again = Segmenter(tiny_preset, device="cpu").encode(scene, out=tmp_path / "cut")
    for block in whole.blocks:
        np.testing.assert_array_equal(again.read_class_tokens(block), whole.read_class_tokens(block))


@pytest.mark.usefixtures("one_thread")
def test_workers_of_a_cluster_keep_them_too(scene: Path, tiny_preset: Preset, tmp_path: Path) -> None:
    """The tasks that a cluster's workers run, one after the other in this process."""
    from dataclasses import asdict

    segmenter = Segmenter(tiny_preset, device="cpu", bank=0)
    whole = segmenter.encode(scene)
    with open_raster(scene) as raster:
        store = SceneFeatures.create(tmp_path / "shared", segmenter.scene_info(raster))
    (store.path / "tokens").mkdir()
    job = (str(store.path), asdict(segmenter.preset), "cpu")
    try:
        for block in store.blocks:
            cluster._encode(job, block)
        for block in store.blocks:
            store.commit(block, cluster._mix(job, block, []))
    finally:
        cluster._walks.pop(job[0]).raster.close()
    again = SceneFeatures.open(store.path)
    for block in whole.blocks:
        np.testing.assert_array_equal(again.read_class_tokens(block), whole.read_class_tokens(block))


def test_scales_bring_their_windows(scene: Path, tiny_preset: Preset) -> None:
    once = Segmenter(tiny_preset, device="cpu").encode(scene)
    both = Segmenter(tiny_preset, device="cpu", scales=[1, 2]).encode(scene)
    for block in both.blocks:
        first, rows = once.read_class_tokens(block), both.read_class_tokens(block)
        assert len(rows) > len(first)
        np.testing.assert_array_equal(rows[: len(first)], first)


def test_a_store_without_class_tokens_says_so(scene: Path, tiny_preset: Preset, tmp_path: Path) -> None:
    """As a method without class tokens leaves it."""
    store = Segmenter(tiny_preset, device="cpu").encode(scene, out=tmp_path / "old")
    journal = store.path / JOURNAL
    lines = [json.loads(line) for line in journal.read_text().splitlines() if line]
    journal.write_text("\n".join(json.dumps([*line[:4], None]) for line in lines))
    assert (Segmenter(tiny_preset, device="cpu").query(store.path, NAMES).labels > 0).all()
    with pytest.raises(NoClassTokens, match="encode the scene again"):
        Segmenter(tiny_preset, device="cpu", presence=0.05).query(store.path, NAMES)


def test_damaged_class_tokens_are_found(scene: Path, tiny_preset: Preset, tmp_path: Path) -> None:
    store = Segmenter(tiny_preset, device="cpu").encode(scene, out=tmp_path / "s")
    first, second = (store.path / CLASS_TOKENS / f"0_{j}.npy" for j in (0, 1))
    first.write_bytes(second.read_bytes())
    second.write_bytes(b"rubbish")
    for block in ((0, 0), (0, 1)):
        with pytest.raises(DamagedStore, match="class tokens"):
            store.read_class_tokens(block)


def test_every_method_has_class_tokens() -> None:
    from tiny_networks import tiny_method
    from tiny_networks import windows as some_windows

    from geo_ovss.methods import METHODS

    for name in METHODS:
        method = tiny_method(name)
        shown = method.encode(some_windows(2)).cls
        assert shown is not None and shown.shape == (2, method.dim), name
        torch.testing.assert_close(shown, F.normalize(shown, dim=-1))
