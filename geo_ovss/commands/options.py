"""Options that several commands share: declared once, so that they read the same everywhere.

Defaults that are numbers live in `presets.toml`; an option left out is None and takes the preset's value.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class ProgressKind(str, Enum):
    """How progress is shown."""

    AUTO, BAR, PLAIN, JSON, NONE = "auto", "bar", "plain", "json", "none"


class Collar(str, Enum):
    """What an undeclared black or white collar counts as."""

    AUTO, KEEP = "auto", "keep"


class Synonyms(str, Enum):
    """Where the best word of a class is chosen."""

    BEFORE, AFTER = "before", "after"


class Dtype(str, Enum):
    """What features are kept in."""

    FLOAT16, INT8 = "float16", "int8"


READ, MODEL, ASK, SHAPE, OUT, RUN = "Reading", "Model", "Classes", "Polygons", "Outputs", "Run"

Scene = Annotated[str, typer.Argument(
    help="The raster: anything GDAL reads, /vsizip/ and addresses included.", show_default=False)]
ClassesOption = Annotated[str, typer.Option(
    "--classes", help='"road,building", "building|house;road|street;background", or a class file.',
    rich_help_panel=ASK, show_default=False)]
Templates = Annotated[str | None, typer.Option(
    help="Prompt templates: imagenet, overhead or none.", rich_help_panel=ASK)]
Threshold = Annotated[float | None, typer.Option(
    help="Probability under which a pixel gets no label (or the class named background).", rich_help_panel=ASK)]
SynonymsOption = Annotated[Synonyms, typer.Option(
    "--synonyms", help="The best word of a class counts before the softmax over classes, or after one over all words.",
    rich_help_panel=ASK)]
LogitScale = Annotated[float | None, typer.Option(
    help="Factor on the cosines before the softmax.", rich_help_panel=ASK)]

METHOD_NAMES = (
    "vanilla, maskclip, sclip, naclip, clearclip, proxyclip, gla-clearclip, gla-sclip, gla-proxyclip, gclip, gla-gclip,"
    " trident"
)
"""Written out, since the registry brings the networks' libraries with it; a test compares the two."""

Refine = Annotated[bool | None, typer.Option(
    "--refine/--no-refine", help="Let SAM redraw the edges of the labels.", rich_help_panel=MODEL)]
PresetOption = Annotated[str, typer.Option(
    "--preset", help="Encoders, method and numbers by name; see `geo-ovss presets`.", rich_help_panel=MODEL)]
MethodOption = Annotated[str | None, typer.Option(
    "--method", help=f"Another method: {METHOD_NAMES}.", rich_help_panel=MODEL)]
Clip = Annotated[str | None, typer.Option(help="Another CLIP: a known name or a local file.", rich_help_panel=MODEL)]
Guide = Annotated[str | None, typer.Option(help="Another guide: a known name or a local file.", rich_help_panel=MODEL)]
Sam = Annotated[str | None, typer.Option(help="Another SAM: a known name or a local file.", rich_help_panel=MODEL)]
SetOption = Annotated[list[str] | None, typer.Option(
    "--set", help="A number of the preset or a switch of the method, such as stride=56 or proxy_anchors=false.",
    rich_help_panel=MODEL)]
BiasAlleviation = Annotated[float | None, typer.Option(
    help="Take this share of a window's class-token feature from its patches (SegEarth-OV: 0.3).",
    rich_help_panel=MODEL)]
Scales = Annotated[str | None, typer.Option(
    help="Encode at several pixel sizes and average the scores, such as 1,2: the working one, and twice that.",
    rich_help_panel=MODEL)]
Upsample = Annotated[str | None, typer.Option(
    help="Scores from patches to pixels: bilinear, or bilateral (along the picture's edges).", rich_help_panel=ASK)]
Presence = Annotated[float | None, typer.Option(
    help="Offer no class in a block whose class-token score lies this much below the best there, such as 0.05.",
    rich_help_panel=ASK)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=MODEL)]

