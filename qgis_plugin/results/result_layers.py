"""Adds the results of a run to the project, in a group under the source layer's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qgis.core import QgsLayerTreeGroup, QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ..engine.class_entry import ClassEntry
from ..engine.errors import EngineError
from ..translation import tr
from .style import style_confidence, style_labels, style_polygons


class ResultNotReadable(EngineError):
    """A file that the engine says it wrote cannot be opened."""

    def __init__(self, path: str) -> None:
        super().__init__(tr("The result {} cannot be opened.").format(path))


class ResultLayers:
    """Puts layers into a project.

    Parameters
    ----------
    project : QgsProject
    """

    def __init__(self, project: QgsProject) -> None:
        self._project = project

    def add(
        self, source_id: str, source_name: str, classes: Sequence[ClassEntry], outputs: Mapping[str, str]
    ) -> list[QgsMapLayer]:
        """Add the files of one run, the polygons on top.

        Parameters
        ----------
        source_id, source_name : str
            The raster layer that was segmented; it may have been removed meanwhile.
        classes : sequence of ClassEntry
            As asked: the first has the number 1.
        outputs : mapping of str to str
            Paths by kind: polygons, labels, confidence.

        Returns
        -------
        list of QgsMapLayer
            Polygons, labels, confidence, as far as they were wanted.

        Raises
        ------
        ResultNotReadable
        """
        names = ", ".join(entry.name for entry in classes)
        layers: list[QgsMapLayer] = [open_polygons(outputs["polygons"], names, classes)]
        if outputs.get("labels"):
            layers.append(open_labels(outputs["labels"], tr("Labels"), classes))
        if outputs.get("confidence"):
            layers.append(open_confidence(outputs["confidence"], tr("Confidence")))
        group = self._group(source_name) or QgsLayerTreeGroup(source_name)
        for place, layer in enumerate(layers):
            self._project.addMapLayer(layer, False)
            node = group.insertLayer(place, layer)
            node.setExpanded(place == 0)
            if isinstance(layer, QgsVectorLayer):
                node.setCustomProperty("showFeatureCount", True)
            else:
                node.setItemVisibilityChecked(False)  # the polygons say the same; one click shows it
        if group.parent() is None:
            self._insert_above(source_id, group)
        for expanded in (False, True):  # the layer panel unfolds a group only when it hears of a change
            group.setExpanded(expanded)
        return layers

    def _group(self, name: str) -> QgsLayerTreeGroup | None:
        """The group of that name, if there is one."""
        return self._project.layerTreeRoot().findGroup(name)

    def _insert_above(self, source_id: str, group: QgsLayerTreeGroup) -> None:
        """Put a new group right above the source layer, or on top where that is gone."""
        root = self._project.layerTreeRoot()
        node = root.findLayer(source_id)
        parent = node.parent() if node is not None else root
        parent.insertChildNode(parent.children().index(node) if node is not None else 0, group)


def open_polygons(path: str, name: str, classes: Sequence[ClassEntry]) -> QgsVectorLayer:
    """The polygons as a styled layer."""
    layer = QgsVectorLayer(path, name, "ogr")
    if not layer.isValid():
        raise ResultNotReadable(path)
    style_polygons(layer, classes)
    return layer


def open_labels(path: str, name: str, classes: Sequence[ClassEntry]) -> QgsRasterLayer:
    """The label raster as a styled layer."""
    layer = _open_raster(path, name)
    style_labels(layer, classes)
    return layer


def open_confidence(path: str, name: str) -> QgsRasterLayer:
    """The confidence raster as a styled layer."""
    layer = _open_raster(path, name)
    style_confidence(layer)
    return layer


def _open_raster(path: str, name: str) -> QgsRasterLayer:
    layer = QgsRasterLayer(path, name or Path(path).stem, "gdal")
    if not layer.isValid():
        raise ResultNotReadable(path)
    return layer
