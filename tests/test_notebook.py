"""How a result shows itself in Jupyter."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from label_rasters import town, write_raster

from geo_ovss.errors import FoliumMissing
from geo_ovss.export import read_polygons, write_polygons
from geo_ovss.notebook import explore, repr_html
from geo_ovss.picture import draw_preview
from geo_ovss.polygons import PolygonOptions
from geo_ovss.segmentation import Segmentation
from geo_ovss.vocabulary import parse_classes

NAMES = ["building", "road <b>", "trees", "water", "none"]
COLOURS = ["#ac3218", "#4e5057", "#5cd249", "#457ae7", "#000000"]


@pytest.fixture
def result(tmp_path: Path) -> SimpleNamespace:
    labels = town(120)
    path = write_raster(tmp_path / "l.tif", labels)

    def preview(out: Path) -> Path:
        return draw_preview(np.zeros((*labels.shape, 3), np.uint8), None, labels, NAMES, COLOURS, out)

    return SimpleNamespace(name="town & co", labels_path=path, preview=preview,
                           vocabulary=SimpleNamespace(names=NAMES, colours=COLOURS))


def test_preview_and_table(result: SimpleNamespace) -> None:
    shown = repr_html(result)
    assert "data:image/jpeg;base64,/9j/" in shown and "town &amp; co" in shown and "road &lt;b&gt;" in shown
    assert shown.count("<tr>") == 6 and "0.0%" in shown and "m²" in shown


def test_pictures_show_the_labels_that_polygons_were_written_from(tmp_path: Path) -> None:
    labels = np.full((60, 80), 2, np.uint8)
    labels[10:14, 10:14] = 1                               # 4 m2
    scene = tmp_path / "scene.tif"
    write_raster(scene, np.full(labels.shape, 90, np.uint8))
    segmentation = Segmentation(
        labels_path=write_raster(tmp_path / "l.tif", labels), vocabulary=parse_classes("building,road"), name="scene",
        confidence_path=write_raster(tmp_path / "c.tif", np.full(labels.shape, 0.5, np.float32)), source=str(scene),
        raster_options={})
    assert set(np.unique(segmentation.overview().labels)) == {1, 2}
    summary = segmentation.write_polygons(tmp_path / "clean.gpkg", PolygonOptions(min_area=5))
    assert [row.count for row in summary.rows] == [0, 1]
    assert set(np.unique(segmentation.overview().labels)) == {2}
    assert set(np.unique(segmentation.labels)) == {1, 2}   # what was classified stays
    segmentation.write_polygons(tmp_path / "all.gpkg")
    assert set(np.unique(segmentation.overview().labels)) == {1, 2}


def test_explore(result: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_polygons(result.labels_path, None, NAMES, COLOURS, tmp_path / "t.gpkg")
    polygons = read_polygons(tmp_path / "t.gpkg")
    pytest.importorskip("folium")
    pytest.importorskip("mapclassify")
    page = explore(polygons, NAMES, COLOURS, tiles=None).get_root().render()
    assert all(colour in page for colour in COLOURS[:4]) and "class_name" in page
    monkeypatch.setitem(sys.modules, "folium", None)
    with pytest.raises(FoliumMissing):
        explore(polygons, NAMES, COLOURS)
