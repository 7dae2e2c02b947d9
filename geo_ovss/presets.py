"""Presets: encoders, method and numbers under one name, read from `presets.toml`."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from geo_ovss.errors import BadPresetValue, UnknownPreset

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_PRESET = "mini"
PRECISIONS = ("float32", "bfloat16", "float16")
MIXES = ("spliced", "windows")
UPSAMPLES = ("bilinear", "bilateral")
REFINEMENT = ("coarse_threshold", "mask_coefficient", "minimal_area", "iou_threshold", "downsample")


@dataclass(frozen=True)
class Preset:
    """Everything that decides a result besides the raster and the classes.

    Attributes
    ----------
    name, title : str
        The preset's name, and one line about it.
    clip : str
        The CLIP: a name of the catalogue, ``architecture:tag`` of open_clip, or a file (`model_sources.resolve`).
    guide, sam : str or None
        The guide (timm) and the SAM, named the same way.
    method : str
        A published method (`geo_ovss.methods`).
    window, stride : int
        Pixels: the sliding window and its step.
    block, halo : int
        Pixels: within a block's core grown by its halo attention is exact.
    batch : int
        Windows that are encoded together.
    precision : {"float32", "bfloat16", "float16"}
        Of the networks on an accelerator. A CPU computes in float32.
    templates : str
        Name of the set of prompt templates (`geo_ovss.vocabulary`).
    logit_scale : float or None
        Factor on the cosines before the softmax; None takes the CLIP's own.
    threshold : float
        Probability below which a pixel gets no label.
    mix : {"spliced", "windows"}
        Form of the tokens on scenes larger than a block: overlaps averaged before they attend, or every window's own.
    bank : int
        Centroids of the token bank on scenes larger than a block; 0 switches it off.
    bank_mass : float
        Mass of what they stand for, at most, against that of a block's own tokens (`bank.SceneBank.beyond`).
    upsample : {"bilinear", "bilateral"}
        How scores go from the token grid to pixels.
    refine : bool
        Whether SAM redraws the edges of the label map.
    refinement : dict
        The numbers of that refinement.
    scales : tuple of float
        Ground sample distances, as factors of the working one, whose scores are averaged (`geo_ovss.multiscale`).
    presence : float
        A class whose class-token score over a block lies further than this below the best class's is not offered
        there (`classify.hide_absent`); 0 offers all of them.
    options : dict
        The method's own switches and numbers, where they differ from the published ones.
    """

    name: str
    title: str
    clip: str
    method: str
    window: int
    stride: int
    block: int
    halo: int
    batch: int
    precision: str
    templates: str
    logit_scale: float | None
    threshold: float
    mix: Literal["windows", "spliced"]
    bank: int
    bank_mass: float
    upsample: str
    refine: bool
    scales: tuple[float, ...]
    presence: float
    guide: str | None = None
    sam: str | None = None
    refinement: dict[str, float] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_types()
        for name, known in (("precision", PRECISIONS), ("mix", MIXES), ("upsample", UPSAMPLES)):
            if getattr(self, name) not in known:
                raise BadPresetValue(name, getattr(self, name), f"one of {', '.join(known)}")
        for name in ("window", "stride", "block", "batch"):
            if getattr(self, name) < 1:
                raise BadPresetValue(name, getattr(self, name), "at least 1")
        for name in ("halo", "bank", "bank_mass", "presence"):
            if getattr(self, name) < 0:
                raise BadPresetValue(name, getattr(self, name), "at least 0")
        if self.stride > self.window:
            raise BadPresetValue("stride", self.stride, f"at most the window ({self.window})")
        if self.logit_scale is not None and self.logit_scale <= 0:
            raise BadPresetValue("logit_scale", self.logit_scale, "above 0, or model for the CLIP's own")
        for key, value in self.refinement.items():
            if key not in REFINEMENT or not isinstance(value, (int, float)) or isinstance(value, bool):
                raise BadPresetValue(f"refinement.{key}", value, f"a number, and one of {', '.join(REFINEMENT)}")
        if not 0 <= self.threshold < 1:
            raise BadPresetValue("threshold", self.threshold, "from 0 up to 1")
        if not self.scales or not all(_is_scale(s) for s in self.scales):
            raise BadPresetValue("scales", list(self.scales), "whole numbers, or one over whole numbers as 0.5")

    def _check_types(self) -> None:
        """Values come from command lines too."""
        kinds: dict[str, tuple[type, ...]] = {
            **dict.fromkeys(("window", "stride", "block", "halo", "batch", "bank"), (int,)),
            **dict.fromkeys(("threshold", "presence", "bank_mass"), (int, float)),
            "logit_scale": (int, float, type(None)),
            **dict.fromkeys(("clip", "method", "precision", "templates", "mix", "upsample"), (str,)),
            **dict.fromkeys(("guide", "sam"), (str, type(None))), "refine": (bool,), "options": (dict,),
            "refinement": (dict,), "scales": (tuple,),
        }
        for name, allowed in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
                names = {int: "a whole number", float: "a number", str: "a name", bool: "true or false",
                         tuple: "a list of numbers", dict: "a table"}
                raise BadPresetValue(name, value, names[allowed[-1] if allowed[-1] in names else allowed[-2]])

    def identity(self) -> dict[str, Any]:
        """What the features depend on: names of the models, method, geometry, numbers; not the text, not the speed.

        Returns
        -------
        dict
            Plain JSON values, equal for two presets that give the same features.
        """
        not_features = {
            "name", "title", "batch", "templates", "logit_scale", "threshold", "upsample", "refine", "refinement",
            "presence", "sam",
        }
        if self.method == "trident":
            not_features.discard("sam")
        kept = {key: value for key, value in asdict(self).items() if key not in not_features}
        return kept | {"scales": list(self.scales), "bank_mass": float(self.bank_mass)}  # 4 is 4.0

    def with_overrides(self, **changes: Any) -> Preset:
        """A copy with some values replaced; None leaves a value as it is, `options` are merged.

        Raises
        ------
        BadPresetValue
            If a name is not one of a preset's, or a value is out of its range.

        Examples
        --------
        >>> get_preset("base").with_overrides(stride=56, options={"rho": 0.5}).stride
        56
        """
        known = {f.name for f in fields(self)}
        for key in changes:
            if key not in known:
                raise BadPresetValue(key, changes[key], f"a value of a preset ({', '.join(sorted(known))})")
        given = {key: value for key, value in changes.items() if value is not None}
        for key in ("options", "refinement"):
            if isinstance(given.get(key), dict):
                given[key] = {**getattr(self, key), **given[key]}
        if given.get("logit_scale") == "model":
            given["logit_scale"] = None
        if isinstance(given.get("scales"), list):
            given["scales"] = tuple(given["scales"])
        return replace(self, **given)


def _is_scale(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        return False
    return math.isclose(value, round(max(value, 1)) / round(max(1 / value, 1)), rel_tol=1e-3)


@cache
def load_presets() -> dict[str, Preset]:
    """All presets, in the order of `presets.toml`."""
    table = tomllib.loads(files("geo_ovss").joinpath("presets.toml").read_text(encoding="utf-8"))
    table.pop("methods", None)  # read by geo_ovss.methods
    defaults = table.pop("defaults")
    return {name: _preset(name, {**defaults, **entry}) for name, entry in table.items()}


def _preset(name: str, entry: Mapping[str, Any]) -> Preset:
    """One table of the file, joined to the defaults (TOML has no null: the word "model" stands for None)."""
    values = dict(entry)
    if values["logit_scale"] == "model":
        values["logit_scale"] = None
    values["scales"] = tuple(values["scales"])
    return Preset(name=name, **values)


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises
    ------
    UnknownPreset
        If there is none; its sentence lists the names.
    """
    presets = load_presets()
    if name not in presets:
        raise UnknownPreset(name, list(presets))
    return presets[name]
