"""The QGIS plugin without QGIS: what its zip holds, whether it is clean, and whether it is ready for Qt 6."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "qgis_plugin"
SOURCES = sorted(PLUGIN.rglob("*.py"))
OLDEST_PYTHON = (3, 9)
NESTED_CLASSES = {"SaveVectorOptions", "Class", "ColorRampItem", "StorageMode"}
"""Capitalised attributes of PyQGIS classes that are classes, not members of an enum."""

REMOVED_CALLS = {"exec_", "setMargin", "print_", "writableLocations", "toTime_t", "fromTime_t"}


def script() -> ModuleType:
    """The build script as a module."""
    spec = importlib.util.spec_from_file_location("build_plugin", ROOT / "scripts" / "build_plugin.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built zip."""
    return script().build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its content."""
    folder = tmp_path_factory.mktemp("plugins")
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder


def tree(path: Path) -> ast.Module:
    """The module's syntax tree, read as the oldest Python would."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=OLDEST_PYTHON)


def imports(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Module and name of every absolute import; the name is empty for ``import module``."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.module or "", alias.name) for alias in node.names)


# -- the zip -------------------------------------------------------------------------------------------------------


def test_the_zip_holds_one_folder_that_shadows_nothing(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
    assert archive.name == "geo_ovss_qgis-0.1.0.zip"
    assert {name.split("/")[0] for name in names} == {"geo_ovss_qgis"}
    assert {"geo_ovss_qgis/metadata.txt", "geo_ovss_qgis/LICENSE", "geo_ovss_qgis/icon.svg",
            "geo_ovss_qgis/__init__.py"} <= set(names)
    assert {Path(name).suffix for name in names} <= {".py", ".txt", ".svg", ""}, "no binaries"
    assert archive.stat().st_size < 1_000_000


def test_the_same_sources_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    assert script().build(ROOT, tmp_path).read_bytes() == archive.read_bytes()


def test_metadata_has_what_the_plugin_repository_asks_for() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    fields = dict(parser["general"])
    assert fields["qgisminimumversion"] == "3.22"
    assert fields["qgismaximumversion"] == "4.99"
    assert "supportsqt6" not in fields
    assert fields["hasprocessingprovider"] == "yes"
    assert fields["version"] == importlib.import_module("geo_ovss").__version__
    for name in ("description", "about", "author", "email", "homepage", "repository", "tracker", "tags", "license"):
        assert fields[name].strip(), name
    assert "external engine geo-ovss" in " ".join(fields["about"].split())
    assert (PLUGIN / fields["icon"]).exists()


def test_a_missing_field_is_told(tmp_path: Path) -> None:
    (tmp_path / "metadata.txt").write_text("[general]\nname=x\n")
    module = script()
    with pytest.raises(module.PluginError, match="lacks description, about"):
        module.read_metadata(tmp_path / "metadata.txt")


def test_bandit_finds_nothing(unpacked: Path) -> None:
    pytest.importorskip("bandit")
    answer = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", str(unpacked)], capture_output=True, text=True
    )
    report = json.loads(answer.stdout)
    assert report["errors"] == []
    assert report["results"] == []
    assert report["metrics"]["_totals"]["nosec"] == 0, "clean, not silenced"
    assert report["metrics"]["_totals"]["loc"] > 1000


def found_secrets(folder: Path) -> list[str]:
    """Files in which detect-secrets finds something."""
    command = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=True)
    return sorted(json.loads(answer.stdout)["results"])


def test_detect_secrets_finds_nothing(unpacked: Path, tmp_path: Path) -> None:
    pytest.importorskip("detect_secrets")
    assert found_secrets(unpacked) == []
    (tmp_path / "planted.py").write_text('password = "kq8Zx71LmPo2Rt5v"\n')
    assert found_secrets(tmp_path) == ["planted.py"], "the same scan does find one"


# -- the sources ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_imports_only_qgis_qt_and_the_standard_library(path: Path) -> None:
    for module, _ in imports(tree(path)):
        top = module.split(".")[0]
        assert top in {"qgis", "osgeo"} or top in sys.stdlib_module_names, module
        assert top not in {"subprocess", "pickle"}, module


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_no_call_that_qt_6_removed(path: Path) -> None:
    called = {node.func.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Attribute)}
    assert not called & REMOVED_CALLS


