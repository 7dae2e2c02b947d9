"""The blocks of one scene on a Dask cluster: the same work, files and result as in a single process.

Workers encode blocks and leave the tokens on storage that all of them see, then mix blocks from their neighbours'
tokens. Only the client enters finished blocks into the store's journal, so a worker that dies loses nothing and doubles
nothing: Dask gives its tasks to the others. Needs ``pip install geo-ovss[cluster]``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from geo_ovss.errors import ClusterMissing, ClusterUnreachable
from geo_ovss.multiscale import ScaledRaster, encode_scene
from geo_ovss.presets import Preset
from geo_ovss.progress import Progress
from geo_ovss.raster import Raster, RasterOptions, open_raster
from geo_ovss.scene import Block, SceneWalk
from geo_ovss.store import MANIFEST, Checks, SceneFeatures

if TYPE_CHECKING:
    from distributed import Client, Future

    from geo_ovss.build import Pipeline
    from geo_ovss.segmenter import Segmenter

ALLOWED_DEATHS = 5
"""Workers that may die on one block before the run gives up: more, and the block itself is to blame."""

IN_FLIGHT = 512
"""Blocks that the scheduler holds at once: enough for some hundred workers, while neither its tasks nor the tokens on
storage grow with the scene."""

_walks: dict[str, SceneWalk] = {}
"""One walk per worker process and store."""

_manifests: dict[str, bytes] = {}
"""What the stores of those walks said of themselves."""

_pipelines: dict[str, Pipeline] = {}
"""The networks of a worker process, which all its walks share."""


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
                      scheduler: str | None = None, dtype: str = "float16") -> SceneFeatures:
    """Encode a scene on a cluster; arguments and result as `Segmenter.encode`."""
    raster.check_any_valid()
    features = SceneFeatures.create(store.absolute(), segmenter.scene_info(raster, dtype))
    with ExitStack() as open_until_done:
        clients: list[Client] = []

        def fill(source: Raster, part: SceneFeatures, factor: float) -> None:
            walk = SceneWalk(source, segmenter.pipeline, part, progress)
            wanted = [b for b in part.blocks if not part.finished(b)]
            if part.layout.single:  # nothing to share out
                walk.run()
            elif wanted:
                walk.scratch.mkdir(exist_ok=True)
                walk.prepare()
                if not clients:
                    clients.append(open_until_done.enter_context(_session(workers, scheduler)))
                preset = asdict(segmenter.preset) | {"scales": (factor,)}
                _run(clients[0], walk, wanted, (str(part.path), preset, segmenter.device))
            shutil.rmtree(walk.scratch, ignore_errors=True)

        encode_scene(raster, segmenter.pipeline, features, progress, fill)
    return features


@contextmanager
def _session(workers: int, scheduler: str | None) -> Iterator[Client]:
    """A client that is closed again, with its cluster where that is this process's own."""
    client = connect(workers, scheduler)
    try:
        yield client
    finally:
        client.close()
        if client.cluster is not None:
            client.cluster.close()


def _run(client: Client, walk: SceneWalk, wanted: list[Block], job: tuple[Any, ...]) -> None:
    """Have every block encoded and mixed, a few hundred of them at a time, and commit them as they come."""
    from distributed import as_completed

    features, layout = walk.features, walk.layout
    walk.progress.start("encode", len(features.blocks), len(features.blocks) - len(wanted))
    encoded: dict[Block, Future] = {}
    mixed: dict[Future, Block] = {}

    def submit(block: Block) -> Future:
        near = layout.neighbours(*block)
        for n in near:
            if n not in encoded:
                encoded[n] = client.submit(_encode, job, n, key=f"encode-{features.path}-{n}", priority=-n[0])
        future = client.submit(_mix, job, block, [encoded[n] for n in near], key=f"mix-{features.path}-{block}",
                               priority=1 - block[0])
        mixed[future] = block
        return future

    waiting, left = set(wanted), iter(wanted[IN_FLIGHT:])
    running = as_completed([submit(block) for block in wanted[:IN_FLIGHT]])
    for future in running:
        block = mixed.pop(future)
        features.commit(block, tuple(future.result()))
        waiting.discard(block)
        walk.progress.advance()
        if (following := next(left, None)) is not None:
            running.add(submit(following))
        walk.drop_tokens(waiting)
        for gone in [b for b in encoded if waiting.isdisjoint(layout.neighbours(*b))]:
            del encoded[gone]


def _walk(job: tuple[Any, ...]) -> SceneWalk:
    """This worker's walk of the store, its networks loaded once; the preset's one scale is the store's."""
    from geo_ovss.build import build

    path, fields, device = job
    manifest = (Path(path) / MANIFEST).read_bytes()
    if path not in _walks or _manifests[path] != manifest:  # a worker may outlive a store, and see another in its place
        torch.set_num_threads(1)  # one process a core: threads of several workers would only get in each other's way
        features = SceneFeatures.resume(Path(path))
        info = features.info
        raster: Any = open_raster(info.source, RasterOptions(**info.raster["options"]))
        preset = Preset(**fields | {"scales": tuple(fields["scales"])})
        if preset.scales != (1.0,):
            raster = ScaledRaster(raster, preset.scales[0])
        networks = json.dumps(preset.identity() | {"scales": None}, sort_keys=True)
        if networks not in _pipelines:
            _pipelines[networks] = build(preset, device=device)
        _walks[path], _manifests[path] = SceneWalk(raster, _pipelines[networks], features, Progress()), manifest
        _walks[path].prepare()
    return _walks[path]


def _encode(job: tuple[Any, ...], block: Block) -> Block:
    """Task: tokens of one block's windows, unless an earlier task or run has left them."""
    walk = _walk(job)
    if not walk.token_path(block).exists():
        walk.encode_block(block, *walk.read_pixels(block))
    return block


def _mix(job: tuple[Any, ...], block: Block, neighbours: list[Block]) -> Checks:
    """Task: one block's features, written to the shared store; gives their checksums."""
    walk = _walk(job)
    return walk.features.write_data(block, *walk.mix_block(block))
