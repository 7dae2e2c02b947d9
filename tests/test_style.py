"""Styles as QGIS itself applies them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from gdal_programs import run_clean
from label_rasters import town, write_raster

from geo_ovss.errors import NotATiff, OutputExists
from geo_ovss.export import write_polygons
from geo_ovss.label_raster import finish_confidence_raster, finish_label_raster
from geo_ovss.style import polygon_qml, raster_qml

NAMES = ["building", "Straße", "trees & <bushes>", "\"water\" 'вода'"]
COLOURS = ["#ac3218", "#4e5057", "#5cd249", "#457ae7"]
QGIS_PYTHON = Path("/usr/bin/python3")


def qgis(*paths: str) -> dict:
    """What QGIS says about files."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", ""), "QT_QPA_PLATFORM": "offscreen"}
    known = subprocess.run([QGIS_PYTHON, "-c", "import qgis.core"], env=environment, capture_output=True, check=False)
    if known.returncode:
        pytest.skip("QGIS is not installed for the system's Python")
    script = Path(__file__).with_name("read_styles_in_qgis.py")
    done = subprocess.run([QGIS_PYTHON, script, *paths], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])["files"]


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "labels_in.tif", town(160))


def test_qgis_applies_the_styles(raster: Path, tmp_path: Path) -> None:
    package, labels = tmp_path / "town.gpkg", tmp_path / "labels.tif"
    write_polygons(raster, None, NAMES, COLOURS, package, layer="town's layer")
    write_polygons(raster, None, NAMES[::-1], COLOURS[::-1], package, layer="other", append=True)
    finish_label_raster(raster, labels, NAMES, COLOURS)
    found = qgis(f"{package}|layername=town's layer", f"{package}|layername=other", str(labels))
    first, second, palette = found.values()
    expected = [[name, name, colour] for name, colour in zip(NAMES, COLOURS, strict=True)]
    assert first["valid"] and first["attribute"] == "class_name" and first["classes"] == expected
    assert second["classes"] == expected[::-1]
    assert palette["renderer"] == "paletted"
    assert palette["classes"] == [[i, n, c] for i, (n, c) in enumerate(zip(NAMES, COLOURS, strict=True), 1)]


def test_the_styles_are_xml() -> None:
    from xml.etree import ElementTree as Xml

    for qml in (polygon_qml(NAMES, COLOURS), raster_qml(NAMES, COLOURS)):
        root = Xml.fromstring(qml)
        assert [e.get("label") for e in root.iter() if e.get("label")] == NAMES


def test_a_label_raster_is_coloured_and_named(raster: Path, tmp_path: Path) -> None:
    out = finish_label_raster(raster, tmp_path / "out.tif", NAMES, COLOURS, metadata={"preset": "mini"})
    told = run_clean("gdalinfo", str(out))
    assert "LAYOUT=COG" in told and "COMPRESSION=DEFLATE" in told and "NoData Value=0" in told
    assert "2: Straße" in told and "2: 78,80,87,255" in told and "CLASS_4=" in told and "preset=mini" in told
    with rasterio.open(raster) as before, rasterio.open(out) as after:
        np.testing.assert_array_equal(before.read(1), after.read(1))
        assert before.crs == after.crs and before.transform == after.transform
        assert after.colormap(1)[1] == (172, 50, 24, 255)
    assert {p.name for p in tmp_path.iterdir()} == {"labels_in.tif", "out.tif", "out.tif.aux.xml", "out.qml"}
    with pytest.raises(OutputExists):
        finish_label_raster(raster, out, NAMES, COLOURS)
    with pytest.raises(NotATiff):
        finish_label_raster(raster, tmp_path / "out.png", NAMES, COLOURS)


def test_large_rasters_get_overviews(tmp_path: Path) -> None:
    labels = np.kron(town(400), np.ones((4, 4), np.uint8)).astype(np.uint16)
    labels[0, 0] = 300
    source = write_raster(tmp_path / "l.tif", labels, crs=None, transform=None)
    out = finish_label_raster(source, tmp_path / "out.tif", [f"c{i}" for i in range(1, 301)], COLOURS * 75)
    with rasterio.open(out) as raster:
        assert raster.dtypes == ("uint16",) and raster.overviews(1) == [2, 4] and raster.crs is None
        assert set(np.unique(raster.read(1, out_shape=(400, 400)))) <= {1, 2, 3, 4}
    confidence = write_raster(tmp_path / "c.tif", np.linspace(0, 1, 1_000_000, dtype=np.float32).reshape(1000, 1000))
    sure = finish_confidence_raster(confidence, tmp_path / "sure.tif")
    run_clean("gdalinfo", str(sure))
    with rasterio.open(sure) as raster:
        assert raster.dtypes == ("float32",) and raster.overviews(1)
        np.testing.assert_array_equal(raster.read(1).ravel(), np.linspace(0, 1, 1_000_000, dtype=np.float32))
