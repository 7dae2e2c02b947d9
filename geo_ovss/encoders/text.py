"""The text tower of a CLIP: all that a question to kept features needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geo_ovss.encoders.pixels import precision
from geo_ovss.errors import UnsupportedClip

PROMPTS_AT_ONCE = 256  # bounds the text tower's memory; the result does not depend on it


class TextEncoder:
    """Embeds words; the picture tower of `model` need not be there.

    Parameters
    ----------
    model : nn.Module
        `open_clip.CLIP` or `open_clip.CustomTextCLIP`.
    tokenizer : callable or None
        As `open_clip.get_tokenizer` gives it.
    device : str or torch.device
    dtype : torch.dtype
        What the network computes in (autocast).

    Attributes
    ----------
    logit_scale : float
        100 where the model holds none.
    """

    def __init__(
        self, model: nn.Module, tokenizer: Callable[..., Tensor] | None = None, device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.device, self.dtype = torch.device(device), dtype
        network: Any = model
        self.model = network.float().to(self.device).eval().requires_grad_(False)
        self.tokenizer = tokenizer
        scale = getattr(model, "logit_scale", None)
        self.logit_scale = 100.0 if scale is None else float(scale.exp())

    @torch.no_grad()
    def encode_text(self, words: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Embed words, each as the mean of its prompts.

        Parameters
        ----------
        words : sequence of str
        templates : sequence of str
            With ``{}`` where the word goes.

        Returns
        -------
        Tensor, (len(words), D) float32
            Unit rows: prompts normalised, averaged, normalised.
        """
        if self.tokenizer is None or not hasattr(self.model, "encode_text"):
            raise UnsupportedClip("it has no text tower")
        prompts = [template.format(word) for word in words for template in templates]
        rows = []
        for start in range(0, len(prompts), PROMPTS_AT_ONCE):
            tokens = self.tokenizer(prompts[start:start + PROMPTS_AT_ONCE]).to(self.device)
            with precision(self.device, self.dtype):
                rows.append(self.model.encode_text(tokens).float())
        unit = F.normalize(torch.cat(rows), dim=-1)
        return F.normalize(unit.view(len(words), len(templates), -1).mean(1), dim=-1)
