"""GLA-CLIP's attention over all tokens of a block, a chunk of queries at a time (arXiv 2603.23030): exact.

Straight from the formulas it takes six products of queries x keys x channels: T = 2 times similarities and sums over
anchors, similarities of the proxies, values. On scenes most of that meets nothing: a token's anchors and the keys that
survive its threshold are few, and like tokens share them. So, on a CPU, the queries of a chunk are chosen to be alike,
and each product runs over the columns alone that some row of the chunk needs, found by a cheap bound (`KeySpace`). No
entry that the formulas use is left out, and none is approximated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.key_space import KeySpace

FEWEST_KEYS_TO_SKIP = 2048  # with fewer the bookkeeping costs more than it saves
FEWEST_CHANNELS_TO_SKIP = 512  # so it does where a product is short: docs/methods.md has the table


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
        return self.beta if self.lambda1 is None else 1 + self.lambda1 * math.log1p(windows)

    def scale(self, counts: Tensor) -> Tensor:
        """The factor w_i of each row."""
        return torch.full_like(counts, self.gamma) if self.lambda2 is None else 1 + self.lambda2 / counts


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
    long = len(keys) >= FEWEST_KEYS_TO_SKIP and keys.shape[1] >= FEWEST_CHANNELS_TO_SKIP
    skip = keys.device.type == "cpu" and long
    space = KeySpace(keys, weights, skip)
    queries = space.turn(queries)
    proxies, counts = find_proxies(queries, space, numbers)
    attending = proxies if numbers.proxy_anchors else queries
    out = values.new_empty(len(queries), values.shape[1])
    for rows in space.chunks(attending):
        out[rows] = attend(attending[rows], counts[rows], space, values, numbers.offset(windows), numbers)
    return out


def find_proxies(proxies: Tensor, space: KeySpace, numbers: GlaNumbers) -> tuple[Tensor, Tensor]:
    """Repeat T times: a query's anchors are the keys close to its proxy, its proxy becomes their normalised mean.

    Returns
    -------
    proxies : Tensor, (n, G)
    counts : Tensor, (n,)
        Weight of the anchors of the last repetition, at least 1 (a query without any is its own).
    """
    proxies, counts = proxies.clone(), proxies.new_ones(len(proxies))
    for _ in range(numbers.T):
        for rows in space.chunks(proxies):
            total, weight = space.sums_above(proxies[rows], numbers.rho)
            found = weight > 0
            proxies[rows] = torch.where(found[:, None], F.normalize(total, dim=-1), proxies[rows])
            counts[rows] = torch.where(found, weight, 1.0)
    return proxies, counts


def attend(
    proxies: Tensor, counts: Tensor, space: KeySpace, values: Tensor, offset: float, numbers: GlaNumbers,
) -> Tensor:
    """Softmax of the scores that survive, times the values, (n, V).

    s_ij = (p_i . k_j - offset * max(mean_j p_i . k_j, 0)) * w_i, entries below min(0, the row's largest) dropped. The
    mean over j is one product with the mean key; since w_i > 0, an entry survives where p_i . k_j reaches the offset
    mean, or, in a row where none does, is the row's largest.
    """
    floor = offset * (proxies @ space.mean).clamp(min=0)
    columns, similarities = space.similarities(proxies, floor)
    scores = similarities.sub_(floor[:, None]).mul_(numbers.scale(counts)[:, None])
    alone = (scores < 0).all(-1)
    scores.masked_fill_(scores < 0, float("-inf"))
    if space.log_weights is not None:
        scores += space.log_weights[columns]
    out = scores.softmax(-1) @ values[columns]
    if alone.any():
        out[alone] = space.most_similar(proxies[alone], values)
    return out
