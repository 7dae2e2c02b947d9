"""SAM redraws the edges of a label map (Trident's refinement, arXiv 2411.09219); usable after any method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.encoders.sam import SamEncoder, SamPicture

REGIONS_AT_ONCE = 32  # bounds the decoder's and the masks' memory; the result does not depend on it
EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Refinement:
    """The numbers of the refinement; their published values are in `presets.toml`.

    Attributes
    ----------
    coarse_threshold : float
        Pixels, and classes, whose best score is below it take part in nothing.
    mask_coefficient : float
        Factor on a class's scores as mask prompt (SAM expects logits; so small, they hint and do not force).
    minimal_area : float
        Regions below it are left alone; pixels of the reduced label map.
    iou_threshold : float
        Regions whose predicted intersection over union is not above it keep their coarse label.
    downsample : int
        Factor of the reduced label map.
    """

    coarse_threshold: float
    mask_coefficient: float
    minimal_area: float
    iou_threshold: float
    downsample: int = 2


@dataclass
class Refined:
    """What the refinement gives.

    Attributes
    ----------
    labels : ndarray, (H, W) int64
        Index of the class.
    scores : Tensor, (Q, H, W) float32
        Per class the largest product of mask probability and score, 0 where no mask of the class was accepted; in
        regions that failed at least the plain scores.
    """

    labels: np.ndarray
    scores: Tensor


@dataclass
class Regions:
    """The regions of one class on the reduced label map.

    Attributes
    ----------
    index : Tensor, (h, w) int
        0: none; r + 1: the r-th region.
    points : Tensor, (R, 2)
        x, y of each region's best score.
    boxes : Tensor, (R, 4)
        x0, y0, x1, y1, last pixel included.
    """

    index: Tensor
    points: Tensor
    boxes: Tensor


def refine_labels(
    scores: Tensor, picture: np.ndarray, sam: SamEncoder, options: Refinement | Mapping[str, float],
) -> Refined:
    """Turn the labels into prompts, region by region, and let SAM redraw them.

    Parameters
    ----------
    scores : Tensor, (Q, H, W)
        Probabilities: the softmax over classes.
    picture : ndarray, (H, W, 3) uint8, RGB
    sam : SamEncoder
    options : Refinement or mapping with its fields

    Returns
    -------
    Refined
    """
    numbers = options if isinstance(options, Refinement) else Refinement(**options)  # type: ignore[arg-type]
    scores = scores.to(sam.device)
    coarse = scores.argmax(0)
    size = (scores.shape[1] // numbers.downsample, scores.shape[2] // numbers.downsample)
    small = F.interpolate(scores[None], size=size, mode="bilinear", align_corners=False)[0]
    small_labels = F.interpolate(coarse[None, None].float(), size=size, mode="nearest")[0, 0].long()
    small_labels = small_labels.masked_fill(small.amax(0) < numbers.coarse_threshold, -1)
    seen = sam.embed(picture)
    refined, failed, accepted = torch.zeros_like(scores), torch.zeros_like(coarse, dtype=torch.bool), False
    for label in range(len(scores)):
        if small[label].max() < numbers.coarse_threshold:
            continue
        regions = find_regions(small_labels == label, small[label], numbers.minimal_area)
        if not len(regions.points):
            continue
        prompt = mask_prompt(small[label], sam, numbers)
        passed = _redraw(refined[label], scores[label], regions, prompt, seen, sam, size, numbers.iou_threshold)
        accepted |= bool(passed.any())
        lost = torch.cat([torch.zeros(1, dtype=torch.bool, device=passed.device), ~passed])[regions.index]
        failed |= F.interpolate(lost[None, None].float(), size=coarse.shape, mode="nearest")[0, 0] > 0
    if not accepted:
        return Refined(coarse.cpu().numpy(), scores)
    best, labels = refined.max(0)
    plain = scores * failed
    labels = torch.where((best <= 0) | (plain.amax(0) > best), coarse, labels)
    return Refined(labels.cpu().numpy(), torch.maximum(refined, plain))


def _redraw(
    refined: Tensor, scores: Tensor, regions: Regions, prompt: Tensor, seen: SamPicture, sam: SamEncoder,
    frame: tuple[int, int], iou_threshold: float,
) -> Tensor:
    """Raise one class's refined scores (H, W), in place, to those of its accepted masks; gives which passed, (R,)."""
    passed = []
    for start in range(0, len(regions.points), REGIONS_AT_ONCE):
        at = slice(start, start + REGIONS_AT_ONCE)
        low, iou = sam.masks(seen, regions.points[at], regions.boxes[at], prompt, frame)
        good = iou > iou_threshold
        passed.append(good)
        for mask in low[good]:  # one full-size mask at a time: a scene's block may hold hundreds of regions
            logits = sam.upscale(seen, mask[None])[0]
            inside = logits > sam.model.mask_threshold
            torch.maximum(refined, torch.where(inside, logits.sigmoid() * scores, 0), out=refined)
    return torch.cat(passed)


def find_regions(mask: Tensor, scores: Tensor, minimal_area: float) -> Regions:
    """Connected regions (8 neighbours) of one class that are large enough, with their prompts.

    Parameters
    ----------
    mask : Tensor, (h, w) bool
    scores : Tensor, (h, w)
    minimal_area : float
    """
    found, count = ndimage.label(mask.cpu().numpy(), EIGHT_NEIGHBOURS)
    areas = np.bincount(found.ravel(), minlength=count + 1)
    index, points, boxes = np.zeros_like(found), [], []
    values = scores.cpu().numpy()
    for region, place in enumerate(ndimage.find_objects(found), start=1):
        if areas[region] < minimal_area:
            continue
        inside = found[place] == region
        rows, cols = place
        best = np.unravel_index(np.where(inside, values[place], -np.inf).argmax(), inside.shape)
        points.append([cols.start + best[1], rows.start + best[0]])
        boxes.append([cols.start, rows.start, cols.stop - 1, rows.stop - 1])
        index[place][inside] = len(points)
    device = scores.device
    return Regions(
        torch.from_numpy(index).to(device), torch.tensor(points, dtype=torch.float32, device=device).view(-1, 2),
        torch.tensor(boxes, dtype=torch.float32, device=device).view(-1, 4),
    )


def mask_prompt(scores: Tensor, sam: SamEncoder, numbers: Refinement) -> Tensor:
    """A class's scores (h, w) as SAM's mask prompt, (256, 256).

    Resized to 256 on the longer side and padded with zeros; values above the coarse threshold times the coefficient,
    the rest 0.
    """
    side = 4 * sam.model.prompt_encoder.image_embedding_size[0]
    scale = side / max(scores.shape)
    size = tuple(int(length * scale + 0.5) for length in scores.shape)
    resized = F.interpolate(scores[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    padded = F.pad(resized, (0, side - size[1], 0, side - size[0]))
    return numbers.mask_coefficient * padded.masked_fill(padded <= numbers.coarse_threshold, 0)
