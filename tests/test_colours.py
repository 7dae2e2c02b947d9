"""Colours of classes: stable, distinct, told apart by colour-blind people."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from geo_ovss.colours import DIFFERENT, OTHERS, USUAL, _lab, class_colours

COMMON = ["building", "road", "vegetation", "water", "land"]

BLINDNESS = {
    # Machado, Oliveira and Fernandes 2009, complete deficiency, on linear RGB
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def colours(*names: str) -> list[str]:
    return class_colours(names, [None] * len(names))


def seen_by(colour: str, kind: str) -> str:
    """The colour that an eye of that kind sees, ``#rrggbb``."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(BLINDNESS[kind]) @ linear, 0, 1)
    rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * v):02x}" for v in rgb)


def distance(a: str, b: str) -> float:
    return float(np.linalg.norm(_lab(a) - _lab(b)))


@pytest.mark.parametrize("kind", [None, *BLINDNESS])
def test_the_common_classes_are_told_apart_by_everybody(kind: str | None) -> None:
    shown = [c if kind is None else seen_by(c, kind) for c in colours(*COMMON)]
    assert min(distance(a, b) for a, b in combinations(shown, 2)) > 20


def test_a_name_keeps_its_colour() -> None:
    alone = [colours(name)[0] for name in (*COMMON, "quux", "zebra crossing")]
    assert colours(*COMMON, "quux", "zebra crossing") == alone
    assert colours("quux", "land")[::-1] == colours("land", "quux")
    assert alone[-2:] == [OTHERS[14], OTHERS[11]] or all(c in OTHERS for c in alone[-2:])
    assert colours("quux") == colours(" QUUX ")


@pytest.mark.parametrize(("name", "like"), [
    ("river", "water"), ("Houses", "building"), ("red roof", "building"), ("swimming_pool", "pool"),
    ("streets", "road"), ("parking lot", "parking"), ("trees", "tree"), ("beaches", "beach"), ("water", "water"),
])
def test_readers_expectations(name: str, like: str) -> None:
    assert colours(name) == [USUAL[like]]


def test_a_list_has_distinct_colours() -> None:
    names = ["building", "house", "roof", "church", "river", "lake", "sea", "a", "b", "c", *map(str, range(20))]
    shown = colours(*names)
    assert min(distance(a, b) for a, b in combinations(shown, 2)) >= DIFFERENT
    many = colours(*(f"class {i}" for i in range(700)))
    assert len(set(many)) == 700


def test_given_colours_are_kept_and_not_given_again() -> None:
    shown = class_colours(["a", "building", "b"], ["#AC3218", None, "#ac3218"])
    assert shown[0] == shown[2] == "#ac3218"
    assert distance(shown[1], "#ac3218") >= DIFFERENT
