"""Tokens on their way from the windows to the blocks: kept on disk between the two, so that memory does not grow.

Each block *encodes* the windows that start in its core and leaves their tokens as one file; a block is *mixed* from its
own file and its neighbours'. The files of a scene that is being walked are those of about two rows of blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geo_ovss.grid import Box
from geo_ovss.methods.base import BlockTokens
from geo_ovss.store import disk_full_as_error


@dataclass
class TokenFile:
    """The tokens of the windows that one block encodes.

    Attributes
    ----------
    arrays : dict of ndarray, each (L, h, w, C)
        ``values`` and, where the method has them, ``guide`` and ``cls`` (the window's class-token feature at every
        token, for global bias alleviation). Float16 on the way through the disk.
    weights : ndarray, (L, h, w) float32
        How many windows a token is the sum over; 0 where it has no valid pixel.
    boxes : list of Box
        On the token grid: where each of the L entries lies.
    windows : list of Box
        The windows that were encoded (those with a valid pixel), pixels.
    valid : ndarray, (H, W) bool
        The valid pixels of the block's core.
    class_tokens : ndarray or None, (n, D)
        Class-token features of `windows`, one each; None where the method has none.

    A *spliced* file has L = 1 (sums over the windows, divided only after the neighbours' share has joined); else L is
    the number of windows. A block without valid pixels has L = 0.
    """

    arrays: dict[str, np.ndarray]
    weights: np.ndarray
    boxes: list[Box]
    windows: list[Box]
    valid: np.ndarray
    class_tokens: np.ndarray | None = None

    def save(self, path: Path) -> None:
        """Write under a temporary name, then rename."""
        part = path.with_suffix(".part")
        with disk_full_as_error(path.parent):
            with part.open("wb") as file:
                tokens: dict[str, Any] = {f"tokens_{name}": array for name, array in self.arrays.items()}
                if self.class_tokens is not None:
                    tokens["class_tokens"] = self.class_tokens
                np.savez(
                    file, weights=self.weights, valid=self.valid,
                    boxes=np.array(self.boxes, np.int64).reshape(-1, 4),
                    windows=np.array(self.windows, np.int64).reshape(-1, 4), **tokens,
                )
            part.replace(path)

    @classmethod
    def load(cls, path: Path) -> TokenFile:
        """Read a file that `save` wrote."""
        with np.load(path) as file:
            return cls(
                {name[7:]: file[name] for name in file.files if name.startswith("tokens_")}, file["weights"],
                [Box(*map(int, b)) for b in file["boxes"]], [Box(*map(int, b)) for b in file["windows"]], file["valid"],
                file["class_tokens"] if "class_tokens" in file.files else None,
            )

    def splice(self) -> TokenFile:
        """Sum the windows on one canvas of the token grid (weights say over how many)."""
        if not self.boxes:
            return self
        row, col = min(b.row for b in self.boxes), min(b.col for b in self.boxes)
        canvas = Box(row, col, max(b.bottom for b in self.boxes) - row, max(b.right for b in self.boxes) - col)
        shape = (1, canvas.height, canvas.width)
        sums = {name: np.zeros((*shape, a.shape[-1]), np.float32) for name, a in self.arrays.items()}
        weights = np.zeros(shape, np.float32)
        for n, box in enumerate(self.boxes):
            at = (0, *box.shift(-row, -col).slices())
            weights[at] += self.weights[n]
            for name, array in self.arrays.items():
                sums[name][at] += array[n].astype(np.float32) * self.weights[n][..., None]
        arrays = {name: total.astype(self.arrays[name].dtype) for name, total in sums.items()}
        return TokenFile(arrays, weights, [canvas], self.windows, self.valid, self.class_tokens)


def windows_over(files: list[TokenFile], core: Box, dim: int) -> np.ndarray | None:
    """Class-token features (n, dim) of the windows that meet a core; None where a window has none.

    Parameters
    ----------
    files : list of TokenFile
        The block's and its neighbours': a window over a core may start in the block above or to the left.
    """
    rows = [np.zeros((0, dim), np.float16)]
    for file in files:
        if file.windows and file.class_tokens is None:
            return None
        if file.class_tokens is not None:
            rows.append(file.class_tokens[[n for n, window in enumerate(file.windows) if window.meets(core)]])
    return np.concatenate(rows)


def gather(files: list[TokenFile], reach: Box, token: int, spliced: bool) -> BlockTokens | None:
    """Join a block's and its neighbours' tokens within `reach` (pixels); None where nothing is valid.

    Spliced files give one canvas (L = 1) of averages, weighted by the number of windows; others give every window that
    meets the reach, its tokens outside it weighted 0.
    """
    area = reach.tokens(token)
    live = [f for f in files if f.boxes]
    windows = {w for f in live for w in f.windows if w.meets(reach)}
    if not windows:
        return None
    arrays, weights, offsets = (_on_canvas if spliced else _window_by_window)(live, area)
    if not weights.any():
        return None
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return BlockTokens(
        guide=tensors.get("guide"), values=tensors["values"], offsets=torch.tensor(offsets),
        weights=torch.from_numpy(weights), windows=len(windows), cls=tensors.get("cls"),
    )


Gathered = tuple[dict[str, np.ndarray], np.ndarray, list[tuple[int, int]]]


def _on_canvas(files: list[TokenFile], area: Box) -> Gathered:
    shape = (1, area.height, area.width)
    sums = {name: np.zeros((*shape, a.shape[-1]), np.float32) for name, a in files[0].arrays.items()}
    weights = np.zeros(shape, np.float32)
    for file in files:
        for n, box in enumerate(file.boxes):
            part = box.clip(area)
            to = (0, *part.shift(-area.row, -area.col).slices())
            source = (n, *part.shift(-box.row, -box.col).slices())
            weights[to] += file.weights[source]
            for name, array in file.arrays.items():
                sums[name][to] += array[source]
    return {k: v / np.maximum(weights, 1)[..., None] for k, v in sums.items()}, weights, [(area.row, area.col)]


def _window_by_window(files: list[TokenFile], area: Box) -> Gathered:
    arrays: dict[str, list[np.ndarray]] = {name: [] for name in files[0].arrays}
    weights, offsets = [], []
    for file in files:
        for n, box in enumerate(file.boxes):
            if not box.meets(area):
                continue
            inside = np.zeros((box.height, box.width), np.float32)
            inside[box.clip(area).shift(-box.row, -box.col).slices()] = 1
            weights.append(file.weights[n] * inside)
            offsets.append((box.row, box.col))
            for name, array in file.arrays.items():
                arrays[name].append(array[n].astype(np.float32))
    return {name: np.stack(a) for name, a in arrays.items()}, np.stack(weights), offsets
