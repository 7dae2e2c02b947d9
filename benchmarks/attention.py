"""GLA-CLIP's attention on given tokens: the project's, the same without skipping, and the formulas with whole matrices.

Used by `methods.py`, which says where the tokens come from. Tokens go through a file to a process of their own, so that
what made them does not count as memory of the attention.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss import global_attention
from geo_ovss.global_attention import GlaNumbers, gla_attention
from geo_ovss.published import encode_windows, picture_block, window_corners

PUBLISHED = GlaNumbers(rho=0.6, T=2, lambda1=0.3, lambda2=30.0, beta=1.2, gamma=3.0)
WARM_UP = slice(global_attention.FEWEST_KEYS_TO_SKIP + 64)
THINGS = 60
"""Kinds of things that the made tokens are of."""

HEADER = ("| tokens of | tokens | channels | mean cosine | anchors, % of pairs | seconds | without skipping |"
          " whole matrices | times faster than these | of it by skipping | MB beyond inputs and outputs |"
          " whole matrices, MB | rows equal to 1e-3 |")


@dataclass
class Tokens:
    """What the attention is run on.

    Attributes
    ----------
    queries, keys : Tensor, (M, G)
        Unit rows.
    values : Tensor, (M, V)
    windows : int
    numbers : GlaNumbers
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    windows: int
    numbers: GlaNumbers


def made_tokens(windows: int, tokens: int, channels: int, alike: bool) -> Tokens:
    """Random tokens: of a few things that are seen often, or rows that share nothing (nothing can be skipped)."""
    generator = torch.Generator().manual_seed(0)
    count = windows * tokens
    noise = torch.randn(count, channels, generator=generator)
    values = torch.randn(count, channels, generator=generator)
    if not alike:
        keys = F.normalize(noise, dim=-1)
        return Tokens(keys, keys, values, windows, PUBLISHED)
    things = F.normalize(torch.randn(THINGS, channels, generator=generator), dim=-1)
    common = F.normalize(torch.randn(channels, generator=generator), dim=-1)
    spectrum = F.normalize(torch.arange(1.0, channels + 1) ** -1, dim=0)  # what is common to tokens, falling off
    which = torch.randint(THINGS, (count,), generator=generator).sort().values
    keys = F.normalize(0.45 * common + 0.7 * things[which] + 0.55 * noise * spectrum, dim=-1)
    return Tokens(keys, keys, values, windows, PUBLISHED)


def picture_tokens(picture: np.ndarray, method: Any) -> Tokens:
    """Tokens of a picture (H, W, 3), every window with its own, as one of GLA-CLIP's methods has them."""
    corners = window_corners(*picture.shape[:2], method.window, method.stride)
    block = picture_block(method, picture, corners, encode_windows(method, picture, corners, 8))
    keys = F.normalize(block.guide.flatten(0, 2), dim=-1)
    first, values = method.first_proxies(block).flatten(0, 2), block.values.flatten(0, 2)
    return Tokens(first, keys, values, len(corners), method.numbers)


