"""Presets: data, overrides, identity."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from geo_ovss.errors import BadPresetValue, UnknownPreset
from geo_ovss.grid import Layout
from geo_ovss.methods import METHODS
from geo_ovss.methods.registry import merge_options
from geo_ovss.models import catalogue
from geo_ovss.presets import DEFAULT_PRESET, Preset, get_preset, load_presets

NAMES = list(load_presets())


def test_the_promised_presets_exist() -> None:
    assert NAMES[0] == DEFAULT_PRESET == "mini"
    assert {"base", "large", "huge", "trident-base", "trident-huge", "gclip-base", "remoteclip", "remoteclip-large",
            "georsclip"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_names_models_and_a_method_that_exist(name: str) -> None:
    preset = get_preset(name)
    for part, model in (("clip", preset.clip), ("guide", preset.guide), ("sam", preset.sam)):
        assert model is None or catalogue()[model].component == part
    assert preset.method in METHODS
    merge_options(preset.method, preset.options)
    assert {"guide": preset.guide, "sam": preset.sam}.keys() >= set(METHODS[preset.method].needs)
    assert all({"guide": preset.guide, "sam": preset.sam}[need] for need in METHODS[preset.method].needs)
    assert "\n" not in preset.title and len(preset.title) < 110


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("token", [8, 14, 16])
def test_each_lays_out_a_scene_for_patches_of_8_14_and_16(name: str, token: int) -> None:
    preset = get_preset(name)
    Layout(5000, 3000, preset.window, preset.stride, token, preset.block, preset.halo)


def test_published_numbers() -> None:
    base, trident = get_preset("base"), get_preset("trident-huge")
    assert (base.window, base.stride, base.logit_scale, base.method) == (224, 112, 40.0, "gla-proxyclip")
    numbers = merge_options(base.method, base.options)
    assert (numbers["rho"], numbers["T"], numbers["lambda1"], numbers["lambda2"]) == (0.6, 2, 0.3, 30.0)
    assert (trident.window, trident.stride, trident.refine) == (336, 224, True)
    assert trident.refinement == {
        "coarse_threshold": 0.2, "mask_coefficient": 0.005, "minimal_area": 225, "iou_threshold": 0.8}


def test_mini_takes_the_scale_of_its_clip() -> None:
    assert get_preset("mini").logit_scale is None


def test_unknown_preset() -> None:
    with pytest.raises(UnknownPreset, match=r"'bse'.*mini, base"):
        get_preset("bse")


def test_overrides() -> None:
    base = get_preset("base")
    changed = base.with_overrides(
        stride=56, guide=None, options={"rho": 0.5}, scales=[1, 2], refinement={"minimal_area": 9})
    assert (changed.stride, changed.guide, changed.options, changed.scales) == (56, base.guide, {"rho": 0.5}, (1, 2))
    assert changed.refinement["minimal_area"] == 9 and changed.refinement["iou_threshold"] == 0.8
    assert changed.with_overrides(options={"T": 1}).options == {"rho": 0.5, "T": 1}
    assert base.options == {} and base.refinement["minimal_area"] == 225


@pytest.mark.parametrize("changes", [
    {"stride": "x"}, {"stride": 0}, {"stride": 300}, {"window": 1.5}, {"refine": 1}, {"scales": []},
    {"scales": [1, "a"]},
    {"scales": [-1]}, {"threshold": 1.0}, {"threshold": True}, {"colour": "red"}, {"options": 3}, {"precision": "half"},
    {"mix": "none"}, {"upsample": "nearest"}, {"bank": -1}, {"bank_mass": -1.0}, {"clip": 3}, {"halo": -8},
    {"presence": -0.1}, {"refinement": {"beta": 1}}, {"refinement": {"minimal_area": "big"}}, {"logit_scale": 0},
])
def test_bad_values_are_one_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(BadPresetValue) as caught:
        get_preset("base").with_overrides(**changes)
    assert "\n" not in str(caught.value) and next(iter(changes)) in str(caught.value)


@pytest.mark.parametrize(("changes", "same"), [
    ({"threshold": 0.5}, True), ({"batch": 2}, True), ({"templates": "imagenet"}, True), ({"logit_scale": 50.0}, True),
    ({"refine": True}, True), ({"sam": "sam-vit-h"}, True), ({"upsample": "bilateral"}, True),
    ({"stride": 56}, False), ({"options": {"rho": 0.5}}, False), ({"clip": "laion-vit-b-16"}, False),
    ({"guide": "dino-vit-b-16"}, False), ({"block": 2016}, False), ({"bank": 256}, False),
    ({"bank_mass": 3.0}, False), ({"bank_mass": 4}, True), ({"mix": "windows"}, False),
])
def test_identity_is_what_features_depend_on(changes: dict[str, Any], same: bool) -> None:
    base = get_preset("base")
    assert (base.with_overrides(**changes).identity() == base.identity()) is same


def test_identity_of_trident_holds_its_sam() -> None:
    trident = get_preset("trident-base")
    assert trident.with_overrides(sam="sam-vit-h").identity() != trident.identity()


def test_a_preset_survives_json() -> None:
    import json

    for preset in load_presets().values():
        fields = json.loads(json.dumps(asdict(preset)))
        assert Preset(**fields | {"scales": tuple(fields["scales"])}) == preset
