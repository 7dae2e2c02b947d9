"""The layers that are encoded: how large their stores are, and a button that deletes them."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
)

from ..engine.feature_stores import FeatureStores, KeptStore, size_text
from ..translation import tr

STORE_ROLE = Qt.ItemDataRole.UserRole


class KeptFeatures(QgsCollapsibleGroupBox):
    """The list of kept features.

    Signals
    -------
    failed(str)
        A store cannot be deleted: one sentence.
    """

    failed = pyqtSignal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(tr("Encoded layers"), parent)
        self.setToolTip(tr("Layers that answer other class names in seconds"))
        self._stores: FeatureStores | None = None
        self._busy = False
        self.tree = QTreeWidget(self)
        self.tree.setHeaderLabels([tr("Layer"), tr("Preset"), tr("Size"), tr("State")])
        self.tree.setRootIsDecorated(False)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setToolTip(tr("Layers whose features are kept: other class names are answered in seconds"))
        self.tree.setAccessibleName(tr("Encoded layers"))
        self.tree.setMaximumHeight(7 * (self.tree.fontMetrics().height() + 6))
        self.delete_button = QPushButton(tr("&Delete"), self)
        self.delete_button.setToolTip(tr("Delete the selected features from the disk; the layers stay"))
        self.delete_button.clicked.connect(lambda _checked=False: self.delete_selected())
        self.total = QLabel(self)
        self.total.setToolTip(tr("Disk space that all kept features take"))
        line = QHBoxLayout()
        line.addWidget(self.total, 1)
        line.addWidget(self.delete_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tree)
        layout.addLayout(line)
        self.tree.itemSelectionChanged.connect(self._enable_delete)
        self._enable_delete()

    def show_stores(self, stores: FeatureStores) -> None:
        """Read the list again."""
        self._stores = stores
        self.tree.clear()
        total = 0
        for store in stores.all():
            size = store.nbytes
            total += size
            item = QTreeWidgetItem([store.note.layer, store.note.options.preset, size_text(size), _state(store)])
            item.setData(0, STORE_ROLE, store)
            for column in range(4):
                item.setToolTip(column, _tooltip(store))
            self.tree.addTopLevelItem(item)
        for column in range(4):
            self.tree.resizeColumnToContents(column)
        self.total.setText(tr("{} in all").format(size_text(total)) if total else tr("No layer is encoded yet."))
        self._enable_delete()

    def set_busy(self, busy: bool) -> None:
        """While a run reads or writes a store, none can be deleted."""
        self._busy = busy
        self._enable_delete()

    def selected(self) -> list[KeptStore]:
        """The selected stores."""
        return [item.data(0, STORE_ROLE) for item in self.tree.selectedItems()]

    def delete_selected(self) -> None:
        """Ask, then delete the selected stores."""
        chosen = self.selected()
        if not chosen or self._busy or self._stores is None:
            return
        size = size_text(sum(store.nbytes for store in chosen))
        question = tr("Delete the features of {} ({})? The layers must be encoded again.")
        names = ", ".join(store.note.layer for store in chosen)
        yes = QMessageBox.StandardButton.Yes
        if QMessageBox.question(self, tr("Delete features"), question.format(names, size)) != yes:
            return
        try:
            for store in chosen:
                self._stores.delete(store)
        except OSError as error:
            self.failed.emit(tr("The features cannot be deleted: {}.").format(error))
        self.show_stores(self._stores)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Delete works on the list as the button does."""
        if event.key() == Qt.Key.Key_Delete:
            self.delete_selected()
        else:
            super().keyPressEvent(event)

    def _enable_delete(self) -> None:
        self.delete_button.setEnabled(bool(self.selected()) and not self._busy)


def _state(store: KeptStore) -> str:
    if not store.current:
        return tr("raster changed")
    return tr("ready") if store.whole else tr("unfinished")


def _tooltip(store: KeptStore) -> str:
    options = store.note.options
    area = tr("a part of the layer") if options.aoi else tr("the whole layer")
    return "\n".join([store.note.source, area, f"{options.method or options.preset}", store.note.made, str(store.path)])
