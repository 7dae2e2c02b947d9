"""The settings page: interpreters checked, an environment made, cancelled, broken, repaired, removed; diagnostics."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="PyQGIS is not installed for this Python")

from plugin_fixtures import wait_for
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication

LEFT = Qt.MouseButton.LeftButton

SETUP = """
from setuptools import setup
setup(name="geo-ovss", version="{version}", packages=["geo_ovss"])
"""
MAIN = """
import sys
print("geo-ovss {version}") if "--version" in sys.argv else None
"""


@pytest.fixture
def page(plugin_on_path):
    from geo_ovss_qgis.settings_page.installation import Installation
    from geo_ovss_qgis.settings_page.page import SettingsPage

    installation = Installation()
    page = SettingsPage(installation)
    page.installation = installation
    yield page
    installation.cancel()
    wait_for(lambda: installation.task is None, 20)
    page.deleteLater()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """A folder with one small wheel that is called geo-ovss and answers to --version: pip's part is the real one."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    (source / "geo_ovss").mkdir()
    (source / "setup.py").write_text(SETUP.format(version="0.1.3"))
    (source / "geo_ovss" / "__init__.py").write_text("")
    (source / "geo_ovss" / "__main__.py").write_text(MAIN.format(version="0.1.3"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(source)]
    answer = subprocess.run([sys.executable, "-m", "pip", "wheel", *options], capture_output=True, text=True)
    if answer.returncode != 0:
        pytest.skip("no wheel can be built here: " + answer.stderr[-200:])
    return folder


def check(page, path):
    page.existing.path.setFilePath(path)
    QTest.mouseClick(page.existing.check_button, LEFT)
    wait_for(lambda: not page.existing.checking, 150)
    return page.existing.answer.text()


def test_a_good_interpreter_answers_with_its_version(page, engine_python):
    assert check(page, engine_python) == "geo-ovss 0.1.0 answers."


def test_broken_interpreters_are_told_apart(page, misbehaving, tmp_path):
    not_a_program = tmp_path / "python"
    not_a_program.write_text("not a program")
    assert "cannot be started" in check(page, str(not_a_program))
    assert "No module named geo_ovss" in check(page, "/usr/bin/python3")
    assert "this plugin needs 0.1" in check(page, misbehaving("old"))
    assert check(page, "") == "Choose an interpreter first."


def test_what_is_chosen_is_kept(page, tmp_path):
    from geo_ovss_qgis import preferences

    page.use_existing.setChecked(True)
    page.existing.path.setFilePath("/some/python")
    page.environment.index.setText("https://example.org/simple")
    page.environment.build.setCurrentIndex(1)
    page.data_folder.setFilePath(str(tmp_path / "elsewhere"))
    page.apply()
    assert preferences.interpreter() == "/some/python"
    assert preferences.data_folder() == tmp_path / "elsewhere"
    arguments = preferences.install_options().pip_arguments()
    assert arguments[arguments.index("--index-url") + 1] == "https://example.org/simple"
    assert arguments[arguments.index("--extra-index-url") + 1].endswith("/cu126")


def test_the_proxy_of_qgis_reaches_pip_and_no_argument_list(page):
    from geo_ovss_qgis import preferences
    from qgis.core import QgsSettings

    for name, value in (("Enabled", True), ("Host", "proxy.example.org"), ("Port", "3128"), ("Type", "HttpProxy")):
        QgsSettings().setValue(f"proxy/proxy{name}", value)
    try:
        options = preferences.install_options()
    finally:
        QgsSettings().remove("proxy")
    child = options.environment({"PIP_INDEX_URL": "https://example.org/simple"})
    assert child["HTTPS_PROXY"] == child["http_proxy"] == "http://proxy.example.org:3128"
    assert child["PIP_INDEX_URL"] == "https://example.org/simple" and child["PIP_REQUIRE_VIRTUALENV"] == "1"
    assert not any("proxy.example.org" in argument for argument in options.pip_arguments())


def install(page, wheels):
    page.environment.base.setEditText("/usr/bin/python3")
    page.environment.wheels.setFilePath(str(wheels))
    QTest.mouseClick(page.environment.install_button, LEFT)


def test_an_environment_is_made_used_broken_and_repaired(page, wheels, tmp_path):
    from geo_ovss_qgis import preferences
    from geo_ovss_qgis.engine.own_environment import EnvironmentState

    before = own_python_packages()
    assert page.environment.state.text() == "There is no environment yet."
    install(page, wheels)
    assert page.environment.cancel_button.isEnabled()
    wait_for(lambda: page.installation.task is None)
    assert page.installation.error is None, page.installation.log
    assert "Successfully installed" in page.environment.log.toPlainText()
    assert page.use_own.isChecked()
    interpreter = preferences.interpreter()
    assert interpreter == str(tmp_path / "data" / "engine-1" / "bin" / "python")
    assert preferences.engine().version() == "0.1.3"
    assert own_python_packages() == before, "nothing went into QGIS's own Python"

    empty = tmp_path / "empty"
    empty.mkdir()
    install(page, empty)
    wait_for(lambda: page.installation.task is None)
    assert "No matching distribution found" in page.environment.state.text()
    assert preferences.engine().version() == "0.1.3", "a failed installation leaves the earlier one in use"
    assert [path.name for path in (tmp_path / "data").glob("engine-*")] == ["engine-1"]
    page.environment.wheels.setFilePath(str(wheels))

    Path(interpreter).unlink()
    page.environment.show_state()
    assert "broken" in page.environment.state.text()
    assert page.environment.install_button.text() == "&Repair"
    QTest.mouseClick(page.environment.install_button, LEFT)
    wait_for(lambda: page.installation.task is None)
    found = preferences.own_environment().check()
    assert found.state is EnvironmentState.READY
    assert [path.name for path in (tmp_path / "data").glob("engine-*")] == ["engine-2"]

    (package,) = (tmp_path / "data" / "engine-2").glob("lib/python3*/site-packages/geo_ovss/__main__.py")
    package.unlink()
    page.environment.verify()
    wait_for(lambda: "broken" in page.environment.state.text(), 60)
    assert page.environment.install_button.text() == "&Repair"

    (tmp_path / "data" / "engine-2" / "geo-ovss-environment.json").write_text('{"state": "making"}')
    page.environment.show_state()
    assert "half-made" in page.environment.state.text()
    assert preferences.own_environment().look().state is EnvironmentState.HALF_MADE
    QTest.mouseClick(page.environment.remove_button, LEFT)
    assert not list((tmp_path / "data").glob("engine-*"))


def own_python_packages():
    folders = [Path(path) for path in sys.path if path.endswith("-packages") and Path(path).is_dir()]
    return {folder: sorted(one.name for one in folder.iterdir() if one.name != "__pycache__") for folder in folders}


def test_cancel_leaves_nothing_behind(page, wheels, tmp_path):
    install(page, wheels)
    wait_for(lambda: (tmp_path / "data" / "engine-1" / "bin").is_dir(), 60)
    began = time.monotonic()
    QTest.mouseClick(page.environment.cancel_button, LEFT)
    wait_for(lambda: page.installation.task is None, 10)
    assert time.monotonic() - began < 3.0
    assert "cancelled" in page.environment.state.text()
    wait_for(lambda: not list((tmp_path / "data").glob("engine-*")), 10)


def test_an_unfit_base_interpreter_is_refused(page, tmp_path):
    page.environment.base.setEditText(shutil.which("sh"))
    QTest.mouseClick(page.environment.install_button, LEFT)
    wait_for(lambda: page.installation.task is None)
    assert "No environment can be made with" in page.environment.state.text()
    assert not (tmp_path / "data" / "engine-1").exists()


def test_diagnostics_are_on_the_clipboard(page, real_engine):
    QApplication.clipboard().clear()
    QTest.mouseClick(page.report_button, LEFT)
    wait_for(lambda: "clipboard" in page.report_answer.text())
    report = QApplication.clipboard().text()
    for words in ("geo-ovss plugin 0.1.0", "QGIS 3.", "Interpreter: " + real_engine, "Engine: geo-ovss 0.1.0",
                  "PyTorch: ", "Accelerator: ", "Last log:"):
        assert words in report


def test_diagnostics_without_an_engine(page):
    from geo_ovss_qgis.settings_page.diagnostics import report

    text = report("", Path("/nowhere"), "")
    assert "Interpreter: none chosen" in text
    assert "nothing was run yet" in text
