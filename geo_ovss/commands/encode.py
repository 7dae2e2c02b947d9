"""`geo-ovss encode scene.tif -o scene.features`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_ovss.atomic import check_folder
from geo_ovss.commands import options as o
from geo_ovss.commands.assemble import make_segmenter, raster_options
from geo_ovss.commands.segment import describe_store, tell_model
from geo_ovss.presets import DEFAULT_PRESET
from geo_ovss.progress import make_progress
from geo_ovss.raster import open_raster

Store = Annotated[Path | None, typer.Option(
    "-o", "--output", help="Folder of the features. Left out: SCENE.features in this folder.", show_default=False,
    rich_help_panel=o.OUT)]


def encode(
    scene: o.Scene,
    output: Store = None,
    preset: o.PresetOption = DEFAULT_PRESET,
    method: o.MethodOption = None,
    clip: o.Clip = None,
    guide: o.Guide = None,
    sam: o.Sam = None,
    settings: o.SetOption = None,
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
        store = output or Path(f"{scene.stem}.features")
        check_folder(store)
        segmenter = make_segmenter(preset=preset, settings=settings, method=method, clip=clip, guide=guide, sam=sam,
                                   device=device)
        with open_raster(scene, read) as raster:
            for line in raster.messages:
                show.message(line)
            tell_model(segmenter, show)
            features = segmenter.encode(raster, out=store, progress=show)
        show.finish(describe_store(features), {"features": str(store)})
    except Exception as error:
        show.fail(str(error))
        raise
    finally:
        show.close()
