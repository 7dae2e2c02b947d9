"""Write the model of a run to ``geo_ovss/weights/``: ``python -m training.export [--run mini]``.

An open_clip model config and its weights in half precision; nothing in them is particular to geo-ovss.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

from training import text_space
from training.train import HERE, settings

WEIGHTS = HERE.parent / "geo_ovss" / "weights"


def model_config(chosen: dict) -> dict:
    vision, text = chosen["image"]["vision"], chosen["text"]
    return {
        "embed_dim": text_space.DIM,
        "vision_cfg": {"image_size": 224, **{k: vision[k] for k in (
            "layers", "width", "head_width", "patch_size", "mlp_ratio")}},
        "text_cfg": {"vocab_size": 49408, **{k: text[k] for k in ("context_length", "width", "heads", "layers")}},
    }


def mean_weights(checkpoints: list[Path]) -> dict[str, torch.Tensor]:
    """Mean of the averaged weights of checkpoints of one run: between them it forgets less than the last one."""
    found = [torch.load(path, map_location="cpu")["average"] for path in checkpoints]
    return {name: torch.stack([f[name] for f in found]).mean(0) for name in found[0]}


def assemble(run: Path, checkpoints: list[str], folder: Path, scale: float) -> open_clip.CLIP:
    """The run's averaged image tower and its text tower in one open_clip model."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mini.json"
    path.write_text(json.dumps(model_config(settings()), indent=2) + "\n")
    open_clip.add_model_config(path)
    model = open_clip.create_model("mini").eval()
    model.visual.load_state_dict(mean_weights([run / name for name in checkpoints]))
    text = torch.load(run / "text.pt", map_location="cpu")["text"]
    missing, unexpected = model.load_state_dict(text, strict=False)
    if unexpected or any(not k.startswith("visual.") and k != "logit_scale" for k in missing):
        raise SystemExit(f"the text tower does not fit: {missing} {unexpected}")
    model.logit_scale.data.fill_(math.log(scale))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="mini")
    parser.add_argument("--checkpoints", nargs="+", default=["last.pt"], help="step_N.pt are kept at each validation")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    model = assemble(HERE / "runs" / args.run, args.checkpoints, args.out, settings()["export"]["logit_scale"])
    part = args.out / "mini.safetensors.part"
    save_file({k: v.half().contiguous() for k, v in model.state_dict().items()}, part)
    part.replace(args.out / "mini.safetensors")
    print(f"{args.out / 'mini.safetensors'}: {(args.out / 'mini.safetensors').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
