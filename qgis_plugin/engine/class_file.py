"""The class file of the command line: one class a line, ``name = word | word  #rrggbb``, ``#`` comments.

A class without a tick is kept as a comment that this plugin reads again and the command line leaves alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from .class_entry import ClassEntry, next_colour, tidy, unique
from .errors import ClassFileError
from .texts import tr

UNTICKED = "# unticked: "
_COLOUR = re.compile(r"(?:^|\s)#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})$")
_COMMENT = re.compile(r"\s#(\s.*)?$")


def format_class(entry: ClassEntry) -> str:
    """A class as a line of the file."""
    plain = entry.words == (entry.name,) and not set(entry.name) & set(",;")
    body = entry.name if plain else f"{entry.name} = {' | '.join(entry.words)}"
    return f"{body}  {entry.colour}"


def format_classes(entries: Iterable[ClassEntry]) -> str:
    """The text of a class file."""
    lines = [("" if entry.ticked else UNTICKED) + format_class(entry) for entry in entries]
    return "\n".join([*lines, ""])


def parse_classes(text: str) -> list[ClassEntry]:
    """The classes of a class file; those without a colour get one.

    Raises
    ------
    ClassFileError
        Where a line has no name or no word, or a name comes twice.
    """
    entries: list[ClassEntry] = []
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line, ticked = raw.strip(), True
        if line.startswith(UNTICKED):
            line, ticked = line[len(UNTICKED):], False
        line = _COMMENT.sub("", line).strip()
        if not line or line.startswith("#"):
            continue
        for part in [line] if "=" in line else _split(line):
            entry = replace(_parse_entry(part, tr("Line {} of the class file").format(number)), ticked=ticked)
            if any(other.name.casefold() == entry.name.casefold() for other in entries):
                twice = tr("Line {} of the class file names the class {} a second time.")
                raise ClassFileError(twice.format(number, entry.name))
            entries.append(entry)
    return with_colours(entries)


def parse_typed(text: str) -> list[ClassEntry]:
    """Classes typed or pasted: "road,building", "building|house;road|street", or several such lines.

    Empty names and names that come again are left out; classes without a colour have an empty one.

    Raises
    ------
    ClassFileError
    """
    seen: dict[str, ClassEntry] = {}
    for line in text.splitlines():
        for part in _split(line):
            if part.strip():
                entry = _parse_entry(part, tr("The list of classes"))
                seen.setdefault(entry.name.casefold(), entry)
    return list(seen.values())


def with_colours(entries: Iterable[ClassEntry], used: Iterable[str] = ()) -> list[ClassEntry]:
    """The classes, those without a colour given the palette's next."""
    entries = list(entries)
    taken = [*used, *(entry.colour for entry in entries if entry.colour)]
    coloured = []
    for entry in entries:
        if not entry.colour:
            entry = replace(entry, colour=next_colour(taken))
            taken.append(entry.colour)
        coloured.append(entry)
    return coloured


def read_classes(path: str) -> list[ClassEntry]:
    """The classes of the file at `path`.

    Raises
    ------
    ClassFileError
        Where it cannot be read.
    """
    try:
        return parse_classes(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ClassFileError(tr("The class file {} cannot be read: {}.").format(path, error)) from error


def write_classes(path: str, entries: Iterable[ClassEntry]) -> None:
    """Write a class file; a file that was there is replaced only by a whole one.

    Raises
    ------
    ClassFileError
        Where it cannot be written.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(format_classes(entries), encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise ClassFileError(tr("The class file {} cannot be written: {}.").format(path, error)) from error


def _split(line: str) -> list[str]:
    """Classes on one line: between semicolons, or commas where there is no semicolon."""
    return line.split(";" if ";" in line else ",")


def _parse_entry(text: str, where: str) -> ClassEntry:
    body, colour = _COMMENT.sub("", text).strip(), ""
    match = _COLOUR.search(body)
    if match is not None:
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        body, colour = body[: match.start()], f"#{digits.lower()}"
    name_text, equals, word_text = body.partition("=")
    listed = unique(tidy(word) for word in (word_text if equals else body).split("|"))
    name = tidy(name_text) if equals else (listed[0] if listed else "")
    if not name or not listed:
        raise ClassFileError(tr("{} has a class without a name or a word: {}").format(where, text.strip()))
    asks_name = any(word.casefold() == name.casefold() for word in listed)
    synonyms = tuple(word for word in listed if word.casefold() != name.casefold())
    return ClassEntry(name, synonyms, colour, asks_name=asks_name)
