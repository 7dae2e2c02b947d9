"""Features x text: scores, labels, confidence; block by block, straight to tiled rasters."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import rasterio
import torch
from rasterio.windows import Window
from torch import Tensor

from geo_ovss.grid import Box
from geo_ovss.progress import Progress
from geo_ovss.store import SceneFeatures, disk_full_as_error

CACHED_BLOCKS = 4
"""Decoded blocks that are kept for their neighbours' borders."""


@dataclass(frozen=True)
class Classes:
    """What the classification needs of a vocabulary.

    Attributes
    ----------
    text : Tensor, (Q, D) float32
        Unit rows, one a word.
    class_of_word : Tensor, (Q,) int64
        The class (0-based) of each word.
    count : int
        Number of classes.
    background : int or None
        The class (0-based) that takes what scores under the threshold; None leaves such pixels without a label.
    logit_scale : float
        Factor on the cosines before the softmax over classes.
    threshold : float
        Probability under which a pixel is not given to the best class; 0 switches it off.
    synonyms : {"before", "after"}
        Whether the best word of a class is chosen on the cosines, before the softmax over classes, or after a softmax
        over all words as the published codes do.
    """

    text: Tensor
    class_of_word: Tensor
    count: int
    background: int | None
    logit_scale: float
    threshold: float = 0.0
    synonyms: Literal["before", "after"] = "before"


def word_logits(features: Tensor, text: Tensor) -> Tensor:
    """Cosine logits (Q, h, w) of token features (h, w, D); those of spliced features are the windows' averages."""
    return torch.einsum("hwd,qd->qhw", features, text)


def upsample(logits: Tensor, weight: Tensor, token: int) -> Tensor:
    """Bilinear from tokens (Q, h, w) to pixels (Q, h * token, w * token), averaging over valid tokens only.

    Parameters
    ----------
    weight : Tensor, (h, w)
        1 for tokens that have features, 0 for others: they do not pull the scores of their neighbours down.
    """
    shape = {"scale_factor": token, "mode": "bilinear", "align_corners": False}
    if bool((weight > 0).all()):
        return torch.nn.functional.interpolate(logits[None], **shape)[0]
    both = torch.nn.functional.interpolate(torch.cat([logits * weight, weight[None]])[None], **shape)[0]
    return both[:-1] / both[-1].clamp(min=1e-6)


def class_probabilities(logits: Tensor, classes: Classes) -> Tensor:
    """Probabilities (C, H, W) of classes from the words' cosine logits (Q, H, W)."""
    if classes.synonyms == "after":
        return _best_word((logits * classes.logit_scale).softmax(0), classes)
    return (_best_word(logits, classes) * classes.logit_scale).softmax(0)


def _best_word(scores: Tensor, classes: Classes) -> Tensor:
    if classes.count == len(scores):
        return scores
    best = scores.new_full((classes.count, *scores.shape[1:]), -torch.inf)
    index = classes.class_of_word[:, None, None].expand_as(scores)
    return best.scatter_reduce_(0, index, scores, "amax")


def label_pixels(probabilities: Tensor, classes: Classes) -> tuple[Tensor, Tensor]:
    """Labels (H, W) int64, counted from 1 with 0 for none, and confidence (H, W), from probabilities (C, H, W)."""
    confidence, best = probabilities.max(0)
    labels = best + 1
    if classes.threshold > 0:
        low = confidence < classes.threshold
        labels[low] = 0 if classes.background is None else classes.background + 1
        if classes.background is not None:
            confidence = torch.where(low, probabilities[classes.background], confidence)
    return labels, confidence


