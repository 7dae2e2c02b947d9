"""Prompt templates: the sentences that a class's word is put into before CLIP reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from geo_ovss.errors import UnknownTemplates

OVERHEAD = (
    "an aerial photo of {}.",
    "an aerial view of {}.",
    "a satellite image of {}.",
    "a satellite photo of {} from above.",
    "an orthophoto that shows {}.",
    "a drone photo of {}, looking straight down.",
    "{} seen from an airplane.",
    "a bird's-eye view of {}.",
    "a top-down photo of {}.",
    "a high-resolution remote sensing image of {}.",
    "a blurry overhead image of {}.",
    "an overhead photo of a place with {}.",
)
"""What pictures taken from above are captioned as: by aircraft, drone and satellite, sharp and coarse."""


@cache
def _imagenet() -> tuple[str, ...]:
    """The 80 of CLIP's zero-shot evaluation on ImageNet (Radford et al. 2021), from open_clip: slow to import."""
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    return tuple(template("{}") for template in OPENAI_IMAGENET_TEMPLATES)


class _Sets(Mapping[str, tuple[str, ...]]):
    """Read-only, and open_clip is imported only when its templates are asked for."""

    _names = ("imagenet", "overhead", "none")

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name == "imagenet":
            return _imagenet()
        return {"overhead": OVERHEAD, "none": ("{}",)}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


TEMPLATES: Mapping[str, tuple[str, ...]] = _Sets()
"""Sets of templates by name, each with ``{}`` where the word goes."""


def get_templates(templates: str | Sequence[str]) -> tuple[str, ...]:
    """A set by its name, or the templates given.

    Raises
    ------
    UnknownTemplates
        No set of that name, or a template without ``{}``.
    """
    if isinstance(templates, str):
        if templates not in TEMPLATES:
            raise UnknownTemplates(templates, TEMPLATES)
        return TEMPLATES[templates]
    for template in templates:
        if "{}" not in template:
            raise UnknownTemplates(template, TEMPLATES)
    return tuple(templates)
