"""Teach open_clip's text transformer the tabulated space: ``python -m training.text_tower [--device auto]``.

Words and phrases, bare and inside sentence templates, are mapped to the bare phrase's target. The token embeddings
begin at the targets of the tokens' own spellings, so that the tower only has to learn to compose.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import TextTransformer
from torch import Tensor

from geo_ovss.templates import OVERHEAD
from training import text_space, words
from training.train import settings

HERE = Path(__file__).parent
TEMPLATES = [*words.TEMPLATES, *OVERHEAD, *(t.rstrip(".") for t in OVERHEAD)]


def build_text_tower(text: dict) -> TextTransformer:
    return TextTransformer(context_length=text["context_length"], vocab_size=49408, width=text["width"],
                           heads=text["heads"], layers=text["layers"], output_dim=text_space.DIM)


def start_from_spellings(tower: TextTransformer, space: dict) -> None:
    rows = space["token_targets"].float()
    tower.token_embedding.weight.data.normal_(0, 0.02)
    tower.token_embedding.weight.data[: len(rows), : text_space.DIM] = rows * 0.3
    tower.positional_embedding.data.normal_(0, 0.01)
    tower.text_projection.data.copy_(torch.eye(*tower.text_projection.shape))


class Corpus:
    """Draws batches of token rows with their targets: three quarters general phrases, the rest overhead words."""

    def __init__(self, space: dict, context_length: int, seed: int) -> None:
        self.tokenizer = SimpleTokenizer(context_length=context_length)
        self.phrases, self.targets = space["phrases"], space["targets"].float()
        index = {t: i for i, t in enumerate(self.phrases)}
        held = text_space.held_out_words()
        overhead = {w for group in words.CONCEPTS.values() for w in group} - held
        self.overhead = torch.tensor([index[w] for w in sorted(overhead)])
        self.generator = torch.Generator().manual_seed(seed)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        g = self.generator
        rows = torch.randint(len(self.phrases), (size,), generator=g)
        special = self.overhead[torch.randint(len(self.overhead), (size // 4,), generator=g)]
        rows[: len(special)] = special
        texts = []
        bare = torch.rand((), generator=g) < 0.5  # a whole batch at once: short batches are cheap
        for row in rows.tolist():
            template = "{}" if bare else TEMPLATES[int(torch.randint(len(TEMPLATES), (), generator=g))]
            texts.append(template.format(self.phrases[row]))
        tokens = self.tokenizer(texts)
        used = int((tokens != 0).sum(1).max())
        return tokens[:, :used], self.targets[rows]


def forward(tower: TextTransformer, tokens: Tensor) -> Tensor:
    """The tower on sequences cut after the longest text: under the causal mask nothing before depends on the rest."""
    n = tokens.shape[1]
    x = tower.token_embedding(tokens) + tower.positional_embedding[:n]
    x = tower.transformer(x, attn_mask=tower.attn_mask[:n, :n])
    x = tower.ln_final(x)[torch.arange(len(x), device=x.device), tokens.argmax(1)]
    return F.normalize((x @ tower.text_projection).float(), dim=-1)


def loss_of(got: Tensor, wanted: Tensor) -> Tensor:
    """Cosine distance to the target, and the batch's own similarities kept."""
    return (1 - (got * wanted).sum(1)).mean() + 4 * (got @ got.T - wanted @ wanted.T).square().mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--run", default="mini")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    config = settings()["text"]
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(auto if args.device == "auto" else args.device)
    run = HERE / "runs" / args.run
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config["seed"])
    space = text_space.load()
    tower = build_text_tower(config).to(device)
    start_from_spellings(tower, space)
    corpus = Corpus(space, config["context_length"], config["seed"])
    optimiser = torch.optim.AdamW(tower.parameters(), lr=config["lr"], weight_decay=0.0, betas=(0.9, 0.98))
    step = 0
    if args.resume and (run / "text.pt").exists():
        found = torch.load(run / "text.pt", map_location=device)
        tower.load_state_dict(found["text"])
        optimiser.load_state_dict(found["optimiser"])
        step = found["step"]
    began, total, count = time.time(), 0.0, 0
    while step < config["steps"]:
        rate = config["lr"] * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / config["steps"]))
        for group in optimiser.param_groups:
            group["lr"] = rate
        tokens, wanted = corpus.batch(config["batch"])
        with torch.autocast(device.type, torch.bfloat16):
            got = forward(tower, tokens.to(device))
        loss = loss_of(got, wanted.to(device))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimiser.step()
        step, total, count = step + 1, total + float(loss.detach()), count + 1
        if step % 50 == 0:
            record = {"step": step, "text_loss": round(total / count, 4),
                      "s_per_step": round((time.time() - began) / count, 3)}
            with (run / "text_log.jsonl").open("a") as out:
                out.write(json.dumps(record) + "\n")
            began, total, count = time.time(), 0.0, 0
        if step % 200 == 0 or step == config["steps"]:
            part = run / "text.part"
            torch.save({"step": step, "text": tower.state_dict(), "optimiser": optimiser.state_dict()}, part)
            part.replace(run / "text.pt")


if __name__ == "__main__":
    main()
