"""Colours of classes: the same for a name in every run, distinct within one list, water blue and vegetation green.

The colours of the five commonest classes were found by a search for the largest smallest distance between any two, as
seen with normal sight and with each of the three kinds of colour blindness.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

BUILDING, ROAD, VEGETATION, WATER, LAND = "#ac3218", "#4e5057", "#5cd249", "#457ae7", "#ede0c0"

USUAL: dict[str, str] = {
    **dict.fromkeys(("building", "house", "roof", "rooftop", "church", "school", "settlement", "urban"), BUILDING),
    **dict.fromkeys(("road", "street", "highway", "freeway", "asphalt", "runway", "track"), ROAD),
    **dict.fromkeys(("vegetation", "plant", "shrub", "bush"), VEGETATION),
    **dict.fromkeys(("water", "river", "lake", "sea", "ocean", "pond", "canal", "stream", "lagoon", "bay"), WATER),
    **dict.fromkeys(("land", "ground", "bareland", "barren", "earth", "desert"), LAND),
    **dict.fromkeys(("tree", "forest", "wood", "woodland", "palm"), "#1b7a3d"),
    **dict.fromkeys(("grass", "lawn", "meadow", "pasture", "grassland", "rangeland", "park"), "#a6d96a"),
    **dict.fromkeys(("field", "crop", "cropland", "agriculture", "farmland", "vineyard", "orchard"), "#d8c83c"),
    **dict.fromkeys(("car", "vehicle", "truck", "bus", "van"), "#d6219c"),
    **dict.fromkeys(("boat", "ship", "vessel", "harbor", "harbour", "pier"), "#7a3fb0"),
    **dict.fromkeys(("pavement", "parking", "carpark", "sidewalk", "concrete", "driveway", "lot"), "#9a9ca3"),
    **dict.fromkeys(("railway", "rail", "railroad", "train"), "#3d2b56"),
    **dict.fromkeys(("sand", "beach", "dune"), "#f7f0a0"),
    **dict.fromkeys(("soil", "dirt", "mud"), "#a5702a"),
    **dict.fromkeys(("rock", "gravel", "stone", "quarry"), "#84766a"),
    **dict.fromkeys(("swimmingpool", "pool"), "#5fe0e8"),
    **dict.fromkeys(("snow", "ice", "glacier", "cloud"), "#f4fafd"),
    **dict.fromkeys(("panel", "solar"), "#1d2a73"),
    **dict.fromkeys(("airplane", "aircraft", "plane"), "#ff7fb0"),
    **dict.fromkeys(("court", "playground", "stadium"), "#e8862c"),
    **dict.fromkeys(("bridge",), "#b08968"),
    **dict.fromkeys(("shadow",), "#23242b"),
    **dict.fromkeys(("background", "other", "clutter", "unknown"), "#d2d2d6"),
}
"""Colours that a map reader expects, by the singular of a word."""

OTHERS = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#332288", "#88ccee", "#44aa99",
    "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499", "#994f00", "#006cd1", "#e1be6a", "#40b0a6",
    "#5d3a9b", "#d35fb7", "#1a85ff", "#b2182b",
)
"""For all other names: the colour-blind safe sets of Okabe and Ito, and of Tol, and some of the kind."""

DIFFERENT = 18.0
"""Distance in CIE Lab from which two areas on a map are told apart at a glance."""
COMPARED = 64
"""Lists longer than this get colours that are only not equal: nobody tells so many apart."""


def class_colours(names: Sequence[str], given: Sequence[str | None]) -> list[str]:
    """A colour for each class.

    Parameters
    ----------
    names : sequence of str
    given : sequence of str or None
        Colours that the user chose, ``#rrggbb``; they are kept, even where two are the same.

    Returns
    -------
    list of str
        ``#rrggbb``. Without a clash a name's colour depends on the name alone; where two names would get the same one
        (house and building), the earlier keeps it.
    """
    taken = {colour.lower() for colour in given if colour is not None}
    seen = [_lab(colour) for colour in sorted(taken)[:COMPARED]]
    chosen = []
    for name, own in zip(names, given, strict=True):
        if own is None:
            own = next(c for c in _candidates(name) if c not in taken and (len(seen) >= COMPARED or _differs(c, seen)))
            taken.add(own)
            if len(seen) < COMPARED:
                seen.append(_lab(own))
        chosen.append(own.lower())
    return chosen


def _candidates(name: str) -> Iterator[str]:
    """Colours for a name, best first; without end."""
    usual = _usual(name)
    if usual is not None:
        yield usual
        red, green, blue = (int(usual[i : i + 2], 16) / 255 for i in (1, 3, 5))
        hue, light, rich = colorsys.rgb_to_hls(red, green, blue)
        for other in (light * 0.6, light + 0.45 * (1 - light), light * 0.35, light + 0.7 * (1 - light)):
            yield _hex(hue, other, rich)
    start = int.from_bytes(hashlib.sha256(_plain(name).encode()).digest()[:4], "big")
    for i in range(len(OTHERS)):
        yield OTHERS[(start + i) % len(OTHERS)]
    turn = start / 2**32
    while True:  # the golden angle spreads hues evenly, the square root of two lightness
        turn += 0.6180339887498949
        light, rich = turn * 1.4142135623730951 % 1, turn * 1.7320508075688772 % 1
        yield _hex(turn % 1, 0.25 + 0.55 * light, 0.35 + 0.6 * rich)


def _usual(name: str) -> str | None:
    """The colour that a map reader expects: of the whole name, else of its last known word (a red roof is a roof)."""
    words = _plain(name).split()
    for word in ["".join(words), *reversed(words)]:
        for form in (word, word.removesuffix("s"), word.removesuffix("es")):
            if form in USUAL:
                return USUAL[form]
    return None


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def _hex(hue: float, light: float, rich: float) -> str:
    return "#" + "".join(f"{round(255 * v):02x}" for v in colorsys.hls_to_rgb(hue, light, rich))


def _differs(colour: str, seen: Sequence[np.ndarray]) -> bool:
    place = _lab(colour)
    return all(float(np.linalg.norm(place - other)) >= DIFFERENT for other in seen)


def _lab(colour: str) -> np.ndarray:
    """CIE Lab (D65) of ``#rrggbb``."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])
    xyz = matrix @ linear / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