def print_row(name: str, tokens: Tokens, threads: int) -> None:
    """Compare in a process of its own, and print one row under `HEADER`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokens.pt"
        torch.save({"queries": tokens.queries, "keys": tokens.keys, "values": tokens.values}, path)
        rest = json.dumps({"windows": tokens.windows, "numbers": asdict(tokens.numbers), "threads": threads})
        done = subprocess.run([sys.executable, __file__, str(path), rest], check=True, capture_output=True, text=True)
    c = json.loads(done.stdout.splitlines()[-1])
    print(
        f"| {name} | {c['tokens']:,} | {c['channels'][0]}, {c['channels'][1]} | {c['mean']:.2f} |"
        f" {100 * c['anchors']:.1f} | {spent(c['skipping'])} | {spent(c['plain'])} | {spent(c['whole'])} |"
        f" {c['whole'][0] / c['skipping'][0]:.2f} | {c['plain'][0] / c['skipping'][0]:.2f} |"
        f" {c['beyond'] / 1e6:.0f} | {c['whole_beyond'] / 1e6:.0f} |"
        f" {100 * c['same']:.2f} % |", flush=True,
    )


def compare(tokens: Tokens) -> dict[str, Any]:
    """Seconds (on the clock, of all cores), bytes beyond inputs and outputs, and whether the results agree."""
    weights = torch.ones(len(tokens.keys))

    def ours(some: slice = slice(None)) -> Tensor:
        rows = tokens.queries[some], tokens.keys[some], tokens.values[some], weights[some]
        return gla_attention(*rows, tokens.windows, tokens.numbers)

    ours(WARM_UP)  # the libraries' own pages come into memory with their first use
    before = forget_peak()
    found, skipping = timed(ours)
    beyond = peak_bytes() - before - found.numel() * found.element_size()
    least, global_attention.FEWEST_KEYS_TO_SKIP = global_attention.FEWEST_KEYS_TO_SKIP, sys.maxsize
    _, plain = timed(ours)
    global_attention.FEWEST_KEYS_TO_SKIP = least
    before = forget_peak()
    theirs, whole = timed(lambda: whole_matrices(tokens))
    return {
        "tokens": len(tokens.keys), "channels": (tokens.keys.shape[1], tokens.values.shape[1]),
        "mean": float(tokens.queries.mean(0) @ tokens.keys.mean(0)), "anchors": anchor_share(tokens),
        "skipping": skipping, "plain": plain, "whole": whole, "beyond": beyond,
        "whole_beyond": peak_bytes() - before - theirs.numel() * theirs.element_size(),
        "same": float(((found - theirs).abs().amax(1) < 1e-3).float().mean()),
    }


def whole_matrices(tokens: Tokens) -> Tensor:
    """The formulas as they are printed, every matrix held whole."""
    keys, numbers = tokens.keys, tokens.numbers
    proxies, counts = tokens.queries, torch.ones(len(tokens.queries))
    for _ in range(numbers.T):
        anchors = (proxies @ keys.T > numbers.rho).float()
        counts = anchors.sum(1)
        proxies = torch.where(counts[:, None] > 0, F.normalize(anchors @ keys, dim=-1), proxies)
        counts = counts.clamp(min=1)
    similarities = proxies @ keys.T
    mean = similarities.mean(1, keepdim=True).clamp(min=0)
    scores = (similarities - numbers.offset(tokens.windows) * mean) * numbers.scale(counts)[:, None]
    floor = scores.amax(1, keepdim=True).clamp(max=0)
    return scores.masked_fill(scores < floor, -torch.inf).softmax(1) @ tokens.values


def anchor_share(tokens: Tokens) -> float:
    """Share of pairs whose similarity exceeds rho, from a thirtieth of the queries."""
    return float((tokens.queries[::30] @ tokens.keys.T > tokens.numbers.rho).float().mean())


def timed(work: Callable[[], Tensor]) -> tuple[Tensor, tuple[float, float]]:
    """A result, and its seconds on the clock and of all cores."""
    began, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, (time.perf_counter() - began, time.process_time() - processor)


def spent(seconds: tuple[float, float]) -> str:
    """On the clock, and of all cores in brackets: on a machine that does other things, read these."""
    return f"{seconds[0]:.1f} ({seconds[1]:.1f})"


def forget_peak() -> int:
    """Let `peak_bytes` begin anew from the present resident memory, which it gives; only Linux can forget."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """Largest resident memory of this process so far, or since `forget_peak`."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Compare on the tokens of a file; one JSON line. For `print_row`."""
    given = json.loads(sys.argv[2])
    torch.set_num_threads(given["threads"])
    rows = torch.load(sys.argv[1], weights_only=True, mmap=False)
    print(json.dumps(compare(Tokens(**rows, windows=given["windows"], numbers=GlaNumbers(**given["numbers"])))))


if __name__ == "__main__":
    main()
