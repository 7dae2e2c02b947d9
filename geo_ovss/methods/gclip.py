"""GCLIP (arXiv 2502.06818): attention maps of the blocks where global tokens emerge are fused into the last one's."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.attention import dot_product_map
from geo_ovss.bank import Bank
from geo_ovss.encoders.clip import ClipEncoder, ClipTokens, Suppression, merge_heads
from geo_ovss.errors import BadMethodOption
from geo_ovss.methods.base import BlockTokens
from geo_ovss.methods.gla import GlaClearClip
from geo_ovss.methods.window import ClipMethod, WindowMethod

PUBLISHED_SHAPE = (12, 16, 768)  # layers, patch, width of ViT-B/16, whose blocks the paper names
PUBLISHED_FIRST = 6
STRONG_COLUMNS = 0.02  # share of the patches that count as the strongest; at 196 patches four
EMERGED = 0.25  # part of the way from the least to the largest share at which global tokens count as emerged
AT_LEAST_TIMES = 2.0  # where the largest share is not this many times the least, nothing emerges
PROBE_WINDOWS = 2


class FusedMaps(ClipMethod):
    """What GCLIP's two forms share: which blocks' maps are fused, and which channels are suppressed.

    Parameters
    ----------
    fused_blocks : int
        m: so many blocks, from the first, give their query-key attention; 0 fuses nothing.
    first_fused : int
        The first of them, from 0; -1 takes the paper's 6 for a ViT-B/16 and else `emerging_block`.
    channel_suppression : bool
        Whether feed-forward channels of abnormal weight norm are scaled down (`suppressions`).
    suppress_from : int
        First block, from 0, with suppression; -1 takes the one after the first fused block, as the paper does for
        ViT-B/16 (all blocks from there on), and for other CLIPs only those blocks whose norms are abnormal.

    Raises
    ------
    BadMethodOption
        The last fused block would be the last block of all, or beyond.
    """

    def __init__(
        self, *args: Any, fused_blocks: int, first_fused: int, channel_suppression: bool, suppress_from: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        clip = self.clip
        published = (clip.layers, clip.patch, clip.width) == PUBLISHED_SHAPE
        if first_fused < 0:
            first_fused = PUBLISHED_FIRST if published else emerging_block(clip, self.window, fused_blocks)
        if fused_blocks < 0 or first_fused + fused_blocks > clip.layers - 1:
            raise BadMethodOption(self.name, "fused_blocks", f"must leave the last of the {clip.layers} blocks alone")
        self.fused = range(first_fused, first_fused + fused_blocks)
        self.suppressed: dict[int, Suppression] = {}
        if channel_suppression:
            start = suppress_from if suppress_from >= 0 else first_fused + 1
            blocks = range(start, clip.layers - 1)
            every = published or suppress_from >= 0
            self.suppressed = suppressions(clip, blocks if every else abnormal_blocks(clip, blocks))

    def trunk(self, pixels: Tensor) -> ClipTokens:
        """The blocks before the last, with the maps to be fused."""
        return self.clip.trunk(pixels, self.fused, self.suppressed)


class Gclip(FusedMaps, WindowMethod):
    """Attention map fusion and channel suppression; the last block without residual and feed-forward."""

    def attend(self, tokens: ClipTokens, pixels: Tensor) -> Tensor:
        """See `WindowMethod.attend`."""
        q, _, v = self.clip.qkv(tokens.x)
        return merge_heads(fused_map(q, tokens) @ v)[:, 1:]


class GlaGclip(FusedMaps, GlaClearClip):
    """GCLIP's fused attention under GLA-CLIP's key-value extension.

    The query-query part of the fused attention reaches over all windows as GLA-CLIP's; the maps of the earlier blocks
    are bound to their window, so what they attend to is carried along beside the values: V = 2 C.
    """

    def values(self, tokens: ClipTokens) -> Tensor:
        """Value rows, and what the fused maps make of them within the window, (B, N, 2 C)."""
        _, _, v = self.clip.qkv(tokens.x)
        if not tokens.maps:
            return merge_heads(v)[:, 1:].repeat(1, 1, 2)
        local = torch.stack(list(tokens.maps.values())).mean(0) @ v
        return torch.cat([merge_heads(v), merge_heads(local)], dim=-1)[:, 1:]

    def mix_values(self, block: BlockTokens, queries: Tensor | None, bank: Bank | None) -> Tensor:
        """The global part and the fused maps' part, weighted as in the mean over all maps."""
        far, near = block.values.chunk(2, dim=-1)
        reduced = BlockTokens(block.guide, far, block.offsets, block.weights, block.windows)
        if bank is not None:
            bank = Bank(bank.guide, bank.values.chunk(2, dim=-1)[0], bank.weights)
        attended = super().mix_values(reduced, queries, bank)
        near = near.flatten(0, 2) if queries is None else near[queries]
        m = len(self.fused)
        return (attended + m * near) / (m + 1)


