"""Training pictures as shards of 224-pixel crops with their teacher features and labels.

A shard is one ``.pt`` file in ``training/cache/``: ``pixels`` uint8 (N, 224, 224, 3), ``teacher`` float16
(N, 196, T), ``labels`` uint8 (N, 196, K) shares of each class per patch (255 = all of it), ``label_names``,
``scene`` int64 (N,) index into the UC Merced folders or -1. Four crops in a row are windows of one scene.
`training.teacher_head` adds ``soft`` uint8 (N, 196, 5), the teacher's opinion. Run as ``python -m training.data``.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training import teacher, words

CACHE = Path(__file__).parent / "cache"
AERIAL = Path(__file__).parents[2] / "shared" / "aerial"
SIDE, PATCH = 224, 16
SCENE = 4  # crops in a row that come from one picture, at one scale
VALIDATION_TILES = (2, 5)
VALIDATION_PER_FOLDER = 10
DUBAI_CLASSES = ["building", "land", "road", "vegetation", "water"]
SCENES = list(words.UCMERCED_CONCEPT)

Crop = tuple[np.ndarray, np.ndarray | None, int]


def dubai_pictures(validation: bool) -> list[tuple[Path, Path]]:
    found = sorted((AERIAL / "dubai").glob("tile*.jpg"))
    chosen = [p for p in found if (int(p.name[4]) in VALIDATION_TILES) == validation]
    return [(p, p.with_suffix(".png")) for p in chosen]


def ucmerced_pictures(validation: bool) -> list[tuple[Path, int]]:
    """Pictures with the index of their folder; the last ten of each folder are the validation."""
    pictures = []
    for index, name in enumerate(SCENES):
        found = sorted((AERIAL / "ucmerced" / name).iterdir())
        chosen = found[-VALIDATION_PER_FOLDER:] if validation else found[:-VALIDATION_PER_FOLDER]
        pictures += [(p, index) for p in chosen]
    return pictures


def patch_shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels (224, 224), 255 = unlabelled, to the share of each class per patch, uint8 (196, classes)."""
    n = SIDE // PATCH
    cells = labels.reshape(n, PATCH, n, PATCH).transpose(0, 2, 1, 3).reshape(n * n, -1)
    counts = np.stack([(cells == c).sum(1) for c in range(classes)], 1)
    return np.round(counts * 255 / (PATCH * PATCH)).astype(np.uint8)


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resized(
    image: Image.Image, labels: Image.Image | None, box: tuple[int, int, int, int], quality: int | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """One square of a picture at 224 pixels, with its labels; damaged by JPEG where a quality is given."""
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0))
    if quality is not None:
        pixels = jpeg(pixels, quality)
    if labels is None:
        return pixels, None
    return pixels, np.asarray(labels.resize((SIDE, SIDE), Image.Resampling.NEAREST, box=box))


