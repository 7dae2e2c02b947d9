"""What each method costs at ViT-B/16 size, and what GLA-CLIP's attention saves. Markdown tables; some ten minutes.

    python benchmarks/methods.py                        all parts
    python benchmarks/methods.py --parts methods        every method on one picture: seconds, peak memory, tokens
    python benchmarks/methods.py --parts made           GLA-CLIP's attention at 25 windows of 784 tokens, 768 channels,
                                                        beside the formulas with whole matrices (6 GB)
    python benchmarks/methods.py --parts drawn real     the same on tokens of pictures: drawn scenes and orthophotos

The networks have random weights: they cost as much as trained ones. How much of the attention can be skipped depends on
how much a picture's tokens resemble each other, so those of pictures come from networks with trained weights: as guide
the embedded model's own queries, which tell little apart, and, where the training extra is installed, the features of a
network trained on ImageNet (`imagenet_guide.py`), which stand in for DINO. Every measurement runs in a process of its
own.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagenet_guide
import numpy as np
import torch
from attention import HEADER, made_tokens, peak_bytes, picture_tokens, print_row

from geo_ovss.methods import METHODS, build_method
from geo_ovss.published import encode_windows, picture_block, window_corners

PARTS = ("methods", "made", "drawn", "real")
DRAWN = (("suburb", 910001), ("countryside", 910003))
"""Styles and seeds of drawn scenes that the embedded model was not trained on."""

DRAWN_GSD = 0.3
ORTHOPHOTOS = Path(__file__).resolve().parents[2] / "shared" / "aerial" / "orthophotos"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="METHOD")
    parser.add_argument("--size", type=int, default=448, help="methods: side of the picture, pixels")
    parser.add_argument("--windows", type=int, default=25, help="made: windows")
    parser.add_argument("--tokens", type=int, default=784, help="made: tokens of a window")
    parser.add_argument("--channels", type=int, default=768, help="made: channels")
    parser.add_argument("--side", type=int, default=896, help="drawn, real: side of the picture, pixels")
    parser.add_argument("--pictures", nargs="+", type=Path, help="real: rasters; by default the shared orthophotos")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    if chosen.one:
        print(json.dumps(cost_of_method(chosen.one, chosen.size)))
        return
    began = time.perf_counter()
    print(f"{chosen.threads} threads, PyTorch {torch.__version__}\n")
    if "methods" in chosen.parts:
        print_methods(chosen)
    if set(chosen.parts) - {"methods"}:
        print_attention(chosen)
    print(f"{time.perf_counter() - began:.0f} seconds in all")


# ---- methods


def print_methods(chosen: argparse.Namespace) -> None:
    """A row and a process for each method."""
    print(f"Every method over {chosen.size} x {chosen.size} pixels: ViT-B/16, guide DINO ViT-B/8; Trident in windows "
          "of 336 moved by 224, with DINO ViT-B/16 and SAM ViT-B. Peak memory is the process's, networks included.\n")
    print("| method | windows | tokens | networks, s | attention, s | both, processor s | peak, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in chosen.methods:
        command = [sys.executable, __file__, "--one", name, "--size", chosen.size, "--threads", chosen.threads]
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
        c = json.loads(done.stdout.splitlines()[-1])
        print(f"| `{name}` | {c['windows']} | {c['tokens']:,} | {c['encode']:.1f} | {c['mix']:.1f} | {c['cpu']:.1f} "
              f"| {c['peak'] / 1e6:,.0f} |", flush=True)
    print()


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

    logging.disable(logging.WARNING)  # that there are no pretrained weights is what is wanted
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


def print_attention(chosen: argparse.Namespace) -> None:
    """A row and a process for each set of tokens."""
    print("GLA-CLIP's attention, every query against every key; seconds on the clock, in brackets of all cores. "
          "Without skipping, it takes whole chunks of queries; with whole matrices, all at once.\n")
    print(HEADER)
    print("|---" + "|---:" * (HEADER.count("|") - 2) + "|")
    if "made" in chosen.parts:
        for alike, name in ((True, "made, of 60 things"), (False, "made, nothing alike")):
            tokens = made_tokens(chosen.windows, chosen.tokens, chosen.channels, alike)
            print_row(name, tokens, chosen.threads)
    pictures = list(chosen_pictures(chosen))
    for guide, method in guided_methods() if pictures else ():
        for name, picture in pictures:
            print_row(f"{name}, by {guide}", picture_tokens(picture, method), chosen.threads)
    print()


def guided_methods() -> Iterator[tuple[str, Any]]:
    """GLA-CLIP over the embedded CLIP's own queries, and over features that were trained on ImageNet."""
    from geo_ovss.build import build
    from geo_ovss.presets import get_preset

    own: Any = build(get_preset("mini").with_overrides(method="gla-clearclip"), offline=True).method
    yield "mini", own
    if imagenet_guide.is_here():
        guide: Any = imagenet_guide.ImageNetGuide()
        yield "ImageNet", build_method(
            "gla-proxyclip", clip=own.clip, guide=guide, window=own.window, stride=own.stride)


def chosen_pictures(chosen: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Names and pixels (side, side, 3) of the pictures that the parts ask for."""
    if "drawn" in chosen.parts:
        from geo_ovss.synthetic import draw_scene

        for style, seed in DRAWN:
            yield f"{style}, drawn", draw_scene(seed, chosen.side, DRAWN_GSD, style=style).rgb.copy()
    if "real" in chosen.parts:
        files = chosen.pictures or sorted(ORTHOPHOTOS.glob("*.tif"))
        if not files:
            print("No orthophotos beside the project: name some with --pictures.", file=sys.stderr)
        for path in files:
            yield f"`{path.stem}`", middle_of(path, chosen.side)


def middle_of(path: Path, side: int) -> np.ndarray:
    """The middle (side, side, 3) of a raster, its edges for what it is too small for."""
    from geo_ovss.raster import open_raster

    with open_raster(path) as raster:
        return raster.read((raster.height - side) // 2, (raster.width - side) // 2, side, side)[0]


if __name__ == "__main__":
    main()
