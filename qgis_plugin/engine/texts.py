"""The engine's sentences in the user's language.

The modules here need no Qt to be imported; the plugin hands in Qt's translation (`translation.py`) when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable

_translators: list[Callable[[str], str]] = []


def tr(text: str) -> str:
    """The text in the user's language, where a translation is in use and knows it."""
    return _translators[-1](text) if _translators else text


def use_translation(translate: Callable[[str], str]) -> None:
    """From now on `tr` asks this."""
    _translators[:] = [translate]
