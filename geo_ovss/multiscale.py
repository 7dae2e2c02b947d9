"""A scene at several ground sample distances: what is lost in a patch at one is seen at another.

A patch of 16 pixels holds several cars at half a metre a pixel, and a sixteenth of a field. Where a vocabulary mixes
both, the scene is encoded at two scales and the scores are averaged. Cosine scores are linear in the features, so the
features are averaged, on the token grid of the working resolution: the store stays one, and answers any question.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from affine import Affine
from torch.nn import functional as F

from geo_ovss.block_reader import CACHED_BLOCKS
from geo_ovss.grid import Box, Layout
from geo_ovss.progress import Progress
from geo_ovss.raster import Raster
from geo_ovss.scene import SceneWalk
from geo_ovss.scene_info import SceneInfo
from geo_ovss.store import SceneFeatures

if TYPE_CHECKING:
    from geo_ovss.build import Pipeline

Block = tuple[int, int]
Fill = Callable[[Raster, SceneFeatures, float], None]


class ScaledRaster:
    """A raster on a grid whose pixels are `factor` times as large as its working grid's.

    Larger pixels are means over the valid ones they cover; smaller ones are interpolated. A pixel comes out the same
    however the grid is cut into boxes.

    Parameters
    ----------
    raster : Raster
    factor : float
        A whole number, or one over a whole number (`Preset` sees to it).
    """

    def __init__(self, raster: Raster, factor: float) -> None:
        self.raster, self.coarser, self.finer = raster, round(max(factor, 1)), round(max(1 / factor, 1))
        self.height, self.width = (-(-side * self.finer // self.coarser) for side in (raster.height, raster.width))

    def read(self, row: int, col: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """RGB (height, width, 3) uint8 and valid (height, width) of a box of this grid; see `Raster.read`."""
        if self.finer > 1:
            return self._read_finer(Box(row, col, height, width))
        k = self.coarser
        rgb, valid = self.raster.read(row * k, col * k, height * k, width * k)
        if k == 1:
            return rgb, valid
        cells = rgb.reshape(height, k, width, k, 3).astype(np.float32)
        known = valid.reshape(height, k, width, k, 1)
        count = known.sum((1, 3))
        mean = np.where(known, cells, 0).sum((1, 3)) / np.maximum(count, 1)
        return np.where(count > 0, mean.round(), rgb[::k, ::k]).astype(np.uint8), count[..., 0] > 0

    def _read_finer(self, box: Box) -> tuple[np.ndarray, np.ndarray]:
        """Bilinear between the pixels around, read with one more on each side."""
        k = self.finer
        source = box.tokens(k).grow(1)
        rgb, valid = self.raster.read(*source)
        pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].float()
        large = F.interpolate(pixels, scale_factor=k, mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
        at = box.shift(-source.row * k, -source.col * k).slices()
        return large[at].round().numpy().astype(np.uint8), valid.repeat(k, 0).repeat(k, 1)[at]


def encode_scene(raster: Raster, pipeline: Pipeline, features: SceneFeatures, progress: Progress,
                 fill: Fill | None = None) -> None:
    """Fill a store with a scene's features, at one scale or at all that the preset names.

    What an earlier, interrupted call has finished is not computed again.

    Parameters
    ----------
    fill : callable, optional
        ``fill(raster, store, factor)`` encodes one scale into its store; left out, this process walks the scene.
    """
    def walk(source: Raster, part: SceneFeatures, factor: float) -> None:
        SceneWalk(source, pipeline, part, progress).run()

    scales, fill = pipeline.preset.scales, fill or walk
    if scales == (1.0,):
        fill(raster, features, 1.0)
        return
    if not features.complete:
        parts = [_encode_scale(raster, features, factor, progress, fill) for factor in scales]
        _fuse(parts, scales, raster, features, progress)
    for factor in scales:
        shutil.rmtree(_part_path(features, factor), ignore_errors=True)


def _part_path(features: SceneFeatures, factor: float) -> Path:
    return features.path / f"scale_{factor:g}"


def _encode_scale(raster: Raster, features: SceneFeatures, factor: float, progress: Progress,
                  fill: Fill) -> SceneFeatures:
    """Encode the scene at one scale, into a store inside the scene's own."""
    scaled = ScaledRaster(raster, factor)
    part = SceneFeatures.create(_part_path(features, factor), scaled_info(features.info, scaled, factor))
    progress.message(f"Encoding at {factor:g} times the working resolution's pixel size.")
    fill(scaled, part, factor)  # type: ignore[arg-type]  # reads like a Raster
    return part


