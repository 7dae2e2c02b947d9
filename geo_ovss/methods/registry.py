"""From a method's name to the method."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from geo_ovss.encoders.clip import ClipEncoder
from geo_ovss.encoders.guide import GuideEncoder
from geo_ovss.encoders.sam import SamEncoder
from geo_ovss.errors import BadMethodOption, MissingEncoder, UnknownMethod, UnknownMethodOption
from geo_ovss.methods.base import Method
from geo_ovss.methods.clearclip import ClearClip
from geo_ovss.methods.gclip import Gclip, GlaGclip
from geo_ovss.methods.gla import Gla, GlaClearClip, GlaSclip
from geo_ovss.methods.maskclip import MaskClip
from geo_ovss.methods.naclip import NaClip
from geo_ovss.methods.proxyclip import ProxyClip
from geo_ovss.methods.sclip import Sclip
from geo_ovss.methods.trident import Trident
from geo_ovss.methods.vanilla import Vanilla
from geo_ovss.methods.window import ClipMethod

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Entry:
    """How a method is built.

    Attributes
    ----------
    kind : type
    families : tuple of str
        Tables ``[methods.FAMILY]`` of `presets.toml` that hold its options; a later one wins.
    needs : tuple of str
        Encoders besides CLIP: "guide", "sam".
    """

    kind: type[ClipMethod]
    families: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


METHODS: dict[str, Entry] = {
    "vanilla": Entry(Vanilla),
    "maskclip": Entry(MaskClip),
    "sclip": Entry(Sclip),
    "naclip": Entry(NaClip, ("naclip",)),
    "clearclip": Entry(ClearClip),
    "proxyclip": Entry(ProxyClip, ("proxyclip",), ("guide",)),
    "gla-clearclip": Entry(GlaClearClip, ("gla", "gla-own")),
    "gla-sclip": Entry(GlaSclip, ("gla", "gla-own")),
    "gla-proxyclip": Entry(Gla, ("gla",), ("guide",)),
    "gclip": Entry(Gclip, ("gclip",)),
    "gla-gclip": Entry(GlaGclip, ("gla", "gla-own", "gclip")),
    "trident": Entry(Trident, ("trident",), ("guide", "sam")),
}


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("geo_ovss").joinpath("presets.toml").read_text(encoding="utf-8"))["methods"]


def published_options(name: str) -> dict[str, Any]:
    """All options of a method at their published values.

    Raises
    ------
    UnknownMethod
    """
    if name not in METHODS:
        raise UnknownMethod(name, METHODS)
    options: dict[str, Any] = {}
    for family in ("clip", *METHODS[name].families):
        options.update(_tables()[family])
    return options


def build_method(
    name: str, *, clip: ClipEncoder, guide: GuideEncoder | None = None, sam: SamEncoder | None = None,
    window: int, stride: int, options: Mapping[str, Any] | None = None,
) -> Method:
    """Assemble a method.

    Parameters
    ----------
    name : str
        One of `METHODS`.
    clip, guide, sam : encoders
        A guide or a SAM that the method does not need is left aside.
    window, stride : int
        Pixels of the working grid.
    options : mapping or None
        What differs from `published_options`.

    Raises
    ------
    UnknownMethod, UnknownMethodOption, BadMethodOption, MissingEncoder, WindowNotWhole
    """
    values = merge_options(name, options or {})
    entry, encoders = METHODS[name], {"guide": guide, "sam": sam}
    for need in entry.needs:
        if encoders[need] is None:
            raise MissingEncoder(name, need)
    extra: dict[str, Any] = {"sam": sam} if "sam" in entry.needs else {}
    return entry.kind(name, clip, guide if "guide" in entry.needs else None, window, stride, **extra, **values)


def merge_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The published options with the given ones in their place, which must be of the same type."""
    values = published_options(name)
    for option, value in given.items():
        if option not in values:
            raise UnknownMethodOption(name, option, sorted(values))
        kind = type(values[option])
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
            values[option] = value
        elif kind is float and is_number:
            values[option] = float(value)
        else:
            raise BadMethodOption(name, option, f"must be of type {kind.__name__}, not {value!r}")
    return values
