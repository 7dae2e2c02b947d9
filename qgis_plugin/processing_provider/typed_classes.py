"""Class names typed into one line, as the command line takes them."""

from __future__ import annotations

from ..engine.class_entry import ClassEntry, split_names


def parse_typed_classes(text: str) -> list[ClassEntry]:
    """Classes of "road,building" or "building|house;road|street"; a name that comes again is left out."""
    seen: dict[str, ClassEntry] = {}
    for entry in split_names(text):
        seen.setdefault(entry.name.casefold(), entry)
    return list(seen.values())
