"""`geo-ovss presets`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from geo_ovss.presets import load_presets


def presets(as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False) -> None:
    """List the presets: encoders, method and numbers under one name."""
    rows = [asdict(p) | {"offline": p.clip == "mini" and not p.guide and not p.sam} for p in load_presets().values()]
    if as_json:
        print(json.dumps(rows))
        return
    table = Table("preset", "method", "encoders", "about", box=None)
    for row in rows:
        networks = " + ".join(row[kind] for kind in ("clip", "guide", "sam") if row[kind])
        table.add_row(row["name"], row["method"], networks, row["title"])
    Console().print(table)
