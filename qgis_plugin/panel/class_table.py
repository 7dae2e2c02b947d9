"""The class table with its buttons: add, remove, paste, suggestions, load, save."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QModelIndex, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent, QKeySequence, QMouseEvent
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QColorDialog,
    QFileDialog,
    QGridLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ..engine.class_file import parse_typed, read_classes, write_classes
from ..engine.errors import EngineError
from ..engine.suggestions import Suggestion, suggestions
from ..translation import tr
from .class_model import COLOUR, NAME, SYNONYMS, ClassModel

_Key = Qt.Key
_Trigger = QAbstractItemView.EditTrigger


class ClassView(QTableView):
    """The table, worked by keys.

    Insert adds, Delete removes, Ctrl+V pastes, Alt with an arrow moves, Enter on a colour opens a dialog.
    """

    add_asked = pyqtSignal()
    remove_asked = pyqtSignal()
    paste_asked = pyqtSignal()
    colour_asked = pyqtSignal(QModelIndex)
    move_asked = pyqtSignal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Keys of the table; the others go on to Qt."""
        step = {_Key.Key_Up: -1, _Key.Key_Down: 1}.get(event.key())
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_asked.emit()
        elif step is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.move_asked.emit(step)
        elif event.key() == _Key.Key_Insert:
            self.add_asked.emit()
        elif event.key() == _Key.Key_Delete:
            self.remove_asked.emit()
        elif event.key() in (_Key.Key_Return, _Key.Key_Enter) and self.currentIndex().column() == COLOUR:
            self.colour_asked.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A double click on a colour opens the dialog; elsewhere it edits."""
        index = self.indexAt(event.pos())
        if index.isValid() and index.column() == COLOUR:
            self.colour_asked.emit(index)
        else:
            super().mouseDoubleClickEvent(event)


class ClassTable(QWidget):
    """Class table and buttons.

    Signals
    -------
    changed
        The class list is another one.
    failed(str)
        A class file cannot be read or written: one sentence.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.folder = ""
        self.model = ClassModel(self)
        self.view = self._make_view()
        self.add_button = self._button(tr("&Add"), tr("Add a class (Insert)"), self.add)
        self.remove_button = self._button(tr("Re&move"), tr("Remove the selected classes (Delete)"), self.remove)
        self.paste_button = self._button(
            tr("&Paste"), tr("Add the names on the clipboard, separated by commas; synonyms by | (Ctrl+V)"), self.paste
        )
        self.suggest_button = self._button(tr("S&uggestions"), tr("Begin with a class list for aerial scenes"))
        self.suggest_button.setMenu(self._suggestion_menu())
        self.load_button = self._button(tr("&Load..."), tr("Load a class file of the command line"), self.load)
        self.save_button = self._button(tr("Sa&ve..."), tr("Save the classes as a class file"), self.save)
        self._lay_out()
        for signal in (self.model.dataChanged, self.model.rowsInserted, self.model.rowsRemoved, self.model.modelReset,
                       self.model.rowsMoved):
            signal.connect(lambda *_: self.changed.emit())

    # -- what the buttons do -----------------------------------------------------------------------------------

    def add(self) -> None:
        """Append a class and open its name for typing."""
        index = self.model.add_empty()
        self.view.setCurrentIndex(index)
        self.view.edit(index)

    def remove(self) -> None:
        """Remove the selected classes; the selection stays at their place."""
        rows = {index.row() for index in self.view.selectionModel().selectedIndexes()}
        self.model.remove(rows)
        if rows and self.model.rowCount():
            row = min(min(rows), self.model.rowCount() - 1)
            self.view.setCurrentIndex(self.model.index(row, NAME))

    def move(self, step: int) -> None:
        """Move the current class up (-1) or down (1): the order is the numbering of the results."""
        row = self.view.currentIndex().row()
        if self.model.move(row, step):
            self.view.setCurrentIndex(self.model.index(row + step, NAME))

    def paste(self) -> None:
        """Add the names on the clipboard."""
        try:
            added = self.model.add(parse_typed(QApplication.clipboard().text()))
        except EngineError as error:
            self.failed.emit(str(error))
            return
        if not added:
            self.failed.emit(tr("The clipboard holds no new class names."))

    def use_suggestion(self, suggestion: Suggestion) -> None:
        """Add the classes of a suggestion to those that are there."""
        self.model.add(suggestion.classes)

    def load(self) -> None:
        """Ask for a class file and show its classes."""
        path, _ = QFileDialog.getOpenFileName(self, tr("Load classes"), self.folder, tr("Class files (*.txt);;All (*)"))
        if path:
            self.load_file(path)

    def load_file(self, path: str) -> None:
        """Show the classes of a file in place of those that are there."""
        try:
            self.model.set_entries(read_classes(path))
        except EngineError as error:
            self.failed.emit(str(error))

    def save(self) -> None:
        """Ask for a name and write the class file."""
        path, _ = QFileDialog.getSaveFileName(self, tr("Save classes"), self.folder, tr("Class files (*.txt)"))
        if path:
            self.save_file(path if "." in path.replace("\\", "/").rsplit("/", 1)[-1] else path + ".txt")

    def save_file(self, path: str) -> None:
        """Write the classes, the unticked ones as comments."""
        try:
            write_classes(path, self.model.entries)
        except EngineError as error:
            self.failed.emit(str(error))

    def choose_colour(self, index: QModelIndex) -> None:
        """Let the user pick the colour of a row."""
        cell = self.model.index(index.row(), COLOUR)
        now = QColor(self.model.data(cell))
        colour = QColorDialog.getColor(now, self, tr("Colour of {}").format(self.model.entries[index.row()].name))
        if colour.isValid():
            self.model.setData(cell, colour.name())

    # -- how it looks ------------------------------------------------------------------------------------------

    def _make_view(self) -> ClassView:
        view = ClassView(self)
        view.setModel(self.model)
        view.setToolTip(tr(
            "The classes to look for. Insert adds one, Delete removes, Space ticks, F2 edits, Alt+Up and Alt+Down move."
        ))
        view.setAccessibleName(tr("Classes"))
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setEditTriggers(_Trigger.DoubleClicked | _Trigger.EditKeyPressed | _Trigger.AnyKeyPressed)
        view.setTabKeyNavigation(False)  # Tab leaves the table: the panel is worked by keys
        view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 8)
        header = view.horizontalHeader()
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(SYNONYMS, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(COLOUR, QHeaderView.ResizeMode.ResizeToContents)
        view.setMinimumHeight(7 * (view.fontMetrics().height() + 8))
        view.add_asked.connect(self.add)
        view.remove_asked.connect(self.remove)
        view.paste_asked.connect(self.paste)
        view.move_asked.connect(self.move)
        view.colour_asked.connect(self.choose_colour)
        return view

    def _button(self, text: str, tooltip: str, slot: Any = None) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tooltip)
        if slot is not None:
            button.clicked.connect(lambda _checked=False: slot())
        return button

    def _suggestion_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for suggestion in suggestions():
            action = menu.addAction(tr(suggestion.title))
            action.setToolTip(", ".join(entry.name for entry in suggestion.classes))
            action.triggered.connect(lambda _checked=False, chosen=suggestion: self.use_suggestion(chosen))
        return menu

    def _lay_out(self) -> None:
        grid = QGridLayout()
        buttons = (
            (self.add_button, self.remove_button, self.paste_button),
            (self.suggest_button, self.load_button, self.save_button),
        )
        for row, line in enumerate(buttons):
            for column, button in enumerate(line):
                grid.addWidget(button, row, column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        layout.addLayout(grid)
