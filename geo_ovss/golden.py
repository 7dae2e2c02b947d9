"""Run a golden file through the project's own encoders and methods.

``python -m geo_ovss.golden FILE.npz [--out OUT.npz]``

A golden file holds one small picture, tiny networks, and what a method's published implementation computes from them.
Ends with 0 within the files' tolerance, 1 outside, 2 where the file is none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geo_ovss.encoders.clip import OPENAI_MEAN, OPENAI_STD, ClipEncoder
from geo_ovss.encoders.guide import IMAGENET_MEAN, IMAGENET_STD, GuideEncoder
from geo_ovss.encoders.sam import SamEncoder
from geo_ovss.errors import GeoOvssError, NotAGoldenFile
from geo_ovss.methods import Method, build_method
from geo_ovss.published import PublishedResult, run_published
from geo_ovss.refine import Refinement, refine_labels

# The files' tolerance: thresholds on similarities can flip single tokens.
LOGIT_TOLERANCE = 1e-3
SHARE_WITHIN = 0.999
EVERY = 4  # the files keep every 4th row and column of the logits and scores

# CLIP's mean and std as the published code rounds them, of pixels 0..255.
CLIP_MEAN = (122.771, 116.746, 104.094)
CLIP_STD = (68.501, 66.632, 70.323)

NAMES = {
    "vanilla": "vanilla", "MaskCLIP": "maskclip", "SCLIP": "sclip", "NACLIP": "naclip", "ClearCLIP": "clearclip",
    "ProxyCLIP": "proxyclip", "Trident": "trident",
}


@dataclass
class Comparison:
    """One output beside the file's.

    Attributes
    ----------
    name : str
    largest : float
        Largest difference; for labels, the share of pixels that disagree.
    share : float
        Share of samples within the tolerance; for labels, of pixels that agree.
    """

    name: str
    largest: float
    share: float

    @property
    def passed(self) -> bool:
        """Whether enough samples are within the tolerance."""
        return self.share >= SHARE_WITHIN


@dataclass
class GoldenRun:
    """What the project computes from a golden file, at full size."""

    logits: np.ndarray
    labels: np.ndarray
    comparisons: list[Comparison]
    refined_labels: np.ndarray | None = None

    @property
    def passed(self) -> bool:
        """Whether every output is within the tolerance."""
        return all(c.passed for c in self.comparisons)


# ---- networks from the sizes in the file


def state_dict(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, Tensor]:
    """The tensors under ``prefix/``."""
    return {key[len(prefix) + 1:]: torch.from_numpy(a) for key, a in arrays.items() if key.startswith(prefix + "/")}


def build_clip(sizes: dict[str, Any], weights: dict[str, Tensor]) -> ClipEncoder:
    """An `open_clip` vision transformer of the file's sizes."""
    from open_clip.transformer import QuickGELU, VisionTransformer

    visual: Any = VisionTransformer(
        sizes["image_size"], sizes["patch_size"], sizes["width"], sizes["layers"], sizes["heads"], mlp_ratio=4.0,
        output_dim=sizes["embed_dim"], act_layer=QuickGELU if sizes["quick_gelu"] else torch.nn.GELU,
    )
    visual.load_state_dict(weights)
    visual.preprocess_cfg = {"mean": [m / 255 for m in CLIP_MEAN], "std": [s / 255 for s in CLIP_STD]}
    return ClipEncoder(visual)


def build_guide(sizes: dict[str, Any], weights: dict[str, Tensor]) -> GuideEncoder:
    """A `timm` vision transformer of the file's sizes.

    The published code undoes CLIP's normalisation with CLIP's unrounded numbers before it applies ImageNet's; what that
    comes to is one mean and one std.
    """
    from timm.models import VisionTransformer

    model: Any = VisionTransformer(**sizes, num_classes=0, dynamic_img_size=True)
    model.load_state_dict(weights)
    ratio = [rounded / 255 / exact for rounded, exact in zip(CLIP_STD, OPENAI_STD, strict=True)]
    numbers = zip(CLIP_MEAN, OPENAI_MEAN, IMAGENET_MEAN, ratio, strict=True)
    mean = [clip / 255 - (exact - imagenet) * r for clip, exact, imagenet, r in numbers]
    std = [s * r for s, r in zip(IMAGENET_STD, ratio, strict=True)]
    model.pretrained_cfg = {"mean": mean, "std": std}
    return GuideEncoder(model)


