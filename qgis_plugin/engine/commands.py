"""Argument lists for the engine's command line. Lists, never one string: no shell reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

PROGRESS = ("--progress", "json")


@dataclass(frozen=True)
class EncodeOptions:
    """What decides the features: a store made with other ones is another store.

    Attributes
    ----------
    preset : str
        Name of the preset.
    method : str
        Name of the method; empty for the preset's own.
    gsd : float or None
        Working resolution, metres a pixel; None for the raster's (or the preset's) own.
    aoi : str
        "xmin,ymin,xmax,ymax" in the raster's CRS, or a vector file; empty for the whole raster.
    bands : str
        "4,3,2"; empty for the first three (or the only one).
    """

    preset: str = "mini"
    method: str = ""
    gsd: float | None = None
    aoi: str = ""
    bands: str = ""

    def arguments(self) -> list[str]:
        """As the command line wants them."""
        texts = ("method", self.method), ("aoi", self.aoi), ("bands", self.bands)
        return [
            f"--preset={self.preset}",
            *(f"--{name}={value}" for name, value in texts if value),
            *_number("gsd", self.gsd),
        ]


@dataclass(frozen=True)
class AnswerOptions:
    """What decides the answer to a class list; None leaves a number to the preset.

    Attributes
    ----------
    threshold : float or None
        Confidence (0 to 1) below which a pixel stays without a label.
    refine : bool or None
        Whether SAM redraws the edges.
    min_area : float or None
        Polygons smaller than this many square metres join a neighbour.
    simplify : float or None
        Tolerance of the simplification of shared borders, map units.
    """

    threshold: float | None = None
    refine: bool | None = None
    min_area: float | None = None
    simplify: float | None = None

    def arguments(self) -> list[str]:
        """As the command line wants them."""
        return [
            *_number("threshold", self.threshold),
            *([] if self.refine is None else ["--refine" if self.refine else "--no-refine"]),
            *_number("min-area", self.min_area),
            *_number("simplify", self.simplify),
        ]


@dataclass(frozen=True)
class OutputFiles:
    """Where the results go; an empty path is not written."""

    polygons: str
    labels: str = ""
    confidence: str = ""

    def arguments(self) -> list[str]:
        """As the command line wants them; the user has agreed to replace what is there."""
        rasters = ("labels", self.labels), ("confidence", self.confidence)
        return [f"--output={self.polygons}", *(f"--{name}={path}" for name, path in rasters if path), "--overwrite"]


@dataclass(frozen=True)
class Question:
    """The classes asked for (a class file), with the options of the answer."""

    classes: str
    options: AnswerOptions = field(default_factory=AnswerOptions)

    def arguments(self) -> list[str]:
        """As the command line wants them."""
        return [f"--classes={self.classes}", *self.options.arguments()]


def segment_command(scene: str, encode: EncodeOptions, question: Question, outputs: OutputFiles) -> list[str]:
    """``segment``: encode and answer at once, keeping no features."""
    return ["segment", scene, *question.arguments(), *encode.arguments(), *outputs.arguments(), *PROGRESS]


def encode_command(scene: str, store: str, encode: EncodeOptions) -> list[str]:
    """``encode``: make a feature store, or go on with an unfinished one."""
    return ["encode", scene, f"--output={store}", *encode.arguments(), *PROGRESS]


def query_command(store: str, question: Question, outputs: OutputFiles) -> list[str]:
    """``query``: answer from a feature store, for the area and with the preset that it was made for."""
    return ["query", store, *question.arguments(), *outputs.arguments(), *PROGRESS]


def _number(name: str, value: float | None) -> list[str]:
    return [] if value is None else [f"--{name}={value:.15g}"]
