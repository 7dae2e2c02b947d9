"""Selection: tiles 2 and 5 and the last ten pictures of every scene folder, never trained on.

A light reading of the methods with features spliced over windows before attention; the figures of `docs/mini.md` come
from geo_ovss itself. Text targets are the tabulated ones, so that it runs before the text tower exists.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.transformer import VisionTransformer
from PIL import Image
from torch import Tensor

from training import tower, words
from training.prototypes import Prototypes

CLASSES = ["building", "land", "road", "vegetation", "water"]  # the order of the labels
DISTRACTORS = ["airplane", "snow", "tennis court", "vineyard"]
SIDE, STRIDE, PATCH = 224, 112, 16


def window_starts(length: int) -> list[int]:
    """Multiples of the stride, the last one aligned to the far edge (in whole patches)."""
    length = -(-length // PATCH) * PATCH
    starts = list(range(0, max(1, length - SIDE + 1), STRIDE))
    if starts[-1] + SIDE < length:
        starts.append(length - SIDE)
    return starts


@torch.no_grad()
def spliced(vit: VisionTransformer, image: np.ndarray, form: str) -> Tensor:
    """Text-aligned features of a picture on its patch grid, (h, w, D), overlaps averaged."""
    device = vit.proj.device
    h, w = -(-image.shape[0] // PATCH), -(-image.shape[1] // PATCH)
    padded = np.pad(image, ((0, max(SIDE, h * PATCH) - image.shape[0]), (0, max(SIDE, w * PATCH) - image.shape[1]),
                            (0, 0)), mode="reflect")
    boxes = [(y, x) for y in window_starts(padded.shape[0]) for x in window_starts(padded.shape[1])]
    grid = padded.shape[0] // PATCH, padded.shape[1] // PATCH
    width = vit.conv1.weight.shape[0]
    sums = torch.zeros(*grid, width if form == "scene" else vit.proj.shape[1], device=device)
    queries, hits = torch.zeros(*grid, width, device=device), torch.zeros(*grid, 1, device=device)
    block, n = vit.transformer.resblocks[-1], SIDE // PATCH
    for k in range(0, len(boxes), 24):
        part = boxes[k:k + 24]
        pixels = torch.stack([torch.from_numpy(padded[y:y + SIDE, x:x + SIDE]) for y, x in part]).permute(0, 3, 1, 2)
        with torch.autocast(device.type, torch.bfloat16):
            x = tower.trunk(vit, tower.normalise_pixels(pixels.to(device)))
            q, _, v = tower.heads(block, block.ln_1(x))
            if form == "scene":
                rows = tower.flat(v)[:, 1:]
            else:
                rows = tower.read(vit, tower.query_query(q, v) if form == "query" else tower.flat(v)[:, 1:])
        flat_q = tower.flat(q)[:, 1:].float()
        for (y, x0), r, fq in zip(part, rows.float(), flat_q, strict=True):
            where = (slice(y // PATCH, y // PATCH + n), slice(x0 // PATCH, x0 // PATCH + n))
            sums[where] += r.unflatten(0, (n, n))
            queries[where] += F.normalize(fq, dim=-1).unflatten(0, (n, n))
            hits[where] += 1
    sums = (sums / hits)[:h, :w]
    if form != "scene":
        return sums
    mixed = tower.thresholded((queries / hits)[:h, :w].flatten(0, 1), sums.flatten(0, 1))
    return tower.read(vit, mixed[None])[0].unflatten(0, (h, w))


def label_map(features: Tensor, text: list[Tensor], height: int, width: int) -> np.ndarray:
    """Per class the maximum over its words of the cosines, upsampled to pixels; the best class, (H, W)."""
    cos = torch.stack([(features @ t.T).amax(-1) for t in text])
    full = F.interpolate(cos[None], scale_factor=PATCH, mode="bilinear", align_corners=False)[0]
    return full[:, :height, :width].argmax(0).cpu().numpy()


def confusion(labels: np.ndarray, truth: np.ndarray, classes: int = 5) -> np.ndarray:
    """(classes, classes + 1) counts; the last column takes predictions that are none of the classes."""
    known = truth < classes
    got = np.minimum(labels[known], classes)
    return np.bincount(truth[known].astype(int) * (classes + 1) + got, minlength=classes * (classes + 1)).reshape(
        classes, classes + 1)


def ious(counts: np.ndarray) -> np.ndarray:
    hit = np.diag(counts[:, :-1])
    return hit / np.maximum(counts.sum(1) + counts[:, :-1].sum(0) - hit, 1)


def tiles(
    vit: VisionTransformer, vocabularies: dict[str, list[Tensor]], form: str, every: int = 1
) -> dict[str, np.ndarray]:
    """Per vocabulary the class IoUs over tiles 2 and 5."""
    from training.data import dubai_pictures

    totals = {name: np.zeros((5, 6)) for name in vocabularies}
    for picture, labels in dubai_pictures(validation=True)[::every]:
        image, truth = np.asarray(Image.open(picture).convert("RGB")), np.asarray(Image.open(labels))
        features = spliced(vit, image, form)
        for name, text in vocabularies.items():
            totals[name] += confusion(label_map(features, text, *truth.shape), truth)
    return {name: ious(t) for name, t in totals.items()}


def scenes(vit: VisionTransformer, text: Tensor, form: str, every: int = 1) -> dict[str, float]:
    """Share of validation scenes whose name has the largest area, and that the class token names."""
    from training.data import ucmerced_pictures

    right, seen, by_token = 0, 0, 0
    for picture, scene in ucmerced_pictures(validation=True)[::every]:
        image = np.asarray(Image.open(picture).convert("RGB"))
        labels = label_map(spliced(vit, image, form), list(text[:, None]), *image.shape[:2])
        right += int(np.bincount(labels.ravel(), minlength=len(text)).argmax() == scene)
        with torch.no_grad():
            crop = torch.from_numpy(image[16:240, 16:240].copy()).permute(2, 0, 1)[None]
            token = tower.class_feature(vit, tower.trunk(vit, tower.normalise_pixels(crop.to(vit.proj.device))))
        by_token += int((token @ text.T).argmax() == scene)
        seen += 1
    return {"area": right / seen, "token": by_token / seen}


def vocabularies(lookup: Prototypes) -> dict[str, list[Tensor]]:
    plain = [lookup.of([c]) for c in CLASSES]
    return {"plain": plain, "synonyms": [lookup.of(words.HELD_OUT[c]) for c in CLASSES],
            "distractors": plain + [lookup.of([d]) for d in DISTRACTORS]}


def quick(vit: VisionTransformer, lookup: Prototypes) -> dict:
    """Every third tile, windows alone and scene attention, and every third scene picture."""
    found: dict = {}
    vocabulary = vocabularies(lookup)
    for form in ("query", "scene"):
        for name, values in tiles(vit, vocabulary, form, every=3).items():
            found[f"{form}_{name}"] = [round(float(values.mean()), 3), [round(float(v), 2) for v in values]]
    names = lookup.of(list(words.UCMERCED_NAMES.values()))
    found["scenes_scene"] = {k: round(v, 3) for k, v in scenes(vit, names, "scene", every=3).items()}
    return found
