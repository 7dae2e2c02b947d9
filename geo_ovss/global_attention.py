"""GLA-CLIP's attention over all tokens of a block: exact, a chunk of queries at a time (arXiv 2603.23030)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK_BYTES = 64 << 20  # of one chunk's similarities: large enough for full speed, a few fit in the memory budget


@dataclass(frozen=True)
class GlaNumbers:
    """The numbers of GLA-CLIP, in the paper's letters.

    Attributes
    ----------
    rho : float
        Cosine above which a token is an anchor.
    T : int
        Repetitions of the search for anchors.
    lambda1 : float or None
        Offset u = 1 + lambda1 * ln(1 + L) for L windows; None takes `beta` for u.
    lambda2 : float or None
        Scale w_i = 1 + lambda2 / |P_i|; None takes `gamma` for w_i.
    beta, gamma : float
        The fixed offset and scale of ProxyCLIP, where the dynamic ones are off.
    proxy_anchors : bool
        Whether a query's similarities are its proxy's; False keeps its own, and the anchors only count.
    """

    rho: float
    T: int
    lambda1: float | None
    lambda2: float | None
    beta: float
    gamma: float
    proxy_anchors: bool = True

    def offset(self, windows: int) -> float:
        """The factor u on a row's mean similarity."""
        return self.beta if self.lambda1 is None else 1 + self.lambda1 * float(torch.log1p(torch.tensor(windows)))


def gla_attention(
    queries: Tensor, keys: Tensor, values: Tensor, weights: Tensor, windows: int, numbers: GlaNumbers,
) -> Tensor:
    """Let queries attend to weighted keys through their proxies.

    A key of weight m counts as m equal keys: in the row means, in the sums and counts of the anchors, in the softmax.

    Parameters
    ----------
    queries : Tensor, (n, G)
        First proxies, unit rows.
    keys : Tensor, (M, G)
        Unit rows.
    values : Tensor, (M, V)
    weights : Tensor, (M,)
        All above 0.
    windows : int
        L of the dynamic offset.
    numbers : GlaNumbers

    Returns
    -------
    Tensor, (n, V)
    """
    out = values.new_empty(len(queries), values.shape[1])
    mean_key = weights @ keys / weights.sum()
    log_weights = weights.log()
    step = max(1, CHUNK_BYTES // (4 * len(keys)))
    for start in range(0, len(queries), step):
        chunk = queries[start:start + step]
        proxies, counts = find_proxies(chunk, keys, weights, numbers)
        rows = proxies if numbers.proxy_anchors else chunk
        scores = rows @ keys.T
        scores -= (numbers.offset(windows) * (rows @ mean_key).clamp(min=0))[:, None]
        if numbers.lambda2 is None:
            scores *= numbers.gamma
        else:
            scores *= (1 + numbers.lambda2 / counts)[:, None]
        floor = scores.amax(-1, keepdim=True).clamp(max=0)
        dropped = scores < floor
        scores += log_weights
        out[start:start + step] = scores.masked_fill_(dropped, float("-inf")).softmax(-1) @ values
    return out


def find_proxies(proxies: Tensor, keys: Tensor, weights: Tensor, numbers: GlaNumbers) -> tuple[Tensor, Tensor]:
    """Repeat T times: a query's anchors are the keys close to its proxy, its proxy becomes their normalised mean.

    Returns
    -------
    proxies : Tensor, (n, G)
    counts : Tensor, (n,)
        Weight of the anchors of the last repetition, at least 1 (a query without any is its own).
    """
    counts = proxies.new_ones(len(proxies))
    for _ in range(numbers.T):
        anchors = (proxies @ keys.T > numbers.rho).float() * weights
        counts = anchors.sum(-1)
        found = counts > 0
        proxies = torch.where(found[:, None], F.normalize(anchors @ keys, dim=-1), proxies)
        counts = torch.where(found, counts, 1.0)
    return proxies, counts
