"""What each method costs at ViT-B/16 size, and what GLA-CLIP's attention saves. Random weights: costs, not quality.

    python benchmarks/methods.py                      every method on one picture: seconds, peak memory, tokens
    python benchmarks/methods.py --attention          GLA-CLIP's attention at 25 windows of 784 tokens, 768 channels,
                                                      beside the formulas with whole matrices (6 GB)
    python benchmarks/methods.py --scenes A.tif B.tif the same on tokens of real pictures, by the embedded model

Every measurement runs in a process of its own. On a machine that does other things, read the processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from geo_ovss import global_attention
from geo_ovss.global_attention import GlaNumbers, gla_attention
from geo_ovss.methods import METHODS, build_method
from geo_ovss.published import encode_windows, picture_block, window_corners

PUBLISHED = GlaNumbers(rho=0.6, T=2, lambda1=0.3, lambda2=30.0, beta=1.2, gamma=3.0)
OVER_CLIP = GlaNumbers(rho=0.6, T=2, lambda1=None, lambda2=30.0, beta=1.2, gamma=3.0)
KINDS = ("scene-like", "unlike")
MEGABYTE = 1e6


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=448, help="side of the picture, pixels")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--attention", action="store_true")
    parser.add_argument("--scenes", nargs="+", type=Path)
    parser.add_argument("--windows", type=int, default=25)
    parser.add_argument("--tokens", type=int, default=784)
    parser.add_argument("--channels", type=int, default=768)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    if chosen.one:
        print(json.dumps(cost_of_method(chosen.one, chosen.size)))
    elif chosen.kind in KINDS:
        tokens = made_tokens(chosen.windows * chosen.tokens, chosen.channels, chosen.kind)
        compare(chosen.kind, *tokens, chosen.windows, PUBLISHED)
    elif chosen.kind:
        compare(Path(chosen.kind).name, *scene_tokens(Path(chosen.kind), chosen.size))
    elif chosen.attention or chosen.scenes:
        for kind in chosen.scenes or KINDS:
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--kind", str(kind)], check=True)
    else:
        print_table(chosen)


# ---- methods


def print_table(chosen: argparse.Namespace) -> None:
    """One process a method."""
    print(f"{chosen.size} x {chosen.size} pixels, {chosen.threads} threads; ViT-B/16, DINO ViT-B/8")
    print("Trident: windows of 336 moved by 224, DINO ViT-B/16, SAM ViT-B\n")
    print("| method | windows | tokens | encode s | mix s | processor s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for name in chosen.methods:
        command = [sys.executable, __file__, "--one", name, "--size", chosen.size, "--threads", chosen.threads]
        done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
        c = json.loads(done.stdout.splitlines()[-1])
        print(f"| `{name}` | {c['windows']} | {c['tokens']} | {c['encode']:.1f} | {c['mix']:.1f} | {c['cpu']:.1f} "
              f"| {c['peak'] / MEGABYTE:.0f} |", flush=True)


def cost_of_method(name: str, size: int) -> dict[str, Any]:
    """Seconds, peak bytes and tokens of one method over one picture."""
    needs = METHODS[name].needs
    window, stride = (336, 224) if name == "trident" else (224, 112)
    guide = "vit_base_patch16_224.dino" if name == "trident" else "vit_base_patch8_224.dino"
    method = build_method(
        name, clip=random_clip(), guide=random_guide(guide) if "guide" in needs else None,
        sam=random_sam() if "sam" in needs else None, window=window, stride=stride,
    )
    picture = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)
    corners = window_corners(size, size, window, stride)
    began, processor = time.perf_counter(), time.process_time()
    tokens = encode_windows(method, picture, corners, 4)
    encoded = time.perf_counter()
    method.mix(picture_block(method, picture, corners, tokens))
    ended = time.perf_counter()
    return {
        "windows": len(corners), "tokens": tokens.values[..., 0].numel(), "encode": encoded - began,
        "mix": ended - encoded, "cpu": time.process_time() - processor, "peak": peak_bytes(),
    }


def random_clip() -> Any:
    """OpenAI's ViT-B/16 with random weights, picture tower only."""
    import open_clip

    from geo_ovss.encoders.clip import ClipEncoder

    return ClipEncoder(open_clip.create_model("ViT-B-16-quickgelu").visual)


def random_guide(name: str) -> Any:
    """A timm transformer with random weights."""
    import timm

    from geo_ovss.encoders.guide import GuideEncoder

    return GuideEncoder(timm.create_model(name, num_classes=0, dynamic_img_size=True))


def random_sam() -> Any:
    """SAM ViT-B with random weights."""
    from segment_anything import sam_model_registry

    from geo_ovss.encoders.sam import SamEncoder

    return SamEncoder(sam_model_registry["vit_b"]())


# ---- GLA-CLIP's attention