def chains(module: ast.Module) -> Iterator[list[str]]:
    """Attribute chains that begin with a plain name: ``Qt.Key.Key_Up`` as ["Qt", "Key", "Key_Up"]."""
    inner = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            parts: list[str] = []
            step: ast.expr = node
            while isinstance(step, ast.Attribute):
                parts.insert(0, step.attr)
                step = step.value
            if isinstance(step, ast.Name):
                yield [step.id, *parts]


def qt_problems(module: ast.Module) -> list[str]:
    """Names and enums that Qt 6 does not have in the way they are written."""
    problems, qt = [], {}
    for source, name in imports(module):
        if source.startswith(("PyQt5", "PyQt6", "PySide")):
            problems.append(f"import {source}")
        if source.startswith("qgis.PyQt."):
            library = importlib.import_module(source.replace("qgis.PyQt", "PyQt6"))
            if hasattr(library, name):
                qt[name] = getattr(library, name)
            else:
                problems.append(f"{source}.{name}")
    for first, *rest in chains(module):
        thing = qt.get(first)
        for part in rest if thing is not None else []:
            if not hasattr(thing, part):
                problems.append(".".join([first, *rest]))
                break
            thing = getattr(thing, part)
    return problems


def qgis_problems(module: ast.Module) -> list[str]:
    """Members of PyQGIS enums that are not written with the enum's name."""
    names = {name for source, name in imports(module) if source in ("qgis.core", "qgis.gui")}
    return [
        ".".join([first, *rest])
        for first, *rest in chains(module)
        if first in names and len(rest) == 1 and rest[0][0].isupper() and rest[0] not in NESTED_CLASSES
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_names_and_enums_are_those_of_qt_6(path: Path) -> None:
    pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 or one of its system libraries is missing")
    assert qt_problems(tree(path)) == []
    if path.name not in {"qgis_names.py"}:  # that module is the place where both spellings are known
        assert qgis_problems(tree(path)) == []


def test_the_check_itself_sees_unqualified_enums() -> None:
    pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 or one of its system libraries is missing")
    text = "from qgis.PyQt.QtCore import Qt, QRegExp\nfrom qgis.core import QgsTask\nQt.AlignLeft\nQgsTask.CanCancel\n"
    assert qt_problems(ast.parse(text)) == ["qgis.PyQt.QtCore.QRegExp", "Qt.AlignLeft"]
    assert qgis_problems(ast.parse(text)) == ["QgsTask.CanCancel"]


# -- Qt 6 itself ---------------------------------------------------------------------------------------------------


def without_pyqgis() -> list[str]:
    """Modules of the plugin that import PyQGIS neither themselves nor through others."""
    direct: dict[str, set[str]] = {}
    needs: set[str] = set()
    for path in SOURCES:
        parts = path.relative_to(PLUGIN).with_suffix("").parts
        name = ".".join(("geo_ovss_qgis", *parts)).removesuffix(".__init__")
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        module = tree(path)
        if any(source.startswith(("qgis.core", "qgis.gui", "processing")) for source, _ in imports(module)):
            needs.add(name)
        direct[name] = set()
        for node in module.body:
            if isinstance(node, ast.ImportFrom) and node.level:
                base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                direct[name] |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    while grown := {name for name, used in direct.items() if used & needs} - needs:
        needs |= grown
    return sorted(set(direct) - needs)


def test_the_modules_without_pyqgis_run_under_pyqt6(unpacked: Path, tmp_path: Path) -> None:
    pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 or one of its system libraries is missing")
    modules = without_pyqgis()
    assert {"geo_ovss_qgis.engine.child_process", "geo_ovss_qgis.panel.class_table",
            "geo_ovss_qgis.widgets.option_spin"} <= set(modules)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(unpacked)}
    answer = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "plugin_under_qt6.py"), str(tmp_path), *modules],
        capture_output=True, text=True, env=environment, timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split()[-1] == "passed"


# -- the plugin and the engine agree -------------------------------------------------------------------------------


