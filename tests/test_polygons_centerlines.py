"""Centre lines: connected networks with widths, whatever the tiles."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from affine import Affine
from label_rasters import write_raster

from geo_ovss import skeleton
from geo_ovss.centerlines import centerlines
from geo_ovss.errors import OutputExists
from geo_ovss.export import centerlines_path, write_polygons
from geo_ovss.polygons import PolygonOptions

NAMES, COLOURS = ["road", "land"], ["#4e5057", "#ede0c0"]


def lines_of(folder: Path, road: np.ndarray, **place: object) -> gpd.GeoDataFrame:
    path = write_raster(folder / "l.tif", np.where(road, 1, 2).astype(np.uint8), **place)
    return pd.concat(centerlines(path, NAMES, [1]))


def ends(lines: gpd.GeoDataFrame) -> set[tuple[float, float]]:
    points = [c for line in lines.geometry for c in (line.coords[0], line.coords[-1])]
    return {p for p in points if points.count(p) == 1}


@pytest.mark.parametrize("width", [3, 4, 9, 20])
@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_a_straight_road(tmp_path: Path, width: int, degrees: float) -> None:
    y, x = np.mgrid[:200, :200] + 0.5
    angle = np.radians(degrees)
    road = np.abs((y - 100) * np.cos(angle) - (x - 100) * np.sin(angle)) < width / 2
    found = lines_of(tmp_path, road)
    assert len(found) == 1
    long = 200 / np.cos(min(angle, np.pi / 2 - angle)) / 2                  # pixels of half a metre
    assert found.length_m.iloc[0] == pytest.approx(long, rel=0.05, abs=width)
    assert found.width_m.iloc[0] == pytest.approx(road.sum() / 4 / long, abs=0.5)
    middle = shapely.LineString([(400_050 - 200 * np.cos(angle), 5_499_950 + 200 * np.sin(angle)),
                                 (400_050 + 200 * np.cos(angle), 5_499_950 - 200 * np.sin(angle))])
    inner = shapely.intersection(found.geometry.iloc[0], shapely.box(400_010, 5_499_910, 400_090, 5_499_990))
    assert max(middle.distance(shapely.Point(c)) for c in inner.coords) < 0.75


def crossing(ragged: float = 0.0) -> np.ndarray:
    y, x = np.mgrid[:240, :240]
    bump = ragged * np.sin(x / 2.0) * np.cos(y / 3.0)
    return (np.abs(y - 100 - 0.1 * x + bump) < 8) | (np.abs(x - 150 + bump) < 5)


@pytest.mark.parametrize("ragged", [0.0, 2.0])
def test_a_crossing_is_one_junction_and_edges_have_no_spurs(tmp_path: Path, ragged: float) -> None:
    found = lines_of(tmp_path, crossing(ragged))
    assert len(found) == 4 and len(ends(found)) == 4
    centre = shapely.Point(400_075, 5_499_942.5)
    assert all(line.distance(centre) < 3 for line in found.geometry)


def test_tiles_do_not_cut_roads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lines_of(tmp_path, crossing(1.0))
    monkeypatch.setattr(skeleton, "TILE", 64)
    monkeypatch.setattr(skeleton, "HALO", 32)
    tiled = lines_of(tmp_path, crossing(1.0))
    assert len(tiled) == len(whole)
    assert tiled.length_m.sum() == pytest.approx(whole.length_m.sum(), rel=0.02)


def test_a_ring_and_a_speck(tmp_path: Path) -> None:
    y, x = np.mgrid[:200, :200]
    road = np.abs(np.hypot(x - 100, y - 100) - 60) < 4
    road[10:14, 10:15] = True                           # too short for a road
    found = lines_of(tmp_path, road)
    assert len(found) == 1 and found.geometry.iloc[0].is_ring
    assert found.length_m.iloc[0] == pytest.approx(np.pi * 60, rel=0.03)


def test_no_road_and_no_crs(tmp_path: Path) -> None:
    assert lines_of(tmp_path, np.zeros((30, 30), bool)).empty
    found = lines_of(tmp_path, crossing(), crs=None, transform=Affine(2, 0, 0, 0, -2, 0))
    assert found.crs is None and {"length_px", "width_px"} <= set(found.columns)


def test_lines_are_written_with_the_polygons(tmp_path: Path) -> None:
    raster = write_raster(tmp_path / "l.tif", np.where(crossing(), 1, 2).astype(np.uint8))
    options = PolygonOptions(centerlines=("road",))
    write_polygons(raster, None, NAMES, COLOURS, tmp_path / "t.gpkg", options=options, target_crs="EPSG:4326")
    assert dict(pyogrio.list_layers(tmp_path / "t.gpkg"))["t_centerlines"] == "LineString"
    lines = gpd.read_file(tmp_path / "t.gpkg", layer="t_centerlines")
    assert lines.crs.to_epsg() == 4326 and len(lines) == 4 and set(lines.class_name) == {"road"}
    for suffix in (".geojson", ".parquet", ".shp"):
        out = tmp_path / f"t{suffix}"
        write_polygons(raster, None, NAMES, COLOURS, out, options=options)
        read = gpd.read_parquet if suffix == ".parquet" else gpd.read_file
        assert len(read(centerlines_path(out))) == 4
    (tmp_path / "t.geojson").unlink()
    with pytest.raises(OutputExists, match="centerlines"):
        write_polygons(raster, None, NAMES, COLOURS, tmp_path / "t.geojson", options=options)


def test_across_the_antimeridian(tmp_path: Path) -> None:
    raster = write_raster(tmp_path / "l.tif", np.where(crossing(), 1, 2).astype(np.uint8), crs="EPSG:32660",
                          transform=Affine(100, 0, 595_000, 0, -100, 8_000_000))
    write_polygons(raster, None, NAMES, COLOURS, tmp_path / "t.gpkg", target_crs="EPSG:4326",
                   options=PolygonOptions(centerlines=("road",)))
    parts = gpd.read_file(tmp_path / "t.gpkg", layer="t_centerlines").explode()
    assert (parts.bounds.maxx - parts.bounds.minx).max() < 1
    assert set(np.sign(parts.bounds.minx)) == {-1.0, 1.0}