def scaled_info(info: SceneInfo, scaled: ScaledRaster, factor: float) -> SceneInfo:
    """The manifest of a scene at another scale."""
    box = info.aoi_box
    if box is not None:
        first = [int(edge // factor) for edge in box[:2]]
        last = [-(-(start + length) // factor) for start, length in zip(box[:2], box[2:], strict=True)]
        box = (first[0], first[1], int(last[0]) - first[0], int(last[1]) - first[1])
    return replace(
        info, layout=replace(info.layout, height=scaled.height, width=scaled.width), aoi_box=box,
        transform=tuple(Affine(*info.transform) @ Affine.scale(factor))[:6],
        dtype="float16",  # rounded to eight bits once, when the scales are averaged
    )


def _fuse(
    parts: list[SceneFeatures], scales: tuple[float, ...], raster: Raster, features: SceneFeatures, progress: Progress,
) -> None:
    """Average the scales on the scene's own token grid, block by block."""
    readers = [StoreReader(part) for part in parts]
    wanted = [block for block in features.blocks if not features.finished(block)]
    progress.start("average", len(features.blocks), len(features.blocks) - len(wanted))
    for block in wanted:
        core = features.layout.core(*block)
        tokens = core.tokens(features.layout.token)
        total = np.zeros((tokens.height, tokens.width, features.info.dim), np.float32)
        count = np.zeros((tokens.height, tokens.width, 1), np.float32)
        for reader, factor in zip(readers, scales, strict=True):
            rows, known = resample(reader, tokens, factor)
            total += rows
            count += known[..., None]
        shown = [_class_tokens(part, core, factor) for part, factor in zip(parts, scales, strict=True)]
        known_windows = None if any(s is None for s in shown) else np.concatenate([s for s in shown if s is not None])
        features.write_block(block, total / np.maximum(count, 1), raster.read(*core)[1], known_windows)
        progress.advance()


def _class_tokens(part: SceneFeatures, core: Box, factor: float) -> np.ndarray | None:
    """Class-token features of a scale's windows around a core; None where it has none.

    They are kept by the scale's own blocks, so that at larger pixels those of windows beside the core are among them: a
    class may then be offered although it is only next door, and is never hidden for it.
    """
    top, left = math.floor(core.row / factor), math.floor(core.col / factor)
    box = Box(top, left, math.ceil(core.bottom / factor) - top, math.ceil(core.right / factor) - left)
    blocks = [block for block in part.layout.meeting(box) if part.finished(block)]
    if not all(part.has_class_tokens(block) for block in blocks):
        return None
    rows = [part.read_class_tokens(block) for block in blocks]
    return np.concatenate([np.zeros((0, part.info.dim), np.float16), *rows])


def resample(reader: StoreReader, tokens: Box, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Features of a scale at the centres of tokens of the scene's own grid, bilinear between known tokens.

    Returns
    -------
    rows : ndarray, (h, w, D) float32
        Zero where the scale knows nothing.
    known : ndarray, (h, w) float32
        1 where it knows something, else 0.
    """
    down, right = ((start + np.arange(length) + 0.5) / factor - 0.5
                   for start, length in ((tokens.row, tokens.height), (tokens.col, tokens.width)))
    top, left = int(np.floor(down[0])), int(np.floor(right[0]))
    box = Box(top, left, int(np.floor(down[-1])) + 2 - top, int(np.floor(right[-1])) + 2 - left)
    array = reader.read(box)
    weight = (np.abs(array).max(-1, keepdims=True) > 0).astype(np.float32)
    both = np.concatenate([array * weight, weight], axis=-1)
    for axis, places in ((0, down - box.row), (1, right - box.col)):
        first = np.floor(places).astype(int)
        share = (places - first).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        both = both.take(first, axis) * (1 - share) + both.take(first + 1, axis) * share
    known = both[..., -1] > 1e-6
    return np.where(known[..., None], both[..., :-1] / np.maximum(both[..., -1:], 1e-6), 0), known.astype(np.float32)


class StoreReader:
    """Reads any box of a store's token grid, keeping the last few blocks that were decoded."""

    def __init__(self, features: SceneFeatures) -> None:
        self.features = features
        self._kept: dict[Block, np.ndarray] = {}

    def read(self, box: Box) -> np.ndarray:
        """Features (h, w, D) float32 of a token box; zero beyond the scene and where nothing was encoded."""
        layout: Layout = self.features.layout
        out = np.zeros((box.height, box.width, self.features.info.dim), np.float32)
        for block in layout.meeting(box.pixels(layout.token)):
            theirs = layout.core(*block).tokens(layout.token)
            part = theirs.clip(box)
            if part.area and self.features.finished(block):
                source = part.shift(-theirs.row, -theirs.col).slices()
                out[part.shift(-box.row, -box.col).slices()] = self._block(block)[source]
        return out

    def _block(self, block: Block) -> np.ndarray:
        if block not in self._kept:
            if len(self._kept) >= CACHED_BLOCKS:
                del self._kept[next(iter(self._kept))]
            self._kept[block] = self.features.read_block(block)[0]
        return self._kept[block]
