"""From an architecture and a file of weights to a network: open_clip's, timm's, segment_anything's own classes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from geo_ovss.checkpoints import State, load_state, read_state
from geo_ovss.errors import ModelUnreadable, UnknownModel, UnsupportedClip, UnsupportedGuide
from geo_ovss.model_sources import HINTS, Source

os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # our own bar shows downloads

TOWERLESS = {"image_size": 32, "patch_size": 32, "layers": 1, "width": 64}
"""The smallest picture tower that open_clip builds: stands in, unused, where only text is asked for."""

UNUSED_IN_GUIDES = ("head", "fc_norm", "mask_token")
"""Beginnings of names that published guides hold and their tokens do not need."""

SAM_WIDTHS = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}
"""SAM's three published sizes by the width of their picture encoder, which tells them apart."""


class WithoutRandomStart(TorchFunctionMode):
    """Modules made in this context keep whatever their memory holds: every weight is about to be read from a file.

    Drawing the random numbers of a ViT-L/14 that nobody reads takes longer than loading it.
    """

    DRAWS = frozenset({
        torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.erfinv_, nn.init.normal_, nn.init.uniform_,
        nn.init.trunc_normal_, nn.init.kaiming_uniform_, nn.init.xavier_uniform_,
    })

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Give the tensor back as it is where `func` would fill it with random numbers."""
        kwargs = kwargs or {}
        if func in self.DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def clip_config(source: Source) -> dict[str, Any]:
    """open_clip's description of an architecture: ``embed_dim``, ``vision_cfg``, ``text_cfg``.

    Raises
    ------
    ModelUnreadable, UnknownModel, UnsupportedClip
    """
    import open_clip

    if source.config is not None:
        written = _read_json(source.config)
        config = written.get("model_cfg", written)
        if not all(key in config for key in ("embed_dim", "vision_cfg", "text_cfg")):
            raise ModelUnreadable(source.config, "it is no open_clip config (embed_dim, vision_cfg, text_cfg)")
        preprocess = written.get("preprocess_cfg", {})
    else:
        config = open_clip.get_model_config(source.architecture)
        if config is None:
            raise UnknownModel("clip", str(source.architecture), HINTS["clip"])
        weights = source.weights
        preprocess = {"mean": weights.mean, "std": weights.std} if weights and weights.mean else {}
    if "multimodal_cfg" in config or not isinstance(config["vision_cfg"].get("layers"), int):
        raise UnsupportedClip(f"{source.name} is no pair of a plain vision transformer and a text tower")
    if "timm_model_name" in config["vision_cfg"]:
        raise UnsupportedClip(f"the picture tower of {source.name} is one of timm's, not open_clip's own")
    return {**config, "preprocess_cfg": preprocess}


def make_clip(source: Source, path: Path) -> tuple[nn.Module, Callable[..., Tensor]]:
    """A whole CLIP and its tokenizer."""
    config = clip_config(source)
    model = _assemble_clip(config)
    load_state(model, _fit_names(read_state(path), model), path)
    visual: Any = model.visual
    visual.preprocess_cfg = {k: tuple(v) for k, v in config["preprocess_cfg"].items() if k in ("mean", "std")}
    return model, _tokenizer(source, config)


def make_text(source: Source, path: Path) -> tuple[nn.Module, Callable[..., Tensor]]:
    """A CLIP without its picture tower, which is neither built nor read, and its tokenizer."""
    config = clip_config(source)
    model = _assemble_clip({**config, "vision_cfg": TOWERLESS})
    del model.visual
    load_state(model, _fit_names(read_state(path, lambda name: not name.startswith("visual.")), model), path)
    return model, _tokenizer(source, config)


def _assemble_clip(config: dict[str, Any]) -> nn.Module:
    import open_clip

    config = deepcopy(config)
    config.pop("preprocess_cfg")
    custom = config.pop("custom_text", False)
    if "hf_model_name" in config["text_cfg"]:
        raise UnsupportedClip("its text tower is one of transformers', not open_clip's own")
    try:
        with WithoutRandomStart():
            return (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config)
    except (TypeError, ValueError, AssertionError) as error:
        raise UnsupportedClip(f"open_clip does not build its architecture ({error})") from error


def _fit_names(state: State, model: nn.Module) -> State:
    """What old checkpoints write differently: the text tower's names, the scale's shape, entries that are sizes."""
    from open_clip.model import convert_to_custom_text_state_dict

    state = {n: t for n, t in state.items() if n not in ("input_resolution", "context_length", "vocab_size")}
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    if "logit_scale" in state:
        state["logit_scale"] = state["logit_scale"].reshape(model.state_dict()["logit_scale"].shape)
    return state


def _tokenizer(source: Source, config: dict[str, Any]) -> Callable[..., Tensor]:
    import open_clip

    text = config["text_cfg"]
    if "hf_tokenizer_name" in text:
        raise UnsupportedClip(f"the tokenizer of {source.name} is one of transformers', not open_clip's own")
    if text.get("tokenizer_kwargs"):
        length = text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)
        return open_clip.SimpleTokenizer(context_length=length, **text["tokenizer_kwargs"])
    return _plain_tokenizer(text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH))


@cache
def _plain_tokenizer(context_length: int) -> Callable[..., Tensor]:
    """open_clip's own, which takes a moment to make and is never changed."""
    import open_clip

    return open_clip.SimpleTokenizer(context_length=context_length)


