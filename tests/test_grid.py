"""Geometry of windows and blocks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_ovss.grid import Box, Layout, block_starts, window_starts

sizes = st.integers(1, 5000)


@given(length=sizes, stride=st.sampled_from([16, 64, 112, 224]))
def test_windows_cover_the_axis_on_the_token_grid(length: int, stride: int) -> None:
    starts = window_starts(length, 224, stride, 16)
    assert starts[0] == 0
    assert all(s % 16 == 0 for s in starts)
    assert all(0 < b - a <= stride for a, b in itertools.pairwise(starts))
    assert starts[-1] + 224 >= length
    assert starts[-1] + 224 < max(length, 224 - 15) + 16


@given(length=sizes)
def test_blocks_tile_the_axis_from_the_origin(length: int) -> None:
    starts = block_starts(length, 1008)
    assert starts == tuple(i * 1008 for i in range(len(starts)))
    assert length - starts[-1] < 1008 + 252


@given(height=sizes, width=sizes)
def test_cores_tile_the_scene_and_every_window_has_one_owner(height: int, width: int) -> None:
    layout = Layout(height, width, 224, 112, 16, 1008, 224)
    assert sum(layout.core(*b).area for b in layout.blocks()) == height * width
    windows = [w for b in layout.blocks() for w in layout.windows(*b)]
    assert len(windows) == len(set(windows)) == layout.window_count


def test_neighbours_hold_every_window_that_meets_the_reach() -> None:
    layout = Layout(4000, 3000, 224, 112, 16, 1008, 224)
    everything = [w for b in layout.blocks() for w in layout.windows(*b)]
    for block in layout.blocks():
        near = {w for b in layout.neighbours(*block) for w in layout.windows(*b)}
        assert {w for w in everything if w.meets(layout.reach(*block))} <= near


def test_a_wrong_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of the token"):
        Layout(100, 100, 224, 100, 16, 1008, 112)
    with pytest.raises(ValueError, match="must hold a window"):
        Layout(100, 100, 224, 112, 16, 224, 112)


@given(st.tuples(*[st.integers(0, 60)] * 4), st.tuples(*[st.integers(0, 60)] * 4))
def test_clip_is_the_intersection_of_cells(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> None:
    canvas = np.zeros((130, 130), dtype=int)
    for box in (Box(*a), Box(*b)):
        canvas[box.slices()] += 1
    assert Box(*a).clip(Box(*b)).area == (canvas == 2).sum()
