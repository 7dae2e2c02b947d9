"""SAM by `segment_anything`: last-block attention for Trident, prompted masks for the refinement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geo_ovss.encoders.pixels import precision
from geo_ovss.errors import UnsupportedSam

CHUNK_BYTES = 64 << 20  # of one chunk of query rows' attention over all heads
COSINE_CAP = 0.9  # Trident's cap on the threshold, so that a row of near-equal values keeps some key


@dataclass
class SamPicture:
    """One picture as SAM has seen it.

    Attributes
    ----------
    embedding : Tensor, (1, C, g, g) float32
        What the mask decoder reads.
    last : Tensor, (g, g, E) float32
        Input of the picture encoder's last block.
    grid : (int, int)
        Rows and columns of the g x g tokens that lie whole in the picture.
    scaled : (int, int)
        The picture's size after its longer side was resized to SAM's, in pixels.
    size : (int, int)
        Its own size.
    """

    embedding: Tensor
    last: Tensor
    grid: tuple[int, int]
    scaled: tuple[int, int]
    size: tuple[int, int]


class SamEncoder:
    """A `segment_anything.modeling.Sam` as Trident and the refinement need it.

    Parameters
    ----------
    model : nn.Module
        As `segment_anything.sam_model_registry` builds it.
    device : str or torch.device
    dtype : torch.dtype
        What the picture encoder computes in (autocast); attention, prompts and masks are float32.

    Raises
    ------
    UnsupportedSam
        The picture encoder's last block is not one of global attention.
    """

    def __init__(
        self, model: nn.Module, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32,
    ) -> None:
        if not hasattr(model, "image_encoder") or not hasattr(model, "mask_decoder"):
            raise UnsupportedSam("it is no segment_anything Sam")
        network: Any = model
        if network.image_encoder.blocks[-1].window_size:
            raise UnsupportedSam("its last block attends within windows")
        self.device, self.dtype = torch.device(device), dtype
        self.model = network.float().to(self.device).eval().requires_grad_(False)
        self.side = int(self.model.image_encoder.img_size)

    @torch.no_grad()
    def embed(self, picture: np.ndarray) -> SamPicture:
        """Run the picture encoder.

        Parameters
        ----------
        picture : ndarray, (H, W, 3) uint8, RGB
        """
        from segment_anything.utils.transforms import ResizeLongestSide

        encoder = self.model.image_encoder
        resized = ResizeLongestSide(self.side).apply_image(picture)
        images = self.model.preprocess(torch.from_numpy(resized.copy()).to(self.device).permute(2, 0, 1)[None].float())
        with precision(self.device, self.dtype):
            x = encoder.patch_embed(images)
            if encoder.pos_embed is not None:
                x = x + encoder.pos_embed
            for block in encoder.blocks[:-1]:
                x = block(x)
            embedding = encoder.neck(encoder.blocks[-1](x).permute(0, 3, 1, 2))
        patch = self.side // x.shape[1]
        scaled = (int(resized.shape[0]), int(resized.shape[1]))
        grid = (max(scaled[0] // patch, 1), max(scaled[1] // patch, 1))
        return SamPicture(embedding.float(), x[0].float(), grid, scaled, (picture.shape[0], picture.shape[1]))

    # ---- affinity

    @torch.no_grad()
    def aggregate(self, seen: SamPicture, rows: Tensor, cos_fac: float) -> Tensor:
        """Average token rows by SAM's affinity (Trident, arXiv 2411.09219).

        The affinity is the last block's attention, kept where the cosine of the value rows exceeds ``cos_fac`` times
        its mean over heads and keys (at most 0.9), averaged over heads, rows brought to sum one. It is formed a chunk
        of queries at a time.

        Parameters
        ----------
        seen : SamPicture
        rows : Tensor, (h * w, V)
            On ``seen.grid``.
        cos_fac : float

        Returns
        -------
        Tensor, (h * w, V)
        """
        (h, w), g = seen.grid, seen.last.shape[0]
        q, k, v, bias_rows, bias_cols = self._last_attention(seen)
        unit = F.normalize(v[:, :h, :w].flatten(1, 2), dim=-1)
        threshold = cos_fac * torch.einsum("nid,nd->i", unit, unit.mean(1)) / len(unit)
        threshold = threshold.clamp(max=COSINE_CAP)[:, None]
        out = torch.empty_like(rows)
        step = max(1, CHUNK_BYTES // (4 * len(q) * g * g))
        for start in range(0, len(rows), step):
            at = slice(start, start + step)
            logits = (q[:, at] @ k.transpose(1, 2)).unflatten(2, (g, g))
            logits = logits + bias_rows[:, at, :, None] + bias_cols[:, at, None, :]
            # the padding takes its share of the softmax before it is cut off
            attention = logits.flatten(2).softmax(-1).unflatten(2, (g, g))[..., :h, :w].flatten(2)
            attention = (attention * (unit[:, at] @ unit.transpose(1, 2) > threshold[at])).mean(0)
            out[at] = attention @ rows / attention.sum(-1, keepdim=True).clamp(min=torch.finfo(rows.dtype).tiny)
        return out

    def _last_attention(self, seen: SamPicture) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Parts of the last block's attention for queries of the grid (h, w) and all g * g keys.

        Returns
        -------
        queries (heads, h * w, d), scaled; keys (heads, g * g, d); values (heads, g, g, d); relative positions of the
        queries with the keys' rows and columns, (heads, h * w, g) each
        """
        from segment_anything.modeling.image_encoder import get_rel_pos

        block = self.model.image_encoder.blocks[-1]
        attn, g, (h, w) = block.attn, seen.last.shape[0], seen.grid
        qkv = attn.qkv(block.norm1(seen.last)).unflatten(-1, (3, attn.num_heads, -1))
        q, k, v = qkv.permute(2, 3, 0, 1, 4)  # each (heads, g, g, d)
        q = q[:, :h, :w]
        if attn.use_rel_pos:
            by_row, by_col = get_rel_pos(g, g, attn.rel_pos_h)[:h], get_rel_pos(g, g, attn.rel_pos_w)[:w]
            bias_rows = torch.einsum("nhwd,hkd->nhwk", q, by_row).flatten(1, 2)
            bias_cols = torch.einsum("nhwd,wkd->nhwk", q, by_col).flatten(1, 2)
        else:
            bias_rows = bias_cols = q.new_zeros(len(q), h * w, g)
        return q.flatten(1, 2) * attn.scale, k.flatten(1, 2), v, bias_rows, bias_cols

    # ---- masks

    @torch.no_grad()
    def masks(
        self, seen: SamPicture, points: Tensor, boxes: Tensor, prompt: Tensor, frame: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """One mask for each of R regions.

        Parameters
        ----------
        seen : SamPicture
        points : Tensor, (R, 2)
            x, y of one point inside each region.
        boxes : Tensor, (R, 4)
            x0, y0, x1, y1.
        prompt : Tensor, (256, 256)
            The mask prompt, shared by the regions; 256 is four times the token grid's side.
        frame : (int, int)
            Height and width of the frame that points and boxes are given in.

        Returns
        -------
        low : Tensor, (R, 256, 256)
            Mask logits at SAM's own size, see `upscale`.
        iou : Tensor, (R,)
            Predicted intersection over union.
        """
        scale = boxes.new_tensor([seen.scaled[1] / frame[1], seen.scaled[0] / frame[0]]).to(self.device)
        points, boxes = points.to(self.device) * scale, boxes.to(self.device) * scale.repeat(2)
        labels = torch.ones(len(points), 1, dtype=torch.int, device=self.device)
        encoder, decoder = self.model.prompt_encoder, self.model.mask_decoder
        # Without a batch axis, as Trident passes it: the prompt encoder's channel norms then run over rows instead of
        # channels. The published masks and numbers rest on that, so it is kept.
        sparse, dense = encoder(points=(points[:, None], labels), boxes=boxes, masks=prompt.to(self.device)[None])
        low, iou = decoder(
            image_embeddings=seen.embedding, image_pe=encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense, multimask_output=False,
        )
        return low[:, 0], iou[:, 0]

    def upscale(self, seen: SamPicture, low: Tensor) -> Tensor:
        """Mask logits at the picture's own size, (R, H, W)."""
        return self.model.postprocess_masks(low[:, None], seen.scaled, seen.size)[:, 0]