def make_guide(source: Source, path: Path | None) -> Any:
    """A timm vision transformer without a head, for pictures of any size; without weights where `path` is None."""
    import timm

    described: dict[str, Any] = _read_json(source.config) if source.config else {"architecture": source.architecture}
    name, arguments = described.get("architecture"), described.get("model_args", {})
    if not name or not timm.is_model(name):
        raise UnknownModel("guide", str(name), HINTS["guide"])
    arguments = {**arguments, "num_classes": 0, "dynamic_img_size": True}
    try:
        with WithoutRandomStart():
            model = timm.create_model(name, pretrained=False, **arguments)
    except TypeError as error:
        raise UnsupportedGuide(f"{name} is bound to one picture size") from error
    if path is not None:
        load_state(model, _guide_names(read_state(path), model, path), path)
    mean, std = (described.get("pretrained_cfg", {}).get(key) for key in ("mean", "std"))
    if mean and std:
        model.pretrained_cfg = {**model.pretrained_cfg, "mean": tuple(mean), "std": tuple(std)}
    return model


def _guide_names(state: State, model: nn.Module, path: Path) -> State:
    """The publishers' names in timm's words, by timm's own translation; heads and the mask token are left out."""
    translate = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    try:
        state = translate(state, model) if translate else state
    except (RuntimeError, KeyError, AttributeError) as error:
        raise ModelUnreadable(path, "it does not fit the architecture") from error
    own = model.state_dict()
    return {n: t for n, t in state.items() if n in own or not n.startswith(UNUSED_IN_GUIDES)}


def make_sam(source: Source, path: Path) -> nn.Module:
    """A `segment_anything` Sam; its size is told by the weights where nothing else says it."""
    from segment_anything import sam_model_registry

    state = read_state(path)
    architecture = source.architecture
    if architecture is None:
        width = state.get("image_encoder.pos_embed", torch.empty(0)).shape[-1]
        architecture = SAM_WIDTHS.get(width)
    if architecture not in sam_model_registry:
        raise ModelUnreadable(path, f"it is no SAM of segment_anything ({', '.join(SAM_WIDTHS.values())})")
    with WithoutRandomStart():
        model = sam_model_registry[architecture](checkpoint=None)
    load_state(model, state, path)
    return model


def _read_json(path: Path) -> dict[str, Any]:
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnreadable(path, "it is no JSON file") from error
    if not isinstance(written, dict):
        raise ModelUnreadable(path, "it is no JSON object")
    return written
