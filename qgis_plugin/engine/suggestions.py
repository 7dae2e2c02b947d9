"""Class lists to begin with: class files beside the code, the first comment line their title."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .class_entry import ClassEntry
from .class_file import parse_classes

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
