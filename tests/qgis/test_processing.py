"""The algorithms: ``processing.run``, a model, a batch, and ``qgis_process`` with the zip installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="PyQGIS is not installed for this Python")

from plugin_fixtures import write_scene
from qgis.core import (
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

CLASSES = "meadow|grass,road,building,water"
QGIS_PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
"""Debian's start script hands the program an option that it does not know; the program itself lies beside it."""


@pytest.fixture
def processing(plugin):
    """QGIS's processing module, the provider registered by the plugin."""
    import processing

    return processing


class Heard(QgsProcessingFeedback):
    """Feedback that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def pushConsoleInfo(self, text: str) -> None:  # noqa: N802
        self.lines.append(text)

    def setProgressText(self, text: str) -> None:  # noqa: N802
        self.lines.append(text)


def test_the_provider_offers_three_algorithms(processing):
    registry = QgsApplication.processingRegistry()
    provider = registry.providerById("geo_ovss")
    assert sorted(algorithm.id() for algorithm in provider.algorithms()) == [
        "geo_ovss:encode", "geo_ovss:query", "geo_ovss:segment"
    ]
    for algorithm in provider.algorithms():
        assert algorithm.displayName() and algorithm.shortHelpString()
        assert all(one.description() for one in algorithm.parameterDefinitions())


def test_encode_then_query(processing, real_engine, raster_layer, tmp_path):
    store = tmp_path / "meadow.features"
    feedback = Heard()
    result = processing.run("geo_ovss:encode", {"INPUT": raster_layer, "FEATURES": str(store)}, feedback=feedback)
    assert result["FEATURES"] == str(store) and store.is_dir()
    assert any("encode" in line for line in feedback.lines) and feedback.progress() > 0
    result = processing.run("geo_ovss:query", {
        "FEATURES": str(store), "CLASSES": CLASSES, "OUTPUT": "memory:", "LABELS": str(tmp_path / "labels.tif"),
        "THRESHOLD": 0.0,
    })
    layer = result["OUTPUT"]
    assert layer.featureCount() > 0 and layer.crs().authid() == "EPSG:32633"
    assert set(layer.fields().names()) >= {"class_id", "class_name", "confidence", "area_m2"}
    assert QgsRasterLayer(result["LABELS"]).isValid() and "CONFIDENCE" not in result


def test_segment_writes_to_a_file_and_is_styled_in_the_project(processing, real_engine, raster_layer, tmp_path):
    (tmp_path / "classes.txt").write_text("meadow  #00ff00\nroad  #777777\nwater  #0000ff\n")
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    target = str(tmp_path / "out.gpkg")
    result = processing.runAndLoadResults("geo_ovss:segment", {
        "INPUT": raster_layer, "CLASS_FILE": str(tmp_path / "classes.txt"), "OUTPUT": target,
        "EXTENT": "500000,500100,5599900,5600000 [EPSG:32633]",
    }, context=context)
    layer = QgsProject.instance().mapLayer(result["OUTPUT"]) or QgsVectorLayer(result["OUTPUT"])
    assert layer.featureCount() > 0
    assert layer.extent().xMaximum() <= 500100 + 0.5 and layer.extent().yMinimum() >= 5599900 - 0.5
    loaded = [one for one in QgsProject.instance().mapLayers().values() if isinstance(one, QgsVectorLayer)]
    assert isinstance(loaded[0].renderer(), QgsCategorizedSymbolRenderer)
    colours = [category.symbol().symbolLayer(0).fillColor().name() for category in loaded[0].renderer().categories()]
    assert colours == ["#00ff00", "#777777", "#0000ff"]


def test_errors_are_processings_own(processing, real_engine, raster_layer, tmp_path, misbehaving):
    with pytest.raises(QgsProcessingException, match="Give class names"):
        processing.run("geo_ovss:segment", {"INPUT": raster_layer, "OUTPUT": "memory:"})
    with pytest.raises(QgsProcessingException, match="not a feature store"):
        processing.run("geo_ovss:query", {"FEATURES": str(tmp_path), "CLASSES": "road", "OUTPUT": "memory:"})
    misbehaving("dies")
    with pytest.raises(QgsProcessingException, match="no room for the tokens"):
        processing.run("geo_ovss:segment", {"INPUT": raster_layer, "CLASSES": "road", "OUTPUT": "memory:"})


def test_cancel_ends_an_algorithm(processing, misbehaving, raster_layer):
    misbehaving("slow")
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("geo_ovss:encode")
    feedback, context = QgsProcessingFeedback(), QgsProcessingContext()
    context.setProject(QgsProject.instance())
    feedback.progressChanged.connect(lambda _: feedback.cancel())
    result, _good = algorithm.run({"INPUT": raster_layer.id(), "FEATURES": "TEMPORARY_OUTPUT"}, context, feedback)
    assert feedback.isCanceled() and not result.get("FEATURES")


def test_segment_in_a_model_and_in_batch(processing, real_engine, tmp_path):
    """A model with one child; then the same model over two rasters, as the batch dialog runs it."""
    source = QgsProcessingModelChildParameterSource
    model = QgsProcessingModelAlgorithm("land", "test")
    model.addModelParameter(QgsProcessingParameterRasterLayer("RASTER"), QgsProcessingModelParameter("RASTER"))
    child = QgsProcessingModelChildAlgorithm("geo_ovss:segment")
    child.setChildId("segment")
    child.addParameterSources("INPUT", [source.fromModelParameter("RASTER")])
    child.addParameterSources("CLASSES", [source.fromStaticValue("meadow,water")])
    child.addParameterSources("MIN_AREA", [source.fromStaticValue(4.0)])
    output = QgsProcessingModelOutput("polygons", "polygons")
    output.setChildOutputName("OUTPUT")
    child.setModelOutputs({"polygons": output})
    model.addChildAlgorithm(child)
    model.updateDestinationParameters()
    path = tmp_path / "land.model3"
    assert model.toFile(str(path))
    again = QgsProcessingModelAlgorithm()
    assert again.fromFile(str(path)) and again.canExecute()[0]
    again.initAlgorithm()
    (name,) = [one.name() for one in again.destinationParameterDefinitions()]
    for number, width in enumerate((96, 128)):
        raster = write_scene(tmp_path / f"part{number}.tif", width, 96)
        target = tmp_path / f"part{number}.gpkg"
        processing.run(again, {"RASTER": str(raster), name: str(target)})
        assert QgsVectorLayer(str(target)).featureCount() > 0


def qgis_process(profile: Path, *arguments: str, interpreter: str = "") -> subprocess.CompletedProcess:
    """Run QGIS's own command line in the profile that has the zip installed."""
    environment = {
        **os.environ, "QGIS_CUSTOM_CONFIG_PATH": str(profile), "QT_QPA_PLATFORM": "offscreen",
        "GEO_OVSS_PYTHON": interpreter, "HOME": str(profile), "XDG_RUNTIME_DIR": str(profile),
    }
    return subprocess.run(
        [str(QGIS_PROCESS), *arguments], capture_output=True, text=True, env=environment, timeout=300
    )


