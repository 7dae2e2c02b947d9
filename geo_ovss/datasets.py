"""Benchmarks as data: class words, folders, label values and numbers of a run, one TOML file each.

The files lie in `benchmarks/datasets/` of the project and travel inside the package (`geo_ovss/benchmarks/`); a file of
one's own is given by its path.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from geo_ovss.errors import BadBenchmark, BenchmarkLayoutMissing, UnknownBenchmark
from geo_ovss.label_map import LabelMap
from geo_ovss.samples import Sample, find_samples

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HOMES = (Path(__file__).parent / "benchmarks", Path(__file__).parents[1] / "benchmarks")
"""Where the descriptions lie: in an installed package, and in a checkout."""


@dataclass(frozen=True)
class Layout:
    """Where a benchmark's files lie below its root.

    Attributes
    ----------
    images, labels : str
        Folders. One ``*`` may stand for a folder name, the same on both sides (``Val/*/images_png``).
    image_suffix, label_suffix : tuple of str
        Ends of the file names; what comes before them must agree.
    split : str, optional
        A text file that lists the pictures of the evaluation, one a line.
    only : tuple of str
        Patterns of the names that belong to the evaluation; all where empty.
    file_names : bool
        Whether a picture and its labels agree in the file's own name only, in whatever folders they lie.
    """

    images: str
    labels: str
    image_suffix: tuple[str, ...]
    label_suffix: tuple[str, ...]
    split: str | None = None
    only: tuple[str, ...] = ()
    file_names: bool = False


@dataclass(frozen=True)
class RunRule:
    """How a benchmark is run; None leaves it to the preset.

    Attributes
    ----------
    shorter_side, longer_side : int or None
        Pixels that a picture's shorter side is resized to, unless the longer one would exceed its bound.
    window, stride : int or None
        Pixels of the resized picture.
    threshold : float or None
        Probability under which the background class is taken.
    templates, synonyms : str or None
        Prompt templates; whether the best word of a class counts "before" or "after" the softmax.
    """

    shorter_side: int | None = None
    longer_side: int | None = None
    window: int | None = None
    stride: int | None = None
    threshold: float | None = None
    templates: str | None = None
    synonyms: Literal["before", "after"] | None = None


@dataclass(frozen=True)
class Dataset:
    """One benchmark.

    Attributes
    ----------
    name, title, source : str
        Its key, one line about it, where the data come from.
    kind : {"picture", "scene"}
        Run as the papers run it (picture resized, windows' logits averaged at full resolution), or as the tool runs.
    classes : tuple of str
        Lines of a class file, such as ``boat = ship``, in the order of the label values.
    layout : Layout
    run : RunRule
    offset : int
        Label value + offset = class number.
    label_map : mapping
        From label values or colours to class names, instead of the offset.
    papers : mapping of str to float
        Mean IoU that papers report, per cent.
    """

    name: str
    title: str
    source: str
    kind: Literal["picture", "scene"]
    classes: tuple[str, ...]
    layout: Layout
    run: RunRule
    offset: int = 0
    label_map: Mapping[str, str] = field(default_factory=dict)
    papers: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The class names."""
        return [line.split("=")[0].strip() for line in self.classes]

    @property
    def class_file(self) -> str:
        """The text of the class file that `vocabulary.parse_classes` reads."""
        return "\n".join(self.classes) + "\n"

    def truth_map(self) -> LabelMap:
        """From the label files' values to class numbers."""
        return LabelMap(self.names, self.label_map, self.offset)

    def samples(self, root: str | Path) -> list[Sample]:
        """The pictures of the evaluation with their label files.

        Raises
        ------
        BenchmarkLayoutMissing
            A folder or file of the layout is missing below `root`, or a listed picture is.
        NoPairs
            The folders hold nothing that fits.
        """
        root = Path(root)
        found: dict[str, Sample] = {}
        for images, labels in self._folders(root):
            pairs, _ = find_samples(
                images, labels, image_suffix=self.layout.image_suffix, label_suffix=self.layout.label_suffix,
                only=self.layout.only, file_names=self.layout.file_names,
            )
            part = images.relative_to(root).as_posix() if "*" in self.layout.images else ""
            found |= {f"{part}/{s.name}" if part else s.name: s for s in pairs}
        named = [Sample(name, s.image, s.truth) for name, s in found.items()]
        return named if self.layout.split is None else self._listed(root, named)

    def _folders(self, root: Path) -> list[tuple[Path, Path]]:
        if "*" not in self.layout.images:
            pairs = [(root / self.layout.images, root / self.layout.labels)]
        else:
            pattern = re.compile(re.escape(self.layout.images).replace(r"\*", "([^/]+)"))
            pairs = []
            for folder in sorted(root.glob(self.layout.images)):
                if match := pattern.fullmatch(folder.relative_to(root).as_posix()):
                    pairs.append((folder, root / self.layout.labels.replace("*", match[1])))
            if not pairs:
                raise BenchmarkLayoutMissing(self.name, root / self.layout.images)
        for folder in (f for pair in pairs for f in pair):
            if not folder.is_dir():
                raise BenchmarkLayoutMissing(self.name, folder)
        return pairs

    def _listed(self, root: Path, samples: list[Sample]) -> list[Sample]:
        listing = root / str(self.layout.split)
        if not listing.is_file():
            raise BenchmarkLayoutMissing(self.name, listing)
        by_name = {s.name: s for s in samples} | {s.image.stem: s for s in samples}
        chosen = []
        for line in listing.read_text(encoding="utf-8").split():
            sample = by_name.get(line) or by_name.get(Path(line).stem)
            if sample is None:
                raise BenchmarkLayoutMissing(self.name, f"the picture {line} of {listing}")
            chosen.append(sample)
        return chosen


def dataset_names() -> list[str]:
    """The benchmarks at hand, by name."""
    return sorted({path.stem for home in HOMES for path in (home / "datasets").glob("*.toml")})


def load_dataset(name: str) -> Dataset:
    """A benchmark by its name, or by the path of a TOML file.

    Raises
    ------
    UnknownBenchmark, BadBenchmark
    """
    paths = [home / "datasets" / f"{name}.toml" for home in HOMES]
    path = next((p for p in [*paths, Path(name)] if p.is_file()), None)
    if path is None:
        raise UnknownBenchmark(name, dataset_names())
    try:
        return _from_table(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadBenchmark(path, f"it is no TOML ({error})") from error
    except (TypeError, KeyError) as error:
        raise BadBenchmark(path, f"a value is missing or unknown ({error})") from error


def paper_means() -> dict[str, Any]:
    """What the papers report over their eight sets: ``sets``, ``mean`` and ``ablation`` (mean IoU, per cent)."""
    path = next(home / "papers.toml" for home in HOMES if (home / "papers.toml").is_file())
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _from_table(name: str, table: dict[str, Any]) -> Dataset:
    layout: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table["layout"].items()
    }
    truth = table.get("truth", {})
    known = {f.name for f in fields(Dataset)} | {"truth", "note"}
    if unknown := set(table) - known:
        raise KeyError(", ".join(sorted(unknown)))
    if table["kind"] not in ("picture", "scene"):
        raise KeyError(f"kind = {table['kind']}")
    return Dataset(
        name=name, title=table["title"], source=table["source"], kind=table["kind"], classes=tuple(table["classes"]),
        layout=Layout(**layout), run=RunRule(**table.get("run", {})), offset=truth.get("offset", 0),
        label_map=truth.get("map", {}), papers=table.get("papers", {}),
    )
