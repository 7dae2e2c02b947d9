"""CLIP by `open_clip`: the trunk by the library, the last block by our own code from the block's weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geo_ovss.encoders.pixels import precision, prepare
from geo_ovss.encoders.text import TextEncoder
from geo_ovss.errors import UnsupportedClip

# What OpenAI's CLIP was trained with, and nearly all of open_clip's; a model that differs says so in `preprocess_cfg`.
OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass
class ClipTokens:
    """A batch of B windows on the threshold of the last block.

    Attributes
    ----------
    x : Tensor, (B, 1 + N, C) float32
        Input of the last block, class token first.
    grid : (int, int)
        Rows and columns of the N patches.
    maps : dict of int to Tensor, (B, heads, 1 + N, 1 + N) float32
        Attention of the blocks that were asked for, softmaxed.
    """

    x: Tensor
    grid: tuple[int, int]
    maps: dict[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Suppression:
    """An output channel of a block's feed-forward, and the factor its weight row is scaled by."""

    channel: int
    factor: float


class ClipEncoder(TextEncoder):
    """An `open_clip` model as the methods need it.

    Parameters
    ----------
    model : nn.Module
        `open_clip.CLIP`, `open_clip.CustomTextCLIP` or a bare `VisionTransformer` (then without text). Class token
        first, learned or sine position embedding, standard blocks; no attentional pooling.
    tokenizer : callable or None
        As `open_clip.get_tokenizer` gives it.
    device : str or torch.device
    dtype : torch.dtype
        What the networks compute in (autocast). The last block and all that follows run in float32.

    Attributes
    ----------
    dim, width, heads, layers, patch : int
        D of the text-aligned space, C of the tokens, heads and number of blocks, pixels a patch side.
    logit_scale : float
        100 where the model holds none.

    Raises
    ------
    UnsupportedClip
        The visual tower is no plain `VisionTransformer`.
    """

    def __init__(
        self, model: nn.Module, tokenizer: Callable[..., Tensor] | None = None, device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(model, tokenizer, device, dtype)
        self.visual: Any = getattr(model, "visual", model)
        _check_layout(self.visual)
        self.blocks: list[Any] = list(self.visual.transformer.resblocks)
        self.patch = int(self.visual.patch_size[0])
        self.layers = len(self.blocks)
        self.width, self.dim = (int(n) for n in self.visual.proj.shape)
        self.heads = int(self.blocks[-1].attn.num_heads)
        config: Any = getattr(self.visual, "preprocess_cfg", None) or {}
        self.mean, self.std = config.get("mean", OPENAI_MEAN), config.get("std", OPENAI_STD)

    # ---- picture

    @torch.no_grad()
    def trunk(
        self, pixels: Tensor, maps_of: Collection[int] = (), suppress: Mapping[int, Suppression] | None = None,
    ) -> ClipTokens:
        """Run all blocks but the last.

        Parameters
        ----------
        pixels : Tensor, (B, 3, H, W) uint8
            Sides that are no multiple of the patch are resized to the next one.
        maps_of : collection of int
            Blocks, counted from 0, whose attention is kept.
        suppress : mapping of int to Suppression
            Per block, the feed-forward channel to scale down; the weights stay as they are.
        """
        suppress = suppress or {}
        images = prepare(pixels, self.mean, self.std, self.patch, self.device)
        grid = (images.shape[-2] // self.patch, images.shape[-1] // self.patch)
        maps: dict[int, Tensor] = {}
        with precision(self.device, self.dtype):
            x = self._embed(images, grid)
            for index, block in enumerate(self.blocks[:-1]):
                if index in maps_of or index in suppress:
                    x, attention = self._open_block(block, x, suppress.get(index))
                    if index in maps_of:
                        maps[index] = attention.float()
                else:
                    x = self._library_block(block, x)
        return ClipTokens(x.float(), grid, maps)

    def _embed(self, images: Tensor, grid: tuple[int, int]) -> Tensor:
        visual = self.visual
        x = visual.conv1(images).flatten(2).transpose(1, 2)
        token = visual.class_embedding.to(x.dtype).expand(len(x), 1, -1)
        x = torch.cat([token, x], dim=1) + resize_positions(visual.positional_embedding, visual.grid_size, grid).to(x)
        return visual.ln_pre(x)

    def _library_block(self, block: Any, x: Tensor) -> Tensor:
        if getattr(self.visual.transformer, "batch_first", False):
            return block(x)
        return block(x.transpose(0, 1)).transpose(0, 1)  # open_clip before 2.25 keeps the batch second

    def _open_block(self, block: Any, x: Tensor, suppression: Suppression | None) -> tuple[Tensor, Tensor]:
        """One block with its attention in sight and, if asked for, one feed-forward channel scaled down."""
        q, k, v = self._heads(block, block.ln_1(x))
        attention = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        x = x + block.ls_1(block.attn.out_proj(merge_heads(attention.to(v.dtype) @ v)))
        inner = block.mlp(block.ln_2(x))
        if suppression is not None:
            bias = block.mlp.c_proj.bias[suppression.channel]
            inner = inner.clone()
            inner[..., suppression.channel] = (inner[..., suppression.channel] - bias) * suppression.factor + bias
        return x + block.ls_2(inner), attention

    def _heads(self, block: Any, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = F.linear(x, block.attn.in_proj_weight, block.attn.in_proj_bias).chunk(3, dim=-1)
        return split_heads(q, self.heads), split_heads(k, self.heads), split_heads(v, self.heads)

    # ---- the last block, part by part

    @torch.no_grad()
    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of the last block, each (B, heads, T, d) and unscaled, for x (B, T, C)."""
        block = self.blocks[-1]
        return self._heads(block, block.ln_1(x))

    @torch.no_grad()
    def output(self, attended: Tensor) -> Tensor:
        """The last block's output projection, (..., C) to (..., C); heads concatenated."""
        block = self.blocks[-1]
        return block.ls_1(block.attn.out_proj(attended))

    @torch.no_grad()
    def head(self, x: Tensor) -> Tensor:
        """Final norm and projection, (..., C) to (..., D); not normalised."""
        return self.visual.ln_post(x) @ self.visual.proj

    @torch.no_grad()
    def class_features(self, x: Tensor) -> Tensor:
        """Unit features of the windows as the ordinary forward pools them, (B, D), from the last block's input x."""
        block, visual = self.blocks[-1], self.visual
        pooled_by_token = visual.pool_type == "tok"
        q, k, v = self.qkv(x)
        if pooled_by_token:  # the other rows are not read
            q, x = q[:, :, :1], x[:, :1]
        x = x + self.output(merge_heads(F.scaled_dot_product_attention(q, k, v)))
        x = x + block.ls_2(block.mlp(block.ln_2(x)))
        if pooled_by_token:
            x = visual.ln_post(x[:, 0])
        elif visual.final_ln_after_pool:
            x = visual.ln_post(x[:, 1:].mean(1))
        else:
            x = visual.ln_post(x)[:, 1:].mean(1)
        return F.normalize(x @ visual.proj, dim=-1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, C) to (B, heads, T, C / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, heads, T, d) to (B, T, heads * d)."""
    return x.transpose(1, 2).flatten(2)


def resize_positions(embedding: Tensor, native: Sequence[int], grid: tuple[int, int]) -> Tensor:
    """Resize a position embedding (1 + N, C) from the native grid to another; the class token's row stays.

    Bicubic with ``scale_factor = (n + 0.1) / native``, the habit of DINO's code that the methods' papers took over: it
    samples a little beside the places that ``size=n`` would.
    """
    if tuple(native) == tuple(grid):
        return embedding
    patches = embedding[1:].float().T.reshape(1, -1, *native)
    factor = tuple((n + 0.1) / old for n, old in zip(grid, native, strict=True))
    patches = F.interpolate(patches, scale_factor=factor, mode="bicubic", align_corners=False)
    return torch.cat([embedding[:1].float(), patches.flatten(2)[0].T])


def _check_layout(visual: Any) -> None:
    if not all(hasattr(visual, name) for name in ("conv1", "class_embedding", "transformer", "ln_post", "proj")):
        raise UnsupportedClip("its visual tower is no plain vision transformer")
    if getattr(visual, "attn_pool", None) is not None or getattr(visual, "pool_type", "tok") not in ("tok", "avg"):
        raise UnsupportedClip("it pools by attention")
    blocks = visual.transformer.resblocks
    if not all(hasattr(b, "ls_1") and isinstance(b.attn, nn.MultiheadAttention) for b in blocks):
        raise UnsupportedClip("its blocks are not the standard ones")
    if visual.patch_size[0] != visual.patch_size[1]:
        raise UnsupportedClip("its patches are not square")
