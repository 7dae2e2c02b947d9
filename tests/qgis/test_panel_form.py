"""The dock without a run: classes, files, kept features, what is missing, keys and tooltips."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="PyQGIS is not installed for this Python")

from plugin_fixtures import bar_texts, fill_classes, wait_for
from qgis.core import QgsProject, QgsRasterLayer, QgsRectangle, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMessageBox,
)

LEFT = Qt.MouseButton.LeftButton


def test_what_is_missing_in_the_panel_is_told(plugin, dock, real_engine, raster_layer, qgis_canvas):
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    assert "Tick at least one class" in bar_texts(plugin)[-1]
    fill_classes(dock)
    dock.extent.mode.setCurrentIndex(2)
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    assert "No polygon is selected" in bar_texts(plugin)[-1]
    dock.extent.mode.setCurrentIndex(1)
    qgis_canvas.setDestinationCrs(raster_layer.crs())
    qgis_canvas.setExtent(QgsRectangle(0, 0, 10, 10))
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    assert "does not show the layer" in bar_texts(plugin)[-1]
    dock.extent.mode.setCurrentIndex(0)
    dock.outputs.polygons.setFilePath("/no/such/folder/x.gpkg")
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    assert "does not exist" in bar_texts(plugin)[-1]
    QgsProject.instance().removeMapLayer(raster_layer.id())
    QTest.mouseClick(dock.run_bar.run_button, LEFT)
    assert "Add a raster layer first" in bar_texts(plugin)[-1]


def test_a_web_layer_is_told_apart(plugin, dock, real_engine):
    from geo_ovss_qgis.results.layer_source import LayerNotReadable, raster_source

    web = QgsRasterLayer("type=xyz&url=http://localhost/{z}/{x}/{y}.png", "Web", "wms")
    with pytest.raises(LayerNotReadable, match="provider wms; geo-ovss needs a raster file"):
        raster_source(web)


def test_the_box_lists_raster_layers_only(dock):
    QgsProject.instance().addMapLayer(QgsVectorLayer("Point", "Points", "memory"))
    assert [dock.layers.layer(row).name() for row in range(dock.layers.count())] == ["Meadow"]


def test_classes_are_worked_by_keys(plugin, dock):
    view, model = dock.classes.view, dock.classes.model
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Insert)
    editor = view.findChild(QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, "solar panel")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert [entry.name for entry in model.entries] == ["solar panel"]
    QApplication.clipboard().setText("pool; road|street")
    QTest.keyClick(view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert [entry.name for entry in model.entries] == ["solar panel", "pool", "road"]
    QTest.mouseClick(view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, view.visualRect(model.index(1, 0)).center())
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert [entry.name for entry in model.ticked] == ["solar panel", "road"]
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert [entry.name for entry in model.entries] == ["solar panel", "road"]
    QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert [entry.name for entry in model.entries] == ["road", "solar panel"]
    QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert view.currentIndex().row() == 0, "the first stays the first"
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert [entry.name for entry in model.entries] == ["solar panel", "road"]
    assert not model.setData(model.index(1, 0), "Solar Panel"), "a name comes once"


def test_class_files_go_out_and_come_back(plugin, dock, tmp_path):
    fill_classes(dock)
    model = dock.classes.model
    model.setData(model.index(1, 0), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    entries = model.entries
    dock.classes.save_file(str(tmp_path / "classes.txt"))
    model.set_entries([])
    dock.classes.load_file(str(tmp_path / "classes.txt"))
    assert model.entries == entries
    (tmp_path / "bad.txt").write_text("road\nroad\n")
    dock.classes.load_file(str(tmp_path / "bad.txt"))
    assert "a second time" in bar_texts(plugin)[-1]
    assert model.entries == entries, "a bad file changes nothing"
    dock.classes.save_file(str(tmp_path / "no" / "folder.txt"))
    assert "cannot be written" in bar_texts(plugin)[-1]


def test_suggestions_add_their_classes(dock):
    menu = dock.classes.suggest_button.menu()
    town = next(action for action in menu.actions() if action.text() == "Town")
    town.trigger()
    assert "swimming pool" in [entry.name for entry in dock.classes.model.entries]


def test_kept_features_can_be_deleted(plugin, dock, tmp_path, scene, monkeypatch):
    from geo_ovss_qgis import preferences
    from geo_ovss_qgis.engine.commands import EncodeOptions

    stores = preferences.feature_stores()
    store = stores.reserve("Meadow", str(scene), EncodeOptions())
    store.path.mkdir()
    (store.path / "features").write_bytes(b"x" * 123_000)
    stores.finish(store)
    dock.kept.show_stores(stores)
    item = dock.kept.tree.topLevelItem(0)
    assert [item.text(column) for column in range(4)] == ["Meadow", "mini", "123 kB", "ready"]
    item.setSelected(True)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    QTest.mouseClick(dock.kept.delete_button, LEFT)
    assert store.path.exists()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    QTest.mouseClick(dock.kept.delete_button, LEFT)
    assert not store.path.exists() and dock.kept.tree.topLevelItemCount() == 0
    assert Path(scene).exists()


def test_the_presets_come_from_the_engine(plugin, dock, real_engine):
    plugin.runner.ask_presets()
    wait_for(lambda: plugin.runner._question is None)
    names = [dock.presets.box.itemText(row) for row in range(dock.presets.box.count())]
    assert names[0] == "mini" and len(names) > 2
    assert dock.presets.title.text()


def test_everything_has_a_tooltip_and_takes_the_keyboard(dock):
    for kind in (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit):
        for widget in dock.widget().findChildren(kind):
            if widget.isVisibleTo(dock) and "qt_" not in widget.objectName():
                parents = (widget, widget.parentWidget(), widget.parentWidget().parentWidget())
                assert any(one.toolTip() for one in parents), (widget, widget.objectName())
    for name in ("run_button", "cancel_button"):
        assert getattr(dock.run_bar, name).focusPolicy() & Qt.FocusPolicy.TabFocus
    buddies = {label.buddy() for label in dock.findChildren(QLabel) if label.buddy()}
    assert {dock.layers, dock.extent.mode, dock.presets.box, dock.options.method, dock.options.gsd} <= buddies


def test_the_fold_outs_open_by_the_keyboard(dock):
    for box in (dock.options, dock.kept):
        box.setCollapsed(True)
        box.setFocus()
        QTest.keyClick(box.focusProxy() or box, Qt.Key.Key_Space)
        assert not box.isCollapsed(), box.title()


def test_no_button_shares_its_letter(dock):
    """Two that share one would only take the focus in turn."""
    def letter(text):
        return text.replace("&&", "").partition("&")[2][:1].upper()

    buttons = [letter(one.text()) for one in dock.widget().findChildren(QAbstractButton) if letter(one.text())]
    labels = [letter(one.text()) for one in dock.widget().findChildren(QLabel) if one.buddy() and letter(one.text())]
    assert len(buttons) > 10
    assert [one for one in buttons if (buttons + labels).count(one) > 1] == []
