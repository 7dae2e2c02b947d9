"""Runs side by side: a method's switches one after the other, or one number over a range."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from geo_ovss.errors import BadSweep
from geo_ovss.methods.registry import published_options
from geo_ovss.presets import Preset

MAX_STEPS = 200
"""A sweep of more values than this is taken for a slip of the pen."""


@dataclass(frozen=True)
class Variant:
    """One run: a label and what differs from the preset.

    Attributes
    ----------
    label : str
    options : dict
        The method's switches and numbers.
    preset : dict
        Values of the preset.
    query : dict
        Fields of `QueryOptions`.
    """

    label: str
    options: dict[str, Any] = field(default_factory=dict)
    preset: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)

    def apply(self, preset: Preset) -> Preset:
        """The preset with this variant's values."""
        return preset.with_overrides(**self.preset, options=self.options)


GLOBAL_SWITCHES = (
    ("key_value_extension", "key-value extension"),
    ("proxy_anchors", "proxy anchors"),
    ("dynamic_normalisation", "dynamic normalisation"),
)
"""GLA-CLIP's parts in the order in which its paper adds them."""

FUSED_SWITCHES: tuple[tuple[str, Any, str], ...] = (
    ("fused_blocks", 0, "attention map fusion"),
    ("channel_suppression", False, "channel suppression"),
)
"""GCLIP's parts, and the value that switches each off."""

FUSED_AND_GLOBAL = "gla-gclip"
"""GCLIP's fused attention under GLA-CLIP's key-value extension: what the two papers leave apart."""

BIAS_ALLEVIATION = 0.3
"""SegEarth-OV's lambda (arXiv 2410.01768); off in every preset, so that it has its one home here."""

PRESENCE = 0.05
"""Cosine by which a class may lie below the best one in a block and still be offered there: a first value for the
ablation, off in every preset; ``--sweep presence=...`` looks for a better one."""

SCALES = (1.0, 2.0)
"""Working resolution and half of it: more context for a quarter more windows; one scale in every preset."""


def ablation_variants(preset: Preset, *, sam: bool = False, scenes: bool = True) -> list[Variant]:
    """The runs of an ablation of a preset's method.

    Every switch of the method is off in the first run and added one after the other up to the method as published;
    then GCLIP's parts are left out one by one where the method has them, or put under GLA-CLIP's extension; then each
    of the parts for overhead scenes is added alone to the published method.

    Parameters
    ----------
    preset : Preset
    sam : bool
        Whether SAM's weights are at hand, so that refinement can be run.
    scenes : bool
        Whether the tool runs on scenes; a method on pictures, as its paper runs it, has neither the guided upsampling,
        the presence filter nor several scales.
    """
    known = published_options(preset.method)
    off = {key: False for key, _ in GLOBAL_SWITCHES if key in known}
    variants = [Variant("local only" if off else preset.method, dict(off))]
    for key, title in GLOBAL_SWITCHES:
        if key in off:
            off[key] = True
            variants.append(Variant(f"+ {title}", dict(off)))
    if off:
        # As its paper prints them: each part with the normalisation, without the other.
        keys = list(off)
        for left_out in keys[:2]:
            others = {key: key != left_out for key in keys}
            title = dict(GLOBAL_SWITCHES)[left_out]
            variants.append(Variant(f"all but {title}", others))
    for key, without, title in FUSED_SWITCHES:
        if key in known:
            variants.append(Variant(f"all but {title}", {**off, key: without}))
    if off and preset.method != FUSED_AND_GLOBAL:
        variants.append(Variant("all + GCLIP's fused attention", dict(off), {"method": FUSED_AND_GLOBAL}))
    if "bias_alleviation" in known:
        variants.append(Variant("all + bias alleviation", {**off, "bias_alleviation": BIAS_ALLEVIATION}))
    if scenes:
        variants.append(Variant("all + bilateral upsampling", dict(off), {"upsample": "bilateral"}))
        variants.append(Variant("all + presence filter", dict(off), {"presence": PRESENCE}))
        variants.append(Variant("all + a second scale", dict(off), {"scales": SCALES}))
    if sam and not preset.refine:
        variants.append(Variant("all + SAM refinement", dict(off), {"refine": True}))
    return variants


def sweep_variants(text: str, preset: Preset) -> list[Variant]:
    """The runs of a sweep such as ``threshold=0.1:0.5:0.1`` (both ends included) or ``method=sclip,clearclip``.

    Parameters
    ----------
    text : str
        ``name=first:last:step`` or ``name=value,value``; the name is that of a question (threshold, templates), of a
        value of the preset, or of a switch or number of its method.
    preset : Preset

    Raises
    ------
    BadSweep
    """
    name, equals, span = (part.strip() for part in text.partition("="))
    if not equals or not name or not span:
        raise BadSweep(text, "it is not of the form name=values")
    values = list(_range(text, span) if ":" in span else _listed(span))
    variants = []
    for value in values:
        label = f"{name} = {value}"
        if name in ("threshold", "templates", "synonyms"):
            variants.append(Variant(label, query={name: value}))
        elif name in preset.__dataclass_fields__:
            variants.append(Variant(label, preset={name: value}))
        elif name in published_options(preset.method):
            variants.append(Variant(label, {name: value}))
        else:
            raise BadSweep(text, f"{name} is neither a value of a preset nor an option of {preset.method}")
    return variants


def _range(text: str, span: str) -> Iterable[float | int]:
    try:
        first, last, step = (float(part) for part in span.split(":"))
    except ValueError as error:
        raise BadSweep(text, "a range needs three numbers") from error
    count = (last - first) / step + 1e-9 if step else -1
    if not 0 <= count < MAX_STEPS:
        raise BadSweep(text, f"the step does not lead from {first:g} to {last:g} in at most {MAX_STEPS} values")
    for i in range(int(count) + 1):
        value = round(first + i * step, 10)
        yield int(value) if value.is_integer() and all(float(p).is_integer() for p in span.split(":")) else value


def _listed(span: str) -> Iterable[Any]:
    for part in (p.strip() for p in span.split(",")):
        try:
            yield json.loads(part)
        except ValueError:
            yield part
