"""Touching objects are split where the confidence shows a saddle, and only there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from label_rasters import write_raster

from geo_ovss import instances
from geo_ovss.errors import ConfidenceNeeded, UnknownClass
from geo_ovss.export import read_polygons, write_polygons
from geo_ovss.instances import smooth_within, split, split_instances
from geo_ovss.polygons import PolygonOptions

NAMES, COLOURS = ["building", "land"], ["#ac3218", "#ede0c0"]


def houses(depth: float, size: int = 60, shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two touching houses in a row, confident in their middles; between them the confidence falls by `depth`."""
    labels = np.full((size, size), 2, np.uint8)
    labels[20 + shift:40 + shift, 10:30] = labels[20 + shift:40 + shift, 30:50] = 1
    x = np.arange(size)
    along = np.maximum(np.exp(-((x - 20) / 6) ** 2), np.exp(-((x - 40) / 6) ** 2))
    confidence = np.broadcast_to(0.9 - depth * (1 - along), (size, size)).astype(np.float32)
    return labels, confidence


def polygons_of(folder: Path, labels: np.ndarray, confidence: np.ndarray, **options: object) -> np.ndarray:
    rasters = write_raster(folder / "l.tif", labels), write_raster(folder / "c.tif", confidence)
    write_polygons(*rasters, NAMES, COLOURS, folder / "p.gpkg", overwrite=True,
                   options=PolygonOptions(instances=("building",), **options))
    return read_polygons(folder / "p.gpkg")


def test_houses_are_split_at_the_saddle(tmp_path: Path) -> None:
    found = polygons_of(tmp_path, *houses(0.4)).query("class_id == 1")
    assert len(found) == 2
    assert found.area.to_list() == pytest.approx([100, 100], rel=0.06)      # 20 x 20 pixels of half a metre
    assert len(polygons_of(tmp_path, *houses(0.05)).query("class_id == 1")) == 1


def test_pieces_share_their_border_when_shaped(tmp_path: Path) -> None:
    import shapely

    labels, confidence = houses(0.4)
    found = polygons_of(tmp_path, labels, confidence, simplify=0.5, regularize=("building",))
    assert shapely.coverage_is_valid(found.geometry.to_numpy()) and len(found) == 3
    assert found.area.sum() == pytest.approx(labels.size / 4)


def test_other_classes_stay_whole(tmp_path: Path) -> None:
    labels, confidence = houses(0.4)
    labels[labels == 1], labels[labels == 2] = 9, 1
    labels[labels == 9] = 2                              # now the houses are of the class that is not split
    found = polygons_of(tmp_path, labels, confidence)
    assert len(found.query("class_id == 2")) == 1


def test_tiles_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    labels = np.zeros((150, 170), np.uint8)
    labels[random.random(labels.shape) < 0.75] = 1
    confidence = random.random(labels.shape).astype(np.float32)
    rasters = write_raster(tmp_path / "l.tif", labels), write_raster(tmp_path / "c.tif", confidence)

    def run(name: str, **options: object) -> np.ndarray:
        with rasterio.open(split_instances(*rasters, tmp_path / name, [1], **options)) as raster:
            return raster.read(1)

    whole = run("a.tif")
    monkeypatch.setattr(instances, "TILE", 40)
    tiled = run("b.tif", strip_rows=13)
    assert ((whole > 0) == (labels == 1)).all() and ((tiled > 0) == (labels == 1)).all()
    for axis in (0, 1):                                  # the same borders, whatever the numbers
        a, b, c = (np.diff(v.astype(int), axis=axis) != 0 for v in (whole, tiled, labels))
        np.testing.assert_array_equal(a & ~c, b & ~c)


def test_a_region_without_any_known_confidence_is_one() -> None:
    regions = np.ones((8, 8), int)
    surface = smooth_within(np.full((8, 8), np.nan), regions > 0)
    assert set(np.unique(split(surface, regions))) == {1}


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    labels = write_raster(tmp_path / "l.tif", np.ones((4, 4), np.uint8))
    with pytest.raises(ConfidenceNeeded):
        write_polygons(labels, None, NAMES, COLOURS, tmp_path / "p.gpkg", options=PolygonOptions(instances=("land",)))
    with pytest.raises(UnknownClass):
        polygons_of(tmp_path, *houses(0.4), regularize=("castle",))
