"""Kept features: where they lie, and what is said of their size before and after."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from geo_ovss.atomic import check_folder
from geo_ovss.outputs import digest
from geo_ovss.progress import Progress
from geo_ovss.scene_info import SceneInfo
from geo_ovss.store import MANIFEST, SceneFeatures


def cache_path(cache: Path, info: SceneInfo) -> Path:
    """Where a scene's features lie in a cache folder, which is made where it is not there.

    The name stands for what the features depend on, not for the question: other templates find the same store.
    """
    if not cache.exists():
        check_folder(cache)
        cache.mkdir()
    features_of = info.raster, info.pipeline, info.aoi_box, asdict(info.layout), info.version, info.dtype
    return cache / f"{info.name}-{digest(*features_of)}.features"


def announce_store(path: Path, info: SceneInfo, show: Progress) -> None:
    """Say before the work begins where the features will lie and how large they can become."""
    if (path / MANIFEST).exists():
        show.message(f"Going on with the features in {path}.")
        return
    show.message(f"The features go to {path}: up to {info.expected_bytes / 1e6:,.1f} MB ({info.tokens:,} tokens of "
                 f"{info.dim} channels in {info.dtype}, before compression).")


def describe_store(features: SceneFeatures) -> str:
    """One line on a kept store."""
    return f"Features kept in {features.path} ({features.nbytes / 1e6:,.1f} MB)."
