"""What every method promises: shapes, scopes, options, errors; and the encoders under them."""

from __future__ import annotations

import pytest
import torch
from tiny_networks import STRIDE, WINDOW, picture, texts, tiny_clip, tiny_guide, tiny_method, tiny_visual, windows
from torch import nn
from torch.nn import functional as F

from geo_ovss.encoders.clip import ClipEncoder, resize_positions
from geo_ovss.encoders.guide import GuideEncoder
from geo_ovss.errors import (
    BadMethodOption,
    GeoOvssError,
    MissingEncoder,
    UnknownMethod,
    UnknownMethodOption,
    UnsupportedClip,
    UnsupportedGuide,
    WindowNotWhole,
)
from geo_ovss.methods import METHODS, build_method, published_options
from geo_ovss.methods.base import BlockTokens
from geo_ovss.published import encode_windows, picture_block, run_published, window_corners

LOCAL = ["vanilla", "maskclip", "sclip", "naclip", "clearclip", "proxyclip", "gclip"]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_a_logit_for_every_pixel(name: str) -> None:
    method = tiny_method(name)
    result = run_published(method, picture(96, 128), texts())
    assert result.logits.shape == (5, 96, 128)
    assert result.logits.isfinite().all()
    assert result.logits.abs().max() <= 1.001
    assert method.name == name
    assert method.dim == 24
    assert method.token == (8 if "guide" in METHODS[name].needs else 16)


@pytest.mark.parametrize("name", METHODS)
def test_tokens_of_a_window(name: str) -> None:
    method = tiny_method(name)
    tokens = method.encode(windows(2))
    n = WINDOW // method.token
    assert tokens.values.shape[:3] == (2, n, n)
    assert tokens.cls.shape == (2, 24)
    assert torch.allclose(tokens.cls.norm(dim=-1), torch.ones(2), atol=1e-5)
    if method.scope == "window":
        assert tokens.guide is None
        assert torch.allclose(tokens.values.norm(dim=-1), torch.ones(2, n, n), atol=1e-5)
    else:
        assert tokens.guide.shape[:3] == (2, n, n)


