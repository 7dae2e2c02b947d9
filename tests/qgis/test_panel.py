"""The dock, filled in and clicked, with the real engine behind it."""

from __future__ import annotations

import sqlite3
import time

import pytest

pytest.importorskip("qgis.core", reason="PyQGIS is not installed for this Python")

from plugin_fixtures import bar_texts, fill_classes, run_to_the_end, wait_for
from qgis.core import (
    Qgis,
    QgsCategorizedSymbolRenderer,
    QgsFeature,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QApplication,
    QPushButton,
)

LEFT = Qt.MouseButton.LeftButton


def result_layers(kind):
    """Layers of the project beside the source."""
    return [
        layer for layer in QgsProject.instance().mapLayers().values()
        if isinstance(layer, kind) and layer.name() != "Meadow"
    ]


def test_a_real_run_gives_styled_polygons_and_asks_again_from_kept_features(plugin, dock, real_engine, raster_layer):
    fill_classes(dock)
    dock.classes.model.setData(dock.classes.model.index(1, 2), "#123456")
    dock.outputs.labels_wanted.setChecked(True)
    dock.outputs.confidence_wanted.setChecked(True)
    run_to_the_end(plugin)
    assert not plugin.dock.run_bar.cancel_button.isEnabled()

    (polygons,) = result_layers(QgsVectorLayer)
    check_polygons(polygons, raster_layer, ["meadow", "road", "building", "water"])
    check_style(polygons, [entry.colour for entry in dock.classes.model.entries])
    check_tree(raster_layer, 3)
    labels = next(layer for layer in result_layers(QgsRasterLayer) if layer.name() == "Labels")
    assert isinstance(labels.renderer(), QgsPalettedRasterRenderer)
    assert [item.color.name() for item in labels.renderer().classes()][1] == "#123456"
    assert labels.crs() == raster_layer.crs()
    assert labels.extent() == raster_layer.extent()

    (store,) = dock.kept._stores.all()
    assert store.whole and store.nbytes > 1000
    assert dock.kept.tree.topLevelItem(0).text(0) == "Meadow"
    assert dock.kept.tree.topLevelItem(0).text(3) == "ready"
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*") if path.is_file()}

    dock.classes.model.set_entries([])
    fill_classes(dock, "tree, car")
    dock.outputs.labels_wanted.setChecked(False)
    dock.outputs.confidence_wanted.setChecked(False)
    run_to_the_end(plugin)
    assert "answered from its kept features" in dock.run_bar.line.text()
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*") if path.is_file()} == before
    newest = next(layer for layer in result_layers(QgsVectorLayer) if layer.id() != polygons.id())
    assert {feature["class_name"] for feature in newest.getFeatures()} <= {"tree", "car"}
    check_tree(raster_layer, 4)


def check_polygons(layer, raster, names):
    """Valid, inside the raster, outside its no-data corner, not overlapping, with the promised attributes."""
    assert layer.crs() == raster.crs()
    features = list(layer.getFeatures())
    assert features
    area = 0.0
    for feature in features:
        assert feature.geometry().isGeosValid()
        assert raster.extent().buffered(1e-6).contains(feature.geometry().boundingBox())
        assert names[feature["class_id"] - 1] == feature["class_name"]
        assert 0.0 <= feature["confidence"] <= 1.0
        area += feature.geometry().area()
        assert feature["area_m2"] == pytest.approx(feature.geometry().area(), rel=0.02)
    pixels = 320 * 256 - 32 * 32
    assert area == pytest.approx(pixels * 0.25, rel=1e-6), "every valid pixel once"


def check_style(layer, colours):
    renderer = layer.renderer()
    assert isinstance(renderer, QgsCategorizedSymbolRenderer)
    assert renderer.classAttribute() == "class_id"
    assert [category.symbol().symbolLayer(0).fillColor().name() for category in renderer.categories()] == colours
    assert [category.value() for category in renderer.categories()] == [1, 2, 3, 4]


def check_tree(raster, how_many):
    """The results lie in a group under the source's name, right above it, with counts in the legend."""
    root = QgsProject.instance().layerTreeRoot()
    group = root.findGroup("Meadow")
    assert len(group.children()) == how_many
    assert root.children().index(group) < root.children().index(root.findLayer(raster.id()))
    assert group.children()[0].customProperty("showFeatureCount")


def test_the_layer_goes_where_the_user_says(plugin, dock, real_engine, raster_layer, tmp_path):
    fill_classes(dock, "meadow, water")
    polygons = QgsVectorLayer("Polygon?crs=EPSG:4326", "Fields", "memory")
    part = QgsGeometry.fromRect(QgsRectangle(500010, 5599900, 500100, 5599980))
    from qgis.core import QgsCoordinateTransform

    part.transform(QgsCoordinateTransform(raster_layer.crs(), polygons.crs(), QgsProject.instance()))
    feature = QgsFeature()
    feature.setGeometry(part)
    polygons.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(polygons)
    polygons.selectAll()
    dock.extent.mode.setCurrentIndex(2)
    dock.extent.polygon_layers.setLayer(polygons)
    target = tmp_path / "fields"
    dock.outputs.polygons.setFilePath(str(target))
    run_to_the_end(plugin)
    assert target.with_suffix(".gpkg").exists(), bar_texts(plugin)
    layer = next(one for one in result_layers(QgsVectorLayer) if one.id() != polygons.id())
    bounds = QgsRectangle(500010, 5599900, 500100, 5599980).buffered(1.0)
    assert all(bounds.contains(one.geometry().boundingBox()) for one in layer.getFeatures())
    total = sum(one.geometry().area() for one in layer.getFeatures())
    assert total == pytest.approx(90 * 80, rel=0.05)
    with sqlite3.connect(target.with_suffix(".gpkg")) as database:
        assert database.execute("select count(*) from gpkg_contents").fetchone()[0] >= 1