def made_tokens(count: int, channels: int, kind: str) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys, values: a few things seen often ("scene-like"), or rows that share nothing ("unlike")."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(count, channels, generator=generator)
    values = torch.randn(count, channels, generator=generator)
    if kind == "unlike":
        keys = F.normalize(noise, dim=-1)
        return keys, keys, values
    things = F.normalize(torch.randn(60, channels, generator=generator), dim=-1)
    common = F.normalize(torch.randn(channels, generator=generator), dim=-1)
    spectrum = F.normalize(torch.arange(1.0, channels + 1) ** -1, dim=0)  # what is common to tokens, falling off
    which = torch.randint(60, (count,), generator=generator).sort().values
    keys = F.normalize(0.45 * common + 0.7 * things[which] + 0.55 * noise * spectrum, dim=-1)
    return keys, keys, values


def scene_tokens(path: Path, size: int) -> tuple[Tensor, Tensor, Tensor, int, GlaNumbers]:
    """Queries, keys, values, windows, numbers as `mini` has them for the middle of a picture."""
    import rasterio

    from geo_ovss.build import build
    from geo_ovss.presets import get_preset

    method: Any = build(get_preset("mini").with_overrides(method="gla-clearclip")).method
    with rasterio.open(path) as file:
        middle = rasterio.windows.Window((file.width - size) // 2, (file.height - size) // 2, size, size)
        picture = file.read([1, 2, 3], window=middle).transpose(1, 2, 0).astype(np.uint8)
    corners = window_corners(size, size, method.window, method.stride)
    block = picture_block(method, picture, corners, encode_windows(method, picture, corners, 8))
    keys = F.normalize(block.guide.flatten(0, 2), dim=-1)
    return method.first_proxies(block).flatten(0, 2), keys, block.values.flatten(0, 2), len(corners), OVER_CLIP


def compare(name: str, queries: Tensor, keys: Tensor, values: Tensor, windows: int, numbers: GlaNumbers) -> None:
    """The project's attention, the same without skipping, and the formulas with whole matrices; one line each."""
    mean = float(queries.mean(0) @ keys.mean(0))
    print(f"{name}: {len(keys)} tokens, {keys.shape[1]} and {values.shape[1]} channels, mean cosine {mean:.2f}, "
          f"anchors {anchor_share(queries, keys):.1%} of the pairs")
    weights, before = torch.ones(len(keys)), resident_bytes()
    ours, spent = timed(lambda: gla_attention(queries, keys, values, weights, windows, numbers))
    beyond = peak_bytes() - before - ours.numel() * 4
    print(f"  skipping       {spent}, {beyond / MEGABYTE:.0f} MB beyond inputs and outputs", flush=True)
    least, global_attention.FEWEST_KEYS_TO_SKIP = global_attention.FEWEST_KEYS_TO_SKIP, sys.maxsize
    _, spent = timed(lambda: gla_attention(queries, keys, values, weights, windows, numbers))
    global_attention.FEWEST_KEYS_TO_SKIP = least
    print(f"  not skipping   {spent}", flush=True)
    theirs, spent = timed(lambda: whole_matrices(queries, keys, values, windows, numbers))
    print(f"  whole matrices {spent}, {(peak_bytes() - before) / MEGABYTE:.0f} MB")
    same = ((ours - theirs).abs().amax(1) < 1e-3).float().mean()
    print(f"  rows that agree to 1e-3: {float(same):.3%}", flush=True)


def whole_matrices(queries: Tensor, keys: Tensor, values: Tensor, windows: int, numbers: GlaNumbers) -> Tensor:
    """The formulas as they are printed, every matrix held whole."""
    proxies, counts = queries, torch.ones(len(queries))
    for _ in range(numbers.T):
        anchors = (proxies @ keys.T > numbers.rho).float()
        counts = anchors.sum(1)
        proxies = torch.where(counts[:, None] > 0, F.normalize(anchors @ keys, dim=-1), proxies)
        counts = counts.clamp(min=1)
    similarities = proxies @ keys.T
    mean = similarities.mean(1, keepdim=True).clamp(min=0)
    scores = (similarities - numbers.offset(windows) * mean) * numbers.scale(counts)[:, None]
    floor = scores.amax(1, keepdim=True).clamp(max=0)
    return scores.masked_fill(scores < floor, -torch.inf).softmax(1) @ values


def anchor_share(queries: Tensor, keys: Tensor) -> float:
    """Share of pairs whose similarity exceeds rho, from a thirtieth of the queries."""
    return float((queries[::30] @ keys.T > PUBLISHED.rho).float().mean())


# ---- measuring


def timed(work: Callable[[], Tensor]) -> tuple[Tensor, str]:
    """A result, and its seconds as text."""
    began, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, f"{time.perf_counter() - began:6.1f} s ({time.process_time() - processor:6.1f} processor s)"


def peak_bytes() -> int:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident_bytes() -> int:
    """Resident memory of this process now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()
