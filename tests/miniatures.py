"""Miniatures of the benchmarks' folder layouts: small pictures with label files in each benchmark's own encoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from geo_ovss.datasets import Dataset

SIZE = {"picture": (96, 120), "scene": (240, 264)}
CELL = {"picture": 12, "scene": 24}
"""Pixels: window boundaries, every 112 of the resized picture, fall into cells; JPEG labels have blocks of 8."""


def build_miniature(dataset: Dataset, root: Path, scene: np.ndarray) -> dict[str, np.ndarray]:
    """Write a miniature of a benchmark; gives the class numbers of its pictures by name.

    Two pictures belong to the evaluation, in two folders where the layout has several; further ones do not belong to it
    and must be left out.
    """
    layout, rng = dataset.layout, np.random.default_rng(7)
    starred = "*" in layout.images
    folders = ["Alpha", "Beta"] if starred else [""]
    below = "frankfurt/" if dataset.name == "cityscapes" else ""
    names = [pattern.replace("[1-5]", "3") for pattern in layout.only[:2]] or [f"{below}pic_1", f"{below}pic_2"]
    pairs = list(zip(folders, names, strict=True)) if starred else [("", name) for name in names]
    wanted: dict[str, np.ndarray] = {}
    for folder, name in pairs:
        images, labels = (root / part.replace("*", folder) for part in (layout.images, layout.labels))
        numbers = draw_numbers(dataset, rng)
        top = int(rng.integers(0, scene.shape[0] - numbers.shape[0] + 1))
        write_picture(images / f"{name}{layout.image_suffix[0]}", scene[top : top + len(numbers), : numbers.shape[1]])
        write_labels(dataset, labels / f"{name}{layout.label_suffix[0]}", numbers)
        key = name.rpartition("/")[2] if layout.file_names else name
        wanted[f"{layout.images.replace('*', folder)}/{key}" if starred else key] = numbers
    if layout.only or layout.split:
        images, labels = (root / part.replace("*", folders[0]) for part in (layout.images, layout.labels))
        write_picture(images / f"unlisted{layout.image_suffix[0]}", scene[:32, :32])
        write_labels(dataset, labels / f"unlisted{layout.label_suffix[0]}", np.ones((32, 32), int))
    if layout.split:
        listing = root / layout.split
        listing.parent.mkdir(parents=True, exist_ok=True)
        end = layout.image_suffix[0] if dataset.name == "openearthmap" else ""
        listing.write_text("".join(f"{name}{end}\n" for name in names))
    return wanted


def draw_numbers(dataset: Dataset, rng: np.random.Generator) -> np.ndarray:
    """Class numbers in cells, all classes where there is room, some unknown where the encoding has a word for that."""
    (height, width), cell = SIZE[dataset.kind], CELL[dataset.kind]
    cells = (height // cell) * (width // cell)
    count, known = len(dataset.names), dataset.label_map
    unknown = not known or all(key.startswith("#") for key in known)
    drawn = rng.permutation(np.arange(cells) % (count + 1 if unknown else count)) + (0 if unknown else 1)
    return np.kron(drawn.reshape(height // cell, width // cell), np.ones((cell, cell), int))


def write_picture(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.startswith(".tif"):
        write_tiff(path, picture.transpose(2, 0, 1))
    else:
        Image.fromarray(picture).save(path, quality=95)


def write_labels(dataset: Dataset, path: Path, numbers: np.ndarray) -> None:
    """Class numbers as the benchmark's label files hold them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not dataset.label_map:
        values = np.where(numbers == 0, 0 if dataset.offset == 0 else 255, numbers - dataset.offset).astype(np.uint8)
    elif next(iter(dataset.label_map)).startswith("#"):
        colours = {name: key for key, name in dataset.label_map.items()}
        table = np.array([(1, 2, 3), *(tuple(bytes.fromhex(colours[name][1:])) for name in dataset.names)], np.uint8)
        values = table[numbers]
    else:
        ends = {name: int(key.split("-")[-1]) for key, name in dataset.label_map.items()}
        ends[dataset.names[0]] = 0
        values = np.array([0, *(ends[name] for name in dataset.names)], np.uint8)[numbers]
    if path.suffix.startswith(".tif"):
        write_tiff(path, values.transpose(2, 0, 1) if values.ndim == 3 else values[None])
        return
    picture = Image.fromarray(values)
    if dataset.name.startswith("voc"):
        picture = Image.fromarray(values, mode="P")
        picture.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    picture.save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))


def write_tiff(path: Path, bands: np.ndarray) -> None:
    with rasterio.open(path, "w", driver="GTiff", height=bands.shape[1], width=bands.shape[2], count=len(bands),
                       dtype="uint8", crs="EPSG:32632", transform=from_origin(500000, 5400000, 0.3, 0.3)) as target:
        target.write(bands)
