"""The child process: heard, stopped, and told apart in all the ways it can go wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="PyQGIS is not installed for this Python")

ENCODE = ["encode", "scene.tif", "--output=x.features"]


def run(path, behaviour_arguments=ENCODE, **more):
    from geo_ovss_qgis.engine.engine import Engine
    from geo_ovss_qgis.engine.run_log import RunLog

    log = RunLog()
    try:
        return Engine(path).run(behaviour_arguments, log, **more), log
    except Exception as error:
        error.log = log
        raise


def test_error_status_is_told_with_the_last_line(misbehaving):
    from geo_ovss_qgis.engine.errors import EngineFailed

    with pytest.raises(EngineFailed, match=r"exit status 1.*no room for the tokens\.$") as caught:
        run(misbehaving("dies"))
    assert "Traceback" in caught.value.log.text, "the whole of it is in the log"
    assert "Traceback" not in str(caught.value)


def test_a_killed_engine_is_told_as_out_of_memory(misbehaving):
    from geo_ovss_qgis.engine.errors import EngineFailed

    with pytest.raises(EngineFailed, match="memory"):
        run(misbehaving("killed"))


def test_a_user_error_is_the_engines_own_sentence(misbehaving):
    from geo_ovss_qgis.engine.errors import EngineFailed

    with pytest.raises(EngineFailed) as caught:
        run(misbehaving("user-error"))
    assert str(caught.value) == "There is no preset 'giant'; the presets are mini, base."


@pytest.mark.parametrize("behaviour", ["garbage", "endless-line"])
def test_garbage_ends_as_one_sentence_and_a_bounded_log(misbehaving, behaviour):
    from geo_ovss_qgis.engine.errors import EngineFailed
    from geo_ovss_qgis.engine.run_log import FIRST_LINES, MOST_LINES

    with pytest.raises(EngineFailed, match="without saying what it wrote") as caught:
        run(misbehaving(behaviour))
    assert len(caught.value.log.text.splitlines()) <= MOST_LINES + FIRST_LINES + 1


@pytest.mark.parametrize("behaviour", ["slow", "deaf"])
def test_cancel_ends_the_process_within_two_seconds(misbehaving, behaviour):
    from geo_ovss_qgis.engine.errors import EngineCancelled

    heard = []
    began = []

    def cancelled():
        if heard and not began:
            began.append(time.monotonic())
        return bool(began)

    with pytest.raises(EngineCancelled):
        run(misbehaving(behaviour), on_event=heard.append, cancelled=cancelled)
    assert time.monotonic() - began[0] < 2.0
    assert not running("misbehaving_engine.py " + behaviour)


def running(words):
    """Whether a process with these words in its command line lives (zombies have none)."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            return True
    return False


def test_a_missing_interpreter_is_one_sentence(tmp_path):
    from geo_ovss_qgis.engine.errors import EngineNotStarted

    with pytest.raises(EngineNotStarted, match="cannot be started"):
        run(str(tmp_path / "no-such-python"))


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [("old", "0.0.9; this plugin needs 0.1"), ("other", "not as geo-ovss"), ("mute", "nothing"),
     ("broken", "cannot run")],
)
def test_version_tells_other_programs_apart(misbehaving, behaviour, sentence):
    from geo_ovss_qgis.engine.engine import Engine
    from geo_ovss_qgis.engine.errors import EngineUnusable

    with pytest.raises(EngineUnusable, match=sentence):
        Engine(misbehaving(behaviour)).version()


def test_a_python_without_the_engine_is_told(tmp_path):
    from geo_ovss_qgis.engine.engine import Engine
    from geo_ovss_qgis.engine.errors import EngineUnusable

    with pytest.raises(EngineUnusable, match="No module named geo_ovss"):
        Engine("/usr/bin/python3").version()
    with pytest.raises(EngineUnusable, match=r"cannot run geo-ovss: .*No module named geo_ovss"):
        run("/usr/bin/python3", ("segment",))


def test_the_child_sees_nothing_of_qgis(tmp_path, monkeypatch):
    from geo_ovss_qgis.engine.engine import Engine
    from geo_ovss_qgis.engine.run_log import RunLog

    monkeypatch.setenv("PYTHONPATH", "/usr/share/qgis/python")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/lib/qgis")
    monkeypatch.setenv("GDAL_DATA", "/usr/share/gdal")
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    script = "import json, os, sys; print(json.dumps([sorted(os.environ), sys.path, os.getcwd(), os.listdir()]))"
    names, path, folder, content = json.loads(Engine("/usr/bin/python3").ask(["-c", script], RunLog()))
    assert not {"PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "GDAL_DATA"} & set(names)
    assert "PIP_INDEX_URL" in names, "pip's own settings stay"
    assert "/usr/share/qgis/python" not in path
    assert folder != str(tmp_path)
    assert content == []
