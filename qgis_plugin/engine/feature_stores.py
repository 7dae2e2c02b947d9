"""The kept features: which layers are encoded, how large their stores are, and whether they still fit.

Each store is a folder ``<name>-<number>.features`` in one place, with a note ``...features.json`` beside it that says
what it was made from. The note is written before encoding begins, so that an interrupted encoding is gone on with in
the same folder; the engine itself knows which of its blocks are whole.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from .commands import EncodeOptions

SUFFIX = ".features"


@dataclass(frozen=True)
class StoreNote:
    """What a store was made from.

    Attributes
    ----------
    layer : str
        The layer's name when it was encoded.
    source : str
        The raster's path.
    stamp : tuple of int
        Size in bytes and time of the raster's last change; (0, 0) where it is no file (a network path).
    options : EncodeOptions
        What decides the features; its `aoi` is the area itself (a box, or WKT), not a file that holds it.
    made : str
        When encoding ended, local time, ISO; empty while it has not.
    """

    layer: str
    source: str
    stamp: tuple[int, int]
    options: EncodeOptions
    made: str = ""


@dataclass(frozen=True)
class KeptStore:
    """A store in the list."""

    path: Path
    note: StoreNote

    @property
    def area_file(self) -> Path:
        """Where the polygons of its area of interest lie: the engine reads them again when it answers."""
        return self.path.with_name(self.path.name + ".aoi.gpkg")

    @property
    def whole(self) -> bool:
        """Whether encoding came to its end."""
        return bool(self.note.made) and self.path.is_dir()

    @property
    def current(self) -> bool:
        """Whether the raster is still what it was."""
        return raster_stamp(self.note.source) == self.note.stamp

    @property
    def nbytes(self) -> int:
        """Size on disk."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())


class FeatureStores:
    """The stores under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[KeptStore]:
        """Every store, the newest first; a note that cannot be read is left out."""
        stores = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}.json")):
            note = _read_note(path)
            if note is not None:
                stores.append(KeptStore(path.with_suffix(""), note))
        return sorted(stores, key=lambda store: store.note.made, reverse=True)

    def find(self, source: str, options: EncodeOptions) -> KeptStore | None:
        """The store of a raster as it is now, made with these options; whole or not."""
        fitting = [s for s in self.all() if s.note.source == source and s.note.options == options and s.current]
        return max(fitting, key=lambda store: store.whole, default=None)

    def reserve(self, layer: str, source: str, options: EncodeOptions) -> KeptStore:
        """The store to encode into: an unfinished one of the same make, or a new one."""
        found = self.find(source, options)
        if found is not None:
            return found
        self.folder.mkdir(parents=True, exist_ok=True)
        store = KeptStore(self._free_path(layer), StoreNote(layer, source, raster_stamp(source), options))
        _write_note(store)
        return store

    def finish(self, store: KeptStore) -> KeptStore:
        """Note that a store is whole."""
        made = datetime.now().astimezone().isoformat(timespec="seconds")
        store = replace(store, note=replace(store.note, made=made))
        _write_note(store)
        return store

    def delete(self, store: KeptStore) -> None:
        """Remove a store and its note; the note goes last, so that a half-deleted one is still listed.

        Raises
        ------
        OSError
            Where a file is in use or may not be removed.
        """
        if store.path.exists():
            shutil.rmtree(store.path)
        if store.area_file.exists():
            store.area_file.unlink()
        _note_path(store).unlink()

    def _free_path(self, layer: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", layer).strip("_")[:40] or "layer"
        number = 1
        while True:
            path = self.folder / f"{name}-{number}{SUFFIX}"
            if not path.exists() and not path.with_name(path.name + ".json").exists():
                return path
            number += 1


def raster_stamp(source: str) -> tuple[int, int]:
    """Size and time of last change of a raster file; zeros where it is no file."""
    try:
        state = Path(source).stat()
    except OSError:
        return (0, 0)
    return (state.st_size, state.st_mtime_ns)


def size_text(nbytes: int) -> str:
    """A size for people: "312 kB", "1.4 GB"."""
    size, units = float(nbytes), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.3g} {units[0]}"


def _note_path(store: KeptStore) -> Path:
    return store.path.with_name(store.path.name + ".json")


def _write_note(store: KeptStore) -> None:
    path = _note_path(store)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(asdict(store.note), indent=1), encoding="utf-8")
    part.replace(path)


def _read_note(path: Path) -> StoreNote | None:
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        options = EncodeOptions(**fields.pop("options"))
        size, changed = fields.pop("stamp")
        return StoreNote(stamp=(size, changed), options=options, **fields)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