Bands = Annotated[str | None, typer.Option(help="Bands for red, green, blue, such as 4,3,2.", rich_help_panel=READ)]
Nodata = Annotated[float | None, typer.Option(help="Value that means no data.", rich_help_panel=READ)]
CollarOption = Annotated[Collar, typer.Option(
    "--collar", help="An undeclared black or white collar: no data, or kept.", rich_help_panel=READ)]
Stretch = Annotated[str, typer.Option(
    help="Percentiles of the stretch of rasters that are not 8-bit.", rich_help_panel=READ)]
Gsd = Annotated[float | None, typer.Option(help="Work at this many metres a pixel.", rich_help_panel=READ)]
Aoi = Annotated[str | None, typer.Option(
    help="Only here: xmin,ymin,xmax,ymax in the scene's CRS, or a vector file of polygons.", rich_help_panel=READ)]

MinArea = Annotated[float, typer.Option(
    help="Merge regions below this area (m2) into their neighbours.", rich_help_panel=SHAPE)]
Simplify = Annotated[float, typer.Option(
    help="Simplify shared borders by this tolerance (map units).", rich_help_panel=SHAPE)]
Smooth = Annotated[bool, typer.Option("--smooth", help="Round the shared borders.", rich_help_panel=SHAPE)]
FillHoles = Annotated[float, typer.Option(help="Fill holes below this area (m2).", rich_help_panel=SHAPE)]
Dissolve = Annotated[bool, typer.Option("--dissolve", help="One multipart feature a class.", rich_help_panel=SHAPE)]
Instances = Annotated[str | None, typer.Option(
    help="Classes whose touching objects are split, such as building,car.", rich_help_panel=SHAPE)]
Regularize = Annotated[str | None, typer.Option(
    help="Classes whose outlines are straightened, such as building.", rich_help_panel=SHAPE)]
Centerlines = Annotated[str | None, typer.Option(
    help="Classes that are written as centre lines too, such as road.", rich_help_panel=SHAPE)]

Output = Annotated[Path | None, typer.Option(
    "-o", "--output", help="Polygons: .gpkg, .parquet, .fgb, .geojson or .shp. Left out: SCENE.gpkg in this folder.",
    rich_help_panel=OUT, show_default=False)]
Layer = Annotated[str | None, typer.Option(
    help="Name of the layer; added to an existing GeoPackage.", rich_help_panel=OUT)]
TargetCrs = Annotated[str | None, typer.Option(help="CRS of the polygons, such as EPSG:4326.", rich_help_panel=OUT)]
LabelsOption = Annotated[Path | None, typer.Option("--labels", help="Label raster (.tif).", rich_help_panel=OUT)]
ConfidenceOption = Annotated[Path | None, typer.Option(
    "--confidence", help="Confidence raster (.tif).", rich_help_panel=OUT)]
Preview = Annotated[Path | None, typer.Option(help="Picture of the result (.png).", rich_help_panel=OUT)]
Report = Annotated[Path | None, typer.Option(help="Self-contained page on the result (.html).", rich_help_panel=OUT)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.", rich_help_panel=OUT)]

ProgressOption = Annotated[ProgressKind, typer.Option(
    "--progress", help="A bar on a terminal, plain lines, JSON lines, or nothing.", rich_help_panel=RUN)]
Cache = Annotated[Path | None, typer.Option(
    help="Folder that keeps the features, for later questions on the same scene.", rich_help_panel=RUN)]
DtypeOption = Annotated[Dtype, typer.Option(
    "--dtype", help="Numbers of the kept features: int8 takes half the room of float16.", rich_help_panel=RUN)]
Workers = Annotated[int, typer.Option(help="Worker processes on this machine (Dask).", rich_help_panel=RUN, min=0)]
Scheduler = Annotated[str | None, typer.Option(
    help="Address of a Dask scheduler, such as tcp://host:8786.", rich_help_panel=RUN)]
