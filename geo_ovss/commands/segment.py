"""`geo-ovss segment scene.tif --classes road,building`."""

from __future__ import annotations

import shutil
from dataclasses import asdict

from geo_ovss.commands import options as o
from geo_ovss.commands.assemble import (
    check_class_names,
    check_threshold,
    default_output,
    make_segmenter,
    overhead_settings,
    polygon_options,
    raster_options,
)
from geo_ovss.commands.deliver import deliver
from geo_ovss.commands.keeping import announce_store, cache_path
from geo_ovss.outputs import Outputs
from geo_ovss.presets import DEFAULT_PRESET, load_presets
from geo_ovss.progress import Progress, make_progress
from geo_ovss.raster import open_raster
from geo_ovss.segmenter import QueryOptions, Segmenter
from geo_ovss.vocabulary import parse_classes


def segment(
    scene: o.Scene,
    classes: o.ClassesOption,
    output: o.Output = None,
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
    templates: o.Templates = None,
    threshold: o.Threshold = None,
    synonyms: o.SynonymsOption = o.Synonyms.BEFORE,
    logit_scale: o.LogitScale = None,
    refine: o.Refine = None,
    bands: o.Bands = None,
    nodata: o.Nodata = None,
    collar: o.CollarOption = o.Collar.AUTO,
    stretch: o.Stretch = "2,98",
    gsd: o.Gsd = None,
    aoi: o.Aoi = None,
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
    cache: o.Cache = None,
    dtype: o.DtypeOption = o.Dtype.FLOAT16,
    workers: o.Workers = 0,
    scheduler: o.Scheduler = None,
    progress: o.ProgressOption = o.ProgressKind.AUTO,
) -> None:
    """Segment a raster by class names and write labelled polygons."""
    show = make_progress(progress.value)
    try:
        vocabulary = parse_classes(classes)
        check_threshold(threshold)
        read = raster_options(bands=bands, nodata=nodata, collar=collar.value, stretch=stretch, gsd=gsd, aoi=aoi)
        shapes = polygon_options(
            min_area=min_area, simplify=simplify, smooth=smooth, fill_holes=fill_holes, dissolve=dissolve,
            instances=instances, regularize=regularize, centerlines=centerlines,
        )
        outputs = Outputs(output or default_output(scene), labels, confidence, preview, report, layer,
                          target_crs)
        outputs.check(overwrite, lines=bool(shapes.centerlines))
        check_class_names(shapes, vocabulary)
        settings = [*(settings or []), *overhead_settings(bias_alleviation, scales, upsample, presence)]
        segmenter = make_segmenter(preset=preset, settings=settings, method=method, clip=clip, guide=guide, sam=sam,
                                   device=device, progress=show, logit_scale=logit_scale)
        ask = QueryOptions(templates=templates, threshold=threshold, synonyms=synonyms.value, refine=refine)
        with open_raster(scene, read) as raster:
            for line in raster.messages:
                show.message(line)
            tell_model(segmenter, show)
            raster.check_any_valid()
            segmenter.prepare(vocabulary, ask)
            info = segmenter.scene_info(raster, dtype.value)
            run = outputs.run_folder(asdict(info))
            store = cache_path(cache, info) if cache else run / "features"
            announce_store(store, info, show)
            run.mkdir(parents=True, exist_ok=True)
            if scheduler or workers:
                from geo_ovss.cluster import encode_on_cluster

                features = encode_on_cluster(segmenter, raster, store, show, workers=workers, scheduler=scheduler,
                                             dtype=dtype.value)
            else:
                features = segmenter.encode(raster, out=store, progress=show, dtype=dtype.value)
        result = segmenter.query(features, vocabulary, options=ask, folder=run, progress=show)
        kept = {"features": str(store)} if cache else {}
        deliver(result, outputs, shapes, overwrite=overwrite, progress=show, extra=kept)
        shutil.rmtree(run)
        if not any(run.parent.iterdir()):
            run.parent.rmdir()
    except Exception as error:
        show.fail(str(error))
        raise
    finally:
        show.close()


def tell_model(segmenter: Segmenter, show: Progress) -> None:
    """Say that the embedded model is small, and what gives better results."""
    if segmenter.preset.name == DEFAULT_PRESET:
        better = next(name for name in load_presets() if name != DEFAULT_PRESET)
        show.message(
            f"Preset {DEFAULT_PRESET} is the small model in the package, for first looks without a network; "
            f"--preset {better} gives better results."
        )