def test_cancel_in_the_middle_ends_within_two_seconds(plugin, dock, misbehaving):
    misbehaving("deaf")
    fill_classes(dock)
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    wait_for(lambda: "left" in dock.run_bar.line.text(), 60)
    assert "of 100000" in dock.run_bar.line.text() and "a second" in dock.run_bar.line.text()
    assert not dock.run_bar.run_button.isEnabled()
    began = time.monotonic()
    QTest.mouseClick(dock.run_bar.cancel_button, LEFT)
    wait_for(lambda: plugin.runner.task is None, 10)
    assert time.monotonic() - began < 2.0
    assert dock.run_bar.line.text() == "The run was cancelled."
    assert dock.run_bar.run_button.isEnabled()
    assert not result_layers(QgsVectorLayer)
    assert not any(level == Qgis.MessageLevel.Critical for item in plugin.iface.messageBar().items()
                   for level in [item.level()])


def test_cancel_of_the_real_engine_and_going_on(plugin, dock, real_engine, tmp_path):
    from plugin_fixtures import write_scene

    large = QgsRasterLayer(str(write_scene(tmp_path / "large.tif", 1400, 1200)), "Large", "gdal")
    QgsProject.instance().addMapLayer(large)
    dock.layers.setLayer(large)
    fill_classes(dock, "meadow, road")
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    wait_for(lambda: dock.run_bar.line.text().startswith("encode"))
    began = time.monotonic()
    QTest.mouseClick(dock.run_bar.cancel_button, LEFT)
    wait_for(lambda: plugin.runner.task is None, 10)
    assert time.monotonic() - began < 2.5
    (store,) = dock.kept._stores.all()
    assert not store.whole
    assert dock.kept.tree.topLevelItem(0).text(3) == "unfinished"


def test_qgis_stays_responsive_while_the_engine_floods(plugin, dock, misbehaving):
    misbehaving("garbage")
    fill_classes(dock)
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    longest = last = 0.0
    last = time.monotonic()
    while plugin.runner.task is not None:
        QApplication.processEvents()
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert longest < 2.0
    assert any("without saying what it wrote" in text for text in bar_texts(plugin))


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [("dies", "no room for the tokens"), ("killed", "memory"), ("user-error", "There is no preset 'giant'"),
     ("garbage", "without saying what it wrote")],
)
def test_errors_are_one_sentence_with_the_log_a_click_away(plugin, dock, misbehaving, behaviour, sentence):
    misbehaving(behaviour)
    fill_classes(dock)
    run_to_the_end(plugin)
    (item,) = plugin.iface.messageBar().items()
    assert sentence in item.text() and "\n" not in item.text() and "Traceback" not in item.text()
    assert item.level() == Qgis.MessageLevel.Critical
    (button,) = [one for one in item.findChildren(QPushButton) if one.text() == "Log"]
    QTest.mouseClick(button, LEFT)
    log = plugin.runner._messages.dialog.text.toPlainText()
    assert "-m geo_ovss encode" in log and "[" in log.splitlines()[-1]
    plugin.runner._messages.dialog.close()


def test_an_engine_that_says_it_wrote_what_is_not_there(plugin, dock, misbehaving):
    misbehaving("liar")
    fill_classes(dock)
    run_to_the_end(plugin)
    assert any("cannot be opened" in text for text in bar_texts(plugin))


def test_without_an_engine_the_settings_are_a_click_away(plugin, dock):
    fill_classes(dock)
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    assert plugin.runner.task is None
    (item,) = plugin.iface.messageBar().items()
    assert "not set up yet" in item.text()
    assert [button.text() for button in item.findChildren(QPushButton)][-1] == "Settings"


def test_a_half_made_environment_is_offered_for_repair(plugin, dock, tmp_path):
    from qgis.core import QgsSettings

    QgsSettings().setValue("geo_ovss/mode", "own")
    (tmp_path / "data" / "engine-1" / "bin").mkdir(parents=True)
    fill_classes(dock)
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    (item,) = plugin.iface.messageBar().items()
    assert "half-made: repair it" in item.text()
    assert "Settings" in [button.text() for button in item.findChildren(QPushButton)]


def test_an_environment_that_lost_its_engine_is_offered_for_repair(plugin, dock):
    from qgis.core import QgsSettings

    QgsSettings().setValue("geo_ovss/interpreter", "/usr/bin/python3")
    fill_classes(dock)
    run_to_the_end(plugin)
    item = next(item for item in plugin.iface.messageBar().items() if "No module named geo_ovss" in item.text())
    assert [button.text() for button in item.findChildren(QPushButton)][-2:] == ["Settings", "Log"]


def test_a_missing_interpreter_is_told(plugin, dock, tmp_path):
    from qgis.core import QgsSettings

    QgsSettings().setValue("geo_ovss/interpreter", str(tmp_path / "gone"))
    fill_classes(dock)
    run_to_the_end(plugin)
    assert any("cannot be started" in text for text in bar_texts(plugin))


def test_the_plugin_unloads_while_a_run_goes(plugin, dock, misbehaving):
    misbehaving("slow")
    fill_classes(dock)
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    wait_for(lambda: "of 100000" in dock.run_bar.line.text(), 60)
    plugin.unload()
    plugin.initGui()
    assert plugin.runner.task is None
