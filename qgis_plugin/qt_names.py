"""Qt's names that moved between Qt 5 and Qt 6: found once, here."""

from __future__ import annotations

from qgis.PyQt import QtGui, QtWidgets

QAction = QtGui.QAction if hasattr(QtGui, "QAction") else QtWidgets.QAction