@pytest.mark.skipif(QGIS_PROCESS is None, reason="qgis_process is not installed")
def test_each_algorithm_through_qgis_process_with_the_zip_installed(profile, engine_python, scene, tmp_path):
    answer = qgis_process(profile, "plugins", "enable", "geo_ovss_qgis")
    assert answer.returncode == 0, answer.stderr
    answer = qgis_process(profile, "--json", "list")
    listed = json.loads(answer.stdout)["providers"]["geo_ovss"]["algorithms"]
    assert sorted(listed) == ["geo_ovss:encode", "geo_ovss:query", "geo_ovss:segment"]

    store = tmp_path / "scene.features"
    answer = qgis_process(
        profile, "run", "geo_ovss:encode", "--", f"INPUT={scene}", f"FEATURES={store}", interpreter=engine_python
    )
    assert answer.returncode == 0 and store.is_dir(), answer.stdout + answer.stderr
    queried, segmented = tmp_path / "queried.gpkg", tmp_path / "segmented.gpkg"
    answer = qgis_process(
        profile, "run", "geo_ovss:query", "--", f"FEATURES={store}", f"CLASSES={CLASSES}", f"OUTPUT={queried}",
        interpreter=engine_python,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    answer = qgis_process(
        profile, "run", "geo_ovss:segment", "--", f"INPUT={scene}", f"CLASSES={CLASSES}", f"OUTPUT={segmented}",
        interpreter=engine_python,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    first, second = QgsVectorLayer(str(queried)), QgsVectorLayer(str(segmented))
    assert first.featureCount() > 0

    def areas(layer):
        total = {}
        for feature in layer.getFeatures():
            total[feature["class_name"]] = total.get(feature["class_name"], 0.0) + feature.geometry().area()
        return total

    assert areas(first) == pytest.approx(areas(second)), "kept features answer as a direct run does"

    answer = qgis_process(profile, "run", "geo_ovss:segment", "--", f"INPUT={scene}", "CLASSES=road",
                          f"OUTPUT={tmp_path / 'none.gpkg'}")
    assert answer.returncode != 0 and "not set up yet" in answer.stdout + answer.stderr