class BlockReader:
    """Reads the features of a block with a border of one token, so that upsampling sees across block seams."""

    def __init__(self, features: SceneFeatures) -> None:
        self.features, self.layout = features, features.layout
        self._cache: OrderedDict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = OrderedDict()

    def block(self, block: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Features and valid pixels of a block, from the last few that were decoded where they are among them."""
        if block not in self._cache:
            self._cache[block] = self.features.read_block(block)
            while len(self._cache) > max(CACHED_BLOCKS, 2 * len(self.layout.block_cols) if self._small else 0):
                self._cache.popitem(last=False)
        self._cache.move_to_end(block)
        return self._cache[block]

    @property
    def _small(self) -> bool:
        return len(self.layout.block_cols) <= CACHED_BLOCKS

    def bordered(self, block: tuple[int, int], margin: int = 1) -> tuple[np.ndarray, Box]:
        """Features (h, w, D) of the block's tokens and `margin` more, and the token box they cover.

        Tokens beyond the scene's edge, or in blocks that were not encoded, are left out or zero.
        """
        grid = self.layout.core(*block).tokens(self.layout.token)
        rows, cols = self.layout.token_shape
        box = grid.grow(margin).clip(Box(0, 0, rows, cols))
        out = np.zeros((box.height, box.width, self.features.info.dim), np.float16)
        for near in self.layout.neighbours(*block):
            theirs = self.layout.core(*near).tokens(self.layout.token)
            part = theirs.clip(box)
            if part.area and self.features.finished(near):
                source = part.shift(-theirs.row, -theirs.col).slices()
                out[part.shift(-box.row, -box.col).slices()] = self.block(near)[0][source]
        return out, box


def block_probabilities(reader: BlockReader, block: tuple[int, int], classes: Classes) -> tuple[Tensor, np.ndarray]:
    """Probabilities (C, H, W) of a block's core, and its valid pixels (H, W)."""
    layout = reader.layout
    token, core = layout.token, layout.core(*block)
    array, box = reader.bordered(block)
    features = torch.from_numpy(array).float()
    weight = (features.abs().amax(-1) > 0).float()
    logits = upsample(word_logits(features, classes.text), weight, token)
    top, left = core.row - box.row * token, core.col - box.col * token
    logits = logits[:, top : top + core.height, left : left + core.width]
    return class_probabilities(logits, classes), reader.block(block)[1]


def classify_scene(features: SceneFeatures, classes: Classes, labels_path: Path, confidence_path: Path,
                   progress: Progress, aoi: object = None) -> None:
    """Write the label and confidence rasters of a scene, tiled and compressed, in memory set by the block.

    Parameters
    ----------
    features : SceneFeatures
    classes : Classes
    labels_path, confidence_path : Path
        GeoTIFFs: uint8 or uint16 (0 no label, i the i-th class), and float32 in 0..1.
    aoi : callable or None
        ``aoi(row, col, height, width)`` gives a bool mask of the area of interest, or None for everything.
    """
    layout, reader = features.layout, BlockReader(features)
    dtype = "uint8" if classes.count < 256 else "uint16"
    tile = layout.block if layout.block % 16 == 0 else 256  # a block is one tile where TIFF allows it: none written twice
    profile = {
        "driver": "GTiff", "height": layout.height, "width": layout.width, "count": 1, "crs": features.crs,
        "transform": features.transform, "tiled": True, "blockxsize": tile, "blockysize": tile, "compress": "deflate",
        "zlevel": 1, "BIGTIFF": "IF_SAFER", "sparse_ok": True,
    }
    blocks = features.blocks
    progress.start("classify", len(blocks))
    with (
        disk_full_as_error(labels_path.parent),
        rasterio.open(labels_path, "w", dtype=dtype, nodata=0, **profile) as labels_out,
        rasterio.open(confidence_path, "w", dtype="float32", nodata=0, predictor=3, **profile) as confidence_out,
    ):
        for block in blocks:
            core = layout.core(*block)
            if not reader.block(block)[1].any():
                progress.advance()
                continue
            probabilities, valid = block_probabilities(reader, block, classes)
            labels, confidence = label_pixels(probabilities, classes)
            mask = valid if not callable(aoi) else valid & aoi(*core)
            window = Window(core.col, core.row, core.width, core.height)
            labels_out.write(np.where(mask, labels.numpy(), 0).astype(dtype), 1, window=window)
            confidence_out.write(np.where(mask & (labels.numpy() > 0), confidence.numpy(), 0), 1, window=window)
            progress.advance()
