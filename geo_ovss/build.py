"""From a preset to networks and a method, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

from geo_ovss.checkpoints import fingerprint
from geo_ovss.devices import resolve_device, resolve_dtype
from geo_ovss.download import OnBytes
from geo_ovss.encoders.clip import ClipEncoder
from geo_ovss.encoders.guide import GuideEncoder
from geo_ovss.encoders.sam import SamEncoder
from geo_ovss.encoders.text import TextEncoder
from geo_ovss.methods import METHODS, Method, build_method
from geo_ovss.methods.registry import merge_options
from geo_ovss.model_sources import Source, resolve
from geo_ovss.models import Component, Weights
from geo_ovss.networks import clip_config, make_clip, make_guide, make_sam, make_text
from geo_ovss.presets import Preset
from geo_ovss.progress import Progress

DEFAULT_GUIDE = "dino-vit-b-8"
"""For a method that needs a guide where the preset has none: the one that GLA-CLIP and ProxyCLIP are published with."""

DEFAULT_SAM = "sam-vit-b"
"""For a method or a refinement that needs SAM where the preset has none: the smallest."""


class EmbedsText(Protocol):
    """Anything that turns words into unit rows of the text-aligned space."""

    logit_scale: float

    def encode_text(self, words: list[str], templates: list[str]) -> Tensor:
        """(len(words), D), see `TextEncoder.encode_text`."""
        ...


@dataclass
class TextPipeline:
    """The part of a pipeline that a question to kept features needs.

    Attributes
    ----------
    preset : Preset
    text : object with ``encode_text(words, templates) -> (n, D)``
    logit_scale : float
        Of the preset, else of the CLIP.
    device : torch.device
    clip_identity : str
        Name and fingerprint of the CLIP; features and text go together when it is the same.
    """

    preset: Preset
    text: EmbedsText
    logit_scale: float
    device: torch.device
    clip_identity: str


@dataclass
class Pipeline(TextPipeline):
    """Encoders and a method.

    Attributes
    ----------
    method : Method
    sam : SamEncoder or None
        Where the method or the preset's refinement needs it.
    dtype : torch.dtype
        What the networks compute in.
    fingerprints : dict
        Name and fingerprint of each network's weights.
    """

    method: Method
    sam: SamEncoder | None
    dtype: torch.dtype
    fingerprints: dict[Component, str]

    def identity(self) -> dict[str, Any]:
        """What the features depend on, as plain JSON values: equal where a store of features may be gone on with."""
        numbers = self.preset.identity()
        del numbers["precision"]
        return numbers | {
            "clip": self.clip_identity, "guide": self.fingerprints.get("guide"),
            "sam": self.fingerprints.get("sam") if "sam" in METHODS[self.preset.method].needs else None,
            "options": merge_options(self.preset.method, self.preset.options),
            "dtype": str(self.dtype).removeprefix("torch."), "token": self.method.token, "dim": self.method.dim,
        }


def sources(preset: Preset) -> dict[Component, Source]:
    """What a preset's networks are made from; nothing is loaded or fetched.

    A guide or a SAM that neither the method nor the refinement uses is left out; one that is used and not named is the
    default one.

    Raises
    ------
    UnknownModel, ModelUnreadable, UnknownMethod
    """
    merge_options(preset.method, preset.options)  # raises for a method or an option that does not exist
    needs = METHODS[preset.method].needs
    found: dict[Component, Source] = {"clip": resolve("clip", preset.clip)}
    if "guide" in needs:
        found["guide"] = resolve("guide", preset.guide or DEFAULT_GUIDE)
    if "sam" in needs or preset.refine:
        found["sam"] = resolve("sam", preset.sam or DEFAULT_SAM)
    return found


def missing(preset: Preset) -> list[Weights]:
    """The published files that a run with this preset would have to fetch."""
    return [s.weights for s in sources(preset).values() if not s.is_here and s.weights is not None]


def shape_of(preset: Preset) -> tuple[int, int]:
    """Pixels a token side and D of the features, from the architectures alone: no weights are read.

    Raises
    ------
    UnknownModel, ModelUnreadable, UnsupportedClip
    """
    found = sources(preset)
    config = clip_config(found["clip"])
    token = int(config["vision_cfg"]["patch_size"])
    if "guide" in found:
        token = _guide_patch(found["guide"])
    return token, int(config["embed_dim"])


@cache
def _guide_patch(source: Source) -> int:
    return int(make_guide(source, None).patch_embed.patch_size[0])


def build(
    preset: Preset, *, clip: str | None = None, guide: str | None = None, sam: str | None = None,
    method: str | None = None, device: str | torch.device = "auto", dtype: torch.dtype | None = None,
    offline: bool = False, progress: Progress | None = None,
) -> Pipeline:
    """Load a preset's networks and assemble its method.

    Parameters
    ----------
    preset : Preset
    clip, guide, sam, method : str, optional
        In place of the preset's.
    device : str or torch.device
        "auto" takes the best there is.
    dtype : torch.dtype, optional
        What the networks compute in; by default what preset and device say (`devices.resolve_dtype`).
    offline : bool
        Take only files that are here. Otherwise missing ones are fetched.
    progress : Progress, optional
        Shows what is fetched.

    Raises
    ------
    UnknownModel, UnknownMethod, UnknownMethodOption, WindowNotWhole, NoSuchDevice
        What was asked for does not exist or does not fit.
    ModelMissing, ModelRefused, ModelDamaged, ModelUnreadable, UnsupportedClip, UnsupportedGuide, UnsupportedSam
        A file cannot be had or used.
    """
    preset = preset.with_overrides(clip=clip, guide=guide, sam=sam, method=method)
    place = resolve_device(device)
    dtype = dtype or resolve_dtype(preset.precision, place)
    found = sources(preset)
    files = {part: source.file(offline=offline, on_bytes=_reports(progress, source)) for part, source in found.items()}
    network, tokenizer = make_clip(found["clip"], files["clip"])
    clip_encoder = ClipEncoder(network, tokenizer, place, dtype)
    guide_encoder = GuideEncoder(make_guide(found["guide"], files["guide"]), place, dtype) if "guide" in found else None
    sam_encoder = SamEncoder(make_sam(found["sam"], files["sam"]), place, dtype) if "sam" in found else None
    assembled = build_method(
        preset.method, clip=clip_encoder, guide=guide_encoder, sam=sam_encoder, window=preset.window,
        stride=preset.stride, options=preset.options,
    )
    prints = {part: _print_of(found[part], files[part]) for part in found}
    return Pipeline(
        preset=preset, text=clip_encoder, logit_scale=preset.logit_scale or clip_encoder.logit_scale, device=place,
        clip_identity=prints["clip"], method=assembled, sam=sam_encoder, dtype=dtype, fingerprints=prints,
    )


def build_text(
    preset: Preset, *, clip: str | None = None, device: str | torch.device = "auto", offline: bool = False,
    progress: Progress | None = None,
) -> TextPipeline:
    """Load a preset's text tower alone; arguments and errors as `build`."""
    preset = preset.with_overrides(clip=clip)
    place, source = resolve_device(device), resolve("clip", preset.clip)
    path = source.file(offline=offline, on_bytes=_reports(progress, source))
    network, tokenizer = make_text(source, path)
    text = TextEncoder(network, tokenizer, place, resolve_dtype(preset.precision, place))
    return TextPipeline(preset, text, preset.logit_scale or text.logit_scale, place, _print_of(source, path))


def build_sam(
    preset: Preset, *, device: str | torch.device = "auto", offline: bool = False, progress: Progress | None = None,
) -> SamEncoder:
    """Load the SAM of a preset alone, for a refinement; arguments and errors as `build`."""
    place, source = resolve_device(device), resolve("sam", preset.sam or DEFAULT_SAM)
    path = source.file(offline=offline, on_bytes=_reports(progress, source))
    return SamEncoder(make_sam(source, path), place, resolve_dtype(preset.precision, place))


def _print_of(source: Source, path: Any) -> str:
    """Name and fingerprint: the same file has the same one on every machine."""
    return f"{source.name.split('.')[0]} {fingerprint(path)}"


def _reports(progress: Progress | None, source: Source) -> OnBytes | None:
    """A download's bytes on a progress bar, in megabytes."""
    if progress is None:
        return None
    started = False

    def on_bytes(done: int, total: int | None) -> None:
        nonlocal started
        if not started:
            started = True
            progress.start(f"fetch {source.name} (MB)", round((total or done) / 1e6, 1), round(done / 1e6, 1))
        if done == total:
            progress.advance(progress.total - progress.done)
        elif done / 1e6 - progress.done >= 1:
            progress.advance(done / 1e6 - progress.done)

    return on_bytes
