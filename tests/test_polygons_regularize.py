"""Straightened outlines: right angles, and still a partition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from label_rasters import label_arrays, town
from test_polygons import check_partition, polygons_of

from geo_ovss.errors import UnknownClass
from geo_ovss.polygons import PolygonOptions
from geo_ovss.regularize import main_direction, straighten


def rectangle(angle: float, length: float = 20, width: float = 10) -> np.ndarray:
    corners = np.array([(0, 0), (length, 0), (length, width), (0, width)], float)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return corners @ turn.T


def angles(polygon: shapely.Polygon) -> np.ndarray:
    """Angles in degrees at the corners, modulo a quarter turn: 0 is a right angle or a straight wall."""
    ring = shapely.get_coordinates(polygon.exterior)[:-1]
    wall = np.roll(ring, -1, axis=0) - ring
    heading = np.degrees(np.arctan2(wall[:, 1], wall[:, 0]))
    turn = np.diff(np.append(heading, heading[0]))
    return np.abs((turn + 45) % 90 - 45)


@pytest.mark.parametrize("degrees", [0, 10, 44, 46, 80, -30])
def test_the_main_direction_is_found(degrees: float) -> None:
    direction, coherence = main_direction(rectangle(np.radians(degrees)))
    assert (np.degrees(direction) - degrees + 45) % 90 == pytest.approx(45) and coherence == pytest.approx(1)


def test_a_crooked_outline_becomes_a_rectangle() -> None:
    crooked = np.array([(0, 0), (10, 0.6), (20, 0), (20.5, 5), (20, 10), (11, 9.6), (11, 10.2), (0, 10)], float)
    placed, keep = straighten(crooked, np.zeros(8, bool), np.zeros(8, bool), pixel=1.0)
    assert keep.sum() == 4
    assert angles(shapely.Polygon(placed[keep])).max() < 1e-6
    # What must stay a point stays one, on the wall; what must not move does not.
    needed, fixed = np.zeros(8, bool), np.zeros(8, bool)
    needed[1] = fixed[4] = True
    placed, keep = straighten(crooked, fixed, needed, pixel=1.0)
    assert keep[1] and keep[4] and (placed[4] == crooked[4]).all()


def test_a_circle_is_not_angular() -> None:
    around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(around), np.sin(around)], axis=1) * 10
    assert straighten(circle, np.zeros(40, bool), np.zeros(40, bool), pixel=1.0) is None


def test_buildings_get_right_angles_and_neighbours_follow(tmp_path: Path) -> None:
    labels = town(300, seed=4)
    options = PolygonOptions(simplify=1, regularize=("building",))
    shaped = polygons_of(tmp_path, labels, options)
    check_partition(shaped)
    plain = polygons_of(tmp_path, labels, PolygonOptions(simplify=1))
    whole = lambda frame: frame[(frame.class_id == 1) & ~frame.intersects(shapely.LinearRing(  # noqa: E731
        [(0, 0), (300, 0), (300, -300), (0, -300)]))]
    right = [angles(p).max() < 1.0 for p in whole(shaped).geometry]
    before = [angles(p).max() < 1.0 for p in whole(plain).geometry]
    assert np.mean(right) > 0.9 > 0.5 > np.mean(before)
    assert shaped.area.sum() == pytest.approx(plain.area.sum())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=label_arrays(largest=30, classes=3), rows=st.integers(3, 20))
def test_the_partition_holds_whatever_is_straightened(tmp_path: Path, labels: np.ndarray, rows: int) -> None:
    options = PolygonOptions(smooth=True, regularize=("building", "road"))
    shaped = polygons_of(tmp_path, labels, options, strip_rows=rows)
    check_partition(shaped)
    if (labels > 0).all():
        assert shaped.area.sum() == pytest.approx(labels.size)


def noise(seed: int, height: int, width: int) -> np.ndarray:
    """Holds outlines of the same size; which of them is straightened first must not hang on the strips."""
    return np.random.default_rng(seed).integers(0, 4, (height, width)).astype(np.uint8)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=label_arrays(largest=26, classes=3), rows=st.integers(1, 20), smooth=st.booleans())
@example(labels=noise(0, 22, 18), rows=3, smooth=True)
@example(labels=noise(6, 22, 18), rows=3, smooth=True)
def test_straightening_does_not_depend_on_strips(tmp_path: Path, labels: np.ndarray, rows: int, smooth: bool) -> None:
    options = PolygonOptions(simplify=0 if smooth else 1, smooth=smooth, regularize=("building", "road"))
    shaped, whole = (polygons_of(tmp_path, labels, options, **strips) for strips in ({"strip_rows": rows}, {}))
    assert list(shaped.class_id) == list(whole.class_id)
    assert [g.wkt for g in shaped.geometry] == [g.wkt for g in whole.geometry]


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownClass, match=r"'house'.*building, road"):
        polygons_of(tmp_path, np.ones((4, 4), np.uint8), PolygonOptions(regularize=("house",)))
