"""What a scene costs beside the networks, with networks of base size (random weights: costs, not quality).

    python benchmarks/overheads.py [--side 1264] [--mix windows] [--set stride=224]

OpenAI's ViT-B/16 guided by DINO's ViT-B/8, GLA-CLIP, the numbers of the preset `base`, on a generated scene of several
blocks, on one thread, so that a thread's processor seconds are its own. Prints a Markdown table: processor seconds of
the encoders, of the attention, of the token bank, of all else (reading, splicing, keeping the features), of classifying
and of the polygons, each also as a share of the encoders'. `--mix windows` is the published form, every window's own
tokens. Tokens of random networks are all alike, so that the attention finds nothing to skip: it is at its dearest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from methods import random_clip, random_guide
from torch import Tensor
from torch.nn import functional as F

from geo_ovss.bank import Bank
from geo_ovss.build import Pipeline
from geo_ovss.classify import Classes, classify_scene
from geo_ovss.commands.assemble import preset_with
from geo_ovss.export import write_polygons
from geo_ovss.methods import Method, build_method
from geo_ovss.methods.base import BlockTokens, WindowTokens
from geo_ovss.progress import Progress
from geo_ovss.raster import open_raster
from geo_ovss.scene import SceneWalk, scene_layout
from geo_ovss.scene_info import SceneInfo
from geo_ovss.store import SceneFeatures
from geo_ovss.synthetic import write_scene

NAMES = ("building", "road", "vegetation", "water", "land")
COLOURS = ("#c83c3c", "#5a5a5a", "#3c8c3c", "#3c5ac8", "#c8b478")


class Timed(Method):
    """Another method that counts its processor seconds."""

    def __init__(self, method: Method) -> None:
        self.inner, self.name, self.scope, self.spliceable = method, method.name, method.scope, method.spliceable
        self.window, self.stride, self.token, self.dim = method.window, method.stride, method.token, method.dim
        self.encoding = self.mixing = 0.0
        self.windows = 0

    def encode(self, pixels: Tensor) -> WindowTokens:
        """See `Method.encode`."""
        began = time.thread_time()
        tokens = self.inner.encode(pixels)
        self.encoding += time.thread_time() - began
        self.windows += len(pixels)
        return tokens

    def mix(self, block: BlockTokens, queries: Tensor | None = None, bank: Bank | None = None) -> Tensor:
        """See `Method.mix`."""
        began = time.thread_time()
        features = self.inner.mix(block, queries, bank)
        self.mixing += time.thread_time() - began
        return features


class RandomText:
    """A pipeline's text tower: directions by chance, always the same."""

    logit_scale = 100.0

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def encode_text(self, words: list[str], templates: list[str]) -> Tensor:
        """Unit rows (len(words), D)."""
        chance = torch.Generator().manual_seed(0)
        return F.normalize(torch.randn(len(words), self.dim, generator=chance), dim=-1)


def measure(side: int, settings: list[str], folder: Path) -> dict[str, float]:
    """Processor seconds of every part of one scene."""
    preset = preset_with("base", settings)
    method = Timed(build_method(
        preset.method, clip=random_clip(), guide=random_guide("vit_base_patch8_224.dino"), sam=None,
        window=preset.window, stride=preset.stride, options=preset.options,
    ))
    pipeline = Pipeline(preset=preset, text=RandomText(method.dim), logit_scale=100.0, device=torch.device("cpu"),
                        clip_identity="random", method=method, sam=None, dtype=torch.float32, fingerprints={})
    write_scene(folder / "scene.tif", 1, side, 0.3)
    spent: dict[str, float] = {}
    with open_raster(folder / "scene.tif") as raster:
        features = SceneFeatures.create(folder / "features", SceneInfo(
            "scene", str(raster.path), raster.crs.to_wkt() if raster.crs else None, tuple(raster.transform)[:6],
            scene_layout(raster, pipeline), method.dim, None, {}, {}, asdict(preset), "0"))
        walk = SceneWalk(raster, pipeline, features, Progress())
        walk.scratch.mkdir()
        began = time.process_time()
        walk.prepare()
        spent["token bank"] = time.process_time() - began
        method.encoding, method.windows, began = 0.0, 0, time.process_time()
        walk.run()
        whole = time.process_time() - began
    spent |= {"encoders": method.encoding, "attention": method.mixing,
              "reading, splicing, keeping": whole - method.encoding - method.mixing}
    labels, confidence = folder / "labels.tif", folder / "confidence.tif"
    text = pipeline.text.encode_text(list(NAMES), ["{}"])
    classes = Classes(text, torch.arange(len(NAMES)), len(NAMES), None, pipeline.logit_scale)
    began = time.process_time()
    classify_scene(features, classes, labels, confidence, Progress())
    spent["classifying"], began = time.process_time() - began, time.process_time()
    write_polygons(labels, confidence, NAMES, COLOURS, folder / "out.gpkg")
    spent["polygons"] = time.process_time() - began
    print(f"{side} x {side} pixels, {method.windows} windows, {len(features.blocks)} blocks, {preset.mix}")
    return spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1264)
    parser.add_argument("--mix", default="spliced", choices=("spliced", "windows"))
    parser.add_argument("--set", dest="settings", action="append", default=[])
    options: Any = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        spent = measure(options.side, [f"mix={options.mix}", *options.settings], Path(folder))
    own = spent.pop("encoders")
    rest = sum(seconds for part, seconds in spent.items() if part not in ("attention", "token bank"))
    asked = spent["classifying"] + spent["polygons"]
    print("\n| part | processor s | share of the encoders |\n|---|---|---|")
    print(f"| encoders | {own:.1f} | |")
    for part, seconds in spent.items():
        print(f"| {part} | {seconds:.1f} | {seconds / own:.1%} |")
    print(f"| all but networks, attention and bank | {rest:.1f} | {rest / own:.1%} |")
    print(f"| a question (classifying, polygons) against all of the encoding | {asked:.1f} "
          f"| {asked / (own + sum(spent.values()) - asked):.1%} |")


if __name__ == "__main__":
    main()
