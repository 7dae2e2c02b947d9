"""Polygons partition the labelled pixels, whatever the raster and the height of the strips."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio.features
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_rasters import UTM, label_arrays, town, write_raster
from numpy.typing import NDArray

from geo_ovss.polygons import PolygonOptions, polygonize, read_map

NAMES = ["building", "road", "trees", "water"]
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def polygons_of(folder: Path, labels: NDArray, options: PolygonOptions | None = None, **arguments: object
                ) -> gpd.GeoDataFrame:
    """All polygons of an array, in pixels."""
    path = write_raster(folder / "labels.tif", labels, crs=None, transform=Affine(1, 0, 0, 0, -1, 0))
    parts = list(polygonize(path, NAMES, options=options, **arguments))
    return pd.concat(parts, ignore_index=True) if parts else gpd.GeoDataFrame({"class_id": []}, geometry=[])


def check_partition(polygons: gpd.GeoDataFrame) -> None:
    """No overlap and no gap that is not a hole of no label; all valid."""
    shapes = polygons.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(shapely.union_all(shapes)))


@QUICK
@given(labels=label_arrays(), rows=st.integers(1, 9))
def test_polygons_are_the_regions_of_the_raster(tmp_path: Path, labels: NDArray[np.uint8], rows: int) -> None:
    ours = polygons_of(tmp_path, labels, strip_rows=rows)
    check_partition(ours)
    # GDAL's own polygoniser finds the same regions.
    found = rasterio.features.shapes(labels, mask=labels > 0, transform=Affine(1, 0, 0, 0, -1, 0))
    theirs = [(int(value), shapely.geometry.shape(geometry).normalize()) for geometry, value in found]
    assert len(ours) == len(theirs)
    key = {(c, g.representative_point().wkt) for c, g in theirs}
    mine = {(c, g.representative_point().wkt) for c, g in zip(ours.class_id, ours.normalize(), strict=True)}
    assert len(ours) == len(mine)
    unmatched = [(c, g) for c, g in zip(ours.class_id, ours.normalize(), strict=True)
                 if (c, g.representative_point().wkt) not in key]
    for class_id, shape in unmatched:                 # the same surface may begin its rings elsewhere
        assert any(class_id == c and shape.equals(g) for c, g in theirs)


@QUICK
@given(labels=label_arrays(), rows=st.integers(1, 9))
def test_the_map_of_borders_does_not_depend_on_strips(tmp_path: Path, labels: NDArray[np.uint8], rows: int) -> None:
    path = write_raster(tmp_path / "labels.tif", labels)
    strips, whole = (read_map(path, strip_rows=n) for n in (rows, None))
    for name in ("xy", "offsets", "left", "right", "closed"):
        assert np.array_equal(getattr(strips.arcs, name), getattr(whole.arcs, name)), name
    for name in ("class_id", "pixels", "known", "confidence_sum", "confidence_least"):
        assert np.array_equal(getattr(strips.regions, name), getattr(whole.regions, name)), name


@QUICK
@given(labels=label_arrays(), rows=st.integers(1, 7), tolerance=st.sampled_from([0.8, 1.5, 4.0, 60.0]),
       smooth=st.booleans())
def test_simplified_polygons_partition_too(tmp_path: Path, labels: NDArray[np.uint8], rows: int, tolerance: float,
                                           smooth: bool) -> None:
    raw = polygons_of(tmp_path, labels)
    options = PolygonOptions(simplify=tolerance, smooth=smooth)
    shaped = polygons_of(tmp_path, labels, options, strip_rows=rows)
    assert list(shaped.class_id) == list(raw.class_id)
    check_partition(shaped)
    if (labels > 0).all():                            # then the frame holds everything, exactly
        assert shapely.area(shaped.geometry.to_numpy()).sum() == pytest.approx(labels.size)
    whole = polygons_of(tmp_path, labels, options)
    assert [g.wkt for g in whole.geometry] == [g.wkt for g in shaped.geometry]


def test_simplification_removes_steps_and_keeps_corners(tmp_path: Path) -> None:
    labels = town()
    raw = polygons_of(tmp_path, labels)
    shaped = polygons_of(tmp_path, labels, PolygonOptions(simplify=1.5))
    check_partition(shaped)
    points = [shapely.get_num_coordinates(p.geometry.to_numpy()).sum() for p in (raw, shaped)]
    assert points[1] < points[0] / 5
    # No border moves by more than a few pixels.
    moved = [a.boundary.hausdorff_distance(b.boundary) for a, b in zip(raw.geometry, shaped.geometry, strict=True)]
    assert max(moved) < 1.5 + 0.75                     # corners of pixels may be half a pixel further away
    square = np.full((40, 40), 2, np.uint8)
    square[10:30, 5:35] = 1
    building = polygons_of(tmp_path, square, PolygonOptions(simplify=2.0)).query("class_id == 1").geometry.iloc[0]
    assert building.equals(shapely.box(5, -30, 35, -10))


def test_smoothing_rounds_corners(tmp_path: Path) -> None:
    labels = np.full((60, 60), 2, np.uint8)
    y, x = np.mgrid[:60, :60]
    labels[np.hypot(x - 30, y - 30) < 20] = 1

    def sharpest(options: PolygonOptions) -> float:
        polygons = polygons_of(tmp_path, labels, options)
        check_partition(polygons)
        ring = shapely.get_coordinates(polygons.query("class_id == 1").geometry.iloc[0].exterior)
        step = np.diff(np.vstack([ring, ring[1]]), axis=0)
        heading = np.arctan2(step[:, 1], step[:, 0])
        turn = np.abs((np.diff(heading) + np.pi) % (2 * np.pi) - np.pi)
        return float(turn.max())

    assert sharpest(PolygonOptions(smooth=True)) < sharpest(PolygonOptions(simplify=1.0)) / 1.5


def test_a_region_that_meets_itself_in_a_corner_is_valid(tmp_path: Path) -> None:
    labels = np.array([[2, 1, 1], [1, 2, 1], [1, 1, 1]], np.uint8)
    polygons = polygons_of(tmp_path, labels)
    check_partition(polygons)
    assert len(polygons) == 3                          # the two 2s touch in a corner and stay apart
    assert polygons.query("class_id == 1").geometry.iloc[0].area == 7


def test_holes_are_kept_and_a_polygon_across_strips_is_one(tmp_path: Path) -> None:
    labels = np.ones((30, 30), np.uint8)
    labels[5:25, 5:25] = 0
    labels[10:20, 10:20] = 2
    polygons = polygons_of(tmp_path, labels, strip_rows=3)
    assert list(polygons.class_id) == [1, 2]
    ring, island = polygons.geometry
    assert len(ring.interiors) == 1 and ring.area == 500 and island.area == 100


def test_confidence_is_of_the_polygons_pixels(tmp_path: Path) -> None:
    labels = np.array([[1, 1, 2, 2], [1, 1, 2, 0]], np.uint8)
    confidence = np.array([[0.2, 0.4, 0.9, np.nan], [0.6, 0.8, 0.7, 0.5]], np.float32)
    path = write_raster(tmp_path / "l.tif", labels)
    sure = write_raster(tmp_path / "c.tif", confidence)
    found = pd.concat(polygonize(path, NAMES, confidence_path=sure, strip_rows=1))
    assert found.confidence.to_list() == pytest.approx([0.5, 0.8])
    assert found.confidence_min.to_list() == pytest.approx([0.2, 0.7])
    assert pd.concat(polygonize(path, NAMES)).confidence.isna().all()


@pytest.mark.parametrize("crs, transform", [
    ("EPSG:32633", UTM),
    ("EPSG:3395", Affine(0.1, 0, 1_000_000, 0, -0.1, 6_500_000)),
    ("EPSG:4326", Affine(1e-5, 0, 13, 0, -1e-5, 52)),
    ("EPSG:2263", Affine(1, 0, 980_000, 0, -1, 200_000)),            # US feet
    ("EPSG:32633", Affine(1.732, 1, 400_000, 1, -1.732, 5_500_000)),
])
def test_areas_are_on_the_ellipsoid(tmp_path: Path, crs: str, transform: Affine) -> None:
    path = write_raster(tmp_path / "l.tif", town(120), crs=crs, transform=transform)
    found = pd.concat(polygonize(path, NAMES, strip_rows=50))
    assert found.crs == pyproj.CRS(crs)
    geod = found.crs.get_geod()
    for row in found.to_crs(found.crs.geodetic_crs).itertuples():
        area, _ = geod.geometry_area_perimeter(shapely.orient_polygons(row.geometry))
        assert row.area_m2 == pytest.approx(area, rel=2e-6, abs=1e-3)
        assert row.perimeter_m == pytest.approx(geod.geometry_length(row.geometry.boundary), rel=1e-6)


def test_long_edges_are_geodesics(tmp_path: Path) -> None:
    degrees = Affine(1, 0, 0, 0, -1, 60)
    path = write_raster(tmp_path / "l.tif", np.ones((5, 7), np.uint8), crs="EPSG:4326", transform=degrees)
    found = next(polygonize(path, NAMES))
    area, length = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapely.box(0, 55, 7, 60))
    assert found.area_m2.iloc[0] == pytest.approx(abs(area), rel=1e-9)
    assert found.perimeter_m.iloc[0] == pytest.approx(length, rel=1e-9)


def test_without_a_crs_areas_are_in_pixels(tmp_path: Path) -> None:
    found = polygons_of(tmp_path, np.array([[1, 1, 0], [2, 2, 2]], np.uint8))
    assert found.crs is None and found.area_m2.isna().all() and found.perimeter_m.isna().all()
    assert found.area_px.to_list() == [2, 3]


def test_a_local_crs_has_planar_areas(tmp_path: Path) -> None:
    local = 'LOCAL_CS["site",UNIT["foot",0.3048],AXIS["x",EAST],AXIS["y",NORTH]]'
    path = write_raster(tmp_path / "l.tif", np.ones((2, 5), np.uint8), crs=local, transform=Affine(1, 0, 0, 0, -1, 0))
    assert next(polygonize(path, NAMES)).area_m2.to_list() == pytest.approx([10 * 0.3048**2])


def test_dissolve_gives_one_feature_a_class(tmp_path: Path) -> None:
    labels = town(150)
    single = polygons_of(tmp_path, labels)
    whole = polygons_of(tmp_path, labels, PolygonOptions(dissolve=True))
    assert list(whole.class_id) == [1, 2, 3, 4] and set(whole.geom_type) == {"MultiPolygon"}
    assert whole.is_valid.all()
    by_class = single.assign(area=single.area).groupby("class_id").area.sum()
    assert whole.area.to_list() == pytest.approx(by_class.to_list())


def test_an_empty_raster_gives_nothing(tmp_path: Path) -> None:
    assert polygons_of(tmp_path, np.zeros((9, 9), np.uint8)).empty


def test_many_classes_in_sixteen_bits(tmp_path: Path) -> None:
    labels = np.array([[300, 300], [65535, 1]], np.uint16)
    path = write_raster(tmp_path / "l.tif", labels)
    found = pd.concat(polygonize(path, [f"c{i}" for i in range(1, 65536)]))
    assert sorted(zip(found.class_id, found.class_name, strict=True)) == [(1, "c1"), (300, "c300"), (65535, "c65535")]


def test_reprojection_keeps_the_partition(tmp_path: Path) -> None:
    # Edges of kilometres: straight in UTM, curved in longitude and latitude.
    labels = np.ones((3000, 3000), np.uint8)
    labels[1:, 1:-1] = 2
    labels[2:, 2:-2] = 3
    path = write_raster(tmp_path / "l.tif", labels, transform=Affine(10, 0, 300_000, 0, -10, 7_000_000))
    found = pd.concat(polygonize(path, NAMES, target_crs="EPSG:4326"))
    check_partition(found)
    own = pd.concat(polygonize(path, NAMES))
    assert found.area_m2.to_list() == pytest.approx(own.area_m2.to_list(), rel=1e-5)


def test_across_the_antimeridian_polygons_are_cut(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "l.tif", town(100), crs="EPSG:32660",
                        transform=Affine(500, 0, 580_000, 0, -500, 8_000_000))
    found = pd.concat(polygonize(path, NAMES, target_crs="EPSG:4326"))
    west, _, east, _ = found.total_bounds
    assert west >= -180 and east <= 180 and found.is_valid.all()
    parts = found.explode()
    assert (parts.bounds.maxx - parts.bounds.minx).max() < 2          # none goes around the world
    assert set(np.sign(parts.bounds.minx)) == {-1.0, 1.0}
    own = pd.concat(polygonize(path, NAMES))
    assert found.area_m2.sum() == pytest.approx(own.area_m2.sum(), rel=1e-4)     # own edges are 50 km long
