"""Run by `test_plugin_static`: imports the plugin's modules without PyQGIS under PyQt6, and works them.

Usage: plugin_under_qt6.py FOLDER MODULE...
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

from PyQt6 import QtCore, QtGui, QtTest, QtWidgets

NAMES = {"QtCore": QtCore, "QtGui": QtGui, "QtWidgets": QtWidgets, "QtTest": QtTest}


def install_shim() -> None:
    """``qgis.PyQt`` as QGIS 4 has it: PyQt6 under another name."""
    qgis, shim = types.ModuleType("qgis"), types.ModuleType("qgis.PyQt")
    qgis.__path__, shim.__path__ = [], []
    sys.modules.update({"qgis": qgis, "qgis.PyQt": shim})
    qgis.PyQt = shim
    for name, module in NAMES.items():
        setattr(shim, name, module)
        sys.modules[f"qgis.PyQt.{name}"] = module


def work_the_class_table() -> None:
    """Type, tick, paste, colour, remove by keys."""
    from geo_ovss_qgis.panel.class_model import COLOUR, NAME, SYNONYMS
    from geo_ovss_qgis.panel.class_table import ClassTable

    Qt, QTest = QtCore.Qt, QtTest.QTest
    table = ClassTable()
    table.show()
    model = table.model
    QTest.keyClick(table.view, Qt.Key.Key_Insert)
    model.setData(model.index(0, NAME), "building")
    model.setData(model.index(0, SYNONYMS), "house, roof")
    model.setData(model.index(0, COLOUR), "#ff0000")
    model.setData(model.index(0, NAME), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert model.entries[0].words == ("building", "house", "roof")
    assert model.entries[0].colour == "#ff0000" and model.ticked == []
    model.setData(model.index(0, NAME), 2, Qt.ItemDataRole.CheckStateRole)
    assert [entry.name for entry in model.ticked] == ["building"]
    QtWidgets.QApplication.clipboard().setText("road, tree|forest, building")
    table.paste()
    assert [entry.name for entry in model.entries] == ["building", "road", "tree"]
    table.view.closePersistentEditor(model.index(0, NAME))
    table.view.setCurrentIndex(model.index(1, SYNONYMS))
    QTest.keyClick(table.view, Qt.Key.Key_Delete)
    assert [entry.name for entry in model.entries] == ["building", "tree"]
    assert model.move(0, 1) and [entry.name for entry in model.entries] == ["tree", "building"]


def work_the_process(folder: str) -> None:
    """A real child process: heard, then stopped."""
    from geo_ovss_qgis.engine.child_process import ChildProcess

    heard: list[str] = []
    script = "import sys, time; print('one', flush=True); print('two', file=sys.stderr, flush=True); time.sleep(60)"
    child = ChildProcess(sys.executable, ["-c", script], {}, folder)
    end = child.run(heard.append, heard.append, cancelled=lambda: len(heard) == 2)
    assert end.cancelled and sorted(heard) == ["one", "two"]
    end = ChildProcess(sys.executable, ["-c", "raise SystemExit(5)"], {}, folder).run(heard.append, heard.append)
    assert (end.status, end.crashed, end.cancelled) == (5, False, False)


def main() -> None:
    """Import, then work."""
    install_shim()
    folder, *modules = sys.argv[1:]
    application = QtWidgets.QApplication([])
    for module in modules:
        importlib.import_module(module)
    work_the_class_table()
    work_the_process(folder)
    assert not Path(folder, "geo_ovss_qgis").exists()
    application.quit()
    print(len(modules), "modules imported, passed")


if __name__ == "__main__":
    main()
