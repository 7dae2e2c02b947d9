"""Walk a scene: encode windows, mix blocks, keep features. Memory is set by a few blocks, never by the scene.

Each block is encoded once and mixed once; a reader thread fetches the next block's pixels and a writer thread stores
the last one's features meanwhile. What is finished is on disk, so a killed run goes on where it was, and since batches
are cut by block and never by what happens to be left over, its result is the same to the byte.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from geo_ovss.bank import Bank, SceneBank, build_bank, load_bank, save_bank, touched_tokens
from geo_ovss.batches import Batches
from geo_ovss.grid import Box, Layout
from geo_ovss.methods.base import BlockTokens, Method
from geo_ovss.progress import Progress
from geo_ovss.store import SceneFeatures
from geo_ovss.tokens import TokenFile, gather, windows_over

if TYPE_CHECKING:
    from geo_ovss.build import Pipeline
    from geo_ovss.raster import Raster

Block = tuple[int, int]


def scene_layout(raster: Raster, pipeline: Pipeline) -> Layout:
    """Windows and blocks of a raster under a preset."""
    method, preset = pipeline.method, pipeline.preset
    return Layout(raster.height, raster.width, method.window, method.stride, method.token, preset.block, preset.halo)


class SceneWalk:
    """The encoding of one scene into one store.

    Parameters
    ----------
    raster : Raster
    pipeline : Pipeline
        Encoders and method.
    features : SceneFeatures
        Where finished blocks go.
    progress : Progress
    """

    def __init__(self, raster: Raster, pipeline: Pipeline, features: SceneFeatures, progress: Progress) -> None:
        self.raster, self.method, self.preset = raster, pipeline.method, pipeline.preset
        self.device = pipeline.device
        self.features, self.layout, self.progress = features, features.layout, progress
        several = self.preset.mix == "spliced" and not self.layout.single and self.method.spliceable
        self.spliced = self.method.scope == "window" or several
        self.batches = Batches(pipeline.method, pipeline.preset.batch, progress)
        self.scratch = features.path / "tokens"
        self.bank: SceneBank | None = None
        self._resident: dict[Block, TokenFile] = {}

    # -- the walk -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Encode and mix every block that is not finished, then drop the tokens."""
        wanted = [b for b in self.features.blocks if not self.features.finished(b)]
        if wanted:
            self.scratch.mkdir(exist_ok=True)
            self.prepare()
            needed = sorted({n for b in wanted for n in self.layout.neighbours(*b)})
            self._start_progress(wanted)
            with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(1) as reader:
                try:
                    self._walk(wanted, needed, reader, writer)
                except BaseException:
                    reader.shutdown(wait=False, cancel_futures=True)
                    raise
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _walk(self, wanted: list[Block], needed: list[Block], reader: ThreadPoolExecutor,
              writer: ThreadPoolExecutor) -> None:
        writing: list[Future[None]] = []
        waiting, left = deque(wanted), set(wanted)
        for block, pixels in self._read_ahead([b for b in needed if not self.token_path(b).exists()], needed, reader):
            if pixels is not None:
                self.encode_block(block, *pixels)
            while waiting and self.layout.neighbours(*waiting[0])[-1] <= block:
                ready = waiting.popleft()
                writing.append(writer.submit(self.features.write_block, ready, *self.mix_block(ready)))
                self.progress.advance(self._steps(ready))
                while len(writing) > 2:  # at most two finished blocks wait for the disk
                    writing.pop(0).result()
                left.discard(ready)
                self.drop_tokens(left)
        for job in writing:
            job.result()

    def _read_ahead(self, todo: list[Block], needed: list[Block],
                    reader: ThreadPoolExecutor) -> Iterator[tuple[Block, tuple[np.ndarray, np.ndarray] | None]]:
        """Go through the needed blocks in order, the next unread one's pixels being fetched meanwhile."""
        ahead: dict[Block, Future[tuple[np.ndarray, np.ndarray]]] = {}
        left = list(todo)
        for block in needed:
            while left and len(ahead) < 2:
                following = left.pop(0)
                ahead[following] = reader.submit(self.read_pixels, following)
            yield block, ahead.pop(block).result() if block in ahead else None

    def prepare(self) -> None:
        """Build the token bank where the scene needs one, or read the one that an earlier run has built."""
        if self.method.scope != "block" or self.layout.single or not (self.preset.bank and self.preset.bank_mass):
            return
        path = self.features.path / "bank.npz"
        if not path.exists():
            self.progress.start("bank", 1)
            save_bank(build_bank(self.raster, self.batches, self.layout, self.preset.bank), path)
            self.progress.advance()
        self.bank = load_bank(path)

    # -- one block ----------------------------------------------------------------------------------------------

    def token_path(self, block: Block) -> Path:
        """Where the tokens of a block's windows lie between encoding and mixing."""
        return self.scratch / f"{block[0]}_{block[1]}.npz"

    def pixel_box(self, block: Block) -> Box:
        """The core and all windows that start in it."""
        core, windows = self.layout.core(*block), self.layout.windows(*block)
        bottom = max([core.bottom, *(w.bottom for w in windows)])
        right = max([core.right, *(w.right for w in windows)])
        return Box(core.row, core.col, bottom - core.row, right - core.col)

    def read_pixels(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """RGB (h, w, 3) and valid (h, w) of the block's windows."""
        return self.raster.read(*self.pixel_box(block))

    def encode_block(self, block: Block, rgb: np.ndarray, valid: np.ndarray) -> None:
        """Run the networks on the block's windows that have a valid pixel, and leave their tokens on disk."""
        origin, core = self.pixel_box(block), self.layout.core(*block)
        local = {w: w.shift(-origin.row, -origin.col).slices() for w in self.layout.windows(*block)}
        windows = [w for w, at in local.items() if valid[at].any()]
        parts: dict[str, list[np.ndarray]] = {}
        weights = [touched_tokens(valid[local[w]], self.layout.token).astype(np.float32) for w in windows]
        dtype = np.float32 if self.layout.single else np.float16
        shown: list[np.ndarray] = []
        for tokens in self.batches.encode([rgb[local[w]] for w in windows]):
            arrays = {"guide": tokens.guide, "values": tokens.values}
            if self.preset.options.get("bias_alleviation") and tokens.cls is not None and self.method.scope != "window":
                arrays["cls"] = tokens.cls[:, None, None].expand(*tokens.values.shape[:3], -1)
            if tokens.cls is not None:
                shown.append(tokens.cls.float().cpu().numpy().astype(np.float16))
            for name, tensor in arrays.items():
                if tensor is not None:
                    parts.setdefault(name, []).append(tensor.float().cpu().numpy().astype(dtype))
            self.progress.advance(len(tokens.values))
        self.progress.advance(len(local) - len(windows))
        file = TokenFile(
            {name: np.concatenate(p) for name, p in parts.items()},
            np.stack(weights) if weights else np.zeros((0, 0, 0), np.float32),
            [w.tokens(self.layout.token) for w in windows], windows, valid[: core.height, : core.width],
            np.concatenate(shown) if shown else None,
        )
        if self.spliced:
            file = file.splice()
        if self.layout.single:
            self._resident[block] = file
        else:
            file.save(self.token_path(block))

    def mix_block(self, block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """What the store keeps of a block, its and its neighbours' tokens being there.

        Returns
        -------
        features : ndarray, (h, w, D)
        valid : ndarray, (H, W)
            Of the core's pixels.
        class_tokens : ndarray or None, (n, D)
            Of the windows with data that meet the core; None where the method has none.
        """
        token, core = self.layout.token, self.layout.core(*block)
        files = {b: self._resident[b] if b in self._resident else TokenFile.load(self.token_path(b))
                 for b in self.layout.neighbours(*block)}
        valid, shown = files[block].valid, windows_over(list(files.values()), core, self.method.dim)
        reach, grid = self.layout.reach(*block), core.tokens(token)
        tokens = gather(list(files.values()), reach, token, self.spliced)
        del files
        if tokens is None:
            return np.zeros((grid.height, grid.width, self.method.dim), np.float32), valid, shown
        if self.method.scope == "picture":
            tokens.picture = self.raster.read(*reach)[0]
            tokens.origin = (reach.row // token, reach.col // token)
        own = float(tokens.weights.sum())
        bank = None if self.bank is None else self.bank.beyond(reach.tokens(token), own, self.preset.bank_mass)
        return mix_core(self.method, tokens, grid, bank, self.device), valid, shown

    # -- bookkeeping --------------------------------------------------------------------------------------------

    def _steps(self, block: Block) -> int:
        """Steps that the mixing of a block counts for: as many as its windows, none where nothing is mixed."""
        return 0 if self.method.scope == "window" else len(self.layout.windows(*block))

    def _start_progress(self, wanted: list[Block]) -> None:
        every = self.features.blocks
        windows = {b: len(self.layout.windows(*b)) for b in {n for e in every for n in self.layout.neighbours(*e)}}
        left = {n for b in wanted for n in self.layout.neighbours(*b) if not self.token_path(n).exists()}
        total = sum(windows.values()) + sum(map(self._steps, every))
        self.progress.start("encode", total, total - sum(windows[b] for b in left) - sum(map(self._steps, wanted)))

    def drop_tokens(self, waiting: Set[Block]) -> None:
        """Remove the token files that no block still waits for."""
        for path in self.scratch.glob("*.npz"):
            i, j = map(int, path.stem.split("_"))
            if waiting.isdisjoint(self.layout.neighbours(i, j)):  # it is their neighbour where they are its own
                path.unlink(missing_ok=True)


def mix_core(method: Method, tokens: BlockTokens, core: Box, bank: Bank | None = None,
             device: torch.device | None = None) -> np.ndarray:
    """Features (h, w, D) float32 of the tokens in a core, which attend to all of a block's tokens and the bank.

    Parameters
    ----------
    tokens : BlockTokens
        Offsets count from the scene's first token.
    core : Box
        On the scene's token grid. Tokens that several windows have there are mixed each and then averaged; where no
        window has data the features are zero.
    """
    features = np.zeros((core.height, core.width, method.dim), np.float32)
    offsets = tokens.offsets - torch.tensor([core.row, core.col])
    inside = _inside(tokens.weights.shape, offsets, core) & (tokens.weights > 0)
    if not bool(inside.any()):
        return features
    if method.scope == "window":
        mixed = tokens.values[inside]
    else:
        placed = tokens if device is None else tokens.to(device)
        mixed = torch.nn.functional.normalize(method.mix(placed, inside, bank), dim=-1)
    return _average(mixed.float().cpu(), inside, offsets, features)


def _inside(shape: torch.Size, offsets: Tensor, grid: Box) -> Tensor:
    """Which tokens of (L, h, w) lie in a core of `grid`'s size, offsets being counted from the core's first token."""
    rows = offsets[:, 0, None] + torch.arange(shape[1])
    cols = offsets[:, 1, None] + torch.arange(shape[2])
    return (
        ((rows >= 0) & (rows < grid.height))[:, :, None] & ((cols >= 0) & (cols < grid.width))[:, None, :]
    )


def _average(mixed: Tensor, inside: Tensor, offsets: Tensor, features: np.ndarray) -> np.ndarray:
    """Average the tokens (n, D) of overlapping windows on the core's grid (h, w, D): the splice."""
    window, row, col = inside.nonzero(as_tuple=True)
    index = (row + offsets[window, 0]) * features.shape[1] + col + offsets[window, 1]
    flat = torch.from_numpy(features.reshape(-1, features.shape[-1]))
    flat.index_add_(0, index, mixed)
    flat /= torch.bincount(index, minlength=len(flat)).clamp(min=1)[:, None]
    return np.asarray(flat.numpy()).reshape(features.shape)
