"""Class lists as text: one line of the command line, or a file with a class a line.

The same grammar for both. A class is ``name``, ``word|word`` (named after its first word) or ``name = word | word``,
and a colour may follow: ``water = river | lake #1f78b4``. On one line classes are separated by semicolons, or by commas
where there is no semicolon; in a file by lines. ``#`` before a space, or at the start of a line, begins a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from geo_ovss.errors import BadColour, ClassFileMissing, ClassFileUnreadable, ClassWithoutWord, NoClasses

LARGEST_FILE = 16 * 2**20
"""Bytes: the longest class list that a label raster can number is far smaller."""

LONGEST_PATH = 1024
SHOWN = 120
"""Characters of a class list that a message repeats."""
_LOOKS_LIKE_A_FILE = re.compile(r"[\\/]|\.[A-Za-z]\w{0,7}$")
_COMMENT = re.compile(r"\s#(\s.*)?$")


@dataclass(frozen=True)
class Entry:
    """One class as written: its name, its words as given (None where there are only the name's), its colour."""

    name: str
    words: tuple[str, ...]
    colour: str | None


def read_entries(text_or_path: str | Path) -> list[Entry]:
    """Parse a class list, or the file that holds one.

    Raises
    ------
    NoClasses, ClassWithoutWord, BadColour, ClassFileMissing, ClassFileUnreadable
    """
    text = str(text_or_path)
    if "\n" in text:
        return _many(text, "The class list")
    if isinstance(text_or_path, Path) or _is_file(text):
        return _many(_file_text(Path(text)), f"The class file {text}")
    if not text.strip():
        raise NoClasses
    separator = ";" if ";" in text else ","
    where = f"in {text!r}" if len(text) <= SHOWN else f"in {text[:SHOWN] + '...'!r}"
    return [_entry(part, where) for part in text.split(separator)]


def _is_file(text: str) -> bool:
    """Whether one line names a file: a class may be called as a file that happens to lie here, but not as a path."""
    if len(text) > LONGEST_PATH or not _LOOKS_LIKE_A_FILE.search(text):
        return False
    return not any(mark in text for mark in ",;|=") or Path(text).is_file()


def _file_text(path: Path) -> str:
    if not path.exists():
        raise ClassFileMissing(path)
    if not path.is_file():
        raise ClassFileUnreadable(path, "it is a folder")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ClassFileUnreadable(path, "it is too large for a list of classes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClassFileUnreadable(path, "it is not UTF-8 text") from error
    except OSError as error:
        raise ClassFileUnreadable(path, error.strerror or "the system refuses") from error


def _many(text: str, source: str) -> list[Entry]:
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", line).strip()
        if not line or line.startswith("#"):
            continue
        where = f"on line {number} of {source[0].lower() + source[1:]}"
        parts = [line] if "=" in line else re.split(";" if ";" in line else ",", line)
        entries += [_entry(part, where) for part in parts]
    if not entries:
        raise NoClasses(source)
    return entries


def _entry(text: str, where: str) -> Entry:
    text, colour = _without_colour(_COMMENT.sub("", text).strip(), where)
    name, equals, words = text.partition("=")
    name = " ".join(name.split())
    given = tuple(" ".join(word.split()) for word in (words if equals else text).split("|"))
    if not name or not all(given):
        raise ClassWithoutWord(where)
    return Entry(name if equals else given[0], given, colour)


def _without_colour(text: str, where: str) -> tuple[str, str | None]:
    """Take ``#rrggbb`` (or ``#rgb``) off the end of a class."""
    match = re.search(r"(?:^|\s)#(\S+)$", text)
    if match is None:
        return text, None
    digits = match.group(1)
    if re.fullmatch(r"[0-9a-fA-F]{3}", digits):
        digits = "".join(2 * digit for digit in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        raise BadColour(f"#{match.group(1)}", where)
    return text[: match.start()].strip(), f"#{digits.lower()}"
