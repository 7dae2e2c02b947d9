"""The losses: soft labels, weak labels, regions (Dice), queries that tell regions apart."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(
    features: Tensor, text: Tensor, shares: Tensor, weights: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """Cross entropy of patches (M, D) with text rows (K + negatives, D) against shares (M, K).

    Returns the loss, weighted by class and by how much of the patch is labelled, and the probabilities (M, K).
    """
    log_p = (features @ text.T * scale).log_softmax(1)[:, : shares.shape[1]]
    weighted = shares * weights
    loss = -(weighted * log_p).sum() / weighted.sum().clamp_min(1)
    return loss, log_p.exp()


def towards(features: Tensor, centres: Tensor, shares: Tensor) -> Tensor:
    """One minus the cosine of patches (M, D) to their concepts' centres (K, D) mixed by the shares (M, K).

    The cross entropy leaves a feature free in every direction that no drawn word has; a word never drawn has some of
    those, and would be decided by chance there.
    """
    known = shares.sum(1)
    target = F.normalize(shares @ centres, dim=1)
    return ((1 - (features * target).sum(1)) * known).sum() / known.sum().clamp_min(1)


def dice(probability: Tensor, shares: Tensor) -> Tensor:
    """One minus the soft Dice of every class that the batch shows."""
    labelled = shares.sum(1, keepdim=True)
    p = probability * labelled
    overlap, total = (p * shares).sum(0), (p * p).sum(0) + (shares * shares).sum(0)
    shown = shares.sum(0) > 1
    return (1 - 2 * overlap / total.clamp_min(1e-6))[shown].mean() if shown.any() else probability.sum() * 0


def partial_labels(features: Tensor, text: Tensor, possible: Tensor, scale: float) -> Tensor:
    """Minus the log of the probability that a patch is any of the concepts possible there.

    Parameters
    ----------
    features : Tensor (B, N, D)
    text : Tensor (C, D)
    possible : Tensor (B, C) bool
    """
    log_p = (features @ text.T * scale).log_softmax(-1)
    return -log_p.masked_fill(~possible[:, None], -1e4).logsumexp(-1).mean()


def presence(features: Tensor, text: Tensor, scene: Tensor, scale: float) -> Tensor:
    """Multiple-instance loss: the strongest patches of a picture must name its scene, (B, N, D), (S, D), (B,)."""
    log_p = (features @ text.T * scale).log_softmax(-1)
    top = log_p.topk(max(1, features.shape[1] // 12), dim=1).values.mean(1)
    return F.nll_loss(top, scene)


def query_regions(queries: Tensor, shares: Tensor, same: float = 0.75, different: float = -0.05) -> Tensor:
    """Squared hinges on the cosine of queries (M, W): one region above ``same``, two regions below ``different``.

    GLA-CLIP takes whatever lies above 1.2 times the mean cosine, so classes have to end up apart, not merely
    less alike.
    """
    pure = shares.amax(1) > 0.85
    q, label = F.normalize(queries[pure].float(), dim=-1), shares[pure].argmax(1)
    if len(q) < 2:
        return queries.sum() * 0
    cos = q @ q.T
    alike = label[:, None] == label[None]
    pull = (same - cos).clamp_min(0).square()
    push = (cos - different).clamp_min(0).square()
    count = torch.bincount(label, minlength=shares.shape[1]).float()
    weight = (1 / count.clamp_min(1).sqrt())[label]
    pair = weight[:, None] * weight[None]
    return (pull * pair * alike).sum() / (pair * alike).sum() + (push * pair * ~alike).sum() / (
        pair * ~alike).sum().clamp_min(1e-6)
