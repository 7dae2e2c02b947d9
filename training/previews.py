"""Pictures for the model's page: score maps of scene names and label maps of validation tiles.

``python -m training.previews --out docs/images`` reads the exported model through geo_ovss itself.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image

from training import validate, words
from training.data import AERIAL, SCENES, ucmerced_pictures

COLOURS = np.array(
    [[200, 60, 50], [222, 196, 140], [110, 110, 120], [70, 150, 70], [60, 110, 200], [0, 0, 0]], np.uint8)
STANDING_OUT = {
    "airplane": "airplane", "tenniscourt": "tennis court", "storagetanks": "storage tanks", "harbor": "boat"}


def load_model():
    """The exported model by plain open_clip calls, and a function from words to unit rows."""
    import open_clip

    from training.export import WEIGHTS

    open_clip.add_model_config(WEIGHTS / "mini.json")
    model = open_clip.create_model("mini", pretrained=str(WEIGHTS / "mini.safetensors")).eval()
    tokenizer = open_clip.get_tokenizer("mini")

    def embed(texts: list[str]) -> torch.Tensor:
        with torch.no_grad():
            return torch.nn.functional.normalize(model.encode_text(tokenizer(texts)), dim=-1)

    return model, embed


def score_maps(out: Path) -> None:
    """Twelve validation pictures with the probability of the object's word among all 21 names."""
    model, embed = load_model()
    names = list(words.UCMERCED_NAMES.values())
    figure, axes = plt.subplots(4, 6, figsize=(12, 8.4))
    pictures = ucmerced_pictures(validation=True)
    for row, (folder, word) in enumerate(STANDING_OUT.items()):
        text = embed([word, *(n for n, f in zip(names, SCENES, strict=True) if f != folder)])
        own = [p for p, s in pictures if SCENES[s] == folder][:3]
        for column, path in enumerate(own):
            image = np.asarray(Image.open(path).convert("RGB"))
            features = validate.spliced(model.visual, image, "query")
            scores = (features @ text.T * model.logit_scale.exp()).softmax(-1)[..., 0].detach().numpy()
            left, right = axes[row, 2 * column], axes[row, 2 * column + 1]
            left.imshow(Image.fromarray(image).resize((128, 128)))
            right.imshow(scores, cmap="magma", interpolation="bilinear")
            right.set_title(f"{word}: {scores.min():.2f} to {scores.max():.2f}", fontsize=7)
    for axis in axes.ravel():
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(out / "mini_scores.png", dpi=75)


def label_maps(out: Path, pictures: list[str]) -> None:
    """Truth, windows alone, and GLA-CLIP for some validation pictures; classes in the colours of COLOURS."""
    from geo_ovss import segment

    figure, axes = plt.subplots(len(pictures), 4, figsize=(11, 2.7 * len(pictures)), squeeze=False)
    for row, name in enumerate(pictures):
        source = AERIAL / "dubai" / f"{name}.jpg"
        image, truth = Image.open(source).convert("RGB"), np.asarray(Image.open(source.with_suffix(".png")))
        maps = [("truth", np.where(truth < 5, truth, 5))]
        for title, method in (("windows alone (ClearCLIP)", "clearclip"), ("GLA-CLIP", "gla-clearclip")):
            with tempfile.TemporaryDirectory():
                labels = segment(source, ",".join(validate.CLASSES), preset="mini", method=method).labels
            maps.append((title, np.where(labels > 0, labels.astype(int) - 1, 5)))
        axes[row, 0].imshow(image.resize((256, 256 * image.height // image.width)))
        axes[row, 0].set_title(name, fontsize=8)
        for axis, (title, labels) in zip(axes[row, 1:], maps, strict=True):
            axis.imshow(COLOURS[labels])
            known = validate.confusion(labels, truth)
            score = validate.ious(known)[known.sum(1) > 0].mean()
            axis.set_title(title if title == "truth" else f"{title}: mIoU {score:.2f}", fontsize=8)
    for axis in axes.ravel():
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(out / "mini_tiles.png", dpi=75)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiles", default="tile2_002,tile2_007,tile5_001,tile5_006")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    score_maps(args.out)
    label_maps(args.out, args.tiles.split(","))


if __name__ == "__main__":
    main()
