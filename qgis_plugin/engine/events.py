"""The engine's progress: one JSON object a line on its standard output."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class EngineEvent:
    """One line of the engine.

    Attributes
    ----------
    stage : str
        What the engine is at ("encode", "classify", ...), or "done", or "error".
    done, total : float
        Steps of the stage; total is 0 where it is not known.
    message : str
        A line for the user; may be empty.
    rate : float or None
        Steps a second, where the engine says it.
    remaining : float or None
        Seconds left of the stage, where the engine says it.
    outputs : dict of str to str
        At stage "done": the files written, by kind (polygons, labels, confidence, features).
    """

    stage: str
    done: float = 0.0
    total: float = 0.0
    message: str = ""
    rate: float | None = None
    remaining: float | None = None
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def fraction(self) -> float | None:
        """The stage's part done, 0 to 1; None where the total is not known."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else None


def parse_event(line: str) -> EngineEvent | None:
    """The event in a line, or None for a line that is not one (a library's warning, say)."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("stage"), str):
        return None
    outputs = fields.get("outputs")
    return EngineEvent(
        stage=fields["stage"],
        done=_number(fields.get("done")) or 0.0,
        total=_number(fields.get("total")) or 0.0,
        message=str(fields.get("message") or ""),
        rate=_number(fields.get("rate")),
        remaining=_number(fields.get("remaining")),
        outputs={str(k): str(v) for k, v in outputs.items() if v} if isinstance(outputs, dict) else {},
    )


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None
