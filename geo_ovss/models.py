"""Weights: which there are, where they lie, whether they are whole, and how to get them.

A file is looked for in the folder that the environment variable ``GEO_OVSS_MODELS`` names (a local mirror), then in
the caches of the libraries that use it: the Hugging Face Hub's, torch's, open_clip's. Downloads go to those caches.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from geo_ovss import hub
from geo_ovss.download import OnBytes, download, file_sha256
from geo_ovss.errors import ModelMissing, UnknownModel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MIRROR = "GEO_OVSS_MODELS"
"""Environment variable that names the local mirror."""

Component = Literal["clip", "guide", "sam"]
State = Literal["whole", "cut", "missing"]


@dataclass(frozen=True)
class Weights:
    """One file of weights, as `models.toml` or a library's own catalogue describes it.

    Attributes
    ----------
    name : str
        What users and presets call it.
    component : {"clip", "guide", "sam"}
    architecture : str
        Its name in the library that builds it (open_clip, timm, segment_anything).
    title, licence : str
    repo, file : str
        On the Hugging Face Hub; `file` alone for the other sources.
    url : str
        Where it is not on the hub.
    package : str
        Where it is part of this package: the path of its config.
    size, size_about : int or None
        Bytes: exact, or computed from the number of parameters.
    sha256 : str or None
        Where neither the hub nor the address gives it.
    mean, std : tuple of float, or None
        Of pixels from 0 to 1, where a CLIP's differ from OpenAI's.
    """

    name: str
    component: Component
    architecture: str
    title: str = ""
    licence: str = "see the publisher's page"
    repo: str = ""
    file: str = ""
    url: str = ""
    package: str = ""
    size: int | None = None
    size_about: int | None = None
    sha256: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @property
    def label(self) -> str:
        """Repository and file, for messages."""
        return f"{self.repo}/{self.file}" if self.repo else self.file or Path(self.package).name

    @property
    def source(self) -> str:
        """A page or address where a person finds it."""
        if self.repo:
            return f"https://huggingface.co/{self.repo}"
        return self.url or "in this package"


@dataclass(frozen=True)
class ModelStatus:
    """A file of weights on this machine; `path` is None when it is missing."""

    weights: Weights
    path: Path | None
    state: State


@dataclass(frozen=True)
class Verification:
    """Outcome of `verify`: `ok` is None where the file is whole but the publisher gives no hash to compare with."""

    name: str
    path: Path | None
    ok: bool | None
    detail: str


@cache
def catalogue() -> dict[str, Weights]:
    """All weights of `models.toml`, by name."""
    table = tomllib.loads(files("geo_ovss").joinpath("models.toml").read_text(encoding="utf-8"))
    entries = {}
    for name, entry in table.items():
        if "url" in entry:
            entry["file"] = entry["url"].rsplit("/", 1)[-1]
        entries[name] = Weights(name=name, **entry)
    return entries


def get_weights(name: str) -> Weights:
    """The catalogue's entry of that name.

    Raises
    ------
    UnknownModel
        If there is none.
    """
    try:
        return catalogue()[name]
    except KeyError:
        raise UnknownModel("model", name, "`geo-ovss models list` shows the names") from None


def locate(weights: Weights) -> Path | None:
    """Where the file lies on this machine, or None."""
    for path in _places(weights):
        if path.is_file():
            return path
    return hub.cached(weights.repo, weights.file) if weights.repo else None


def _places(weights: Weights) -> Iterator[Path]:
    if weights.package:
        yield Path(str(files("geo_ovss"))) / weights.package
        return
    if root := os.environ.get(MIRROR):
        folder, base = Path(root).expanduser(), Path(weights.file).name
        yield folder / weights.repo / weights.file if weights.repo else folder / base
        yield folder / (weights.name + Path(base).suffix)
        if sum(Path(other.file).name == base for other in catalogue().values()) == 1:
            yield folder / base  # a name that no other model's file has
    if weights.url:
        yield _cache_of_urls(weights) / weights.file


def _cache_of_urls(weights: Weights) -> Path:
    """Where the library keeps files with an address of their own (without importing torch to ask it)."""
    if weights.component == "clip":
        return Path("~/.cache/clip").expanduser()
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def status(weights: Weights) -> ModelStatus:
    """Whether and where the file is there, and whether it is whole by its size or its own table of contents."""
    path = locate(weights)
    if path is None:
        return ModelStatus(weights, None, "missing")
    if weights.package:
        other = path.with_suffix(".safetensors")
        return ModelStatus(weights, path, "whole" if other.is_file() and _is_whole(other, None) else "cut")
    return ModelStatus(weights, path, "whole" if _is_whole(path, weights.size) else "cut")


def _is_whole(path: Path, size: int | None) -> bool:
    """Compare with the known size; a safetensors file and a zip (torch's own form) also tell their length."""
    have = path.stat().st_size
    if size is not None:
        return have == size
    if path.suffix == ".safetensors":
        return have == _safetensors_length(path)
    return have > 0 and (path.suffix not in (".pt", ".pth", ".bin") or zipfile.is_zipfile(path) or not _is_zip(path))


def _safetensors_length(path: Path) -> int:
    """Length that the header promises: 8 bytes, the header, the tensors."""
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
        try:
            tensors = json.loads(file.read(min(header, path.stat().st_size)))
            ends = [entry["data_offsets"][1] for key, entry in tensors.items() if key != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return -1  # the header itself is cut, or this is another format
    return 8 + header + max(ends, default=0)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def list_models() -> list[ModelStatus]:
    """The state of every model of the catalogue, in its order."""
    return [status(weights) for weights in catalogue().values()]


def fetch(name: str, on_bytes: OnBytes | None = None) -> Path:
    """Bring a model of the catalogue onto this machine; nothing is done where it is there and whole.

    Returns
    -------
    Path
        Where it lies.

    Raises
    ------
    UnknownModel, ModelMissing, ModelRefused, ModelDamaged, DiskFull
    """
    return obtain(get_weights(name), on_bytes=on_bytes)


def obtain(weights: Weights, *, offline: bool = False, on_bytes: OnBytes | None = None) -> Path:
    """The file of some weights, downloaded first where it is missing and that is allowed.

    Parameters
    ----------
    weights : Weights
    offline : bool
        Take only what is there. The environment variable ``HF_HUB_OFFLINE=1`` says the same.
    on_bytes : callable
        Progress of a download.

    Raises
    ------
    ModelMissing
        It is not there, and cannot be fetched now.
    ModelRefused, ModelDamaged, DiskFull
        See `geo_ovss.download.download`.
    """
    found = status(weights)
    if found.path is not None and found.state == "whole":
        return found.path
    if weights.package:
        raise ModelMissing(weights.label, weights.name, "this installation lacks it")
    if offline or hub.is_offline():
        raise ModelMissing(weights.label, weights.name, "working offline" if found.state == "missing" else "cut short")
    if weights.repo:
        return hub.fetch(weights.repo, weights.file, weights.name, weights.sha256, on_bytes)
    target = _cache_of_urls(weights) / weights.file
    if found.path == target:  # a cut file that another program left under the final name
        target.replace(target.with_name(target.name + ".part"))
    return download(weights.url, target, name=weights.name, size=weights.size, sha256=weights.sha256, on_bytes=on_bytes)


def verify(model: str | Weights, on_bytes: OnBytes | None = None) -> Verification:
    """Compare a model's file with the publisher's hash, from `models.toml` or from the hub's own cache.

    Parameters
    ----------
    model : str or Weights
        A name of the catalogue, or a file that another catalogue describes.
    on_bytes : callable
        Progress.

    Raises
    ------
    UnknownModel
        If the catalogue has no such name.
    """
    found = status(get_weights(model) if isinstance(model, str) else model)
    name = found.weights.name
    if found.path is None:
        return Verification(name, None, False, "missing")
    if found.state == "cut":
        return Verification(name, found.path, False, "cut: shorter or longer than published")
    expected = found.weights.sha256 or hub.recorded_sha256(found.path)
    if expected is None:
        return Verification(name, found.path, None, "whole; no published hash at hand to compare with")
    if file_sha256(found.path, on_bytes).startswith(expected):
        return Verification(name, found.path, True, "SHA-256 as published")
    return Verification(name, found.path, False, "SHA-256 differs from the published one")
