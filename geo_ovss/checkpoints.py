"""Files of weights to dictionaries of tensors; nothing but tensors is ever read from a pickle."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from geo_ovss.errors import ModelUnreadable

State = dict[str, Tensor]

SAMPLES, SAMPLE_BYTES = 64, 1 << 20
"""A fingerprint reads this many pieces: files under 64 MB whole, larger ones evenly spread over their length."""


def read_state(path: Path, keep: Callable[[str], bool] = lambda name: True) -> State:
    """Tensors of a safetensors file or of a torch checkpoint, on the CPU.

    Parameters
    ----------
    path : Path
        ``.safetensors``, else a file that `torch.save` wrote; read with ``weights_only=True``.
    keep : callable
        Which names are wanted; the others are not read where the format allows it.

    Raises
    ------
    ModelUnreadable
        The file is damaged, no checkpoint, or holds more than tensors.
    """
    try:
        state = _read_safetensors(path, keep) if path.suffix == ".safetensors" else _read_torch(path)
    except pickle.UnpicklingError as error:
        raise ModelUnreadable(path, "it holds more than tensors, and code in a file of weights is never run") from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelUnreadable(path, "it is damaged or no checkpoint") from error
    except OSError as error:
        raise ModelUnreadable(path, error.strerror or "it cannot be read") from error
    return {name: tensor for name, tensor in state.items() if keep(name)}


def _read_safetensors(path: Path, keep: Callable[[str], bool]) -> State:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys() if keep(name)}  # noqa: SIM118 (no mapping)


def _read_torch(path: Path) -> State:
    zipped = zipfile.is_zipfile(path)  # the older form cannot be mapped into memory
    loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict):
        raise ValueError("no dictionary of tensors")
    state = {str(name): tensor for name, tensor in loaded.items() if isinstance(tensor, Tensor)}
    if not state:
        raise ValueError("no tensors")
    if all(name.startswith("module.") for name in state):  # saved from a data-parallel run
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return state


def load_state(module: torch.nn.Module, state: State, path: Path) -> None:
    """Put tensors into a module.

    Raises
    ------
    ModelUnreadable
        Names or shapes do not fit; the sentence says the first that does not.
    """
    own = module.state_dict()
    missing, surplus = [n for n in own if n not in state], [n for n in state if n not in own]
    unlike = [n for n in own if n in state and own[n].shape != state[n].shape]
    if missing or surplus or unlike:
        what = f"{unlike[0]} has another shape" if unlike else (
            f"{missing[0]} is missing" if missing else f"{surplus[0]} is not part of it")
        raise ModelUnreadable(path, f"it does not fit the architecture ({what})")
    module.load_state_dict(state, assign=True)  # not copied: a large model is in memory once


def fingerprint(path: Path) -> str:
    """Hexadecimal digits that tell one file of weights from another by its length and content, without its name."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    step = max(SAMPLE_BYTES, -(-size // SAMPLES))
    with path.open("rb") as file:
        for start in range(0, size, step):
            file.seek(start)
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:32]
