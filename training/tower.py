"""The student: open_clip's own ViT, read in the forms in which the methods read it.

Everything works on the weights of an unchanged `open_clip.transformer.VisionTransformer`; only the last block is
taken apart: its attention weights come from the method, then ``out_proj``, no residual, no feed-forward, ``ln_post``,
``proj``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor

MEAN = (122.771, 116.746, 104.094)
STD = (68.501, 66.632, 70.323)


def normalise_pixels(pixels: Tensor) -> Tensor:
    """Pixels 0..255, (B, 3, S, S), with CLIP's mean and deviation."""
    mean = torch.tensor(MEAN, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=pixels.device).view(1, 3, 1, 1)
    return (pixels.float() - mean) / std


def trunk(vit: VisionTransformer, pixels: Tensor) -> Tensor:
    """All blocks but the last, on normalised pixels: (B, 1 + n * n, W), class token first."""
    x = vit.conv1(pixels).flatten(2).transpose(1, 2)
    token = vit.class_embedding.to(x.dtype).expand(len(x), 1, -1)
    x = vit.ln_pre(torch.cat([token, x], 1) + vit.positional_embedding.to(x.dtype))
    for block in vit.transformer.resblocks[:-1]:
        x = x + attend(block, block.ln_1(x))
        x = x + block.mlp(block.ln_2(x))
    return x


def heads(block: ResidualAttentionBlock, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of a block, each (B, heads, N, W / heads)."""
    qkv = F.linear(x, block.attn.in_proj_weight, block.attn.in_proj_bias)
    split = qkv.unflatten(-1, (3, block.attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
    return split[0], split[1], split[2]


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Plain softmax attention; on a CPU its backward is twice as fast as the fused one's at 197 tokens."""
    return (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1).to(v.dtype) @ v


def attend(block: ResidualAttentionBlock, x: Tensor) -> Tensor:
    q, k, v = heads(block, x)
    return block.attn.out_proj(attention(q, k, v).transpose(1, 2).flatten(2))


def class_feature(vit: VisionTransformer, x: Tensor, qkv: tuple[Tensor, Tensor, Tensor] | None = None) -> Tensor:
    """The ordinary last block for the class token alone, unit norm (B, D); `qkv` where it is already known."""
    block = vit.transformer.resblocks[-1]
    q, k, v = heads(block, block.ln_1(x)) if qkv is None else qkv
    mixed = attention(q[:, :, :1], k, v).transpose(1, 2).flatten(2)[:, 0]
    token = x[:, 0] + block.attn.out_proj(mixed)
    token = token + block.mlp(block.ln_2(token))
    return F.normalize((vit.ln_post(token) @ vit.proj).float(), dim=-1)


def read(vit: VisionTransformer, mixed: Tensor) -> Tensor:
    """Mixed value rows (B, N, W) to unit-norm text-aligned features (B, N, D)."""
    block = vit.transformer.resblocks[-1]
    return F.normalize((vit.ln_post(block.attn.out_proj(mixed)) @ vit.proj).float(), dim=-1)


def flat(x: Tensor) -> Tensor:
    """(B, heads, N, d) to (B, N, heads * d)."""
    return x.transpose(1, 2).flatten(2)


def query_query(q: Tensor, v: Tensor) -> Tensor:
    """ClearCLIP's attention (class token among the keys, dropped afterwards), (B, n * n, W)."""
    return flat(attention(q, q, v))[:, 1:]


def thresholded(queries: Tensor, values: Tensor, beta: float = 1.2, rho: float = 0.6, rounds: int = 2) -> Tensor:
    """GLA-CLIP's attention over one scene: queries and values (N, W), the anchors' similarity above its mean.

    Two rounds of anchors (tokens more similar than ``rho``), then ``s = anchor . key - beta * max(mean, 0)``, negative
    entries dropped, softmax. The membership is not differentiated through.
    """
    keys = F.normalize(queries.float(), dim=-1)
    anchor = keys
    for _ in range(rounds):
        near = (anchor.detach() @ keys.detach().T > rho).float()
        near.fill_diagonal_(1.0)
        anchor = F.normalize(near @ keys / near.sum(1, keepdim=True), dim=-1)
    s = anchor @ keys.T
    s = s - beta * s.mean(1, keepdim=True).clamp_min(0)
    floor = s.detach().amax(1, keepdim=True).clamp_max(0)
    return s.masked_fill(s < floor, float("-inf")).softmax(1).to(values.dtype) @ values
