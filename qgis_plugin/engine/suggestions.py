"""Class lists to begin with: class files beside the code, the first comment line their title."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from .class_entry import ClassEntry
from .class_file import parse_classes, with_colours

FOLDER = Path(__file__).resolve().parent.parent / "suggestions"


@dataclass(frozen=True)
class Suggestion:
    """A class list with its title."""

    title: str
    classes: tuple[ClassEntry, ...]


def suggestions() -> list[Suggestion]:
    """All suggestions, by title."""
    found = []
    for path in FOLDER.glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        found.append(Suggestion(text.splitlines()[0].lstrip("# "), tuple(parse_classes(text))))
    return sorted(found, key=lambda suggestion: suggestion.title)


@cache
def known_colours() -> dict[str, str]:
    """The colour of each name and word of the suggestions, names first: water is blue wherever it is named."""
    entries = [entry for suggestion in suggestions() for entry in suggestion.classes]
    pairs = [(entry.name, entry.colour) for entry in entries]
    pairs += [(word, entry.colour) for entry in entries for word in entry.words]
    colours: dict[str, str] = {}
    for word, colour in pairs:
        colours.setdefault(word.casefold(), colour)
    return colours


def coloured(entries: Iterable[ClassEntry], used: Iterable[str] = ()) -> list[ClassEntry]:
    """The classes, those without a colour given that of their name, or the palette's next."""
    known = known_colours()
    named = []
    taken = {colour.lower() for colour in used}
    for entry in entries:
        colour = known.get(entry.name.casefold(), "")
        if not entry.colour and colour and colour not in taken:
            entry = replace(entry, colour=colour)
        taken.add(entry.colour)
        named.append(entry)
    return with_colours(named, used)
