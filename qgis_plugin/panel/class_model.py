"""The classes as a table model: tick and name, synonyms, colour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, Qt
from qgis.PyQt.QtGui import QColor

from ..engine.class_entry import ClassEntry, next_colour
from ..engine.suggestions import coloured
from ..translation import tr

NAME, SYNONYMS, COLOUR = range(3)

_Role = Qt.ItemDataRole
_Flag = Qt.ItemFlag


class ClassModel(QAbstractTableModel):
    """The rows of the class table; every change goes through `setData` or one of the verbs below."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._rows: list[ClassEntry] = []

    # -- verbs -------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> list[ClassEntry]:
        """All classes."""
        return list(self._rows)

    @property
    def ticked(self) -> list[ClassEntry]:
        """The classes that are asked for."""
        return [entry for entry in self._rows if entry.ticked]

    def set_entries(self, entries: Iterable[ClassEntry]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self._rows = coloured(entries)
        self.endResetModel()

    def add(self, entries: Iterable[ClassEntry]) -> int:
        """Append classes whose names are not there yet; says how many they were."""
        known = {entry.name.casefold() for entry in self._rows}
        fresh = []
        for entry in entries:
            if entry.name.casefold() not in known:
                known.add(entry.name.casefold())
                fresh.append(entry)
        fresh = coloured(fresh, [entry.colour for entry in self._rows])
        if fresh:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
            self._rows.extend(fresh)
            self.endInsertRows()
        return len(fresh)

    def add_empty(self) -> QModelIndex:
        """Append a class with a placeholder name; gives the cell to type the name into."""
        number, names = 1, {entry.name for entry in self._rows}
        while (name := tr("class {}").format(number)) in names:
            number += 1
        self.add([ClassEntry(name, colour=next_colour(entry.colour for entry in self._rows))])
        return self.index(len(self._rows) - 1, NAME)

    def remove(self, rows: Iterable[int]) -> None:
        """Remove rows by number."""
        for row in sorted(set(rows), reverse=True):
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._rows[row]
            self.endRemoveRows()

    def move(self, row: int, step: int) -> bool:
        """Move a row up (-1) or down (1); the order is the numbering of the label raster."""
        target = row + step
        if not (0 <= row < len(self._rows) and 0 <= target < len(self._rows)):
            return False
        self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), target + (step > 0))
        self._rows.insert(target, self._rows.pop(row))
        self.endMoveRows()
        return True

    # -- Qt's questions ----------------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return (tr("Class"), tr("Synonyms"), tr("Colour"))[section]
        if orientation == Qt.Orientation.Vertical and role == _Role.DisplayRole:
            return str(section + 1)
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        usual = _Flag.ItemIsEnabled | _Flag.ItemIsSelectable | _Flag.ItemIsEditable
        return usual | _Flag.ItemIsUserCheckable if index.column() == NAME else usual

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        entry, column = self._rows[index.row()], index.column()
        if role in (_Role.DisplayRole, _Role.EditRole):
            return (entry.name, entry.synonym_text, entry.colour)[column]
        if role == _Role.CheckStateRole and column == NAME:
            return Qt.CheckState.Checked if entry.ticked else Qt.CheckState.Unchecked
        if role == _Role.DecorationRole and column == COLOUR:
            return QColor(entry.colour)
        if role == _Role.ToolTipRole:
            return self._tooltip(entry, column)
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _Role.EditRole) -> bool:  # noqa: N802
        changed = self._changed(self._rows[index.row()], index.column(), value, role)
        if changed is None or self._name_taken(changed, index.row()):
            return False
        self._rows[index.row()] = changed
        self.dataChanged.emit(self.index(index.row(), NAME), self.index(index.row(), COLOUR))
        return True

    def _changed(self, entry: ClassEntry, column: int, value: Any, role: int) -> ClassEntry | None:
        if role == _Role.CheckStateRole and column == NAME:
            return replace(entry, ticked=value in (Qt.CheckState.Checked, 2))  # Qt 6 hands on the enum's number
        if role != _Role.EditRole:
            return None
        if column == NAME:
            return entry.with_name(str(value))
        if column == SYNONYMS:
            return entry.with_synonym_text(str(value))
        colour = QColor(value)
        return replace(entry, colour=colour.name()) if colour.isValid() else None

    def _name_taken(self, changed: ClassEntry, row: int) -> bool:
        return any(
            other.name.casefold() == changed.name.casefold() for place, other in enumerate(self._rows) if place != row
        )

    @staticmethod
    def _tooltip(entry: ClassEntry, column: int) -> str:
        if column == NAME:
            return tr("Tick to ask for this class (Space); F2 changes the name.")
        if column == SYNONYMS:
            asked = ", ".join(entry.words)
            return tr("Further words for the class, separated by | or commas. Asked by: {}").format(asked)
        return tr("The class's colour: type #rrggbb, or press Enter for a colour dialog.")
