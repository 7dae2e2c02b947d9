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

import pytest
from plugin_build import PLUGIN, ROOT, build_and_unpack, build_script

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SOURCES = sorted(PLUGIN.rglob("*.py"))
OLDEST_PYTHON = (3, 9)
NESTED_CLASSES = {"SaveVectorOptions", "Class", "ColorRampItem", "StorageMode"}
"""Capitalised attributes of PyQGIS classes that are classes, not members of an enum."""

REMOVED_CALLS = {"exec_", "setMargin", "print_", "writableLocations", "toTime_t", "fromTime_t"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The zip and its unpacked content."""
    return build_and_unpack(tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def archive(built: tuple[Path, Path]) -> Path:
    """The built zip."""
    return built[0]


@pytest.fixture
def unpacked(built: tuple[Path, Path]) -> Path:
    """Its content."""
    return built[1]


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
    assert build_script().build(ROOT, tmp_path).read_bytes() == archive.read_bytes()


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


def test_metadata_and_the_package_say_the_same() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    fields = parser["general"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert fields["author"] == project["authors"][0]["name"]
    assert fields["license"] == project["license"]
    urls = project["urls"]
    assert (fields["homepage"], fields["repository"], fields["tracker"]) == (
        urls["Homepage"], urls["Repository"], urls["Issues"])
    assert fields["email"].endswith("@users.noreply.github.com"), "of the project, nobody's own"


def test_a_missing_field_is_told(tmp_path: Path) -> None:
    (tmp_path / "metadata.txt").write_text("[general]\nname=x\n")
    module = build_script()
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


def untranslated(module: ast.Module) -> list[int]:
    """Lines that hand a plain sentence to an error: what users read goes through ``tr``."""
    lines = []
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        own = name.startswith(("Engine", "Environment", "Area", "ClassFile", "Output", "Form")) or name == "__init__"
        text = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        built = any(isinstance(part, ast.JoinedStr) for part in ast.walk(node.args[0]))
        if own and (built or (isinstance(text, str) and " " in text)):
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_sentences_are_ready_for_translation(path: Path) -> None:
    assert untranslated(tree(path)) == []


def test_that_check_sees_plain_sentences() -> None:
    text = "EngineFailed('It failed.')\nAreaError(f'{x} is bad.')\nAreaError(tr('Fine.'))\nEngine(path)\n"
    assert untranslated(ast.parse(text)) == [1, 2]


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
