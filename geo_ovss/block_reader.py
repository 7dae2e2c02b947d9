"""Kept features by block, with a border: what upsampling needs to see across block seams."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from torch import Tensor

from geo_ovss.grid import Box
from geo_ovss.store import SceneFeatures

CACHED_BLOCKS = 8
"""Decoded blocks that are kept for their neighbours' borders."""


class BlockReader:
    """Reads the features of a block and a border around it."""

    def __init__(self, features: SceneFeatures) -> None:
        self.features, self.layout = features, features.layout
        self._cache: OrderedDict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = OrderedDict()

    def block(self, block: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Features and valid pixels of a block, from the last few that were decoded where they are among them."""
        if block not in self._cache:
            self._cache[block] = self.features.read_block(block)
            while len(self._cache) > CACHED_BLOCKS:
                self._cache.popitem(last=False)
        self._cache.move_to_end(block)
        return self._cache[block]

    def bordered(self, block: tuple[int, int], box: Box) -> tuple[Tensor, Box]:
        """Features (h, w, D) of the tokens that a pixel box around a block touches and one more on each side.

        Also gives the token box that they cover. Tokens beyond the scene's edge are left out; those in blocks that were
        not encoded are zero.
        """
        rows, cols = self.layout.token_shape
        area = box.tokens(self.layout.token).grow(1).clip(Box(0, 0, rows, cols))
        out = np.zeros((area.height, area.width, self.features.info.dim), np.float32)
        for near in self.layout.neighbours(*block):
            theirs = self.layout.core(*near).tokens(self.layout.token)
            part = theirs.clip(area)
            if part.area and self.features.finished(near):
                source = part.shift(-theirs.row, -theirs.col).slices()
                out[part.shift(-area.row, -area.col).slices()] = self.block(near)[0][source]
        return torch.from_numpy(out), area
