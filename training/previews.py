"""Pictures for the model's page: score maps of scene names and label maps of validation tiles.

``python -m training.previews --out docs/images`` reads the exported model through geo_ovss itself.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import open_clip
import torch
from PIL import Image

from training import validate, words
from training.data import AERIAL, SCENES, ucmerced_pictures

COLOURS = np.array(
    [[200, 60, 50], [222, 196, 140], [110, 110, 120], [70, 150, 70], [60, 110, 200], [0, 0, 0]], np.uint8)
STANDING_OUT = {
    "airplane": "airplane", "tenniscourt": "tennis court", "storagetanks": "storage tanks", "harbor": "boat"}


def load_model() -> tuple[open_clip.CLIP, Callable[[list[str]], torch.Tensor]]:
    """The exported model by plain open_clip calls, and a function from words to unit rows."""
    from training.export import WEIGHTS

    open_clip.add_model_config(WEIGHTS / "mini.json")
    model = open_clip.create_model("mini", pretrained=str(WEIGHTS / "mini.safetensors")).eval()
    tokenizer = open_clip.get_tokenizer("mini")

    def embed(texts: list[str]) -> torch.Tensor:
        with torch.no_grad():
            return torch.nn.functional.normalize(model.encode_text(tokenizer(texts)), dim=-1)

    return model, embed


def score_maps(out: Path, photos: bool) -> None:
    """Twelve validation pictures with the probability of the object's word among all 21 names."""
    model, embed = load_model()
    names = list(words.UCMERCED_NAMES.values())
    columns = 6 if photos else 3
    figure, axes = plt.subplots(4, columns, figsize=(2 * columns, 8.4))
    pictures = ucmerced_pictures(validation=True)
    for row, (folder, word) in enumerate(STANDING_OUT.items()):
        text = embed([word, *(n for n, f in zip(names, SCENES, strict=True) if f != folder)])
        own = [p for p, s in pictures if SCENES[s] == folder][:3]
        for column, path in enumerate(own):
            image = np.asarray(Image.open(path).convert("RGB"))
            features = validate.spliced(model.visual, image, "query")
            scores = (features @ text.T * model.logit_scale.exp()).softmax(-1)[..., 0].detach().numpy()
            right = axes[row, 2 * column + 1 if photos else column]
            if photos:
                axes[row, 2 * column].imshow(image)
            right.imshow(scores, cmap="magma", interpolation="bilinear")
            right.set_title(f"{path.stem}, {word}: {scores.min():.2f} to {scores.max():.2f}", fontsize=6)
    for axis in axes.ravel():
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(out / "mini_scores.png", dpi=75)


def label_maps(out: Path, pictures: list[str], photos: bool) -> None:
    """Truth, windows alone, and GLA-CLIP for some validation pictures; classes in the colours of COLOURS."""
    from geo_ovss import segment

    columns = 4 if photos else 3
    figure, axes = plt.subplots(len(pictures), columns, figsize=(2.75 * columns, 2.7 * len(pictures)), squeeze=False)
    for row, name in enumerate(pictures):
        source = AERIAL / "dubai" / f"{name}.jpg"
        image, truth = Image.open(source).convert("RGB"), np.asarray(Image.open(source.with_suffix(".png")))
        maps = [("truth", np.where(truth < 5, truth, 5))]
        for title, method in (("windows alone (ClearCLIP)", "clearclip"), ("GLA-CLIP", "gla-clearclip")):
            with tempfile.TemporaryDirectory():
                labels = segment(source, ",".join(validate.CLASSES), preset="mini", method=method).labels
            maps.append((title, np.where(labels > 0, labels.astype(int) - 1, 5)))
        if photos:
            axes[row, 0].imshow(image)
        for axis, (title, labels) in zip(axes[row, columns - 3:], maps, strict=True):
            axis.imshow(COLOURS[labels])
            known = validate.confusion(labels, truth)
            score = validate.ious(known)[known.sum(1) > 0].mean()
            axis.set_title(f"{name}, truth" if title == "truth" else f"{title}: mIoU {score:.2f}", fontsize=8)
    for axis in axes.ravel():
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(out / "mini_tiles.png", dpi=75)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiles", default="tile2_001,tile2_004,tile2_006,tile2_008")
    parser.add_argument("--photos", action="store_true", help="beside the maps; the project's own pages go without")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    score_maps(args.out, args.photos)
    label_maps(args.out, args.tiles.split(","), args.photos)


if __name__ == "__main__":
    main()
