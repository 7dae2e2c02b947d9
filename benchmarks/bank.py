"""What blocks, halos and the token bank do to the result, against exact attention over the whole scene.

    python benchmarks/bank.py [--side 2016] [--seeds 3] [--against spliced] [SCENE.tif ...] [--only NAME ...]

A scene is encoded once, and its tokens attend once for every row of the table. Generated scenes have labels: mIoU and
the errors at block seams are taken on them; other scenes give the agreement with exact attention alone.

- agreement: share of the pixels with the label of exact attention over every window's tokens, the published form; with
  `--against spliced` over spliced ones, which larger scenes still allow.
- cost: processor seconds of clustering and attention, as a share of exact attention's.
- errors: wrong pixels within 8 of a line, at the seams of the blocks and at the other multiples of the stride.
- breaks: neighbours across such a line, of one class in truth, that got two labels.

Rows without seams of their own give both at the seams of the default blocks. Every figure is entered into
bank_windows.json (or bank_spliced.json) as it comes; `--continue` goes on from there. Prints the mean over the scenes
as a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import rasterio
import torch

from geo_ovss.bank import SceneBank, condense, sample_count, sample_windows, thin, token_places, tokens_each
from geo_ovss.batches import Batches
from geo_ovss.classify import Classes, class_probabilities, label_pixels, upsample, word_logits
from geo_ovss.grid import Layout
from geo_ovss.methods.base import Method
from geo_ovss.presets import DEFAULT_PRESET, get_preset
from geo_ovss.progress import Progress
from geo_ovss.raster import open_raster
from geo_ovss.scene import mix_core
from geo_ovss.segmenter import QueryOptions, Segmenter
from geo_ovss.synthetic import FIVE_CLASSES, write_scene
from geo_ovss.tokens import TokenFile, gather
from geo_ovss.vocabulary import parse_classes

NAMES = tuple(FIVE_CLASSES)
BAND = 8
"""Pixels on either side of a line that count as being at it."""
DEFAULT_MASS = get_preset(DEFAULT_PRESET).bank_mass
COLUMNS = {"agreement": 4, "cost": 4, "mIoU": 4, "seam errors": 4, "other errors": 4, "seam breaks": 4,
           "other breaks": 4, "seconds": 1}
"""Columns of the table, and their digits."""


@dataclass(frozen=True)
class Variant:
    """One way of giving context.

    Attributes
    ----------
    block, halo : int
        Pixels; block 0 is one block for the whole scene.
    mix : {"spliced", "windows"}
    bank : int
        Centroids; 0: none.
    mass : float
        Of the bank, at most, against the block's own tokens'; in a preset `bank_mass`.
    sample : int
        Windows that the bank is made from; 0: as many as a run takes.
    """

    block: int = 1008
    halo: int = 224
    mix: Literal["spliced", "windows"] = "spliced"
    bank: int = 0
    mass: float = DEFAULT_MASS
    sample: int = 0

    @property
    def name(self) -> str:
        """As in the table."""
        form = "" if self.mix == "spliced" else ", every window"
        if not self.block:
            return "exact" + (form or ", spliced")
        if not self.bank:
            return f"block {self.block}, " + (f"halo {self.halo}" if self.halo else "alone") + form
        mass = f" of mass {self.mass:g}"
        source = f" of {self.sample} windows" if self.sample else ""
        return f"block {self.block}, halo {self.halo}, bank {self.bank}{mass}{source}{form}"


EXACT = {mix: Variant(block=0, mix=mix) for mix in ("windows", "spliced")}
VARIANTS = (
    *EXACT.values(),
    Variant(halo=0),
    *(Variant(halo=h) for h in (112, 224, 448)),
    *(Variant(bank=m) for m in (256, 1024, 4096)),
    *(Variant(bank=1024, mass=m) for m in (0.25, 1.0, 16.0)),
    *(Variant(bank=1024, sample=n) for n in (25, 256)),
    *(Variant(halo=h, bank=1024) for h in (0, 112, 448)),
    # nearby windows exact, the rest of what a block of 1008 would see through the bank
    *(Variant(block=b, halo=h, bank=m) for b, h in ((560, 224), (448, 112)) for m in (0, 1024)),
    *(Variant(block=448, halo=112, bank=1024, mass=m) for m in (1.0, 16.0)),
    Variant(mix="windows"),
    Variant(mix="windows", bank=1024),
)


@dataclass
class Scene:
    """One scene, encoded once.

    Attributes
    ----------
    layout : Layout
        Of one block over the whole scene.
    every, spliced : TokenFile
        All windows' tokens, and their sums on one canvas.
    truth : ndarray or None, (H, W)
        0: not known.
    """

    name: str
    layout: Layout
    every: TokenFile
    spliced: TokenFile
    truth: np.ndarray | None


def encode(path: Path, segmenter: Segmenter, truth: np.ndarray | None) -> Scene:
    """Run the networks over all windows of a scene."""
    batches = Batches(segmenter.pipeline.method, segmenter.preset.batch, Progress())
    method = batches.method
    with open_raster(path) as raster:
        side = max(raster.height, raster.width)
        layout = Layout(raster.height, raster.width, method.window, method.stride, method.token,
                        (side // method.token + 1) * method.token + method.window, 0)
        windows, token = layout.windows(0, 0), layout.token
        guide, values = [], []
        for tokens in batches.encode([raster.read(*w)[0] for w in windows]):
            guide.append(tokens.guide.numpy() if tokens.guide is not None else tokens.values.numpy())
            values.append(tokens.values.numpy())
    arrays = {"guide": np.concatenate(guide), "values": np.concatenate(values)}
    weights = np.ones(arrays["values"].shape[:3], np.float32)
    every = TokenFile(arrays, weights, [w.tokens(token) for w in windows], windows, np.ones((1, 1), bool))
    return Scene(path.name, layout, every, every.splice(), truth)


def make_bank(scene: Scene, count: int, sample: int) -> SceneBank:
    """The bank of the windows that a run on the scene would sample."""
    place = {window: n for n, window in enumerate(scene.every.windows)}
    chosen = [place[window] for window in sample_windows(scene.layout, sample or sample_count(scene.layout))]
    every, each = torch.ones(scene.every.weights[chosen].shape, dtype=torch.bool), tokens_each(len(chosen))
    guide, values = (thin(torch.from_numpy(scene.every.arrays[name][chosen]), every, each)
                     for name in ("guide", "values"))
    places = token_places([scene.every.windows[n] for n in chosen], scene.layout.token)
    return condense(guide, values, thin(places, every, each).long(), float(scene.every.weights.sum()), count)


def attend(scene: Scene, variant: Variant, method: Method, bank: SceneBank | None) -> np.ndarray:
    """Features (h, w, D) of a scene."""
    layout = layout_of(scene, variant)
    file = scene.every if variant.mix == "windows" else scene.spliced
    out = np.zeros((*layout.token_shape, method.dim), np.float32)
    for block in layout.blocks():
        reach = layout.reach(*block)
        tokens = gather([file], reach, layout.token, variant.mix == "spliced")
        assert tokens is not None  # every pixel of these scenes is valid
        core = layout.core(*block).tokens(layout.token)
        joined = bank and bank.beyond(reach.tokens(layout.token), float(tokens.weights.sum()), variant.mass)
        out[core.slices()] = mix_core(method, tokens, core, joined)
    return out


def layout_of(scene: Scene, variant: Variant) -> Layout:
    """Blocks of a variant."""
    return replace(scene.layout, block=variant.block, halo=variant.halo) if variant.block else scene.layout


def classify(features: np.ndarray, classes: Classes, layout: Layout) -> np.ndarray:
    """Labels (H, W)."""
    logits = word_logits(torch.from_numpy(features), classes.text)
    pixels = upsample(logits, torch.ones(logits.shape[1:]), layout.token)[:, : layout.height, : layout.width]
    return label_pixels(class_probabilities(pixels, classes), classes)[0].numpy().astype(np.uint8)


# ---- figures


def miou(labels: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the classes that the truth holds; truth 0 is ignored."""
    known, scores = truth > 0, []
    for k in range(1, len(NAMES) + 1):
        a, b = (labels == k) & known, (truth == k) & known
        if b.any():
            scores.append((a & b).sum() / (a | b).sum())
    return float(np.mean(scores))


