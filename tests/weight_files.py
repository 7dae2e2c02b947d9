"""Files of random weights: small CLIPs with a config, and published architectures at true size in small files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file
from torch import nn

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 224, "layers": 3, "width": 64, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def tiny_clip(folder: Path, name: str = "tiny", *, custom_text: bool = False, **changes: Any) -> Path:
    """Write a small CLIP as a config and its safetensors; gives the config's path."""
    config = {**TINY, **changes}
    torch.manual_seed(0)
    model = (open_clip.CustomTextCLIP if custom_text else open_clip.CLIP)(**config)
    (folder / f"{name}.json").write_text(json.dumps({**config, **({"custom_text": True} if custom_text else {})}))
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / f"{name}.safetensors")
    return folder / f"{name}.json"


def spread(shapes: dict[str, tuple[int, ...]], path: Path, scale: float = 0.02) -> Path:
    """Write a checkpoint with tensors of these shapes whose numbers all lie in one small block of random ones.

    Rows begin a little further on in the block, so no two are equal, and gigabytes of weights take few megabytes.
    """
    block = scale * torch.randn(1 << 21, generator=torch.Generator().manual_seed(1))
    state = {}
    for name, shape in shapes.items():
        if name.endswith(("ln_1.weight", "ln_2.weight", "ln_pre.weight", "ln_post.weight", "ln_final.weight")) or (
            "norm" in name and name.endswith("weight")
        ):
            state[name] = torch.ones(shape)
            continue
        strides, step = [], 1
        for length in reversed(shape):
            strides.insert(0, step)
            step = min(step * length, 31)
        state[name] = torch.as_strided(block, shape, tuple(strides))
    torch.save(state, path)
    return path


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a model's weights."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
