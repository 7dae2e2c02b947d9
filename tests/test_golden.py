"""The methods against what their published implementations compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geo_ovss.errors import NotAGoldenFile
from geo_ovss.golden import main, run_golden

HERE = Path(__file__).parent / "golden"
SHARED = Path(__file__).parents[2] / "shared" / "golden"
FILES = {path.stem: path for folder in (HERE, SHARED) if folder.is_dir() for path in sorted(folder.glob("*.npz"))}


@pytest.mark.parametrize("name", sorted(FILES))
def test_published_outputs(name: str) -> None:
    run = run_golden(FILES[name])
    assert {c.name for c in run.comparisons} >= {"logits", "labels"}
    for comparison in run.comparisons:
        assert comparison.passed, comparison


def test_saves_its_outputs(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    assert main([str(HERE / "clearclip.npz"), "--out", str(out)]) == 0
    with np.load(HERE / "clearclip.npz") as expected, np.load(out) as ours:
        height, width = expected["image"].shape[:2]
        assert ours["logits"].shape == (len(expected["text_features"]), height, width)
        assert np.array_equal(ours["labels"], ours["logits"].argmax(0))
        assert "refined_labels" not in ours
    assert [p.name for p in tmp_path.iterdir()] == ["out.npz"]


def test_a_file_outside_the_tolerance_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load(HERE / "maskclip.npz") as file:
        arrays = dict(file)
    arrays["logits"] = arrays["logits"] + 0.01
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, **arrays)
    assert main([str(wrong)]) == 1
    assert "OUTSIDE" in capsys.readouterr().out


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    other = tmp_path / "other.npz"
    np.savez(other, image=np.zeros(3))
    for path in (text, other, tmp_path / "missing.npz"):
        with pytest.raises(NotAGoldenFile):
            run_golden(path)
        assert main([str(path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
