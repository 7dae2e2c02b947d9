"""Text targets for a training step: one synonym a class, drawn anew each time, and words that fit nothing shown."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training import text_space, words

NEIGHBOUR = 0.5  # cosine to a concept's centre above which a phrase counts as meaning about the same
MARGIN = 0.3  # by how much it must mean that concept more than any unrelated one
BLUR = 0.5  # at most this much of an unrelated word is added


class Prototypes:
    """Draws text targets from the tabulated space.

    Parameters
    ----------
    space : dict
        What `text_space.load` gives.
    """

    def __init__(self, space: dict, device: torch.device) -> None:
        self.index = {t: i for i, t in enumerate(space["phrases"])}
        self.targets = space["targets"].float().to(device)
        held = text_space.held_out_words()
        self.synonyms = {c: [w for w in group if w not in held] for c, group in words.CONCEPTS.items()}
        self.general = len(self.targets)
        self.neighbours = self._neighbours(space["phrases"], held)

    def _neighbours(self, phrases: list[str], held: set[str]) -> dict[str, Tensor]:
        """Rows of other phrases that mean about the same as a concept, and no other concept better."""
        names = list(self.synonyms)
        centres = self.centres(names)
        allowed = torch.tensor([not any(h in p for h in held) for p in phrases], device=centres.device)
        related = torch.eye(len(names), dtype=torch.bool, device=centres.device)
        for family in words.FAMILIES:
            ids = torch.tensor([names.index(c) for c in family], device=centres.device)
            related[ids[:, None], ids[None]] = True
        cos = self.targets @ centres.T
        best = cos.argmax(1)
        # "sandy asphalt" is near road, but says sand too: what also means something unrelated misleads
        rival = cos.masked_fill(related[best], -1).amax(1)
        near = (cos.amax(1) > NEIGHBOUR) & (cos.amax(1) - rival > MARGIN) & allowed
        return {c: torch.nonzero(near & (best == k))[:, 0] for k, c in enumerate(names)}

    def of(self, names: list[str]) -> Tensor:
        return self.targets[torch.tensor([self.index[n] for n in names], device=self.targets.device)]

    def centres(self, concepts: list[str]) -> Tensor:
        """(K, D): the mean direction of each concept's synonyms."""
        return torch.stack([F.normalize(self.of(self.synonyms[c]).mean(0), dim=0) for c in concepts])

    def draw(self, concepts: list[str], generator: torch.Generator) -> Tensor:
        """(K, D): for each concept its first name, a synonym, or a neighbour in meaning; at times blurred.

        Blurring adds part of an unrelated word: a word never trained on is its class's direction plus something
        else, and the patches have to be right in spite of that something.
        """
        rows = []
        for concept in concepts:
            group, near = self.synonyms[concept], self.neighbours[concept]
            kind = float(torch.rand((), generator=generator))
            if kind < 0.5:
                rows.append(self.index[group[0]])
            elif kind < 0.85 or not len(near):
                rows.append(self.index[group[int(torch.randint(len(group), (), generator=generator))]])
            else:
                rows.append(int(near[int(torch.randint(len(near), (), generator=generator))]))
        text = self.targets[torch.tensor(rows, device=self.targets.device)]
        other = self.targets[torch.randint(self.general, (len(rows),), generator=generator).to(text.device)]
        amount = torch.rand(len(rows), 1, generator=generator).to(text.device) * BLUR
        amount = amount * (torch.rand(len(rows), 1, generator=generator) < 0.2).to(text.device)
        return F.normalize(text + amount * other, dim=-1)

    def negatives(self, concepts: list[str], count: int, generator: torch.Generator) -> Tensor:
        """(about count, D): words of unrelated concepts and general words far from the concepts' own."""
        related = set(concepts)
        for family in words.FAMILIES:
            if family & set(concepts):
                related |= family
        others = [c for c in words.CONCEPTS if c not in related]
        picks = torch.randint(len(others), (count // 2,), generator=generator).tolist() if others else []
        drawn = [self.draw([others[p]], generator) for p in picks]
        rows = torch.randint(self.general, (count // 2,), generator=generator).to(self.targets.device)
        general = self.targets[rows]
        near = (general @ self.of([self.synonyms[c][0] for c in concepts]).T).amax(1)
        return torch.cat([*drawn, general[near < 0.25]])
