"""Fixtures for the plugin's tests in the real QGIS: Debian's Python with PyQGIS, offscreen.

The plugin under test is the built zip, unpacked as QGIS does it. The engine is the project's own, in its virtual
environment; only its misbehaviour is played, by a small child process (``misbehaving_engine.py``).
"""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from osgeo import gdal, osr
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication

ROOT = Path(__file__).resolve().parents[2]
ENGINE_PYTHON = ROOT / ".venv" / "bin" / "python"
HERE = Path(__file__).resolve().parent
WAIT_SECONDS = 600.0


def wait_for(predicate: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Let Qt work until something is so; fails after a while."""
    end = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < end, "waited in vain"
        QApplication.processEvents()
        time.sleep(0.02)


@pytest.fixture(scope="session")
def plugin_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, built by the project's own script."""
    spec = importlib.util.spec_from_file_location("build_plugin", ROOT / "scripts" / "build_plugin.py")
    script: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def profile(plugin_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A QGIS profile root with the zip installed by QGIS's own unzip."""
    sys.path.append(str(Path(QgsApplication.pkgDataPath()) / "python"))
    from pyplugin_installer.unzip import unzip

    root = tmp_path_factory.mktemp("profile")
    plugins = root / "profiles" / "default" / "python" / "plugins"
    plugins.mkdir(parents=True)
    unzip(str(plugin_zip), str(plugins))
    return root


@pytest.fixture(scope="session", autouse=True)
def plugin_on_path(profile: Path) -> Iterator[Path]:
    """The plugin's package, importable as QGIS would have it."""
    folder = profile / "profiles" / "default" / "python" / "plugins"
    sys.path.insert(0, str(folder))
    yield folder / "geo_ovss_qgis"
    sys.path.remove(str(folder))


@pytest.fixture(autouse=True)
def clean_slate(tmp_path: Path, plugin_on_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No preferences of another test, kept features in this test's own folder, an empty project."""
    monkeypatch.delenv("GEO_OVSS_PYTHON", raising=False)
    QgsSettings().remove("geo_ovss")
    QgsSettings().setValue("geo_ovss/data_folder", str(tmp_path / "data"))
    QgsProject.instance().clear()
    yield
    QgsProject.instance().clear()
    QgsSettings().remove("geo_ovss")
    QCoreApplication.processEvents()


@pytest.fixture(scope="session")
def engine_python() -> str:
    """The interpreter with the real engine."""
    if not ENGINE_PYTHON.exists():
        pytest.skip("the engine's environment .venv is not made")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        [str(ENGINE_PYTHON), "-m", "geo_ovss", "--version"], capture_output=True, text=True, cwd="/", env=environment
    )
    if answer.returncode != 0:
        pytest.skip("geo-ovss is not installed in .venv")
    return str(ENGINE_PYTHON)


@pytest.fixture
def real_engine(engine_python: str) -> str:
    """The preferences name the real engine."""
    QgsSettings().setValue("geo_ovss/interpreter", engine_python)
    return engine_python


@pytest.fixture
def misbehaving(tmp_path: Path) -> Callable[[str], str]:
    """Names an engine that misbehaves in the given way in the preferences; gives its path."""

    def make(behaviour: str) -> str:
        path = tmp_path / f"engine-{behaviour}"
        script = HERE / "misbehaving_engine.py"
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" {behaviour} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        QgsSettings().setValue("geo_ovss/interpreter", str(path))
        return str(path)

    return make


def write_scene(path: Path, width: int = 320, height: int = 256) -> Path:
    """An orthophoto of a made-up place: meadow, a road, houses, a pond; 0.5 m pixels, UTM 33N, no data in a corner."""
    import numpy as np

    noise = np.random.default_rng(6).integers(-12, 12, (height, width))
    picture = np.empty((3, height, width), dtype=np.int32)
    picture[:] = np.array([[[90]], [[140]], [[70]]])
    picture[:, :, 150:170] = np.array([[[120]], [[120]], [[125]]])
    picture[:, 40:100, 40:110] = np.array([[[180]], [[60]], [[50]]])
    picture[:, 150:230, 220:300] = np.array([[[40]], [[80]], [[150]]])
    picture = np.clip(picture + noise, 1, 255).astype(np.uint8)
    picture[:, :32, -32:] = 0
    data = gdal.GetDriverByName("GTiff").Create(str(path), width, height, 3, gdal.GDT_Byte)
    data.SetGeoTransform((500000.0, 0.5, 0.0, 5600000.0, 0.0, -0.5))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    data.SetProjection(crs.ExportToWkt())
    for band in range(3):
        data.GetRasterBand(band + 1).WriteArray(picture[band])
        data.GetRasterBand(band + 1).SetNoDataValue(0)
    data.FlushCache()
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A raster file of this test's own."""
    return write_scene(tmp_path / "meadow.tif")


@pytest.fixture
def raster_layer(scene: Path) -> QgsRasterLayer:
    """That raster in the project."""
    layer = QgsRasterLayer(str(scene), "Meadow", "gdal")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def plugin(qgis_iface, qgis_processing, plugin_on_path: Path) -> Iterator[object]:
    """The plugin, loaded as QGIS loads it."""
    import geo_ovss_qgis

    qgis_iface.messageBar().clearWidgets()
    qgis_iface.messageBar().clear_messages()
    made = geo_ovss_qgis.classFactory(qgis_iface)
    made.initGui()
    yield made
    made.unload()
    QCoreApplication.processEvents()


@pytest.fixture
def dock(plugin, raster_layer):
    """The panel, open, with a raster layer in the project."""
    plugin.dock.show()
    plugin.dock.classes.model.set_entries([])
    plugin.dock.layers.setLayer(raster_layer)
    return plugin.dock


def fill_classes(dock, text="meadow|grass, road, building|house, water|pond"):
    """Paste a list, as a user does."""
    QApplication.clipboard().setText(text)
    QTest.mouseClick(dock.classes.paste_button, Qt.MouseButton.LeftButton)


def run_to_the_end(plugin):
    """Click Run and wait."""
    QTest.mouseClick(plugin.dock.run_bar.run_button, Qt.MouseButton.LeftButton)
    assert plugin.runner.task is not None, bar_texts(plugin)
    wait_for(lambda: plugin.runner.task is None)


def bar_texts(plugin):
    """What the message bar said: items with buttons, and plain messages."""
    bar = plugin.iface.messageBar()
    items = [item.text() for item in bar.items()]
    return items + [text for level in bar.messages.values() for text in level]