@pytest.fixture
def plugin_modules(unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin's pure modules, importable."""
    monkeypatch.syspath_prepend(str(unpacked))


@pytest.mark.usefixtures("plugin_modules")
def test_the_engine_reads_the_class_files_that_the_panel_writes() -> None:
    from geo_ovss_qgis.engine.class_entry import ClassEntry
    from geo_ovss_qgis.engine.class_file import format_classes, parse_classes

    from geo_ovss.vocabulary import parse_classes as engine_reads

    entries = [
        ClassEntry("building", ("house", "roof"), "#d1495b"),
        ClassEntry("road", (), "#6c757d"),
        ClassEntry("low plants", ("grass", "lawn"), "#95d5b2", asks_name=False),
        ClassEntry("sand, gravel", (), "#e9c46a"),
        ClassEntry("car", (), "#f4a261", ticked=False),
    ]
    text = format_classes(entries)
    assert parse_classes(text) == entries
    read = engine_reads(text)
    assert [(one.name, one.words, one.colour) for one in read.classes] == [
        (entry.name, entry.words, entry.colour) for entry in entries if entry.ticked
    ]


@pytest.mark.usefixtures("plugin_modules")
@pytest.mark.parametrize("text", [
    "road\nbuilding = house | roof  #d1495b\n",
    "# a comment\n\nwater = river | lake #1f78b4 # blue\nroad, building|house\ntree;sand, gravel\n",
    "sea #03f\n",
])
def test_the_panel_reads_class_files_as_the_engine_does(text: str) -> None:
    from geo_ovss_qgis.engine.class_file import parse_classes

    from geo_ovss.vocabulary import parse_classes as engine_reads

    panel = [(entry.name, set(entry.words), entry.colour) for entry in parse_classes(text)]
    for (name, words, colour), one in zip(panel, engine_reads(text).classes, strict=True):
        assert (name, words) == (one.name, set(one.words))
        assert one.colour is None or colour == one.colour


@pytest.mark.usefixtures("plugin_modules")
def test_the_panel_offers_the_methods_of_the_engine() -> None:
    from geo_ovss_qgis.engine.methods import METHODS as OFFERED

    from geo_ovss.methods import METHODS

    assert set(OFFERED) == set(METHODS)


@pytest.mark.usefixtures("plugin_modules")
def test_suggestions_are_class_files_that_the_engine_takes() -> None:
    from geo_ovss_qgis.engine.suggestions import suggestions

    from geo_ovss.vocabulary import parse_classes

    assert len(suggestions()) >= 4
    for path in (PLUGIN / "suggestions").glob("*.txt"):
        assert len(parse_classes(path)) >= 5


@pytest.mark.usefixtures("plugin_modules")
def test_the_engine_takes_the_panels_arguments() -> None:
    from geo_ovss_qgis.engine.commands import (
        AnswerOptions,
        EncodeOptions,
        OutputFiles,
        Question,
        encode_command,
        query_command,
        segment_command,
    )

    encode = EncodeOptions("base", "sclip", 0.25, "-1.5,2,3,4e5", "3,2,1")
    question = Question("/c.txt", AnswerOptions(0.3, False, 2.0, 0.5))
    outputs = OutputFiles("/p.gpkg", "/l.tif", "/c.tif")
    taken = engine_parses(segment_command("/scene.tif", encode, question, outputs))
    assert taken["aoi"] == "-1.5,2,3,4e5" and taken["gsd"] == 0.25 and taken["refine"] is False
    assert taken["progress"].value == "json" and taken["overwrite"] is True
    assert engine_parses(encode_command("/scene.tif", "/s.features", encode))["output"] == Path("/s.features")
    taken = engine_parses(query_command("/s.features", question, outputs))
    assert (taken["threshold"], taken["min_area"], taken["simplify"]) == (0.3, 2.0, 0.5)
    assert (taken["labels"], taken["confidence"]) == (Path("/l.tif"), Path("/c.tif"))


def engine_parses(arguments: list[str]) -> dict[str, object]:
    """What the engine's own command line makes of an argument list; nothing is run."""
    import typer

    from geo_ovss import cli

    if not cli.app.registered_commands:
        cli._register()
    group = typer.main.get_command(cli.app)
    command = group.commands[arguments[0]]  # type: ignore[attr-defined]
    return command.make_context(arguments[0], list(arguments[1:])).params


# -- parts without Qt ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("plugin_modules")
def test_events_are_told_from_garbage() -> None:
    from geo_ovss_qgis.engine.events import parse_event

    event = parse_event('{"stage": "encode", "done": 12, "total": 81, "message": "", "rate": 3.0}')
    assert event is not None and event.fraction == pytest.approx(12 / 81) and event.rate == 3.0
    for line in ("", "null", "[1]", "{}", '{"stage": 3}', "\ufffd{", "UserWarning: something"):
        assert parse_event(line) is None
    odd = parse_event('{"stage": "encode", "done": NaN, "total": "many", "outputs": [1]}')
    assert odd is not None and odd.fraction is None and odd.outputs == {}


@pytest.mark.usefixtures("plugin_modules")
def test_the_bar_never_goes_back_and_tells_the_time_left() -> None:
    from geo_ovss_qgis.engine.events import EngineEvent
    from geo_ovss_qgis.engine.pace import Pace, duration

    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    pace.follow(EngineEvent("encode", 0, 100))
    now[0] = 10.0
    assert pace.follow(EngineEvent("encode", 50, 100)) == "encode: 50 of 100, 5 a second, about 10 s left"
    assert pace.percent == 40.0
    percents = [pace.percent]
    for event in (EngineEvent("encode", 100, 100), EngineEvent("odd", 1, 2), EngineEvent("classify", 0, 5),
                  EngineEvent("encode", 1, 100), EngineEvent("done", 1, 1)):
        pace.follow(event)
        percents.append(pace.percent)
    assert percents == sorted(percents) and percents[-1] == 100.0
    question = Pace(encodes=False, clock=lambda: now[0])
    question.follow(EngineEvent("classify", 5, 5))
    assert question.percent == 40.0, "a question has the bar to itself"
    assert [duration(s) for s in (3.6, 200, 7500)] == ["4 s", "3 min 20 s", "2 h 05 min"]


@pytest.mark.usefixtures("plugin_modules")
def test_a_windows_child_finds_its_own_libraries_first() -> None:
    from geo_ovss_qgis.engine.child_environment import clean_environment

    parent = {"Path": "C:\\OSGeo4W\\bin;C:\\Windows;C:\\OSGeo4Wx", "OSGEO4W_ROOT": "C:\\OSGeo4W", "PythonHome": "x"}
    child = clean_environment(parent, "C:\\env\\python.exe", windows=True)
    folders = child["PATH"].split(";")
    assert "C:\\OSGeo4W\\bin" not in folders
    assert folders[-2:] == ["C:\\Windows", "C:\\OSGeo4Wx"]
    assert "PythonHome" not in child and "OSGEO4W_ROOT" not in child
    assert parent["Path"].startswith("C:\\OSGeo4W\\bin"), "the parent's is as it was"


@pytest.mark.usefixtures("plugin_modules")
def test_kept_features_follow_the_raster(tmp_path: Path) -> None:
    from geo_ovss_qgis.engine.commands import EncodeOptions
    from geo_ovss_qgis.engine.feature_stores import FeatureStores, size_text

    raster = tmp_path / "a.tif"
    raster.write_bytes(b"first")
    stores, options = FeatureStores(tmp_path / "features"), EncodeOptions("mini")
    store = stores.reserve("My layer/1", str(raster), options)
    assert store.path.name == "My_layer_1-1.features" and not store.whole
    assert stores.reserve("My layer/1", str(raster), options).path == store.path, "an unfinished one is gone on with"
    store.path.mkdir()
    (store.path / "data").write_bytes(b"x" * 2500)
    stores.finish(store)
    found = stores.find(str(raster), options)
    assert found is not None and found.whole and size_text(found.nbytes) == "2.5 kB"
    assert stores.find(str(raster), EncodeOptions("base")) is None
    raster.write_bytes(b"changed")
    assert stores.find(str(raster), options) is None, "a changed raster is another one"
    (stores.folder / "odd-1.features.json").write_text("{")
    assert [kept.path for kept in stores.all()] == [store.path]
    stores.delete(found)
    assert stores.all() == [] and not store.path.exists()
