"""The preview: pixels where they belong, the scale bar of the right length, the arrow to the north."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from label_rasters import town, write_raster
from PIL import Image

from geo_ovss.errors import OutputExists
from geo_ovss.picture import blend, draw_preview, north_direction, overview_size, read_labels_overview, round_length

COLOURS = ["#ff0000", "#00ff00", "#0000ff", "#ffff00"]
NAMES = ["building", "road", "trees $x$ and more", "道路"]


def test_classes_shine_through_and_borders_are_opaque() -> None:
    grey = np.full((20, 20, 3), 100, np.uint8)
    labels = np.zeros((20, 20), np.uint8)
    labels[5:15, 5:15] = 1
    valid = np.ones((20, 20), bool)
    valid[:, :3] = False
    picture = blend(grey, labels, COLOURS, valid, opacity=0.5)
    assert tuple(picture[10, 10]) == (178, 50, 50) and tuple(picture[2, 10]) == (100, 100, 100)
    assert tuple(picture[5, 8]) == (255, 0, 0)
    assert (picture[:, :3] == picture[0, 0]).all() and picture[0, 0].min() > 230


def test_the_preview_is_drawn(tmp_path: Path) -> None:
    labels = town(300)
    rgb = np.repeat((labels * 40 + 50)[..., None], 3, axis=2).astype(np.uint8)
    out = draw_preview(rgb, None, labels, NAMES, COLOURS, tmp_path / "p.png", transform=Affine(1, 0, 0, 0, -1, 0),
                       metres_per_pixel=0.5, title="town")
    picture = np.asarray(Image.open(out).convert("RGB")).astype(int)
    assert picture.shape[0] > 500 and picture.shape[1] > 600            # small scenes are enlarged
    legend = picture[:, -300:]
    for colour in ([255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]):       # every class has its patch
        assert (np.abs(legend - colour).sum(axis=2) == 0).sum() > 50
    with pytest.raises(OutputExists):
        draw_preview(rgb, None, labels, NAMES, COLOURS, out)
    before = out.read_bytes()
    draw_preview(rgb, None, labels, NAMES, COLOURS, out, overwrite=True)        # no scale, no arrow
    assert out.read_bytes() != before


@pytest.mark.parametrize("transform, direction", [
    (Affine(1, 0, 0, 0, -1, 0), (0, -1)),                   # north up
    (Affine(1, 0, 0, 0, 1, 0), (0, 1)),                     # south up
    (Affine(0, 1, 0, 1, 0, 0), (1, 0)),                     # north to the right
    (Affine(0, -1, 0, -1, 0, 0), (-1, 0)),
    (Affine(3, -4, 9, -4, -3, 9), (-0.8, -0.6)),
    (Affine(0.01, 0, 10, 0, -0.02, 50), (0, -1)),
])
def test_north(transform: Affine, direction: tuple[float, float]) -> None:
    dx, dy = north_direction(transform)
    assert (dx, dy) == pytest.approx(direction)
    t = transform
    east, north = t.a * dx + t.b * dy, t.d * dx + t.e * dy
    assert east == pytest.approx(0, abs=1e-9) and north > 0


def test_scale_bar_lengths_are_round() -> None:
    assert [round_length(v) for v in (1, 1.9, 2, 7, 49, 50, 0.3, 12345)] == [1, 1, 2, 5, 20, 50, 0.2, 10000]


def test_overviews_of_labels(tmp_path: Path) -> None:
    assert overview_size(4000, 1000, 1600) == (400, 1600) and overview_size(30, 20) == (20, 30)
    labels = np.ones((600, 900), np.uint8)
    labels[:, ::3] = 2
    path = write_raster(tmp_path / "l.tif", labels)
    assert (read_labels_overview(path, (200, 300)) == 1).all()          # the most frequent, not the nearest
