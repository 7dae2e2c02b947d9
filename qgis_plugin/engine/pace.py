"""Rate and remaining time, as the run bar shows them."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from .events import EngineEvent
from .texts import tr

STAGE_SHARES: dict[str, tuple[float, float]] = {
    "encode": (0.0, 80.0),
    "classify": (80.0, 88.0),
    "refine": (88.0, 93.0),
    "clean": (93.0, 95.0),
    "polygons": (95.0, 99.0),
    "done": (100.0, 100.0),
}
"""Where a stage lies on the progress bar, in percent. Encoding is nearly all of a run; the bar never goes back."""


class Pace:
    """Follows the events of one run.

    The engine tells its own rate and remaining time where it knows them; elsewhere they are taken from the steps seen
    since the stage began.

    Parameters
    ----------
    encodes : bool
        Whether the run encodes; a mere question to kept features has the whole bar to itself.
    clock : callable
        Seconds.
    """

    def __init__(self, encodes: bool = True, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._base = 0.0 if encodes else STAGE_SHARES["encode"][1]
        self._stage = ""
        self._began = 0.0
        self._first = 0.0
        self.percent = 0.0

    def follow(self, event: EngineEvent) -> str:
        """Take in an event and say where the run is: "encode: 12 of 81, 3.2 a second, about 22 s left"."""
        if event.stage != self._stage:
            self._stage, self._began, self._first = event.stage, self._clock(), event.done
        self._advance(event)
        if event.stage == "done":
            return event.message
        parts = [event.stage]
        if event.total > 0:
            parts[0] = tr("{}: {:g} of {:g}").format(event.stage, event.done, event.total)
        rate = event.rate if event.rate is not None else self._rate(event)
        if rate:
            parts.append(tr("{:.3g} a second").format(rate))
        remaining = event.remaining
        if remaining is None and rate and event.total > 0:
            remaining = (event.total - event.done) / rate
        if remaining is not None and event.done < event.total:
            parts.append(tr("about {} left").format(duration(remaining)))
        return ", ".join(parts)

    def _rate(self, event: EngineEvent) -> float | None:
        elapsed = self._clock() - self._began
        return (event.done - self._first) / elapsed if elapsed > 0 and event.done > self._first else None

    def _advance(self, event: EngineEvent) -> None:
        if event.stage in STAGE_SHARES:
            begin, end = STAGE_SHARES[event.stage]
            share = begin + (end - begin) * (event.fraction or 0.0)
            self.percent = max(self.percent, 100.0 * (share - self._base) / (100.0 - self._base))


def duration(seconds: float) -> str:
    """A time span for people: "4 s", "3 min 20 s", "2 h 05 min"."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
