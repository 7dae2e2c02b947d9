"""The joint space: a linear map of a real sentence encoder's embeddings, and the phrases it is tabulated for.

The sentence encoder (MiniLM) is needed here only. Its embeddings are centred, reduced by PCA, and turned by a linear
map that pulls together the synonyms of `words.CONCEPTS`; being linear, the map carries over to words it never saw.
Run as ``python -m training.text_space``; writes ``training/cache/text_space.pt``.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from training import words

CACHE = Path(__file__).parent / "cache" / "text_space.pt"
DIM = 256
SEED = 3
ADAPT_STEPS = 600
# Nouns and adjectives whose pairs ("dry grass", "narrow road") teach the text tower to compose.
QUALIFIERS = ["large", "small", "old", "new", "white", "red", "green", "brown", "grey", "blue", "dark", "bright", "wet",
              "dry", "long", "narrow", "wide", "round", "empty", "crowded", "rural", "urban", "industrial", "dense",
              "sparse", "paved", "unpaved", "flooded", "abandoned", "concrete", "wooden", "metal", "sandy", "rocky",
              "shallow", "deep", "residential", "commercial", "dirty", "straight", "curved", "tall", "low", "parked"]


def held_out_words() -> set[str]:
    return {w for group in words.HELD_OUT.values() for w in group} | set(words.HELD_OUT_DISTRACTORS)


def dictionary() -> list[str]:
    """General words: the system's word list where there is one, and the whole words of CLIP's own vocabulary."""
    found = {t[:-4] for t in SimpleTokenizer().encoder if t.endswith("</w>") and t[:-4].isalpha() and len(t) > 6}
    listed = Path("/usr/share/dict/words")
    if listed.exists():
        found |= {w for w in listed.read_text().split() if w.isascii() and w.isalpha() and w.islower() and len(w) > 2}
    return sorted(found)


def phrases() -> list[str]:
    rng = random.Random(SEED)
    concept_words = sorted({w for group in words.CONCEPTS.values() for w in group} | held_out_words())
    general = dictionary()
    pairs = {f"{q} {n}" for q in QUALIFIERS for n in concept_words}
    pairs |= {f"{rng.choice(QUALIFIERS)} {n}" for n in rng.sample(general, 9000)}
    pairs |= {f"{rng.choice(concept_words)} {rng.choice(('and', 'with', 'near', 'of', 'in'))} {n}"
              for n in rng.sample(general, 3000)}
    joins = ("and", "or", "with", "near", "in")
    pairs |= {f"{rng.choice(concept_words)} {rng.choice(joins)} {rng.choice(concept_words)}" for _ in range(6000)}
    return concept_words + sorted((set(general) | pairs) - set(concept_words))


@torch.no_grad()
def sentence_embeddings(texts: list[str], device: str = "cpu") -> Tensor:
    """MiniLM's unit-norm sentence embeddings, (N, 384) float32."""
    from all_minilm_l6_v2 import extract_model
    from sentence_transformers import SentenceTransformer

    with tempfile.TemporaryDirectory() as folder:
        model = SentenceTransformer(str(extract_model(folder)), device=device)
        return model.encode(texts, batch_size=512, convert_to_tensor=True, normalize_embeddings=True).float().cpu()


def pair_relations(rows: list[str]) -> tuple[Tensor, Tensor]:
    """Which pairs of words share a concept, and which share nothing: two (N, N) bool masks."""
    names = list(words.CONCEPTS)
    member = torch.tensor([[w in words.CONCEPTS[c] for c in names] for w in rows]).float()
    near = torch.eye(len(names))
    for family in words.FAMILIES:
        ids = [names.index(c) for c in family]
        near[torch.tensor(ids)[:, None], torch.tensor(ids)[None]] = 1
    return (member @ member.T) > 0, (member @ near @ member.T) == 0


def adapt(base: Tensor, general: Tensor, rows: list[str]) -> Tensor:
    """The linear map (DIM, DIM), identity plus what the synonyms ask for.

    Multi-positive contrastive loss over the concept words, against unrelated concept words and general ones, while
    the cosines between general words stay what they were.
    """
    same, unrelated = pair_relations(rows)
    off = ~torch.eye(len(rows), dtype=torch.bool)
    map_ = torch.eye(DIM, requires_grad=True)
    optimiser = torch.optim.Adam([map_], lr=2e-3)
    generator = torch.Generator().manual_seed(SEED)
    for _ in range(ADAPT_STEPS):
        sample = general[torch.randint(len(general), (768,), generator=generator)]
        x, g = F.normalize(base @ map_, dim=-1), F.normalize(sample @ map_, dim=-1)
        cos = x @ x.T
        logits = torch.cat([torch.where((same | unrelated) & off, cos, torch.full_like(cos, -9)), x @ g.T], 1) / 0.1
        log_p = logits.log_softmax(1)[:, : len(rows)]
        positive = (same & off).float()
        loss = -(log_p * positive).sum() / positive.sum()
        before = F.normalize(sample, dim=-1)
        loss = loss + 20 * ((g @ g.T) - (before @ before.T)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return map_.detach()


def build() -> dict:
    torch.manual_seed(SEED)
    texts = phrases()
    concept_words = sorted({w for group in words.CONCEPTS.values() for w in group} - held_out_words())
    embedded = sentence_embeddings(texts)
    tokens = list(SimpleTokenizer().encoder)
    token_embedded = sentence_embeddings([t.replace("</w>", "") or "the" for t in tokens])
    mean = embedded.mean(0)
    index = {t: i for i, t in enumerate(texts)}
    rows = [index[w] for w in concept_words]
    # PCA over general words and the overhead concepts in equal parts, so that the concepts keep their directions.
    centred = embedded - mean
    general = centred[torch.randperm(len(centred))[:20000]]
    cov = general.T @ general / len(general) + centred[rows].T @ centred[rows] / len(rows)
    _, vectors = torch.linalg.eigh(cov)
    basis = vectors[:, -DIM:]
    reduced = centred @ basis
    map_ = adapt(reduced[rows], reduced, concept_words)
    return {
        "phrases": texts,
        "targets": F.normalize(reduced @ map_, dim=-1).half(),
        "token_targets": F.normalize((token_embedded - mean) @ basis @ map_, dim=-1).half(),
        "mean": mean, "map": basis @ map_,
    }


def load() -> dict:
    """The tabulated space; built on first use."""
    if not CACHE.exists():
        CACHE.parent.mkdir(exist_ok=True)
        part = CACHE.with_suffix(".part")
        torch.save(build(), part)
        part.replace(CACHE)
    return torch.load(CACHE, weights_only=False)


def report(space: dict) -> None:
    index = {t: i for i, t in enumerate(space["phrases"])}
    target = space["targets"].float()
    classes = list(words.HELD_OUT)
    text = target[[index[c] for c in classes]]
    for name, group in words.HELD_OUT.items():
        for word in [*group, "snow", "airplane"]:
            cos = text @ target[index[word]]
            print(f"{name:11s} {word:14s}", " ".join(f"{c}={v:.2f}" for c, v in zip(classes, cos, strict=True)))


if __name__ == "__main__":
    report(load())
