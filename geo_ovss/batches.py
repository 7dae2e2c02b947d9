"""Windows through the networks, a batch at a time: smaller ones where the accelerator's memory does not hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from geo_ovss.methods.base import Method, WindowTokens
from geo_ovss.progress import Progress


class Batches:
    """Runs a method's networks over windows.

    Parameters
    ----------
    method : Method
    size : int
        Windows at once. Halved, for good, whenever the accelerator's memory is full.
    progress : Progress
        Is told when that happens.
    """

    def __init__(self, method: Method, size: int, progress: Progress) -> None:
        self.method, self.size, self.progress = method, size, progress

    def encode(self, windows: Sequence[np.ndarray]) -> Iterator[WindowTokens]:
        """Tokens of windows (S, S, 3) uint8, in order, batch after batch.

        Raises
        ------
        torch.OutOfMemoryError
            If not even one window fits.
        """
        first = 0
        while first < len(windows):
            batch = np.stack(windows[first : first + self.size]).transpose(0, 3, 1, 2)
            try:
                tokens = self.method.encode(torch.from_numpy(batch.copy()))
            except torch.OutOfMemoryError:
                if self.size == 1:
                    raise
                torch.cuda.empty_cache()
                self.size //= 2
                self.progress.message(f"The accelerator's memory is full: going on with {self.size} windows at once.")
                continue
            first += len(batch)
            yield tokens
