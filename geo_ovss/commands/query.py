"""`geo-ovss query scene.features --classes road,building`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from geo_ovss.commands import options as o
from geo_ovss.commands.assemble import check_class_names, check_threshold, polygon_options
from geo_ovss.commands.deliver import deliver
from geo_ovss.outputs import Outputs
from geo_ovss.progress import make_progress
from geo_ovss.segmenter import QueryOptions, Segmenter
from geo_ovss.store import SceneFeatures
from geo_ovss.vocabulary import parse_classes

Store = Annotated[Path, typer.Argument(help="Folder that `geo-ovss encode` or --cache has made.", show_default=False)]


def query(
    features: Store,
    classes: o.ClassesOption,
    output: o.Output = None,
    device: o.Device = "auto",
    templates: o.Templates = None,
    threshold: o.Threshold = None,
    synonyms: o.SynonymsOption = o.Synonyms.BEFORE,
    logit_scale: o.LogitScale = None,
    refine: o.Refine = None,
    upsample: o.Upsample = None,
    presence: o.Presence = None,
    min_area: o.MinArea = 0.0,
    simplify: o.Simplify = 0.0,
    smooth: o.Smooth = False,
    fill_holes: o.FillHoles = 0.0,
    dissolve: o.Dissolve = False,
    instances: o.Instances = None,
    regularize: o.Regularize = None,
    centerlines: o.Centerlines = None,
    layer: o.Layer = None,
    target_crs: o.TargetCrs = None,
    labels: o.LabelsOption = None,
    confidence: o.ConfidenceOption = None,
    preview: o.Preview = None,
    report: o.Report = None,
    overwrite: o.Overwrite = False,
    progress: o.ProgressOption = o.ProgressKind.AUTO,
) -> None:
    """Ask encoded features for class names; no image is encoded again."""
    show = make_progress(progress.value)
    try:
        vocabulary = parse_classes(classes)
        check_threshold(threshold)
        shapes = polygon_options(
            min_area=min_area, simplify=simplify, smooth=smooth, fill_holes=fill_holes, dissolve=dissolve,
            instances=instances, regularize=regularize, centerlines=centerlines,
        )
        store = SceneFeatures.open(features)
        outputs = Outputs(output or Path(f"{store.info.name}.gpkg"), labels, confidence, preview, report, layer,
                          target_crs)
        outputs.check(overwrite, lines=bool(shapes.centerlines))
        check_class_names(shapes, vocabulary)
        segmenter = Segmenter(store.info.preset_object(), device=device, logit_scale=logit_scale, upsample=upsample,
                              presence=presence)
        segmenter.progress = show
        ask = QueryOptions(templates=templates, threshold=threshold, synonyms=synonyms.value, refine=refine)
        run = outputs.run_folder("query", str(features))
        run.mkdir(parents=True, exist_ok=True)
        result = segmenter.query(store, vocabulary, options=ask, folder=run, progress=show)
        deliver(result, outputs, shapes, overwrite=overwrite, progress=show, extra={})
        shutil.rmtree(run)
        if not any(run.parent.iterdir()):
            run.parent.rmdir()
    except Exception as error:
        show.fail(str(error))
        raise
    finally:
        show.close()
