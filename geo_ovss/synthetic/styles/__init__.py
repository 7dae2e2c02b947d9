"""The kinds of scene: each plans a world and paints nothing."""

from __future__ import annotations

from collections.abc import Callable

from ..world import World
from . import city, countryside, suburb, wild

STYLES: dict[str, Callable[[World], None]] = {
    "city": city.plan,
    "suburb": suburb.plan,
    "countryside": countryside.plan,
    "forest": wild.plan_forest,
}

#: How often a style is drawn when none is asked for.
WEIGHTS: dict[str, float] = dict.fromkeys(STYLES, 1.0)

#: The climates that fit a style.
CLIMATES: dict[str, tuple[str, ...]] = dict.fromkeys(STYLES, ("temperate", "temperate", "tropical"))
