"""Small regions join the neighbour with the longest shared border; holes are filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_rasters import label_arrays, write_raster
from numpy.typing import NDArray
from skimage.measure import label as connected

from geo_ovss.cleaning import clean_labels

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
PIXELS = Affine(1, 0, 0, 0, -1, 0)


def clean(folder: Path, labels: NDArray, **options: object) -> NDArray:
    source = write_raster(folder / "l.tif", labels, crs=None, transform=PIXELS)
    with rasterio.open(clean_labels(source, folder / "clean.tif", **options)) as raster:
        assert raster.dtypes[0] == str(labels.dtype)
        return raster.read(1)


def one_by_one(labels: NDArray, smallest: float) -> NDArray:
    """The same by the book: the smallest region first, one at a time."""
    labels = labels.astype(int)
    while True:
        regions = connected(labels, connectivity=1, background=0)
        sizes = np.bincount(regions.ravel())
        sizes[0] = 0
        small = [r for r in range(1, len(sizes)) if sizes[r] < smallest]
        if not small:
            return labels
        first = min(small, key=lambda r: (sizes[r], r))
        border = dict.fromkeys(range(len(sizes)), 0)
        for a, b in ((regions[1:], regions[:-1]), (regions[:, 1:], regions[:, :-1])):
            for p, q in ((a, b), (b, a)):
                for other in q[(p == first) & (q != first) & (q > 0)]:
                    border[other] += 1
        best = max(border, key=lambda r: (border[r], sizes[r], -r))
        labels[regions == first] = labels[regions == best][0] if border[best] else 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=label_arrays(largest=12, classes=4), smallest=st.integers(2, 12), rows=st.integers(1, 5))
def test_no_small_region_is_left_whatever_the_strips(tmp_path: Path, labels: NDArray, smallest: int, rows: int) -> None:
    cleaned = clean(tmp_path, labels, min_area=smallest, strip_rows=rows)
    regions = connected(cleaned.astype(int), connectivity=1, background=0)
    sizes = np.bincount(regions.ravel())[1:]
    assert (sizes >= smallest).all()
    assert (cleaned[labels == 0] == 0).all()
    np.testing.assert_array_equal(cleaned, clean(tmp_path, labels, min_area=smallest))


def test_rounds_agree_with_one_at_a_time(tmp_path: Path) -> None:
    # Ties between equal regions may be broken in another order once regions have grown.
    equal = []
    for seed in range(12):
        labels = np.random.default_rng(seed).integers(0, 4, (9, 11)).astype(np.uint8)
        equal.append((clean(tmp_path, labels, min_area=5) == one_by_one(labels, 5)).mean())
    assert np.mean(equal) > 0.95


def test_the_longest_border_wins(tmp_path: Path) -> None:
    labels = np.ones((10, 10), np.uint8)
    labels[:, 6:] = 2
    labels[4:6, 5:7] = 3                                # touches 2 along 4 edges, 1 along 4: the larger one takes it
    assert (clean(tmp_path, labels, min_area=5)[4:6, 5:7] == 1).all()
    labels[4:6, 5:7] = 2
    labels[4, 6:8] = 3                                  # now 2 all around but for one edge
    assert (clean(tmp_path, labels, min_area=5)[4, 6:8] == 2).all()


def test_what_grows_together_counts_as_one(tmp_path: Path) -> None:
    # Two small squares of class 1 that a speck of class 2 keeps apart: the speck joins them, and they stay.
    labels = np.full((6, 12), 3, np.uint8)
    labels[2:5, 2:5] = labels[2:5, 6:9] = 1
    labels[2:5, 5] = 2
    cleaned = clean(tmp_path, labels, min_area=10)
    assert (cleaned[2:5, 2:9] == 1).all()


def test_an_island_without_neighbours_loses_its_label(tmp_path: Path) -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[2, 2] = 1
    labels[5:9, 5:9] = 2
    cleaned = clean(tmp_path, labels, min_area=4)
    assert cleaned[2, 2] == 0 and (cleaned == 2).sum() == 16


def test_holes_are_filled_from_around(tmp_path: Path) -> None:
    labels = np.ones((12, 20), np.uint8)
    labels[:, 10:] = 2
    labels[3:5, 3:5] = labels[5:9, 12:17] = labels[0, 5] = labels[2, 9:12] = 0
    small = clean(tmp_path, labels, holes=4)
    assert (small[3:5, 3:5] == 1).all() and (small[5:9, 12:17] == 0).all()
    assert small[0, 5] == 0                             # at the frame: no hole
    assert (small[2, 9:12] == 2).all()
    everything = clean(tmp_path, labels, holes=True, strip_rows=2)
    assert (everything == 0).sum() == 1


def test_areas_are_on_the_ground(tmp_path: Path) -> None:
    labels = np.ones((20, 20), np.uint8)
    labels[5:10, 5:10] = 2                              # 25 pixels
    mercator = Affine(1, 0, 1_000_000, 0, -1, 8_400_000)            # at 60 degrees north a metre of the map is half
    source = write_raster(tmp_path / "l.tif", labels, crs="EPSG:3395", transform=mercator)
    for least, left in ((6.0, True), (7.0, False)):
        with rasterio.open(clean_labels(source, tmp_path / "c.tif", min_area=least)) as raster:
            assert (raster.read(1) == 2).any() == left
    feet = write_raster(tmp_path / "f.tif", labels, crs="EPSG:2263", transform=Affine(1, 0, 980_000, 0, -1, 200_000))
    with rasterio.open(clean_labels(feet, tmp_path / "c.tif", min_area=2.5)) as raster:
        assert (raster.read(1) == 1).all()              # 25 square feet are 2.3 m2
