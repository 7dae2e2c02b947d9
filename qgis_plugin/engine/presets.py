"""The presets, as the engine lists them: the panel keeps no numbers of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from .engine import Engine
from .errors import EngineUnusable
from .run_log import RunLog
from .texts import tr

DEFAULT_PRESET = "mini"
"""The preset that every installation has, offline."""


@dataclass(frozen=True)
class Preset:
    """One preset.

    Attributes
    ----------
    name : str
        As the command line takes it.
    title : str
        One line about it.
    offline : bool
        Whether its weights are on this computer.
    """

    name: str
    title: str = ""
    offline: bool = True


def parse_presets(text: str) -> list[Preset]:
    """The presets in the engine's answer; raises ValueError for anything else."""
    rows = json.loads(text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("name") for row in rows):
        raise ValueError("not a list of presets")
    return [Preset(str(r["name"]), str(r.get("title") or ""), bool(r.get("offline", True))) for r in rows]


def dump_presets(presets: Iterable[Preset]) -> str:
    """The inverse of `parse_presets`, to remember the last answer."""
    return json.dumps([{"name": p.name, "title": p.title, "offline": p.offline} for p in presets])


def ask_presets(engine: Engine, log: RunLog | None = None) -> list[Preset]:
    """Ask the engine for its presets.

    Raises
    ------
    EngineNotStarted, EngineUnusable
    """
    answer = engine.ask(["-m", "geo_ovss", "presets", "--json"], log or RunLog())
    try:
        return parse_presets(answer)
    except ValueError as error:
        raise EngineUnusable(tr("{} gave no list of presets.").format(engine.interpreter)) from error
