"""The kinds of scene: each plans a world and paints nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..world import World
from . import (
    airport,
    city,
    countryside,
    desert,
    freeway,
    homes,
    industrial,
    lagoon,
    park,
    river,
    suburb,
    town,
    waterside,
    wild,
)


class Style(NamedTuple):
    """A kind of scene: its planner, how often it is drawn when none is asked for, the climates that fit."""

    plan: Callable[[World], None]
    weight: float
    climates: tuple[str, ...] = ("temperate", "temperate", "tropical", "arid")


STYLES: dict[str, Style] = {
    "city": Style(city.plan, 1.2),
    "suburb": Style(suburb.plan, 1.3),
    "town": Style(town.plan, 1.2),
    "desert": Style(desert.plan, 1.3, ("arid",)),
    "lagoon": Style(lagoon.plan, 1.4, ("arid",)),
    "countryside": Style(countryside.plan, 1.2, ("temperate", "temperate", "tropical")),
    "coast": Style(waterside.plan_coast, 1.3),
    "harbour": Style(waterside.plan_harbour, 1.4),
    "industrial": Style(industrial.plan, 1.3),
    "airport": Style(airport.plan, 1.5),
    "forest": Style(wild.plan_forest, 0.7, ("temperate", "temperate", "tropical")),
    "river": Style(river.plan, 0.8),
    "scrub": Style(wild.plan_scrub, 0.9, ("arid", "temperate", "tropical")),
    "marsh": Style(wild.plan_marsh, 0.5),
    "sports": Style(park.plan_sports, 1.5),
    "golf": Style(park.plan_golf, 0.8),
    "freeway": Style(freeway.plan, 1.0),
    "mobile homes": Style(homes.plan, 0.6),
}
