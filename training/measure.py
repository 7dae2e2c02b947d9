"""Measure the exported model through geo_ovss itself: ``python -m training.measure tiles|ablation|scenes``.

Prints one line a run: mIoU over the five classes, the classes' IoU, the boundary error rate.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import warnings

import numpy as np
from PIL import Image

from geo_ovss.ablation import ablation_variants
from geo_ovss.grid import window_starts
from geo_ovss.metrics import BOUNDARY_DISTANCE, BoundaryErrors, boundary_lines, control_lines
from geo_ovss.presets import get_preset
from geo_ovss.segmenter import Segmenter
from training import validate, words
from training.data import dubai_pictures, ucmerced_pictures

VOCABULARIES = {
    "plain": ",".join(validate.CLASSES),
    "synonyms only": ";".join("|".join(words.HELD_OUT[c]) for c in validate.CLASSES),
    "with distractors": ",".join([*validate.CLASSES, *validate.DISTRACTORS]),
}


def count_boundaries(errors: BoundaryErrors, truth: np.ndarray, labels: np.ndarray, segmenter: Segmenter) -> None:
    method = segmenter.pipeline.method
    window, stride, token = method.window, method.stride, method.token
    for t, p in ((truth, labels), (truth.T, labels.T)):
        starts = window_starts(t.shape[0], window, stride, token)
        lines = boundary_lines(starts, window, t.shape[0])
        errors.count(t, p, lines, control_lines(lines, t.shape[0], BOUNDARY_DISTANCE))


def measure_tiles(segmenter: Segmenter, kinds: list[str], only: str, title: str, counts: bool = False) -> None:
    totals = {k: np.zeros((5, 6)) for k in kinds}
    boundaries = {k: BoundaryErrors() for k in kinds}
    for picture, labels in dubai_pictures(validation=True):
        if not fnmatch.fnmatch(picture.stem, only):
            continue
        truth = np.asarray(Image.open(labels)).astype(int)
        features = segmenter.encode(picture)
        for kind in kinds:
            got = segmenter.query(features, VOCABULARIES[kind]).labels.astype(int)
            totals[kind] += validate.confusion(np.where(got > 0, got - 1, 5), truth)
            count_boundaries(boundaries[kind], np.where(truth < 5, truth + 1, 0), got, segmenter)
    for kind in kinds:
        iou = validate.ious(totals[kind])
        each = " ".join(f"{c} {v:.3f}" for c, v in zip(validate.CLASSES, iou, strict=True))
        print(f"{title}, {kind}: mIoU {iou.mean():.3f} ({each}); boundary errors {boundaries[kind].rate:.4f}",
              flush=True)
        if counts:  # so that parts of a run can be added up
            print("counts", title, kind, json.dumps([totals[kind].tolist(), boundaries[kind].errors,
                                                     boundaries[kind].pairs], default=int), sep="|", flush=True)


def measure_scenes(segmenter: Segmenter) -> None:
    names = list(words.UCMERCED_NAMES.values())
    right: dict[str, list[bool]] = {n: [] for n in names}
    for picture, scene in ucmerced_pictures(validation=True):
        labels = segmenter.query(segmenter.encode(picture), ",".join(names)).labels
        largest = np.bincount(labels.ravel(), minlength=len(names) + 1)[1:].argmax()
        right[names[scene]].append(bool(largest == scene))
    each = " ".join(f"{n} {sum(r)}/{len(r)}," for n, r in right.items())
    print(f"scenes: {np.mean([v for r in right.values() for v in r]):.3f} ({each})", flush=True)


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("tiles", "ablation", "scenes"))
    parser.add_argument("--only", default="*")
    parser.add_argument("--method")
    parser.add_argument("--counts", action="store_true", help="also print the counts")
    args = parser.parse_args()
    preset = get_preset("mini")
    if args.method:
        preset = preset.with_overrides(method=args.method)
    if args.what == "tiles":
        measure_tiles(Segmenter(preset), list(VOCABULARIES), args.only, preset.method, args.counts)
    elif args.what == "scenes":
        measure_scenes(Segmenter(preset))
    else:
        for variant in ablation_variants(preset)[:4]:
            measure_tiles(Segmenter(variant.apply(preset)), ["plain"], args.only, variant.label, args.counts)


if __name__ == "__main__":
    main()