def windows_of_scene(
    image: Image.Image, labels: Image.Image | None, side: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Four windows of ``side`` source pixels from one part of a picture: beside each other where it is large enough."""
    side = min(side, *image.size)
    span = [min(2 * side, n) for n in image.size]
    x, y = (int(rng.integers(0, n - s + 1)) for n, s in zip(image.size, span, strict=True))
    quality = int(rng.integers(25, 90)) if rng.random() < 0.3 else None
    corners = [(x + dx, y + dy) for dy in (0, span[1] - side) for dx in (0, span[0] - side)]
    return [resized(image, labels, (a, b, a + side, b + side), quality) for a, b in corners]


def dubai_crops(rng: np.random.Generator, total: int) -> Iterator[Crop]:
    """Crops over a factor of four in scale; the large tile gets more of them, but not by its full area."""
    pictures = [(Image.open(a).convert("RGB"), Image.open(b)) for a, b in dubai_pictures(validation=False)]
    weights = np.array([(im.width * im.height) ** 0.5 for im, _ in pictures])
    for index in rng.choice(len(pictures), total // SCENE, p=weights / weights.sum()):
        image, labels = pictures[index]
        fine = 2.0 if image.width > 1500 else 1.0
        while True:
            scene = windows_of_scene(image, labels, int(fine * 224 * 2 ** rng.uniform(-1.0, 0.9)), rng)
            # rare classes are asked for more often
            if np.mean([np.isin(np.asarray(lab), (0, 2, 3)) for _, lab in scene]) > 0.1 or rng.random() < 0.4:
                break
        for pixels, lab in scene:
            assert lab is not None
            yield pixels, patch_shares(lab, len(DUBAI_CLASSES)), -1


def ucmerced_crops(rng: np.random.Generator, total: int) -> Iterator[Crop]:
    pictures = [(Image.open(p).convert("RGB"), s) for p, s in ucmerced_pictures(validation=False)]
    order = rng.permutation(len(pictures))
    for k in range(total // SCENE):
        image, scene = pictures[order[k % len(pictures)]]
        # the first round nearly as the picture is, so that whole scenes are seen at their own scale
        side = 224 if k < len(pictures) else int(256 * 2 ** rng.uniform(-1.2, -0.1))
        for pixels, _ in windows_of_scene(image, None, side, rng):
            yield pixels, None, scene


def teacher_features(pixels: Tensor, net: teacher.Teacher, device: str) -> Tensor:
    """Raw teacher features of (N, 224, 224, 3) uint8."""
    rows = []
    for part in pixels.split(32):
        rows.append(net(part.permute(0, 3, 1, 2).to(device)).cpu().half())
    return torch.cat(rows)


def write_shard(
    name: str, crops: Iterator[Crop], label_names: list[str], device: str = "cpu", distil: bool = True
) -> Path:
    """Write ``training/cache/shard_NAME.pt`` from the crops, with the teacher's features unless ``distil`` is false."""
    pixels, labels, scenes = [], [], []
    for picture, shares, scene in crops:
        pixels.append(torch.from_numpy(np.array(picture)))
        n = (SIDE // PATCH) ** 2
        labels.append(torch.from_numpy(shares) if shares is not None else torch.zeros(n, 0, dtype=torch.uint8))
        scenes.append(scene)
    stack = torch.stack(pixels)
    reduced = torch.zeros(len(stack), (SIDE // PATCH) ** 2, 0, dtype=torch.half)
    if distil:
        raw = teacher_features(stack, teacher.Teacher().to(device), device)
        pca = torch.load(teacher.CACHE)
        reduced = torch.cat([teacher.reduce(part.float(), pca).half() for part in raw.split(64)])
    path = CACHE / f"shard_{name}.pt"
    part = path.with_suffix(".part")
    torch.save({"pixels": stack, "teacher": reduced, "labels": torch.stack(labels), "label_names": label_names,
                "scene": torch.tensor(scenes)}, part)
    part.replace(path)
    return path


def fit_teacher(rng: np.random.Generator, device: str) -> None:
    """Fit the teacher's PCA on crops of both collections, once."""
    crops = [*dubai_crops(rng, 300), *ucmerced_crops(rng, 735)]
    stack = torch.stack([torch.from_numpy(np.array(c[0])) for c in crops])
    raw = teacher_features(stack, teacher.Teacher().to(device), device)
    torch.save(teacher.fit_pca(raw.flatten(0, 1).float()), teacher.CACHE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dubai", type=int, default=0, help="number of Dubai crops")
    parser.add_argument("--ucmerced", type=int, default=0, help="number of UC Merced crops")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    CACHE.mkdir(exist_ok=True)
    rng = np.random.default_rng(args.seed)
    if not teacher.CACHE.exists():
        fit_teacher(rng, args.device)
    if args.dubai:
        write_shard(f"dubai_{args.seed}", dubai_crops(rng, args.dubai), DUBAI_CLASSES, args.device)
    if args.ucmerced:
        write_shard(f"ucmerced_{args.seed}", ucmerced_crops(rng, args.ucmerced), [], args.device)


if __name__ == "__main__":
    main()
