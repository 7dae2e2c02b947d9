"""What `evaluate` runs over a picture: the tool as it segments scenes, or a method as its paper runs it on pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from geo_ovss import __version__
from geo_ovss.classify import Classes, class_probabilities, label_pixels
from geo_ovss.datasets import RunRule
from geo_ovss.errors import NotARaster
from geo_ovss.grid import Box, window_starts
from geo_ovss.metrics import boundary_lines
from geo_ovss.outputs import digest
from geo_ovss.presets import get_preset
from geo_ovss.published import run_published
from geo_ovss.raster import RasterOptions, open_raster
from geo_ovss.refine import refine_labels
from geo_ovss.samples import Sample
from geo_ovss.scene import scene_layout
from geo_ovss.scoring import Prediction
from geo_ovss.segmenter import QueryOptions, Segmenter
from geo_ovss.truth import SceneGrid
from geo_ovss.vocabulary import Vocabulary

CHUNK_PIXELS = 2**25
"""Probabilities (classes times pixels) that are held at a time while a picture is labelled: 128 MB in float32."""

PUBLISHED_WINDOW = get_preset("base").window
"""A preset with another window than this comes from a paper with windows of its own, which it keeps."""


class SceneRunner:
    """The tool itself: `Segmenter.segment` on each raster.

    Parameters
    ----------
    segmenter : Segmenter
    vocabulary : Vocabulary
    options : RasterOptions
    query : QueryOptions
    features : Path, optional
        Folder that keeps the scenes' features, for runs that differ in the question only; their seconds are then those
        of the question.
    """

    def __init__(
        self, segmenter: Segmenter, vocabulary: Vocabulary, options: RasterOptions | None = None,
        query: QueryOptions | None = None, features: Path | None = None,
    ) -> None:
        self.segmenter, self.vocabulary, self.features = segmenter, vocabulary, features
        self.options, self.query = options or RasterOptions(), query or QueryOptions()

    def predict(self, sample: Sample) -> Prediction:
        """Label one raster. With another resolution asked for, labels go back to the file's own pixels."""
        self.segmenter.pipeline  # loaded once, before the clock runs  # noqa: B018
        began = time.perf_counter()
        raster = open_raster(sample.image, self.options)
        features = self.segmenter.encode(raster, out=self._store(sample))
        labels = self.segmenter.query(features, self.vocabulary, options=self.query).labels
        seconds = time.perf_counter() - began
        grid, layout = SceneGrid.of(sample.image), scene_layout(raster, self.segmenter.pipeline)
        own, working = (grid.height, grid.width), labels.shape
        windows = tuple(
            _scaled(boundary_lines(starts, layout.window, length), length, target)
            for starts, length, target in zip((layout.window_rows, layout.window_cols), working, own, strict=True)
        )
        blocks = tuple(
            _scaled([start for start in starts if start], length, target)
            for starts, length, target in zip((layout.block_rows, layout.block_cols), working, own, strict=True)
        )
        rows, cols = (_nearest(target, length) for target, length in zip(own, working, strict=True))
        if own != working:
            labels = labels[rows[:, None], cols]

        def valid(box: Box) -> NDArray[np.bool_]:
            r, c = rows[box.row : box.bottom], cols[box.col : box.right]
            mask = raster.read(int(r[0]), int(c[0]), int(r[-1] - r[0]) + 1, int(c[-1] - c[0]) + 1)[1]
            return mask[(r - r[0])[:, None], c - c[0]]

        return Prediction(labels, seconds, windows, blocks, valid)  # type: ignore[arg-type]

    def _store(self, sample: Sample) -> Path | None:
        if self.features is None:
            return None
        self.features.mkdir(parents=True, exist_ok=True)
        key = digest(self.segmenter.pipeline.identity(), asdict(self.options), str(sample.image.resolve()))
        return self.features / f"{sample.image.stem}-{key}.features"

    def identity(self) -> dict[str, Any]:
        """What the labels depend on."""
        return _identity(self.segmenter, self.vocabulary, self.query) | {
            "as": "scene", "read": asdict(self.options), "block": self.segmenter.preset.block,
        }


