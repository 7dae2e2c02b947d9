"""`geo-ovss encode scene.tif -o scene.features`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_ovss.atomic import check_folder
from geo_ovss.commands import options as o
from geo_ovss.commands.assemble import default_output, make_segmenter, overhead_settings, raster_options
from geo_ovss.commands.keeping import announce_store, describe_store
from geo_ovss.commands.segment import tell_model
from geo_ovss.presets import DEFAULT_PRESET
from geo_ovss.progress import make_progress
from geo_ovss.raster import open_raster

Store = Annotated[Path | None, typer.Option(
    "-o", "--output", help="Folder of the features. Left out: SCENE.features in this folder.", show_default=False,
    rich_help_panel=o.OUT)]


def encode(
    scene: o.Scene,
    output: Store = None,
    dtype: o.DtypeOption = o.Dtype.FLOAT16,
    preset: o.PresetOption = DEFAULT_PRESET,
    method: o.MethodOption = None,
    clip: o.Clip = None,
    guide: o.Guide = None,
    sam: o.Sam = None,
    settings: o.SetOption = None,
    bias_alleviation: o.BiasAlleviation = None,
    scales: o.Scales = None,
    device: o.Device = "auto",
    bands: o.Bands = None,
    nodata: o.Nodata = None,
    collar: o.CollarOption = o.Collar.AUTO,
    stretch: o.Stretch = "2,98",
    gsd: o.Gsd = None,
    aoi: o.Aoi = None,
    progress: o.ProgressOption = o.ProgressKind.AUTO,
) -> None:
    """Encode a raster once, to ask it for any class names later with `geo-ovss query`."""
    show = make_progress(progress.value)
    try:
        read = raster_options(bands=bands, nodata=nodata, collar=collar.value, stretch=stretch, gsd=gsd, aoi=aoi)
        store = output or default_output(scene, ".features")
        check_folder(store)
        settings = [*(settings or []), *overhead_settings(bias_alleviation, scales, None, None)]
        segmenter = make_segmenter(preset=preset, settings=settings, method=method, clip=clip, guide=guide, sam=sam,
                                   device=device, progress=show)
        with open_raster(scene, read) as raster:
            for line in raster.messages:
                show.message(line)
            tell_model(segmenter, show)
            raster.check_any_valid()
            announce_store(store, segmenter.scene_info(raster, dtype.value), show)
            features = segmenter.encode(raster, out=store, progress=show, dtype=dtype.value)
        show.finish(describe_store(features), {"features": str(store)})
    except Exception as error:
        show.fail(str(error))
        raise
    finally:
        show.close()
