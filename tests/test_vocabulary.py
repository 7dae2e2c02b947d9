"""Class lists, their words, files, templates and text matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_ovss.build import build_text
from geo_ovss.errors import (
    BadColour,
    ClassFileMissing,
    ClassFileUnreadable,
    ClassTwice,
    ClassWithoutWord,
    GeoOvssError,
    NoClasses,
    TooManyClasses,
    UnknownTemplates,
)
from geo_ovss.presets import Preset
from geo_ovss.templates import TEMPLATES, get_templates
from geo_ovss.vocabulary import ClassDef, Vocabulary, parse_classes, text_matrix


def test_a_comma_list() -> None:
    found = parse_classes("road, Building ,car_park")
    assert found.names == ["road", "Building", "car_park"]
    assert found.words == found.names
    assert found.class_of_word.tolist() == [0, 1, 2]
    assert found.background is None
    assert len(found) == 3


def test_synonyms() -> None:
    found = parse_classes("building|house | roof;road|street;background")
    assert found.names == ["building", "road", "background"]
    assert found.words == ["building", "house", "roof", "road", "street", "background"]
    assert found.class_of_word.tolist() == [0, 0, 0, 1, 1, 2]
    assert found.class_of_word.dtype == np.int64
    assert found.background == 2
    assert [one.background for one in found.classes] == [False, False, True]


@pytest.mark.parametrize(("text", "names", "words"), [
    ("road", ["road"], ["road"]),
    ("building|house,road|street", ["building", "road"], ["building", "house", "road", "street"]),
    ("tree, palm;road", ["tree, palm", "road"], ["tree, palm", "road"]),
    ("built-up = house | roof; road", ["built-up", "road"], ["house", "roof", "road"]),
    ("road|Street|STREET|road", ["road"], ["road", "Street"]),
    ("  tennis   court ,x", ["tennis court", "x"], ["tennis court", "x"]),
    ("Straße,forêt,水", ["Straße", "forêt", "水"], ["Straße", "forêt", "水"]),
    ("land/sand,road", ["land/sand", "road"], ["land/sand", "road"]),
    ("Background = sky|wall;road", ["Background", "road"], ["sky", "wall", "road"]),
])
def test_spellings(text: str, names: list[str], words: list[str]) -> None:
    found = parse_classes(text)
    assert found.names == names
    assert found.words == words


def test_colours_on_the_command_line() -> None:
    found = parse_classes("water #0000FF,road|street #abc,land")
    assert [one.colour for one in found.classes] == ["#0000ff", "#aabbcc", None]
    assert found.words == ["water", "road", "street", "land"]
    assert found.colours[:2] == ["#0000ff", "#aabbcc"]


FILE = """\
# what there is in my town
building = house | roof | rooftop   #c03020
road|street          # paved ones
\t
Background
#commented = out
water #1f78b4   # rivers too
car park
a, b = left, right|right
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file(tmp_path: Path, ends: str, mark: str) -> None:
    path = tmp_path / "my classes.txt"
    path.write_bytes((mark + FILE.replace("\n", ends)).encode())
    for given_as in (path, str(path)):
        found = parse_classes(given_as)
        assert found.names == ["building", "road", "Background", "water", "car park", "a, b"]
        assert [one.words for one in found.classes] == [
            ("house", "roof", "rooftop"), ("road", "street"), ("Background",), ("water",), ("car park",),
            ("left, right", "right"),
        ]
        assert [one.colour for one in found.classes] == ["#c03020", None, None, "#1f78b4", None, None]
        assert found.background == 2


def test_text_with_lines_is_read_as_a_file() -> None:
    assert parse_classes(FILE).names[:2] == ["building", "road"]


def test_a_comma_list_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("road,building|house\nwater\n")
    assert parse_classes(tmp_path / "a.txt").words == ["road", "building", "house", "water"]


def test_a_class_may_be_called_as_a_file_that_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "road").write_text("building\n")
    monkeypatch.chdir(tmp_path)
    assert parse_classes("road").names == ["road"]
    assert parse_classes("./road").names == ["building"]
    assert parse_classes(Path("road")).names == ["building"]


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    for text in (FILE, "road", "a;b|c;background #00ff00", "x = y"):
        found = parse_classes(text)
        (tmp_path / "back.txt").write_text(found.to_text())
        assert parse_classes(tmp_path / "back.txt") == found


LETTERS = st.text(st.characters(codec="utf-8", categories=("L", "N", "Zs"), include_characters=",;=_-'()/"), min_size=1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(LETTERS, st.lists(LETTERS, min_size=1, max_size=4)), min_size=1, max_size=6))
def test_any_class_list_survives_its_file(entries: list[tuple[str, list[str]]]) -> None:
    lines = [f"{name.replace('=', '')} = {'|'.join(words)}" for name, words in entries]
    try:
        found = parse_classes("\n".join(lines) + "\n")
    except GeoOvssError:
        return
    assert parse_classes(found.to_text()) == found


