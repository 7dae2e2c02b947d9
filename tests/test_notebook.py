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