@pytest.mark.parametrize("name", [*LOCAL, "gla-clearclip", "gla-proxyclip", "gla-gclip", "gla-sclip"])
def test_windows_can_be_encoded_together_or_alone(name: str) -> None:
    method, pixels = tiny_method(name), windows(3)
    together = method.encode(pixels)
    alone = [method.encode(pixels[n:n + 1]) for n in range(3)]
    assert torch.allclose(together.values, torch.cat([a.values for a in alone]), atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_asked_for_queries_come_in_order(name: str) -> None:
    method = tiny_method(name)
    shot = picture(96, 128)
    corners = window_corners(96, 128, WINDOW, STRIDE)
    block = picture_block(method, shot, corners, encode_windows(method, shot, corners, 8))
    queries = torch.zeros(block.weights.shape, dtype=torch.bool)
    queries[::2, 1, :] = True
    every, some = method.mix(block), method.mix(block, queries)
    assert every.shape == (queries.numel(), 24)
    assert torch.allclose(some, every[queries.flatten()], atol=1e-4)


def test_local_attentions_differ() -> None:
    features = {name: tiny_method(name).encode(windows(1)).values for name in LOCAL if name != "proxyclip"}
    names = list(features)
    for n, one in enumerate(names):
        for other in names[n + 1:]:
            assert not torch.allclose(features[one], features[other], atol=1e-3), (one, other)


def test_naclip_with_a_wide_gaussian_is_key_key_attention() -> None:
    clip = tiny_clip()
    method, pixels = tiny_method("naclip", clip, std=1e6), windows(1)
    tokens = clip.trunk(pixels)
    _, k, v = clip.qkv(tokens.x)
    logits = k @ k.transpose(-1, -2) * k.shape[-1] ** -0.5
    logits[..., 1:, 1:] += 1  # the same bonus everywhere, but for the class token
    attended = (logits.softmax(-1) @ v).transpose(1, 2).flatten(2)[:, 1:]
    wanted = F.normalize(clip.head(clip.output(attended)), dim=-1)
    assert torch.allclose(method.encode(pixels).values.flatten(1, 2), wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["clearclip", "gla-clearclip"])
def test_bias_alleviation_takes_the_class_token_away(name: str) -> None:
    shot, words = picture(96, 128), texts()
    plain, eased = tiny_method(name), tiny_method(name, bias_alleviation=0.3)
    corners = window_corners(96, 128, WINDOW, STRIDE)
    tokens = encode_windows(plain, shot, corners, 8)
    block = picture_block(plain, shot, corners, tokens)
    before = F.normalize(plain.mix(block), dim=-1).unflatten(0, block.values.shape[:3])
    wanted = F.normalize(before - 0.3 * tokens.cls[:, None, None], dim=-1)
    assert torch.allclose(run_published(eased, shot, words).window_features, wanted.flatten(1, 2), atol=1e-4)


# ---- names, options, errors


def test_published_numbers() -> None:
    options = published_options("gla-proxyclip")
    assert {k: options[k] for k in ("rho", "T", "lambda1", "lambda2")} == {
        "rho": 0.6, "T": 2, "lambda1": 0.3, "lambda2": 30.0}
    assert options["dynamic_offset"] and not published_options("gla-clearclip")["dynamic_offset"]
    assert published_options("trident")["cos_fac"] == 1.2
    assert published_options("gclip")["fused_blocks"] == 2


@pytest.mark.parametrize(("name", "options", "error", "says"), [
    ("glaclip", {}, UnknownMethod, "gla-proxyclip"),
    ("naclip", {"sigma": 5.0}, UnknownMethodOption, "std"),
    ("clearclip", {"rho": 0.6}, UnknownMethodOption, "bias_alleviation"),
    ("gla-clearclip", {"proxy_anchors": 1}, BadMethodOption, "bool"),
    ("gla-clearclip", {"T": 2.5}, BadMethodOption, "int"),
    ("gla-clearclip", {"rho": "high"}, BadMethodOption, "float"),
    ("gla-clearclip", {"rho": True}, BadMethodOption, "float"),
])
def test_wrong_names_and_options(name: str, options: dict, error: type[GeoOvssError], says: str) -> None:
    with pytest.raises(error, match=says):
        tiny_method(name, **options)


def test_whole_numbers_do_for_broken_ones() -> None:
    assert tiny_method("naclip", std=5).std == 5.0


@pytest.mark.parametrize(("name", "missing"), [("proxyclip", "guide"), ("gla-proxyclip", "guide"), ("trident", "sam")])
def test_missing_encoders(name: str, missing: str) -> None:
    encoders = {"guide": tiny_guide(), "sam": None} if missing == "sam" else {}
    with pytest.raises(MissingEncoder, match=missing):
        build_method(name, clip=tiny_clip(), window=WINDOW, stride=STRIDE, **encoders)


@pytest.mark.parametrize(("window", "stride"), [(72, 32), (64, 24)])
def test_windows_are_whole_tokens(window: int, stride: int) -> None:
    with pytest.raises(WindowNotWhole, match=f"{window} pixels moved by {stride}"):
        build_method("clearclip", clip=tiny_clip(), window=window, stride=stride)


# ---- encoders


def test_the_last_block_is_the_librarys() -> None:
    visual = tiny_visual()
    clip, pixels = ClipEncoder(visual), windows(2)
    tokens = clip.trunk(pixels)
    scale = torch.tensor([*clip.std]).view(1, 3, 1, 1)
    images = (pixels / 255 - torch.tensor([*clip.mean]).view(1, 3, 1, 1)) / scale
    with torch.no_grad():
        assert torch.allclose(clip.class_features(tokens.x), F.normalize(visual(images), dim=-1), atol=1e-5)
        q, k, v = clip.qkv(tokens.x)
        ours = clip.output(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        block = visual.transformer.resblocks[-1]
        assert torch.allclose(ours, block.attention(block.ln_1(tokens.x)), atol=1e-4)


@pytest.mark.parametrize("options", [
    {"pool_type": "avg"}, {"pool_type": "avg", "final_ln_after_pool": True}, {"no_ln_pre": True},
    {"ls_init_value": 0.5}, {"pos_embed_type": "sin_cos_2d"},
], ids=str)
def test_other_layouts(options: dict) -> None:
    visual = tiny_visual(**options)
    clip = ClipEncoder(visual)
    pixels = windows(1)
    images = (pixels / 255 - torch.tensor([*clip.mean]).view(1, 3, 1, 1)) / torch.tensor([*clip.std]).view(1, 3, 1, 1)
    with torch.no_grad():
        wanted = F.normalize(visual(images), dim=-1)
    assert torch.allclose(clip.class_features(clip.trunk(pixels).x), wanted, atol=1e-5)


def test_maps_of_blocks_do_not_change_the_trunk() -> None:
    clip = tiny_clip()
    plain, open_ = clip.trunk(windows(1)), clip.trunk(windows(1), maps_of=(0, 2))
    assert torch.allclose(plain.x, open_.x, atol=1e-4)
    assert sorted(open_.maps) == [0, 2]
    assert all(torch.allclose(m.sum(-1), torch.ones(1, 4, 17), atol=1e-5) for m in open_.maps.values())


def test_half_precision_stays_in_the_networks() -> None:
    visual = tiny_visual()
    exact = run_published(tiny_method("gla-clearclip", ClipEncoder(visual)), picture(), texts()).logits
    half_clip = ClipEncoder(visual, dtype=torch.bfloat16)
    method = tiny_method("gla-clearclip", half_clip)
    tokens = method.encode(windows(1))
    assert tokens.values.dtype == tokens.guide.dtype == tokens.cls.dtype == torch.float32
    assert visual.conv1.weight.dtype == torch.float32
    half = run_published(method, picture(), texts()).logits
    assert 0 < (half - exact).abs().mean() < 0.02
    assert (half.argmax(0) == exact.argmax(0)).float().mean() > 0.95


def test_positions_of_the_native_grid_are_taken_as_they_are() -> None:
    embedding = torch.randn(17, 8)
    assert resize_positions(embedding, (4, 4), (4, 4)) is embedding
    larger = resize_positions(embedding, (4, 4), (6, 5))
    assert larger.shape == (31, 8)
    assert torch.equal(larger[0], embedding[0])


def test_windows_of_another_size_and_of_odd_sizes() -> None:
    clip, guide = tiny_clip(), tiny_guide(14)
    assert clip.trunk(torch.zeros(1, 3, 96, 96, dtype=torch.uint8)).grid == (6, 6)
    assert clip.trunk(torch.zeros(1, 3, 70, 64, dtype=torch.uint8)).grid == (5, 4)
    assert guide.encode(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape == (1, 5, 5, 32)


def test_unsupported_towers_are_refused() -> None:
    from open_clip.modified_resnet import ModifiedResNet
    from timm.models import VisionTransformer as TimmTransformer

    with pytest.raises(UnsupportedClip, match="no plain vision transformer"):
        ClipEncoder(ModifiedResNet((1, 1, 1, 1), 16, 4, image_size=64, width=8))
    with pytest.raises(UnsupportedClip, match="pools by attention"):
        ClipEncoder(tiny_visual(attentional_pool=True, attn_pooler_heads=4))
    with pytest.raises(UnsupportedClip, match="standard"):
        ClipEncoder(tiny_visual(qk_norm=True))
    with pytest.raises(UnsupportedClip, match="text"):
        tiny_clip().encode_text(["road"], ["a {}"])
    with pytest.raises(UnsupportedGuide, match="no vision transformer"):
        GuideEncoder(nn.Linear(2, 2))
    with pytest.raises(UnsupportedGuide, match="one picture size"):
        GuideEncoder(TimmTransformer(img_size=32, patch_size=16, embed_dim=16, depth=1, num_heads=2, num_classes=0))


def test_a_picture_smaller_than_a_window() -> None:
    assert run_published(tiny_method("clearclip"), picture(40, 50), texts()).logits.shape == (5, 40, 50)


def test_block_tokens_keep_their_place_on_another_device() -> None:
    block = BlockTokens(None, torch.zeros(1, 2, 2, 3), torch.tensor([[4, 5]]), torch.ones(1, 2, 2), 1, origin=(3, 4))
    moved = block.to(torch.device("cpu"))
    assert moved.origin == (3, 4)
    assert torch.equal(moved.offsets, block.offsets)