def at_lines(labels: np.ndarray, truth: np.ndarray, rows: Iterable[int], cols: Iterable[int]) -> tuple[float, float]:
    """Share of wrong pixels near lines, and of neighbours across them, of one class in truth, with two labels."""
    wrong = near = broken = pairs = 0
    for array, known, lines in ((labels, truth, rows), (labels.T, truth.T, cols)):
        for line in lines:
            band = slice(max(line - BAND, 0), line + BAND)
            wrong += int(((array[band] != known[band]) & (known[band] > 0)).sum())
            near += int((known[band] > 0).sum())
            same = (known[line - 1] == known[line]) & (known[line] > 0)
            broken += int((array[line - 1] != array[line])[same].sum())
            pairs += int(same.sum())
    return wrong / max(near, 1), broken / max(pairs, 1)


def figures(labels: np.ndarray, exact: np.ndarray, scene: Scene, layout: Layout) -> dict[str, float]:
    """All that the table says of one variant on one scene but its cost."""
    found = {"agreement": float((labels == exact).mean())}
    if scene.truth is None:
        return found
    if layout.single:
        layout = layout_of(scene, Variant())
    seams = layout.block_rows[1:], layout.block_cols[1:]
    others = [[line for line in range(layout.stride, length - layout.stride, layout.stride) if line not in own]
              for own, length in zip(seams, (layout.height, layout.width), strict=True)]
    for kind, (rows, cols) in (("seam", seams), ("other", others)):
        found[f"{kind} errors"], found[f"{kind} breaks"] = at_lines(labels, scene.truth, rows, cols)
    return found | {"mIoU": miou(labels, scene.truth)}