def build_sam(sizes: dict[str, Any], weights: dict[str, Tensor] | None) -> SamEncoder:
    """A `segment_anything` model of the file's sizes; None leaves its weights random."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    grid, width = sizes["img_size"] // sizes["patch_size"], sizes["prompt_embed_dim"]
    decoder = sizes["decoder"]
    model = Sam(
        image_encoder=ImageEncoderViT(
            img_size=sizes["img_size"], patch_size=sizes["patch_size"], embed_dim=sizes["embed_dim"],
            depth=sizes["depth"], num_heads=sizes["num_heads"], mlp_ratio=4, out_chans=sizes["out_chans"],
            norm_layer=lambda n: torch.nn.LayerNorm(n, eps=1e-6), use_rel_pos=True, window_size=sizes["window_size"],
            global_attn_indexes=tuple(sizes["global_attn_indexes"]),
        ),
        prompt_encoder=PromptEncoder(width, (grid, grid), (sizes["img_size"],) * 2, sizes["mask_in_chans"]),
        mask_decoder=MaskDecoder(
            transformer_dim=width, num_multimask_outputs=3,
            transformer=TwoWayTransformer(decoder["depth"], width, decoder["num_heads"], decoder["mlp_dim"]),
            iou_head_depth=decoder["iou_head_depth"], iou_head_hidden_dim=decoder["iou_head_hidden_dim"],
        ),
    )
    if weights is not None:
        model.load_state_dict(weights)
    return SamEncoder(model)


def build_golden_method(config: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[Method, SamEncoder | None]:
    """The method that a file describes, with its networks."""
    clip = build_clip(config["clip"], state_dict(arrays, "clip"))
    guide = build_guide(config["dino"], state_dict(arrays, "dino")) if config.get("dino") else None
    sam = build_sam(config["sam"], state_dict(arrays, "sam")) if config.get("sam") else None
    name = NAMES[config.get("method") or config["clip_method"]]
    options: dict[str, Any] = {}
    if config.get("KV_token_extension"):
        name = f"gla-{name}"
        options = {
            "proxy_anchors": config["proxy_sim"], "rho": config["initial_crit_pos"], "T": config["mini_iters"],
            "lambda1": config["beta_alpha"], "lambda2": config["gamma_alpha"],
            "dynamic_offset": config["dynamic_beta"], "dynamic_normalisation": config["dynamic_gamma"],
        }
    elif name == "trident":
        options = {key: config[key] for key in ("beta", "gamma", "cos_fac")}
    method = build_method(
        name, clip=clip, guide=guide, sam=sam, window=config["window"], stride=config["stride"], options=options,
    )
    return method, sam


# ---- the run and its comparison


def run_golden(path: Path) -> GoldenRun:
    """Compute what a golden file describes and compare it with what it holds.

    Raises
    ------
    NotAGoldenFile
    """
    arrays, config = read_golden(path)
    method, sam = build_golden_method(config, arrays)
    result = run_published(method, arrays["image"], torch.from_numpy(arrays["text_features"]))
    labels = result.logits.argmax(0).numpy().astype(np.uint8)
    run = GoldenRun(result.logits.numpy(), labels, compare_features(result, arrays))
    run.comparisons.append(compare_values("logits", run.logits[:, ::EVERY, ::EVERY], arrays["logits"]))
    expected = arrays["labels"] if "labels" in arrays else arrays["coarse_labels"]
    run.comparisons.append(compare_labels("labels", labels, expected))
    if sam is not None:
        numbers = config["refinement"]
        refined = refine_labels(
            (config["logit_scale"] * result.logits).softmax(0), arrays["image"], sam,
            Refinement(numbers["coarse_thresh"], numbers["mask_coefficient"], numbers["minimal_area"],
                       numbers["sam_iou_thresh"], numbers["downsample"]),
        )
        run.refined_labels = refined.labels.astype(np.uint8)
        scores = refined.scores[:, ::EVERY, ::EVERY].numpy()
        run.comparisons.append(compare_values("refined scores", scores, arrays["refined_scores"]))
        run.comparisons.append(compare_labels("refined labels", run.refined_labels, arrays["refined_labels"]))
    return run


def read_golden(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and config of a golden file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        return arrays, json.loads(arrays["config"].tobytes())
    except (OSError, ValueError, KeyError) as error:
        raise NotAGoldenFile(path) from error


def compare_features(result: PublishedResult, arrays: dict[str, np.ndarray]) -> list[Comparison]:
    """Features before they meet the text, as unit rows."""
    pairs = (("window_features", result.window_features), ("token_features", result.token_features))
    return [
        compare_values(key.replace("_", " "), unit(ours.numpy()).reshape(arrays[key].shape), unit(arrays[key]))
        for key, ours in pairs if ours is not None and key in arrays
    ]


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def compare_values(name: str, ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    """Differences of two arrays of one shape."""
    difference = np.abs(ours - theirs)
    return Comparison(name, float(difference.max()), float((difference < LOGIT_TOLERANCE).mean()))


def compare_labels(name: str, ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    """Agreement of two label maps."""
    agree = float((ours == theirs).mean())
    return Comparison(name, 1 - agree, agree)


def save_run(run: GoldenRun, path: Path) -> None:
    """Write ``logits``, ``labels`` and, for Trident, ``refined_labels``; whole or not at all."""
    arrays = {"logits": run.logits, "labels": run.labels}
    if run.refined_labels is not None:
        arrays["refined_labels"] = run.refined_labels
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    part.replace(path)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m geo_ovss.golden", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(argv)
    try:
        run = run_golden(arguments.file)
    except GeoOvssError as error:
        print(error, file=sys.stderr)
        return 2
    for c in run.comparisons:
        kind = "disagree" if "labels" in c.name else "largest difference"
        print(f"{c.name:16s} {kind} {c.largest:.2e}, within tolerance {c.share:.4%}")
    print("within tolerance" if run.passed else "OUTSIDE the tolerance")
    if arguments.out is not None:
        save_run(run, arguments.out)
    return 0 if run.passed else 1


if __name__ == "__main__":
    sys.exit(main())
