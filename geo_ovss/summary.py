"""What a result holds, class by class."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from geo_ovss.atomic import writing


@dataclass
class ClassRow:
    """One class of a result.

    Attributes
    ----------
    count : int
        Polygons.
    area : float
        In the summary's unit.
    share : float
        Of the labelled area, 0..1.
    confidence : float
        Mean over the area; NaN where it is not known.
    """

    class_id: int
    class_name: str
    count: int = 0
    area: float = 0.0
    share: float = 0.0
    confidence: float = float("nan")


@dataclass
class Summary:
    """Polygons per class; its text is a table.

    Attributes
    ----------
    unit : str
        Of the areas: "m2", or "px" for a raster without a CRS.
    path : Path or None
        The file of polygons.
    messages : list of str
        What the user should know about the files written.
    """

    rows: list[ClassRow]
    unit: str = "m2"
    path: Path | None = None
    messages: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Polygons of all classes."""
        return sum(row.count for row in self.rows)

    @property
    def area(self) -> float:
        """Labelled area."""
        return sum(row.area for row in self.rows)

    def __str__(self) -> str:
        width = max([len(row.class_name) for row in self.rows] + [5])
        lines = [f"{'class':<{width}}  {'polygons':>9}  {'area ' + self.unit:>16}  {'share':>6}  {'confidence':>10}"]
        for row in [*self.rows, ClassRow(0, "total", self.count, self.area, float(self.area > 0))]:
            known = np.isfinite(row.confidence)
            lines.append(f"{row.class_name:<{width}}  {row.count:>9,}  {row.area:>16,.1f}  {row.share:>6.1%}  "
                         f"{row.confidence if known else '':>10{'.2f' if known else ''}}")
        return "\n".join(line.rstrip() for line in [*lines, *self.messages])

    def write_csv(self, path: Path, overwrite: bool = True) -> Path:
        """Write the table, one class a line."""
        with writing(path, overwrite) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["class_id", "class_name", "polygons", f"area_{self.unit}", "share", "confidence"])
            for row in self.rows:
                known = f"{row.confidence:.4f}" if np.isfinite(row.confidence) else ""
                writer.writerow([row.class_id, row.class_name, row.count, f"{row.area:.3f}", f"{row.share:.6f}", known])
        return path


class SummaryBuilder:
    """Adds polygons up as they pass."""

    def __init__(self, names: Sequence[str], unit: str = "m2") -> None:
        self._names, self._unit = list(names), unit
        size = len(names) + 1
        self._count, self._area = np.zeros(size, np.int64), np.zeros(size)
        self._known, self._weighted = np.zeros(size), np.zeros(size)

    def add(self, class_id: np.ndarray, area: np.ndarray, confidence: np.ndarray) -> None:
        """Count polygons of the given classes, areas and mean confidences (NaN: not known)."""
        size = len(self._count)
        self._count += np.bincount(class_id, minlength=size)
        self._area += np.bincount(class_id, area, size)
        known = np.isfinite(confidence)
        self._known += np.bincount(class_id[known], area[known], size)
        self._weighted += np.bincount(class_id[known], (area * confidence)[known], size)

    def summary(self, path: Path | None = None, messages: Iterable[str] = ()) -> Summary:
        """The table so far."""
        total = self._area.sum()
        rows = [
            ClassRow(i, name, int(self._count[i]), float(self._area[i]),
                     float(self._area[i] / total) if total else 0.0,
                     float(self._weighted[i] / self._known[i]) if self._known[i] else float("nan"))
            for i, name in enumerate(self._names, 1)
        ]
        return Summary(rows, self._unit, path, list(messages))