# ---- the run


class Journal:
    """Figures by scene and variant, on disk as they come."""

    def __init__(self, path: Path, go_on: bool) -> None:
        self.path = path
        self.rows: dict[str, dict[str, dict[str, float]]] = json.loads(path.read_text()) if go_on else {}

    def enter(self, scene: str, variant: str, found: dict[str, float]) -> None:
        """Keep one variant's figures."""
        self.rows.setdefault(scene, {})[variant] = found
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.rows, indent=1))
        part.replace(self.path)


def measure(path: Path, truth: np.ndarray | None, variants: list[Variant], segmenter: Segmenter,
            journal: Journal) -> None:
    """All variants that are still wanted on one scene; the first is what the others are compared with."""
    exact = variants[0]
    done = journal.rows.get(path.name, {})
    wanted = [v for v in variants if v.name not in done]
    if not wanted:
        return
    classes = segmenter.classes(parse_classes(",".join(NAMES)), QueryOptions())
    began = time.process_time()
    scene, method = encode(path, segmenter, truth), segmenter.pipeline.method
    print(f"{path.name}: {len(scene.every.windows)} windows, {scene.every.weights.size} tokens encoded in "
          f"{time.process_time() - began:.1f} processor s", flush=True)
    kept = journal.path.with_name(f"{journal.path.stem}_{path.stem}_exact.npy")
    for variant in wanted:
        began = time.process_time()
        bank = make_bank(scene, variant.bank, variant.sample) if variant.bank else None
        features = attend(scene, variant, method, bank)
        seconds = time.process_time() - began
        labels = classify(features, classes, scene.layout)
        if variant == exact:
            np.save(kept, labels)
        found = figures(labels, np.load(kept), scene, layout_of(scene, variant))
        whole = seconds if variant == exact else journal.rows[path.name][exact.name]["seconds"]
        journal.enter(path.name, variant.name, found | {"seconds": seconds, "cost": seconds / whole})
        print(f"  {variant.name}: {found['agreement']:.4f}, {seconds:.1f} s", flush=True)


def table(rows: dict[str, dict[str, dict[str, float]]], names: list[str]) -> str:
    """Means over the scenes."""
    lines = ["| context | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name in names:
        found = [scene[name] for scene in rows.values() if name in scene]
        if found:
            means = {c: [f[c] for f in found if c in f] for c in COLUMNS}
            lines.append(f"| {name} | " + " | ".join(
                f"{np.mean(means[c]):.{digits}f}" if means[c] else "" for c, digits in COLUMNS.items()) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure every variant on every scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=2016)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--against", choices=list(EXACT), default="windows")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="rows whose names begin like this")
    parser.add_argument("--continue", dest="go_on", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"bank_{options.against}.json"
    journal = Journal(path, options.go_on and path.exists())
    exact = EXACT[options.against]
    variants = [exact, *(v for v in VARIANTS if v != exact and (v.mix == "spliced" or options.against == "windows")
                         and (not options.only or any(v.name.startswith(word) for word in options.only)))]
    segmenter = Segmenter(options.preset)
    for seed in range(options.seeds):
        path, truth_path = (options.out / f"bank_{kind}_{options.side}_{seed}.tif" for kind in ("scene", "truth"))
        if not path.exists():
            write_scene(path, 100 + seed, options.side, 0.3, labels_path=truth_path)
        with rasterio.open(truth_path) as source:
            measure(path, source.read(1), variants, segmenter, journal)
    for path in options.scenes:
        measure(path, None, variants, segmenter, journal)
    print("\n" + table(journal.rows, [v.name for v in variants]))


if __name__ == "__main__":
    main()
