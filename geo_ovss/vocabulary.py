"""Classes: names that a user keeps, words that CLIP reads, colours of the map, and the text matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from geo_ovss.classfile import read_entries
from geo_ovss.colours import class_colours
from geo_ovss.errors import ClassTwice, NoClasses, TooManyClasses
from geo_ovss.templates import get_templates

MOST_CLASSES = 65_535
"""A label raster has 16 bits, and 0 is no label."""
BACKGROUND = "background"
"""The name of the class that takes what scores too low."""


@dataclass(frozen=True)
class ClassDef:
    """One class.

    Attributes
    ----------
    name : str
        As the user spells it; outputs carry it.
    words : tuple of str
        What CLIP is asked for, at least one; the best-scoring counts.
    colour : str, optional
        ``#rrggbb`` where the user gave one.
    background : bool
        Whether it takes what scores too low.
    """

    name: str
    words: tuple[str, ...]
    colour: str | None = None
    background: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """A class list, in the order given: class i has the label i + 1."""

    classes: tuple[ClassDef, ...]

    def __post_init__(self) -> None:
        if not self.classes:
            raise NoClasses
        if len(self.classes) > MOST_CLASSES:
            raise TooManyClasses(len(self.classes), MOST_CLASSES)
        seen = set()
        for one in self.classes:
            key = " ".join(one.name.split()).casefold()
            if key in seen:
                raise ClassTwice(one.name)
            seen.add(key)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> list[str]:
        """Names in order."""
        return [one.name for one in self.classes]

    @property
    def words(self) -> list[str]:
        """All words, class after class: Q of them."""
        return [word for one in self.classes for word in one.words]

    @property
    def class_of_word(self) -> np.ndarray:
        """Index of the class of each word, (Q,) int64."""
        return np.repeat(np.arange(len(self.classes)), [len(one.words) for one in self.classes])

    @property
    def background(self) -> int | None:
        """Index of the class that takes what scores too low, or None."""
        return next((i for i, one in enumerate(self.classes) if one.background), None)

    @cached_property
    def colours(self) -> list[str]:
        """A colour ``#rrggbb`` for each class: the user's, else the same one for the same name in every run."""
        return class_colours(self.names, [one.colour for one in self.classes])

    def to_text(self) -> str:
        """The class file that `parse_classes` reads back as this vocabulary."""
        lines = []
        for one in self.classes:
            plain = one.words == (one.name,) and not set(one.name) & set(",;=")
            words = one.name if plain else f"{one.name} = {' | '.join(one.words)}"
            lines.append(words if one.colour is None else f"{words} {one.colour}")
        return "\n".join(lines) + "\n"

    def identity(self) -> dict[str, Any]:
        """What decides labels: names and words, not colours; as plain as JSON has it."""
        return {"names": self.names, "words": [list(one.words) for one in self.classes], "background": self.background}


def parse_classes(text_or_path: str | Path) -> Vocabulary:
    """Read a class list.

    Parameters
    ----------
    text_or_path : str or Path
        ``"road,building"``, ``"building|house|roof;road|street;background"``, or the path of a class file; the grammar
        is that of `geo_ovss.classfile`.

    Raises
    ------
    NoClasses, ClassTwice, ClassWithoutWord, BadColour, TooManyClasses, ClassFileMissing, ClassFileUnreadable

    Examples
    --------
    >>> parse_classes("building|house; road").words
    ['building', 'house', 'road']
    """
    return Vocabulary(tuple(
        ClassDef(entry.name, _distinct(entry.words), entry.colour, entry.name.casefold() == BACKGROUND)
        for entry in read_entries(text_or_path)
    ))


class TextEncoder(Protocol):
    """The part of a CLIP encoder (`geo_ovss.encoders`) that reads words."""

    def encode_text(self, words: list[str], templates: list[str]) -> Any:
        """Unit rows (len(words), D)."""


def text_matrix(vocabulary: Vocabulary, encoder: TextEncoder, templates: str | Sequence[str]) -> np.ndarray:
    """Embed all words of a vocabulary.

    Parameters
    ----------
    vocabulary : Vocabulary
        Underscores in its words are read as spaces: they are for files, not for CLIP.
    encoder : TextEncoder
    templates : str or sequence of str
        The name of a set ("imagenet", "overhead", "none"), or templates with ``{}``.

    Returns
    -------
    ndarray, (Q, D) float32
        Unit rows in the order of `Vocabulary.words`.

    Raises
    ------
    UnknownTemplates
    """
    spoken = [" ".join(word.replace("_", " ").split()) or word for word in vocabulary.words]
    distinct = list(dict.fromkeys(spoken))
    rows = encoder.encode_text(distinct, list(get_templates(templates)))
    rows = np.asarray(rows.detach().cpu() if hasattr(rows, "detach") else rows, dtype=np.float32)
    place = {word: i for i, word in enumerate(distinct)}
    return rows[[place[word] for word in spoken]]


def _distinct(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words without repetitions (in any case), in order."""
    return tuple({word.casefold(): word for word in reversed(words)}[key] for key in dict.fromkeys(
        word.casefold() for word in words
    ))