def test_identity_is_of_what_decides_labels() -> None:
    one, other = parse_classes("a #111111,b|c"), parse_classes("a,b|c")
    assert one.identity() == other.identity() != parse_classes("a,b|d").identity()
    assert one.identity() == {"names": ["a", "b"], "words": [["a"], ["b", "c"]], "background": None}


# -- what is wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "error", "words"), [
    ("", NoClasses, "names no class"),
    ("   ", NoClasses, "names no class"),
    ("# only\n\n  # comments\n", NoClasses, "names no class"),
    ("road,building,Road", ClassTwice, "'Road' is named twice"),
    ("road; ROAD |street", ClassTwice, "'ROAD' is named twice"),
    ("tennis court,tennis  court", ClassTwice, "named twice"),
    ("road,,building", ClassWithoutWord, "no word in 'road,,building'"),
    ("road,", ClassWithoutWord, "no word"),
    (";", ClassWithoutWord, "no word"),
    ("road|;building", ClassWithoutWord, "no word"),
    ("road = ;building", ClassWithoutWord, "no word"),
    (" = road;building", ClassWithoutWord, "no word"),
    ("road\n = house\n", ClassWithoutWord, "no word on line 2"),
    ("#ff0000,road", ClassWithoutWord, "no word"),
    ("road #12345,a", BadColour, "'#12345' in .* is not a colour"),
    ("road #red\nwater", BadColour, "'#red' on line 1"),
    ("nowhere.txt", ClassFileMissing, "nowhere.txt does not exist"),
    ("no/where", ClassFileMissing, "does not exist"),
    (Path("nowhere"), ClassFileMissing, "does not exist"),
    (",".join(f"c{i}" for i in range(65_536)), TooManyClasses, "65536 classes are too many"),
])
def test_bad_class_lists(text: str | Path, error: type[GeoOvssError], words: str) -> None:
    with pytest.raises(error, match=words) as found:
        parse_classes(text)
    assert str(found.value).endswith(".")
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 300


def test_bad_class_files(tmp_path: Path) -> None:
    with pytest.raises(ClassFileUnreadable, match="it is a folder"):
        parse_classes(tmp_path)
    path = tmp_path / "a.txt"
    path.write_bytes(b"stra\xdfe\n")
    with pytest.raises(ClassFileUnreadable, match="not UTF-8"):
        parse_classes(path)
    path.write_text("# nothing\n")
    with pytest.raises(NoClasses, match=r"a\.txt names no class"):
        parse_classes(path)


def test_as_many_classes_as_a_label_raster_has() -> None:
    assert len(parse_classes("\n".join(f"c{i}" for i in range(65_535)))) == 65_535


def test_a_vocabulary_made_by_hand_is_checked_too() -> None:
    with pytest.raises(ClassTwice):
        Vocabulary((ClassDef("a", ("a",)), ClassDef("A", ("b",))))
    with pytest.raises(NoClasses):
        Vocabulary(())


# -- templates and the text matrix --------------------------------------------------------------------------------


def test_templates() -> None:
    assert set(TEMPLATES) == {"imagenet", "overhead", "none"}
    assert len(TEMPLATES["imagenet"]) == 80
    assert TEMPLATES["imagenet"][0] == "a bad photo of a {}."
    assert len(set(TEMPLATES["overhead"])) >= 10
    assert TEMPLATES["none"] == ("{}",)
    assert all(t.count("{}") == 1 for name in TEMPLATES for t in TEMPLATES[name])
    assert get_templates(["a {} here"]) == ("a {} here",)


@pytest.mark.parametrize("templates", ["imagnet", ["a photo"]])
def test_unknown_templates(templates: str | list[str]) -> None:
    with pytest.raises(UnknownTemplates, match="there are imagenet, overhead, none"):
        get_templates(templates)


def test_the_text_matrix_of_a_real_text_tower(tiny_preset: Preset) -> None:
    encoder: Any = build_text(tiny_preset).text
    vocabulary = parse_classes("car_park|parking lot;road;house|car park")
    matrix = text_matrix(vocabulary, encoder, "overhead")
    assert matrix.shape == (5, 32)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(matrix[0], matrix[4])  # "car_park" is read as "car park"
    by_hand = []
    for template in TEMPLATES["overhead"]:
        with torch.no_grad():
            row = encoder.model.encode_text(encoder.tokenizer([template.format("parking lot")]))[0]
        by_hand.append(row / row.norm())
    mean = torch.stack(by_hand).mean(0)
    np.testing.assert_allclose(matrix[1], mean / mean.norm(), atol=1e-5)


def test_words_are_asked_for_once() -> None:
    class Counting:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def encode_text(self, words: list[str], templates: list[str]) -> np.ndarray:
            self.asked += words
            return np.eye(len(words), dtype=np.float64)

    encoder = Counting()
    matrix = text_matrix(parse_classes("a|b_c;b c;_"), encoder, "none")
    assert encoder.asked == ["a", "b c", "_"]
    np.testing.assert_array_equal(matrix, np.eye(3)[[0, 1, 1, 2]])
