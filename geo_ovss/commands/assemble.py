"""From the words of the command line to the library's options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geo_ovss.errors import BadOption
from geo_ovss.polygons import PolygonOptions
from geo_ovss.presets import Preset, get_preset
from geo_ovss.progress import Progress
from geo_ovss.raster import RasterOptions, scene_name
from geo_ovss.segmenter import Segmenter
from geo_ovss.vocabulary import Vocabulary


def raster_options(*, bands: str | None, nodata: float | None, collar: str, stretch: str, gsd: float | None,
                   aoi: str | None) -> RasterOptions:
    """Reading options; raises `BadOption` for what cannot be understood."""
    try:
        chosen = None if bands is None else tuple(int(b) for b in bands.split(","))
    except ValueError as error:
        raise BadOption("--bands", bands, "band numbers such as 4,3,2") from error
    try:
        low, high = (float(v) for v in stretch.split(","))
    except ValueError as error:
        raise BadOption("--stretch", stretch, "two percentiles such as 2,98") from error
    if not 0 <= low < high <= 100:
        raise BadOption("--stretch", stretch, "two percentiles such as 2,98")
    if gsd is not None and gsd <= 0:
        raise BadOption("--gsd", gsd, "metres above 0")
    return RasterOptions(bands=chosen, nodata=nodata, collar=collar, stretch=(low, high), gsd=gsd, aoi=aoi)  # type: ignore[arg-type]


def preset_with(name: str, settings: list[str] | None) -> Preset:
    """A preset, with ``--set key=value`` applied: values of the preset, else switches of its method."""
    preset = get_preset(name)
    changes: dict[str, Any] = {}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        if not equals:
            raise BadOption("--set", setting, "key=value")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if key in preset.__dataclass_fields__:
            changes[key] = value
        else:
            changes.setdefault("options", {})[key] = value
    return preset.with_overrides(**changes)


def overhead_settings(bias_alleviation: float | None, scales: str | None, upsample: str | None,
                      presence: float | None) -> list[str]:
    """The flags for overhead scenes as ``--set`` takes them; those left out are the preset's."""
    listed = None if scales is None else f"[{scales}]"
    flags = {"bias_alleviation": bias_alleviation, "scales": listed, "upsample": upsample, "presence": presence}
    return [f"{key}={value}" for key, value in flags.items() if value is not None]


def make_segmenter(*, preset: str, settings: list[str] | None, method: str | None, clip: str | None, guide: str | None,
                   sam: str | None, device: str, progress: Progress, logit_scale: float | None = None) -> Segmenter:
    """The segmenter that the options ask for; its networks are loaded later, their downloads shown on `progress`."""
    segmenter = Segmenter(preset_with(preset, settings), method=method, clip=clip, guide=guide, sam=sam, device=device,
                          logit_scale=logit_scale)
    segmenter.progress = progress
    return segmenter


def names(text: str | None) -> tuple[str, ...]:
    """A comma-separated list."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def polygon_options(*, min_area: float, simplify: float, smooth: bool, fill_holes: float, dissolve: bool,
                    instances: str | None, regularize: str | None, centerlines: str | None) -> PolygonOptions:
    """Options of the polygons."""
    for option, value in (("--min-area", min_area), ("--simplify", simplify), ("--fill-holes", fill_holes)):
        if value < 0:
            raise BadOption(option, value, "0 or more")
    return PolygonOptions(
        min_area=min_area, simplify=simplify, smooth=smooth, fill_holes=fill_holes, dissolve=dissolve,
        instances=names(instances), regularize=names(regularize), centerlines=names(centerlines),
    )


def check_threshold(threshold: float | None) -> None:
    """Raise unless a probability."""
    if threshold is not None and not 0 <= threshold < 1:
        raise BadOption("--threshold", threshold, "a probability from 0 up to 1")


def default_output(scene: str, suffix: str = ".gpkg") -> Path:
    """SCENE.gpkg in the present folder, or SCENE with another suffix.

    >>> default_output("https://host/tiles/town.tif?key=1").name
    'town.gpkg'
    """
    return Path(scene_name(scene) + suffix)


def check_class_names(shapes: PolygonOptions, vocabulary: Vocabulary) -> None:
    """Raise unless the classes that get a shape of their own are in the class list."""
    for option, wanted in (("--instances", shapes.instances), ("--regularize", shapes.regularize),
                           ("--centerlines", shapes.centerlines)):
        for name in wanted:
            if name not in vocabulary.names:
                raise BadOption(option, name, f"names of the class list ({', '.join(vocabulary.names)})")
