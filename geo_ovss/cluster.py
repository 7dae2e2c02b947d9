"""The blocks of one scene on a Dask cluster: the same work, files and result as in a single process.

Workers encode blocks and leave the tokens on storage that all of them see, then mix blocks from their neighbours'
tokens. Only the client enters finished blocks into the store's journal, so a worker that dies loses nothing and doubles
nothing: Dask gives its tasks to the others. Needs ``pip install geo-ovss[cluster]``.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from geo_ovss.errors import BadPresetValue, ClusterMissing, ClusterUnreachable
from geo_ovss.presets import Preset
from geo_ovss.progress import Progress
from geo_ovss.raster import Raster, RasterOptions, open_raster
from geo_ovss.scene import Block, SceneWalk
from geo_ovss.store import SceneFeatures

if TYPE_CHECKING:
    from distributed import Client

    from geo_ovss.segmenter import Segmenter

ALLOWED_DEATHS = 5
"""Workers that may die on one block before the run gives up: more, and the block itself is to blame."""

_walks: dict[str, SceneWalk] = {}
"""One walk, with its networks, per worker process and store."""


def connect(workers: int, scheduler: str | None) -> Client:
    """A client of a running scheduler, or of a local cluster of `workers` processes.

    Raises
    ------
    ClusterMissing, ClusterUnreachable
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ClusterMissing from error
    dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_DEATHS})
    try:
        if scheduler:
            return Client(scheduler, timeout="10s")
        return Client(LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None))
    except (OSError, ValueError) as error:
        raise ClusterUnreachable(scheduler) from error


def encode_on_cluster(segmenter: Segmenter, raster: Raster, store: Path, progress: Progress, *, workers: int = 0,
                      scheduler: str | None = None) -> SceneFeatures:
    """Encode a scene on a cluster; arguments and result as `Segmenter.encode`."""
    raster.check_any_valid()
    if len(segmenter.preset.scales) > 1:
        raise BadPresetValue("scales", list(segmenter.preset.scales), "a single one on a cluster")
    features = SceneFeatures.create(store.absolute(), segmenter.scene_info(raster))
    walk = SceneWalk(raster, segmenter.pipeline, features, progress)
    if features.layout.single:  # nothing to share out
        walk.run()
        return features
    wanted = [b for b in features.blocks if not features.finished(b)]
    if not wanted:
        return features
    walk.scratch.mkdir(exist_ok=True)
    walk.prepare()
    client = connect(workers, scheduler)
    try:
        _run(client, walk, wanted, (str(features.path), asdict(segmenter.preset), segmenter.device))
    finally:
        client.close()
        if client.cluster is not None:
            client.cluster.close()
    shutil.rmtree(walk.scratch, ignore_errors=True)
    return features


def _run(client: Client, walk: SceneWalk, wanted: list[Block], job: tuple[Any, ...]) -> None:
    """Submit every block's encoding and mixing, and commit blocks as they come."""
    from distributed import as_completed

    features, layout = walk.features, walk.layout
    needed = sorted({n for b in wanted for n in layout.neighbours(*b)})
    walk.progress.start("encode", len(features.blocks), len(features.blocks) - len(wanted))
    encoded = {b: client.submit(_encode, job, b, key=f"encode-{features.path}-{b}", priority=-b[0]) for b in needed}
    mixed = {
        client.submit(_mix, job, b, [encoded[n] for n in layout.neighbours(*b)], key=f"mix-{features.path}-{b}",
                      priority=1 - b[0]): b
        for b in wanted
    }
    waiting = set(wanted)
    for future in as_completed(list(mixed)):
        block = mixed[future]
        features.commit(block, tuple(future.result()))
        waiting.discard(block)
        walk.progress.advance()


def _walk(job: tuple[Any, ...]) -> SceneWalk:
    """This worker's walk of the store, its networks loaded once."""
    from geo_ovss.build import build

    path, preset, device = job
    if path not in _walks:
        torch.set_num_threads(1)  # one process a core: threads of several workers would only get in each other's way
        features = SceneFeatures.resume(Path(path))
        info = features.info
        raster = open_raster(info.source, RasterOptions(**info.raster["options"]))
        pipeline = build(Preset(**preset | {"scales": tuple(preset["scales"])}), device=device)
        _walks[path] = SceneWalk(raster, pipeline, features, Progress())
        _walks[path].prepare()
    return _walks[path]


def _encode(job: tuple[Any, ...], block: Block) -> Block:
    """Task: tokens of one block's windows, unless an earlier task or run has left them."""
    walk = _walk(job)
    if not walk.token_path(block).exists():
        walk.encode_block(block, *walk.read_pixels(block))
    return block


def _mix(job: tuple[Any, ...], block: Block, neighbours: list[Block]) -> tuple[int, int]:
    """Task: one block's features, written to the shared store; gives their checksums."""
    walk = _walk(job)
    return walk.features.write_data(block, *walk.mix_block(block))
