"""The embedded model: open_clip's own architecture, small, open to words it was not trained on, useful on a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open

WEIGHTS = Path(__file__).parents[1] / "geo_ovss" / "weights"


@pytest.fixture(scope="module")
def model() -> open_clip.CLIP:
    """Loaded with plain open_clip calls, as anyone would."""
    open_clip.add_model_config(WEIGHTS / "mini.json")
    return open_clip.create_model("mini", pretrained=str(WEIGHTS / "mini.safetensors")).eval()


@pytest.fixture(scope="module")
def embed(model: open_clip.CLIP):
    tokenizer = open_clip.get_tokenizer("mini")

    def embed(*texts: str) -> torch.Tensor:
        with torch.no_grad():
            return F.normalize(model.encode_text(tokenizer(list(texts))), dim=-1)

    return embed


def test_size_and_files() -> None:
    assert (WEIGHTS / "mini.safetensors").stat().st_size < 60e6
    config = json.loads((WEIGHTS / "mini.json").read_text())
    assert set(config) == {"embed_dim", "vision_cfg", "text_cfg"}
    assert (WEIGHTS / "MODEL_CARD.md").read_text().startswith("# ")


def test_every_weight_is_used(model: open_clip.CLIP) -> None:
    with safe_open(WEIGHTS / "mini.safetensors", "pt") as stored:
        names = set(stored.keys())
        assert all(torch.isfinite(stored.get_tensor(name)).all() for name in names)
    assert names == set(model.state_dict())


@pytest.mark.parametrize(
    ("word", "meant"),
    [("house", "building"), ("rooftop", "building"), ("street", "road"), ("sea", "water"), ("lagoon", "water"),
     ("plants", "vegetation"), ("desert", "land"), ("bare ground", "land")],
)
def test_words_kept_out_of_training_mean_what_they_mean(embed, word: str, meant: str) -> None:
    classes = ["building", "road", "water", "vegetation", "land"]
    cosines = (embed(*classes) @ embed(word).T)[:, 0]
    assert classes[int(cosines.argmax())] == meant


def test_templates_do_not_change_the_meaning(embed) -> None:
    words = ["road", "swimming pool", "forest", "railway"]
    bare, said = embed(*words), embed(*(f"an aerial photo of a {w}." for w in words))
    assert ((said @ bare.T).argmax(1) == torch.arange(len(words))).all()


def test_class_token_and_patches_are_finite_at_other_sizes(model: open_clip.CLIP) -> None:
    with torch.no_grad():
        features = model.encode_image(torch.randn(2, 3, 224, 224))
    assert features.shape == (2, 256) and torch.isfinite(features).all()


def test_generated_scenes_never_trained_on(model: open_clip.CLIP, embed) -> None:
    """Patches read with query-query attention name the coarse classes of fresh scenes far better than chance."""
    from geo_ovss.synthetic import COARSE, draw_scene
    from training import tower

    classes = ["building", "road", "vegetation", "water", "land"]
    text, right, known = embed(*classes), 0, 0
    for seed in range(900000, 900012):
        scene = draw_scene(seed, 224, 0.4)
        pixels = torch.from_numpy(np.array(scene.rgb)).permute(2, 0, 1)[None]
        with torch.no_grad():
            x = tower.trunk(model.visual, tower.normalise_pixels(pixels))
            block = model.visual.transformer.resblocks[-1]
            q, _, v = tower.heads(block, block.ln_1(x))
            features = tower.read(model.visual, tower.query_query(q, v))[0]
        got = (features @ text.T).argmax(1).numpy().reshape(14, 14).repeat(16, 0).repeat(16, 1)
        order = np.array([classes.index(c) if c in classes else 9 for c in COARSE])
        truth = order[scene.coarse]
        known += int((truth < 5).sum())
        right += int((got == truth)[truth < 5].sum())
    assert right / known > 0.45
