"""How the values of a ground truth become class numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geo_ovss.errors import BadLabelMap, TruthValueOutOfRange

IGNORED_VALUE = 255
"""The value that every benchmark at hand keeps for "unlabelled"; a map may still name it."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_RANGE = re.compile(r"(-?\d+)(?:-(-?\d+))?")


class LabelMap:
    """From label values to class numbers 1..K; 0 is unknown.

    Parameters
    ----------
    names : sequence of str
        The K class names.
    entries : mapping of str to str, optional
        From a value ("3"), a range of values ("128-255"), a colour ("#3C1098") or, for polygons, an attribute ("Dach")
        to a class name. Values that are not listed are unknown. Without entries, value v is class number
        ``v + offset``.
    offset : int, default 0
        Used without entries: 0 where the values are class numbers with 0 for unknown, as this project writes them; 1
        where they count from 0. The values 255 and those that give 0 or less are unknown.

    Raises
    ------
    BadLabelMap
        An entry names no class, or values and colours are mixed.

    Examples
    --------
    >>> LabelMap(["land", "road"], offset=1).apply(np.array([[0, 1, 255]]))
    array([[1, 2, 0]], dtype=uint16)
    >>> LabelMap(["land", "road"], {"0-127": "land", "128-255": "road"}).apply(np.array([[3, 250]]))
    array([[1, 2]], dtype=uint16)
    """

    def __init__(self, names: Sequence[str], entries: Mapping[str, str] | None = None, offset: int = 0) -> None:
        self.names, self.offset = list(names), offset
        self._by_name = {name.casefold(): number for number, name in enumerate(names, 1)}
        self._ranges: list[tuple[int, int, int]] = []
        self._colours: dict[int, int] = {}
        self._words: dict[str, int] = {}
        self.explicit = bool(entries)
        for value, name in (entries or {}).items():
            self._add(value.strip(), name.strip())
        if self._colours and self._ranges:
            raise BadLabelMap("values and colours cannot be mixed")

    @classmethod
    def parse(cls, text: str, names: Sequence[str]) -> LabelMap:
        """The map that ``"0=building,1=land"`` stands for."""
        entries: dict[str, str] = {}
        for part in filter(None, (p.strip() for p in text.split(","))):
            value, equals, name = part.partition("=")
            if not equals or not value.strip() or not name.strip():
                raise BadLabelMap(f"'{part}' is not of the form value=class")
            entries[value] = name
        return cls(names, entries)

    def _add(self, value: str, name: str) -> None:
        number = self._by_name.get(name.casefold())
        if number is None:
            raise BadLabelMap(f"'{name}' is none of the classes {', '.join(self.names)}")
        if _COLOUR.fullmatch(value):
            self._colours[int(value[1:], 16)] = number
        elif found := _RANGE.fullmatch(value):
            low = int(found[1])
            self._ranges.append((low, int(found[2]) if found[2] else low, number))
        self._words[value.casefold()] = number

    def identity(self) -> dict[str, object]:
        """As plain JSON values."""
        return {"offset": self.offset, "ranges": self._ranges, "colours": self._colours, "words": self._words}

    @property
    def by_colour(self) -> bool:
        """Whether the truth is a colour picture."""
        return bool(self._colours)

    def apply(self, values: NDArray[np.generic]) -> NDArray[np.uint16]:
        """Class numbers of label values.

        Parameters
        ----------
        values : ndarray (H, W) of numbers, or (3, H, W) of uint8 where the map is of colours

        Raises
        ------
        TruthValueOutOfRange
            Without entries, a value is beyond the last class.
        """
        if self.by_colour:
            red, green, blue = (band.astype(np.uint32) for band in values)
            return self._look_up((red << 16) | (green << 8) | blue, [(c, c, n) for c, n in self._colours.items()])
        if self.explicit:
            return self._look_up(values, self._ranges)
        known = np.isfinite(values) & (values != IGNORED_VALUE)
        numbers = np.where(known, values, 0).astype(np.int64) + self.offset
        numbers[~known] = 0
        if numbers.max(initial=0) > len(self.names):
            raise TruthValueOutOfRange(int(numbers.max()) - self.offset, len(self.names))
        return np.maximum(numbers, 0).astype(np.uint16)

    @staticmethod
    def _look_up(values: NDArray[np.generic], ranges: Sequence[tuple[int, int, int]]) -> NDArray[np.uint16]:
        numbers = np.zeros(values.shape, np.uint16)
        for low, high, number in ranges:
            numbers[(values >= low) & (values <= high)] = number  # type: ignore[operator]
        return numbers

    def number(self, value: object) -> int:
        """The class number of a polygon's attribute: a mapped value, a class name, or a number; else 0."""
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        if self.explicit:
            return self._words.get(text.strip().casefold(), 0)
        if (found := self._by_name.get(text.strip().casefold())) is not None:
            return found
        if re.fullmatch(r"-?\d+", text.strip()):
            number = int(text) + self.offset
            return number if 0 < number <= len(self.names) and int(text) != IGNORED_VALUE else 0
        return 0
