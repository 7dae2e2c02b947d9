"""`geo-ovss models list | fetch | verify`: the weights that presets use."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from geo_ovss.errors import ModelDamaged, ModelMissing, ModelUnreadable, UnknownModel
from geo_ovss.models import MIRROR, Component, ModelStatus, Weights, catalogue, get_weights, list_models, obtain, verify
from geo_ovss.presets import load_presets

models_app = typer.Typer(no_args_is_help=True, help="The weights that presets use: list, fetch, verify.")

Names = Annotated[list[str], typer.Argument(help="Models, or presets for all that they use.", show_default=False)]
OptionalNames = Annotated[
    list[str] | None, typer.Argument(help="Models or presets; left out: all that are here.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON list.")]


@models_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Print every known model: licence, size, source, where it lies, whether it is whole."""
    rows = [_row(status) for status in list_models()]
    if as_json:
        print(json.dumps(rows))
        return
    console = Console(highlight=False, soft_wrap=True)
    for row in rows:
        size = f"{'about ' if row['size_about'] else ''}{(row['bytes'] or 0) / 1e6:,.0f} MB"
        users = f"  (preset{'s' * (len(row['presets']) > 1)} {', '.join(row['presets'])})" if row["presets"] else ""
        console.print(f"[bold]{row['name']}[/bold]  {row['component']}, {size}, {_coloured(row['state'])}{users}")
        console.print(f"    {row['title']}. Licence: {row['licence']}. Source: {row['source']}", style="dim")
        if row["path"]:
            console.print(f"    {row['path']}", style="dim")
    console.print(f"\nFiles are looked for in the folder that {MIRROR} names, then in the libraries' own caches.")


def _coloured(state: str) -> str:
    colour = {"whole": "green", "cut": "red"}.get(state)
    return f"[{colour}]{state}[/{colour}]" if colour else state


@models_app.command()
def fetch(names: Names) -> None:
    """Download models; what was cut short goes on, and what is here is left alone."""
    for weights in _expand(names):
        path = _fetch_with_bar(weights)
        print(f"{weights.name}: {path}")


@models_app.command("verify")
def verify_(names: OptionalNames = None, as_json: AsJson = False) -> None:
    """Compare files with the hashes that their publishers give."""
    chosen = _expand(names) if names else [s.weights for s in list_models() if s.path is not None]
    results = [verify(weights) for weights in chosen]
    if as_json:
        print(json.dumps([{"name": r.name, "path": str(r.path) if r.path else None, "ok": r.ok, "detail": r.detail}
                          for r in results]))
    else:
        for result in results:
            print(f"{result.name}: {result.detail}")
    for weights, result in zip(chosen, results, strict=True):
        if result.path is None:
            raise ModelMissing(weights.label, weights.name)
        if result.ok is False:
            raise ModelDamaged(result.path, result.detail)


def _row(status: ModelStatus) -> dict[str, Any]:
    weights = status.weights
    users = [p.name for p in load_presets().values() if weights.name in (p.clip, p.guide, p.sam)]
    own = status.path.with_suffix(".safetensors") if weights.package and status.path else status.path
    have = own.stat().st_size if own is not None and own.is_file() else None
    return {
        "name": weights.name, "component": weights.component, "title": weights.title, "licence": weights.licence,
        "bytes": weights.size or weights.size_about or have, "size_about": weights.size is None and not weights.package,
        "source": weights.source, "file": weights.file, "path": str(status.path) if status.path else None,
        "state": status.state, "presets": users,
    }


def _expand(names: list[str]) -> list[Weights]:
    """Names of models, here or in open_clip's and timm's own lists, and presets as the models they use; each once."""
    chosen: dict[str, Weights] = {}
    for name in names:
        if name in catalogue():
            chosen[name] = get_weights(name)
        elif name in load_presets():
            preset = load_presets()[name]
            chosen |= {m: get_weights(m) for m in (preset.clip, preset.guide, preset.sam) if m}
        else:
            chosen[name] = _of_a_library(name)
    return list(chosen.values())


def _of_a_library(name: str) -> Weights:
    """An open_clip model written ARCHITECTURE:TAG, or a timm model."""
    from geo_ovss.model_sources import resolve

    components: tuple[Component, ...] = ("clip", "guide")
    for component in components:
        with contextlib.suppress(UnknownModel, ModelUnreadable):
            source = resolve(component, name)
            if source.weights is not None:
                return source.weights
    raise UnknownModel("model or preset", name, "`geo-ovss models list` shows the names")


def _fetch_with_bar(weights: Weights) -> Path:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(weights.name, total=weights.size or weights.size_about)
        return obtain(weights, on_bytes=lambda done, total: bar.update(task, completed=done, total=total))
