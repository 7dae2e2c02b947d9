"""Text targets for a training step: one synonym a class, drawn anew each time, and words that fit nothing shown."""

from __future__ import annotations

import torch
from torch import Tensor

from training import text_space, words


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

    def of(self, names: list[str]) -> Tensor:
        return self.targets[torch.tensor([self.index[n] for n in names], device=self.targets.device)]

    def draw(self, concepts: list[str], generator: torch.Generator) -> Tensor:
        """(K, D): for each concept its first name half of the time, else any of its synonyms."""
        chosen = []
        for concept in concepts:
            group = self.synonyms[concept]
            plain = torch.rand((), generator=generator) < 0.4
            chosen.append(group[0] if plain else group[int(torch.randint(len(group), (), generator=generator))])
        return self.of(chosen)

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