def fused_map(queries: Tensor, tokens: ClipTokens) -> Tensor:
    """Mean of the last block's query-query attention and the kept maps, (B, heads, 1 + N, 1 + N)."""
    total = dot_product_map(queries, queries)
    for attention in tokens.maps.values():
        total = total + attention
    return total / (1 + len(tokens.maps))


# ---- what the model itself says, where the paper names no blocks


@torch.no_grad()
def emerging_block(clip: ClipEncoder, window: int, fused_blocks: int) -> int:
    """The first block in which global tokens emerge: patches that draw much of all patches' attention.

    Two windows of smooth noise, always the same, go through the trunk. In each block the strongest 2 % of the patch
    columns draw some share of the patches' attention (mean over heads). Where the largest of these shares is at least
    twice the least, the first block that is a quarter of the way from the least to the largest is taken; else none
    emerges and it is the middle block, as in ViT-B/16. It is moved forward where `fused_blocks` would not fit.
    """
    shares = torch.tensor([strong_share(attention) for attention in _probe(clip, window).maps.values()])
    least, largest = shares.min(), shares.max()
    emerged = shares >= least + EMERGED * (largest - least)
    first = int(emerged.float().argmax()) if largest >= AT_LEAST_TIMES * least else clip.layers // 2
    return max(min(first, clip.layers - 1 - fused_blocks), 0)


def strong_share(attention: Tensor) -> float:
    """Share of attention (B, heads, 1 + N, 1 + N) among patches that the strongest 2 % of their columns draw."""
    columns = attention[:, :, 1:, 1:].sum((1, 2))
    strongest = max(math.ceil(STRONG_COLUMNS * columns.shape[1]), 1)
    return float((columns.topk(strongest, dim=1).values.sum(1) / columns.sum(1)).mean())


def _probe(clip: ClipEncoder, window: int) -> ClipTokens:
    noise = torch.rand(PROBE_WINDOWS, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    pixels = (F.interpolate(noise, size=(window, window), mode="bicubic").clamp(0, 1) * 255).to(torch.uint8)
    return clip.trunk(pixels, maps_of=range(clip.layers - 1))


def channel_norms(clip: ClipEncoder, block: int) -> Tensor:
    """Weight norms of the output channels of a block's second feed-forward layer, (C,)."""
    return clip.blocks[block].mlp.c_proj.weight.detach().norm(dim=1)


def abnormal_blocks(clip: ClipEncoder, blocks: range) -> list[int]:
    """Those of the blocks in which few channels hold much of the weight.

    Measured by the entropy of the channels' norms, as shares of their sum: abnormal is less than the least of all
    blocks before these.
    """
    def entropy(block: int) -> float:
        shares = channel_norms(clip, block)
        return float(torch.special.entr(shares / shares.sum()).sum())

    usual = min((entropy(block) for block in range(blocks.start)), default=math.inf)
    return [block for block in blocks if entropy(block) < usual]


def suppressions(clip: ClipEncoder, blocks: range | list[int]) -> dict[int, Suppression]:
    """Per block the channel of the largest norm, and the factor that brings it to the mean norm of the others."""
    found = {}
    for block in blocks:
        norms = channel_norms(clip, block)
        channel = int(norms.argmax())
        others = (norms.sum() - norms[channel]) / (len(norms) - 1)
        found[block] = Suppression(channel, float(others / norms[channel]))
    return found
