"""Features x text: scores, labels, confidence; block by block, straight to tiled rasters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import rasterio
import torch
from rasterio.windows import Window
from torch import Tensor

from geo_ovss.block_reader import BlockReader
from geo_ovss.grid import Box
from geo_ovss.progress import Progress
from geo_ovss.store import SceneFeatures, disk_full_as_error
from geo_ovss.upsample import MARGIN, joint_bilateral

if TYPE_CHECKING:
    from geo_ovss.encoders.sam import SamEncoder
    from geo_ovss.raster import Raster


SMALLEST_TILE, LARGEST_TILE = 128, 640
"""Sides (pixels) of the tiles that labels are kept in: multiples of 16, as TIFF asks."""


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
    if bool((weight > 0).all()):
        return _bilinear(logits, token)
    both = _bilinear(torch.cat([logits * weight, weight[None]]), token)
    return both[:-1] / both[-1].clamp(min=1e-6)


def _bilinear(rows: Tensor, factor: int) -> Tensor:
    return torch.nn.functional.interpolate(rows[None], scale_factor=factor, mode="bilinear", align_corners=False)[0]


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


@dataclass(frozen=True)
class Finishing:
    """What happens to scores that needs the picture; by default nothing.

    Attributes
    ----------
    raster : Raster or None
        Read by the two below.
    bilateral : bool
        Upsample along the picture's edges instead of bilinearly.
    sam : SamEncoder or None
        Redraws the edges of the labels where given; it sees a block with its halo at a time.
    refinement : dict
        The numbers of that (`refine.Refinement`).
    presence : float
        A class whose class-token score over a block lies further than this below the best class's is not offered there
        (`hide_absent`); 0: off.
    """

    raster: Raster | None = None
    bilateral: bool = False
    sam: SamEncoder | None = None
    refinement: dict[str, float] | None = None
    presence: float = 0.0


def block_probabilities(reader: BlockReader, block: tuple[int, int], classes: Classes, finishing: Finishing,
                        margin: int = 0) -> tuple[Tensor, Box]:
    """Probabilities (C, H, W) of a block's core and `margin` pixels around it, and the pixel box that they cover."""
    layout = reader.layout
    box = layout.core(*block).grow(margin).clip(layout.extent)
    along_edges = finishing.bilateral and finishing.raster is not None
    features, tokens = reader.bordered(block, box.grow((MARGIN - 1) * layout.token) if along_edges else box)
    weight = (features.abs().amax(-1) > 0).float()
    logits = word_logits(features, classes.text)
    if finishing.presence > 0:
        shown = torch.from_numpy(reader.features.read_class_tokens(block)).float()
        logits = hide_absent(logits, shown, classes, finishing.presence)
    whole = tokens.pixels(layout.token)
    if along_edges and finishing.raster is not None:
        picture, _ = finishing.raster.read(*whole)
        pixels = joint_bilateral(logits, picture, layout.token, weight=weight)
    else:
        pixels = upsample(logits, weight, layout.token)
    crop = box.shift(-whole.row, -whole.col).slices()
    return class_probabilities(pixels[(slice(None), *crop)], classes), box


def hide_absent(logits: Tensor, class_tokens: Tensor, classes: Classes, presence: float) -> Tensor:
    """Take the classes out of a block that none of its windows shows.

    A class scores what the best of its words has in the best of the block's windows. The mean over the windows would
    lose the one pool among eighty of them; the best patch, on the other hand, is always some noise that looks like
    anything: the class token has seen the whole window.

    Parameters
    ----------
    logits : Tensor, (Q, h, w)
        Cosines of tokens and words.
    class_tokens : Tensor, (n, D)
        Unit rows: what the windows over the block show as wholes. With n = 0 nothing is hidden.
    presence : float
        How far below the best class's score a class may lie and still be offered. The background always is.

    Returns
    -------
    Tensor, (Q, h, w)
        With -1, the least cosine there is, for the words of hidden classes.
    """
    if not len(class_tokens):
        return logits
    best = (class_tokens @ classes.text.T).amax(0)
    by_class = best.new_full((classes.count,), -torch.inf).scatter_reduce_(0, classes.class_of_word, best, "amax")
    hidden = by_class < by_class.max() - presence
    if classes.background is not None:
        hidden[classes.background] = False
    return logits.masked_fill(hidden[classes.class_of_word][:, None, None], -1.0)


def label_block(reader: BlockReader, block: tuple[int, int], classes: Classes,
                finishing: Finishing) -> tuple[np.ndarray, np.ndarray]:
    """Labels and confidence (H, W) of a block's core; labels count from 1, 0 is none."""
    core = reader.layout.core(*block)
    if finishing.sam is None or finishing.raster is None:
        labels, confidence = label_pixels(block_probabilities(reader, block, classes, finishing)[0], classes)
        return labels.numpy(), confidence.numpy()
    from geo_ovss.refine import refine_labels

    probabilities, box = block_probabilities(reader, block, classes, finishing, margin=reader.layout.halo)
    picture, _ = finishing.raster.read(*box)
    refined = torch.from_numpy(refine_labels(probabilities, picture, finishing.sam, finishing.refinement or {}).labels)
    labels, confidence = label_pixels(probabilities, classes)
    redrawn = torch.where(labels > 0, refined + 1, labels)  # what the threshold has dropped stays dropped
    confidence = torch.where(redrawn == labels, confidence, probabilities.gather(0, refined[None])[0])
    crop = core.shift(-box.row, -box.col).slices()
    return redrawn[crop].numpy(), confidence[crop].numpy()


def tile_side(block: int) -> int:
    """Side of the tiles in which labels are kept: a block is whole tiles, where TIFF's multiples of 16 allow it.

    Polygons are made strip by strip: a row of tiles as wide as the scene has to fit GDAL's cache (labels and confidence
    take 5 bytes a pixel), or every tile is read again for every strip. So tiles are small, but not so small that there
    are too many.
    """
    return next((side for side in range(LARGEST_TILE, SMALLEST_TILE - 1, -16) if block % side == 0), 256)


def classify_scene(features: SceneFeatures, classes: Classes, labels_path: Path, confidence_path: Path,
                   progress: Progress, finishing: Finishing | None = None,
                   aoi: Callable[..., np.ndarray | None] | None = None) -> None:
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
    layout, reader, finishing = features.layout, BlockReader(features), finishing or Finishing()
    dtype = "uint8" if classes.count < 256 else "uint16"
    tile = tile_side(layout.block)
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
            core, mask = layout.core(*block), reader.block(block)[1]
            area = aoi(*core) if aoi else None
            mask = mask if area is None else mask & area
            if mask.any():
                labels, confidence = label_block(reader, block, classes, finishing)
                window = Window(core.col, core.row, core.width, core.height)
                labels_out.write(np.where(mask, labels, 0).astype(dtype), 1, window=window)
                confidence_out.write(np.where(mask & (labels > 0), confidence, 0).astype("float32"), 1, window=window)
            progress.advance()
