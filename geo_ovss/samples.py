"""Pictures and their ground truth, found by name in folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from geo_ovss.errors import AmbiguousPairs, EvaluationInputMissing, NoPairs
from geo_ovss.truth import VECTOR_SUFFIXES

RASTER_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".vrt", ".bmp", ".webp", ".img")
"""What counts as a picture where no suffix is asked for."""


@dataclass(frozen=True)
class Sample:
    """One picture with its ground truth.

    Attributes
    ----------
    name : str
        The picture's path below its folder without the suffix, such as ``frankfurt/000001``.
    image, truth : Path
    """

    name: str
    image: Path
    truth: Path


def find_samples(
    images: str | Path,
    labels: str | Path,
    *,
    image_suffix: Sequence[str] = (),
    label_suffix: Sequence[str] = (),
    only: Sequence[str] = (),
    file_names: bool = False,
) -> tuple[list[Sample], list[str]]:
    """Pair pictures with their ground truth by name.

    Parameters
    ----------
    images : path
        A picture, or a folder of pictures (with what lies in folders below it).
    labels : path
        A label raster or vector file that serves all pictures, or a folder with a file of the same name for each.
    image_suffix, label_suffix : sequence of str, optional
        Ends of the file names, such as ``_leftImg8bit.png``; what comes before is the name that must agree. All known
        raster (and, for labels, vector) suffixes where left out.
    only : sequence of str, optional
        Patterns such as ``tile2_*``; a picture whose name fits none is left out.
    file_names : bool
        Compare the files' own names only, not the folders below `images` and `labels` that they lie in.

    Returns
    -------
    samples : list of Sample
        Sorted by name.
    unmatched : list of str
        Names of pictures without ground truth.

    Raises
    ------
    EvaluationInputMissing, NoPairs, AmbiguousPairs
    """
    images, labels = Path(images), Path(labels)
    for path in (images, labels):
        if not path.exists():
            raise EvaluationInputMissing(f"{path} does not exist")
    pictures = _named_files(images, image_suffix or RASTER_SUFFIXES, file_names)
    if only:
        pictures = {name: paths for name, paths in pictures.items() if any(fnmatch(name, p) for p in only)}
    if not pictures:
        raise NoPairs(images, labels, "there is no picture that was asked for")
    suffixes = label_suffix or RASTER_SUFFIXES + VECTOR_SUFFIXES
    truths = {} if labels.is_file() else _named_files(labels, suffixes, file_names)
    samples, unmatched = [], []
    for name, paths in sorted(pictures.items()):
        candidates = [labels] if labels.is_file() else [p for p in truths.get(name, []) if p not in paths]
        if len(paths) > 1 or len(candidates) > 1:
            raise AmbiguousPairs(name, [p.name for p in paths + candidates])
        if candidates:
            samples.append(Sample(name, paths[0], candidates[0]))
        else:
            unmatched.append(name)
    if not samples:
        raise NoPairs(images, labels, f"no file there is named like {unmatched[0]}")
    return samples, unmatched


def _named_files(folder: Path, suffixes: Sequence[str], file_names: bool) -> dict[str, list[Path]]:
    """Files by name: the path below the folder without its suffix, the longest that fits."""
    files = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
    base = folder.parent if folder.is_file() else folder
    named: dict[str, list[Path]] = {}
    for path in files:
        ends = [suffix for suffix in suffixes if path.name.lower().endswith(suffix.lower())]
        if ends and not path.name.startswith("."):
            full = path.name if file_names else path.relative_to(base).as_posix()
            name = full[: -len(max(ends, key=len))]
            named.setdefault(name, []).append(path)
    return named