class PictureRunner:
    """A method on pictures as the papers run it: resized, windows' logits averaged at full resolution.

    Parameters
    ----------
    segmenter : Segmenter
        A preset of the papers' window takes the rule's window and stride; one with windows of its own keeps them.
    vocabulary : Vocabulary
    rule : RunRule
        Resizing, threshold, templates, synonyms.
    """

    def __init__(self, segmenter: Segmenter, vocabulary: Vocabulary, rule: RunRule) -> None:
        preset = segmenter.preset
        if preset.window == PUBLISHED_WINDOW and (rule.window, rule.stride) != (preset.window, preset.stride):
            changed = preset.with_overrides(window=rule.window, stride=rule.stride)
            segmenter = Segmenter(changed, device=segmenter.device)
        self.segmenter, self.vocabulary, self.rule = segmenter, vocabulary, rule
        self.query = QueryOptions(
            templates=rule.templates, threshold=rule.threshold, synonyms=rule.synonyms or "before"
        )

    @cached_property
    def classes(self) -> Classes:
        """The text matrix, made once."""
        return self.segmenter.classes(self.vocabulary, self.query)

    @torch.inference_mode()
    def predict(self, sample: Sample) -> Prediction:
        """Label one picture, at the picture's own size."""
        pipeline, classes = self.segmenter.pipeline, self.classes
        began = time.perf_counter()
        picture = read_picture(sample.image)
        size = picture.shape[:2]
        small = resize_picture(picture, self.rule)
        method = pipeline.method
        logits = run_published(method, small, classes.text, pipeline.preset.batch).logits.cpu()
        if pipeline.preset.refine and pipeline.sam is not None:
            scores = torch.cat([class_probabilities(part, classes) for part in upsampled(logits, size)], dim=1)
            labels = refine_labels(scores, picture, pipeline.sam, pipeline.preset.refinement).labels + 1
        else:
            parts = [label_pixels(class_probabilities(p, classes), classes)[0] for p in upsampled(logits, size)]
            labels = torch.cat(parts).numpy()
        seconds = time.perf_counter() - began
        windows = tuple(
            _scaled(boundary_lines(window_starts(length, method.window, method.stride, 1), method.window, length),
                    length, own)
            for length, own in zip(small.shape[:2], size, strict=True)
        )
        return Prediction(labels, seconds, windows)  # type: ignore[arg-type]

    def identity(self) -> dict[str, Any]:
        """What the labels depend on."""
        return _identity(self.segmenter, self.vocabulary, self.query) | {"as": "picture", "rule": asdict(self.rule)}


def read_picture(path: str | Path) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8, RGB.

    Raises
    ------
    NotARaster
    """
    try:
        with Image.open(path) as source:
            return np.asarray(source.convert("RGB"))
    except OSError as error:
        raise NotARaster(path) from error


def resize_picture(picture: NDArray[np.uint8], rule: RunRule) -> NDArray[np.uint8]:
    """A picture at the size that a rule asks for, by bilinear interpolation without a low-pass, as in the papers."""
    if rule.shorter_side is None:
        return picture
    height, width = picture.shape[:2]
    factor = rule.shorter_side / min(height, width)
    if rule.longer_side is not None:
        factor = min(factor, rule.longer_side / max(height, width))
    size = (int(height * factor + 0.5), int(width * factor + 0.5))
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()
    resized = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
    return resized.round().clamp(0, 255).byte()[0].permute(1, 2, 0).contiguous().numpy()


def upsampled(logits: Tensor, size: tuple[int, int]) -> Iterator[Tensor]:
    """Strips of the logits (Q, h, w), bilinearly upsampled to the size (H, W): (Q, rows, W) each, top to bottom."""
    count, height, _ = logits.shape
    rows = max(CHUNK_PIXELS // (count * size[1]), 1)
    centres = (torch.arange(size[0], dtype=torch.float64) + 0.5) * height / size[0] - 0.5
    centres = centres.clamp(0, height - 1)
    above = centres.long()
    below = (above + 1).clamp(max=height - 1)
    share = (centres - above).float()[:, None]
    for first in range(0, size[0], rows):
        part = slice(first, first + rows)
        strip = torch.lerp(logits[:, above[part]], logits[:, below[part]], share[part])
        yield F.interpolate(strip[None], size=(strip.shape[1], size[1]), mode="bilinear", align_corners=False)[0]


def _identity(segmenter: Segmenter, vocabulary: Vocabulary, query: QueryOptions) -> dict[str, Any]:
    preset = segmenter.preset
    said = {"logit_scale": preset.logit_scale, "upsample": preset.upsample, "refine": preset.refine,
            "refinement": preset.refinement, "presence": preset.presence, "templates": preset.templates,
            "threshold": preset.threshold}
    return {
        "version": __version__, "preset": preset.name, "pipeline": segmenter.pipeline.identity(), "said": said,
        "classes": vocabulary.to_text(), "query": asdict(query),
    }


def _scaled(lines: Sequence[int], length: int, target: int) -> list[int]:
    """Lines of an axis of `length` pixels on one of `target` pixels."""
    return sorted({round(line * target / length) for line in lines} - {0, target})


def _nearest(target: int, length: int) -> NDArray[np.intp]:
    """For each of `target` pixels the one of `length` pixels at the same place."""
    return ((np.arange(target) + 0.5) * length / target).astype(np.intp)
