"""`geo-ovss evaluate --images DIR --labels DIR --classes FILE`, or `--benchmark NAME --root DIR`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from geo_ovss.ablation import ablation_variants, sweep_variants
from geo_ovss.atomic import check_folder
from geo_ovss.commands import options as o
from geo_ovss.commands.assemble import check_threshold, overhead_settings, preset_with, raster_options
from geo_ovss.commands.evaluation_task import Kept, Task, benchmark_task, folder_task, run_variant
from geo_ovss.commands.segment import tell_model
from geo_ovss.datasets import dataset_names
from geo_ovss.errors import BadOption, EvaluationInputMissing, OutputExists
from geo_ovss.evaluate import Evaluation
from geo_ovss.evaluation_tables import comparison_rows, csv_table, markdown_table, percent, text_table
from geo_ovss.metrics import BOUNDARY_DISTANCE
from geo_ovss.presets import DEFAULT_PRESET
from geo_ovss.progress import make_progress
from geo_ovss.segmenter import QueryOptions, Segmenter

TRUTH, MEASURE = "Pictures and ground truth", "Measure"
WORK = Path("geo-ovss-evaluation")
"""Where unfinished evaluations are kept, below the present folder; a finished one is removed."""

Images = Annotated[Path | None, typer.Option(
    help="Picture or folder of pictures (any raster).", rich_help_panel=TRUTH)]
Labels = Annotated[Path | None, typer.Option(
    help="Folder of label rasters or polygons named like the pictures, or one file for all.", rich_help_panel=TRUTH)]
Classes = Annotated[str | None, typer.Option(
    "--classes", help='Class file, or "road,building"; in the order of the label values.', rich_help_panel=TRUTH)]
Benchmark = Annotated[str | None, typer.Option(
    help="A benchmark by name, or a TOML file of your own: " + ", ".join(dataset_names()) + ".",
    rich_help_panel=TRUTH)]
Root = Annotated[Path | None, typer.Option(help="Folder that holds the benchmark's data.", rich_help_panel=TRUTH)]
ImageSuffix = Annotated[list[str] | None, typer.Option(
    help="End of the pictures' names, such as _RGB.tif.", rich_help_panel=TRUTH)]
LabelSuffix = Annotated[list[str] | None, typer.Option(
    help="End of the label files' names, such as _label.tif.", rich_help_panel=TRUTH)]
Only = Annotated[list[str] | None, typer.Option(
    help="Only pictures with names like this, such as tile2_*.", rich_help_panel=TRUTH)]
Limit = Annotated[int | None, typer.Option(help="Only the first so many pictures.", min=1, rich_help_panel=TRUTH)]
LabelMapOption = Annotated[str | None, typer.Option(
    "--label-map", rich_help_panel=TRUTH,
    help='What label values (or ranges, colours, attributes) mean: "0=building,1=land", "128-255=road", "#3C1098=roof".'
         " The rest is ignored.")]
LabelOffset = Annotated[int, typer.Option(
    help="Label value + offset = class number, from 1; 1 where labels count from 0. 255 is ignored.",
    rich_help_panel=TRUTH)]
LabelAttribute = Annotated[str | None, typer.Option(
    help="Attribute of ground truth polygons that names the class.", rich_help_panel=TRUTH)]
LabelOutside = Annotated[str | None, typer.Option(
    help="Class of the pixels that no ground truth polygon covers; left out, they are ignored.", rich_help_panel=TRUTH)]
ShorterSide = Annotated[int | None, typer.Option(
    help="Run as the papers do on pictures: resized to this shorter side, logits averaged at full resolution.",
    min=32, rich_help_panel=MEASURE)]
Distance = Annotated[int, typer.Option(
    help="Pixels on either side of a boundary that count for the boundary error rate.", min=1,
    rich_help_panel=MEASURE)]
Ablate = Annotated[bool, typer.Option(
    "--ablate", help="Run the method's switches one by one.", rich_help_panel=MEASURE)]
Sweep = Annotated[str | None, typer.Option(
    help="Run a range or list of one value, such as threshold=0.1:0.5:0.1 or stride=56,112.", rich_help_panel=MEASURE)]
SynonymsChoice = Annotated[o.Synonyms | None, typer.Option(
    "--synonyms", help="The best word of a class counts before or after the softmax.", rich_help_panel=o.ASK)]
JsonFile = Annotated[Path | None, typer.Option(
    "--json", help="Write all figures as JSON; - is standard output.", rich_help_panel=o.OUT)]
PlotFolder = Annotated[Path | None, typer.Option(
    "--plot", help="Write pictures into this folder: confusion matrix, classes, worst pictures.",
    rich_help_panel=o.OUT)]
Tables = Annotated[list[Path] | None, typer.Option(
    "--table", help="Write the runs side by side: .md or .csv; may be given twice.", rich_help_panel=o.OUT)]
Work = Annotated[Path | None, typer.Option(
    help="Keep finished pictures here, also when all are done. Left out, they are kept only while unfinished.",
    rich_help_panel=o.RUN)]


def evaluate(
    images: Images = None,
    labels: Labels = None,
    classes: Classes = None,
    benchmark: Benchmark = None,
    root: Root = None,
    image_suffix: ImageSuffix = None,
    label_suffix: LabelSuffix = None,
    only: Only = None,
    limit: Limit = None,
    label_map: LabelMapOption = None,
    label_offset: LabelOffset = 0,
    label_attribute: LabelAttribute = None,
    label_outside: LabelOutside = None,
    preset: o.PresetOption = DEFAULT_PRESET,
    method: o.MethodOption = None,
    clip: o.Clip = None,
    guide: o.Guide = None,
    sam: o.Sam = None,
    settings: o.SetOption = None,
    bias_alleviation: o.BiasAlleviation = None,
    scales: o.Scales = None,
    upsample: o.Upsample = None,
    presence: o.Presence = None,
    device: o.Device = "auto",
    refine: o.Refine = None,
    templates: o.Templates = None,
    threshold: o.Threshold = None,
    synonyms: SynonymsChoice = None,
    bands: o.Bands = None,
    nodata: o.Nodata = None,
    collar: o.CollarOption = o.Collar.AUTO,
    stretch: o.Stretch = "2,98",
    gsd: o.Gsd = None,
    shorter_side: ShorterSide = None,
    distance: Distance = BOUNDARY_DISTANCE,
    ablate: Ablate = False,
    sweep: Sweep = None,
    json_file: JsonFile = None,
    plot: PlotFolder = None,
    table: Tables = None,
    overwrite: o.Overwrite = False,
    work: Work = None,
    progress: o.ProgressOption = o.ProgressKind.AUTO,
) -> None:
    """Measure labels against ground truth: IoU, precision, recall, boundary errors; resumable."""
    show = make_progress(progress.value)
    try:
        check_threshold(threshold)
        _check_outputs(json_file, table or [], plot, overwrite)
        settings = [*(settings or []), *overhead_settings(bias_alleviation, scales, upsample, presence)]
        chosen = preset_with(preset, settings).with_overrides(
            clip=clip, guide=guide, sam=sam, method=method, refine=refine
        )
        read = raster_options(bands=bands, nodata=nodata, collar=collar.value, stretch=stretch, gsd=gsd, aoi=None)
        words: Literal["before", "after"] | None = synonyms.value if synonyms else None
        query = QueryOptions(templates=templates, threshold=threshold, synonyms=words or "before")
        if benchmark is not None:
            if root is None or images or labels or classes:
                raise EvaluationInputMissing("a benchmark takes --root and brings its own pictures, labels and classes")
            given = {"templates": templates, "threshold": threshold, "synonyms": words}
            task = benchmark_task(benchmark, root, given, read, only or [])
        else:
            if images is None or labels is None or classes is None:
                raise EvaluationInputMissing("give --images, --labels and --classes, or --benchmark and --root")
            task = folder_task(
                images, labels, classes, image_suffix=image_suffix or [], label_suffix=label_suffix or [],
                only=only or [], label_map=label_map, label_offset=label_offset, attribute=label_attribute,
                outside=label_outside, read=read, query=query, shorter_side=shorter_side,
            )
        for line in task.notes:
            show.message(line)
        task.samples = task.samples[:limit]
        segmenter = Segmenter(chosen, device=device)
        segmenter.progress = show
        tell_model(segmenter, show)
        variants = []
        if ablate:
            variants += ablation_variants(chosen, sam=chosen.sam is not None, scenes=task.rule is None)
        variants += sweep_variants(sweep, chosen) if sweep else []
        kept = Kept(work or WORK)
        runs: list[tuple[str, Evaluation]] = []
        if not variants:
            runs.append((chosen.name, run_variant(task, segmenter, None, kept, distance, show, plot)))
        for variant in variants:
            show.message(variant.label)
            runs.append((variant.label, run_variant(task, segmenter, variant, kept, distance, show, plot)))
        head = sweep.partition("=")[0] if sweep and not ablate else "run"
        _deliver(task, runs, json_file, table or [], head, quiet=progress is o.ProgressKind.JSON)
        kept.clear(everything=work is None)
        found = runs[0][1].matrix.mean_iou if len(runs) == 1 else None
        show.finish(
            f"{len(runs)} evaluations done." if found is None else f"Done: mean IoU {percent(found, 2)}.",
            {str(p.suffix[1:] or "plot"): str(p) for p in (json_file, *(table or []), plot) if p},
        )
    except Exception as error:
        show.fail(str(error))
        raise
    finally:
        show.close()


def _check_outputs(json_file: Path | None, tables: list[Path], plot: Path | None, overwrite: bool) -> None:
    files = [*tables, *([json_file] if json_file not in (None, Path("-")) else [])]
    for path in (*files, *([plot] if plot else [])):
        check_folder(Path(str(path)))
    for path in tables:
        if path.suffix not in (".md", ".csv"):
            raise BadOption("--table", str(path), "a file that ends in .md or .csv")
    existing = [Path(str(path)) for path in files if Path(str(path)).exists()]
    existing += sorted(plot.rglob("*.png")) if plot else []
    if existing and not overwrite:
        raise OutputExists(existing[0])


def _deliver(task: Task, runs: list[tuple[str, Evaluation]], json_file: Path | None, tables: list[Path],
             head: str, quiet: bool) -> None:
    """Print and write what the runs gave."""
    found = [{"run": label, **run.as_json()} for label, run in runs]
    text = json.dumps(found[0] if len(found) == 1 else found, indent=1)
    rows = comparison_rows(runs, head)
    if json_file == Path("-"):
        sys.stdout.write(text + "\n")
    elif not quiet:
        print(text_table(runs[0][1]) if len(runs) == 1 else markdown_table(rows), end="\n" if len(runs) == 1 else "")
        if task.footer:
            print(task.footer)
    outputs = {path: markdown_table(rows) if path.suffix == ".md" else csv_table(rows) for path in tables}
    if json_file not in (None, Path("-")):
        outputs[Path(str(json_file))] = text + "\n"
    for path, content in outputs.items():
        temporary = path.with_name(f".{path.name}.partial")
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(path)

