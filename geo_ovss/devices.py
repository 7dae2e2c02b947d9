"""Where the networks run, and in which precision."""

from __future__ import annotations

import torch

from geo_ovss.errors import NoSuchDevice

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to compute on.

    Parameters
    ----------
    device : str
        "auto" takes CUDA, then Apple's MPS, then the CPU; else a name of torch ("cpu", "cuda:1", "mps").

    Raises
    ------
    NoSuchDevice
        If torch does not know the name, or the machine lacks the device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise NoSuchDevice(str(device)) from error
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(chosen.type, False):
        raise NoSuchDevice(str(device))
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise NoSuchDevice(str(device))
    return chosen


def resolve_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Type of the networks' weights and activations; similarities, thresholds and softmax are float32 anyway.

    A CPU computes in float32 whatever the precision: few have fast half-precision arithmetic. A CUDA device without
    native bfloat16 takes float16 in its place.
    """
    if device.type == "cpu":
        return torch.float32
    if precision == "bfloat16" and device.type == "cuda" and torch.cuda.get_device_capability(device)[0] < 8:
        return torch.float16
    return DTYPES[precision]
