"""One class of the table: its name, the words it is asked by, its colour, its tick."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#f0e442", "#332288", "#88ccee", "#44aa99",
    "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499",
)
"""Colours of classes with no usual one, in turn: the colour-blind safe sets of Okabe and Ito, and of Tol."""

ONLY = "only:"
"""Leads the synonyms of a class that is not asked by its own name."""

_SEPARATORS = re.compile(r"[|,;]")
_RESERVED = re.compile(r"[=|#\r\n\t]+")


@dataclass(frozen=True)
class ClassEntry:
    """One row of the class table.

    Attributes
    ----------
    name : str
        The class's name, kept as spelled.
    synonyms : tuple of str
        Further words; the best-scoring word of a class counts.
    colour : str
        "#rrggbb".
    ticked : bool
        Whether it is asked for.
    asks_name : bool
        Whether the name itself is one of the words.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    colour: str = PALETTE[0]
    ticked: bool = True
    asks_name: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """All words that the class is asked by."""
        return ((self.name,) if self.asks_name or not self.synonyms else ()) + self.synonyms

    @property
    def synonym_text(self) -> str:
        """The synonyms as the table shows them."""
        text = " | ".join(self.synonyms)
        return text if self.asks_name or not self.synonyms else f"{ONLY} {text}"

    def with_name(self, text: str) -> ClassEntry:
        """The same class under another name; an empty one changes nothing."""
        return replace(self, name=tidy(text) or self.name)

    def with_synonym_text(self, text: str) -> ClassEntry:
        """The same class with the synonyms that a user typed, separated by bars, commas or semicolons."""
        only = text.strip().lower().startswith(ONLY)
        body = text.strip()[len(ONLY):] if only else text
        words = unique(tidy(word) for word in _SEPARATORS.split(body))
        others = tuple(word for word in words if only or word.casefold() != self.name.casefold())
        return replace(self, synonyms=others, asks_name=not (only and others))


def tidy(text: str) -> str:
    """A word without the characters that the class file gives a meaning to, and without needless blanks."""
    return " ".join(_RESERVED.sub(" ", text).split())


def unique(words: Iterable[str]) -> tuple[str, ...]:
    """The words without empty and repeated ones, in their order; capitals do not tell words apart."""
    seen: dict[str, str] = {}
    for word in words:
        if word:
            seen.setdefault(word.casefold(), word)
    return tuple(seen.values())


def next_colour(used: Iterable[str]) -> str:
    """The first colour of the palette that is used least."""
    taken = [colour.lower() for colour in used]
    return min(PALETTE, key=taken.count)
