"""From presets, names and files to networks and methods."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import open_clip
import psutil
import pytest
import rasterio
import timm
import torch
from segment_anything import sam_model_registry
from weight_files import shapes_of, spread, tiny_clip

from geo_ovss.build import build, build_sam, build_text, shape_of
from geo_ovss.checkpoints import fingerprint, read_state
from geo_ovss.devices import DTYPES, resolve_device, resolve_dtype
from geo_ovss.errors import (
    ModelMissing,
    ModelUnreadable,
    NoSuchDevice,
    UnknownMethod,
    UnknownMethodOption,
    UnknownModel,
    UnsupportedClip,
    WindowNotWhole,
)
from geo_ovss.model_sources import resolve
from geo_ovss.models import MIRROR
from geo_ovss.networks import WithoutRandomStart
from geo_ovss.presets import get_preset
from geo_ovss.published import run_published

MINI = get_preset("mini")
SAMPLES = Path(__file__).parents[1] / "sample_data"
PIXELS = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small CLIP: tiny.json, tiny.safetensors."""
    place = tmp_path_factory.mktemp("weights")
    tiny_clip(place)
    return place


# ---- what a pipeline is


def test_a_pipeline_from_a_local_config(folder: Path) -> None:
    pipeline = build(MINI, clip=str(folder / "tiny.json"), device="cpu")
    assert (pipeline.method.name, pipeline.method.token, pipeline.method.dim) == ("gla-clearclip", 16, 32)
    assert pipeline.sam is None and pipeline.device == torch.device("cpu")
    assert pipeline.logit_scale == pytest.approx(1 / 0.07, rel=1e-5)  # the CLIP's own
    assert build(MINI.with_overrides(logit_scale=25), clip=str(folder / "tiny.json"), device="cpu").logit_scale == 25
    text = pipeline.text.encode_text(["road", "tennis court"], ["a photo of a {}.", "{}"])
    assert text.shape == (2, 32)
    torch.testing.assert_close(text.norm(dim=-1), torch.ones(2))
    json.dumps(pipeline.identity())


def test_the_text_tower_alone_says_the_same(folder: Path) -> None:
    clip = str(folder / "tiny.json")
    whole, alone = build(MINI, clip=clip, device="cpu"), build_text(MINI, clip=clip, device="cpu")
    words, templates = ["building", "water"], ["aerial view of {}"]
    assert torch.equal(whole.text.encode_text(words, templates), alone.text.encode_text(words, templates))
    assert alone.clip_identity == whole.clip_identity == whole.identity()["clip"]
    assert alone.logit_scale == whole.logit_scale
    assert not any(name.startswith("visual") for name, _ in alone.text.model.named_parameters())


def test_the_text_tower_alone_of_a_custom_text_clip(tmp_path: Path) -> None:
    clip = str(tiny_clip(tmp_path, custom_text=True))
    whole, alone = build(MINI, clip=clip, device="cpu"), build_text(MINI, clip=clip, device="cpu")
    assert torch.equal(whole.text.encode_text(["sea"], ["{}"]), alone.text.encode_text(["sea"], ["{}"]))


def test_identity_follows_content_not_place(folder: Path, tmp_path: Path) -> None:
    for suffix in ("json", "safetensors"):
        shutil.copy(folder / f"tiny.{suffix}", tmp_path / f"tiny.{suffix}")
    here = build(MINI, clip=str(folder / "tiny.json"), device="cpu").identity()
    there = build(MINI, clip=str(tmp_path / "tiny.safetensors"), device="cpu").identity()
    assert here == there and str(folder) not in json.dumps(here)
    data = bytearray((tmp_path / "tiny.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "tiny.safetensors").write_bytes(data)
    assert build(MINI, clip=str(tmp_path / "tiny.json"), device="cpu").identity() != here


@pytest.mark.parametrize("picture", ["OSBS_029.tif", "town.tif"])
def test_half_precision_gives_the_same_labels(picture: str) -> None:
    """The published precision of the presets, on the CPU, with the embedded model and real and drawn pictures."""
    precision = get_preset("base").precision
    with rasterio.open(SAMPLES / picture) as source:
        rgb = source.read([1, 2, 3], window=((0, 336), (0, 336))).transpose(1, 2, 0)
    full, half = build(MINI, device="cpu"), build(MINI, device="cpu", dtype=DTYPES[precision])
    assert full.identity() != half.identity()
    text = full.text.encode_text(["building", "road", "vegetation", "water", "land"], ["{}"])
    exact, rounded = (run_published(pipeline.method, rgb, text).logits for pipeline in (full, half))
    assert exact.dtype == rounded.dtype == torch.float32 and not torch.equal(exact, rounded)
    assert (exact.argmax(0) == rounded.argmax(0)).float().mean() >= 0.99


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_an_accelerator_gives_the_same_labels(precision: str) -> None:
    from geo_ovss.segmenter import segment

    words = "building,road,vegetation,water,land"
    labels = [segment(SAMPLES / "OSBS_029.tif", words, device=device, precision=precision).labels
              for device in ("cpu", "cuda")]
    assert (labels[0] == labels[1]).mean() >= 0.99


# ---- names and files


def test_names_of_every_kind(folder: Path) -> None:
    assert resolve("clip", "openai-vit-b-16").architecture == "ViT-B-16-quickgelu"
    tagged = resolve("clip", "ViT-B-16:openai")
    assert tagged.weights is not None and tagged.architecture == "ViT-B-16-quickgelu"
    assert (tagged.weights.repo, tagged.weights.file) == (
        "timm/vit_base_patch16_clip_224.openai", "open_clip_model.safetensors")
    known = resolve("clip", "openai-vit-b-16").weights
    assert known is not None and (known.repo, known.file) == (tagged.weights.repo, tagged.weights.file)
    guide = resolve("guide", "vit_small_patch14_dinov2.lvd142m")
    assert guide.weights is not None and guide.weights.repo == "timm/vit_small_patch14_dinov2.lvd142m"
    local = resolve("clip", f"ViT-B-32:{folder / 'tiny.safetensors'}")
    assert (local.architecture, local.path) == ("ViT-B-32", folder / "tiny.safetensors")


def test_the_catalogue_agrees_with_the_libraries() -> None:
    from geo_ovss.models import catalogue

    for entry in catalogue().values():
        if entry.component == "guide":
            assert timm.models.get_pretrained_cfg(entry.architecture).hf_hub_id == entry.repo
        elif entry.component == "sam":
            assert entry.architecture in sam_model_registry
        elif not entry.package:
            assert entry.architecture in open_clip.list_models()
            tags = [(m, t) for m, t in open_clip.list_pretrained() if m == entry.architecture]
            hubs = {open_clip.get_pretrained_cfg(m, t).get("hf_hub", "").rstrip("/") for m, t in tags}
            assert entry.repo in hubs or "rsclip" in entry.name or "remoteclip" in entry.name


@pytest.mark.parametrize(("component", "spec"), [
    ("clip", "openai"), ("clip", "ViT-B-16"), ("clip", "ViT-B-16:nobody"), ("clip", "dino-vit-b-8"),
    ("clip", "/nowhere/clip.safetensors"), ("guide", "dinosaur"), ("guide", "sam-vit-b"), ("sam", "vit_b"),
])
def test_unknown_names_are_one_sentence(component: Any, spec: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve(component, spec)
    assert spec in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_copied_from_the_hub(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "tiny.json").read_text())
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    shutil.copy(folder / "tiny.safetensors", tmp_path / "open_clip_model.safetensors")
    for file in ("open_clip_config.json", "open_clip_model.safetensors"):
        pipeline = build(MINI, clip=str(tmp_path / file), device="cpu")
        assert pipeline.text.mean == (0.5, 0.5, 0.5) and pipeline.text.std == (0.25, 0.25, 0.25)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3},
                                  lambda s: {f"module.{k}": v for k, v in s.items()}])
def test_torch_checkpoints_in_their_usual_wrappings(folder: Path, tmp_path: Path, wrap: Any) -> None:
    state = read_state(folder / "tiny.safetensors")
    torch.save(wrap(state), tmp_path / "tiny.pt")
    shutil.copy(folder / "tiny.json", tmp_path / "tiny.json")
    mine = build(MINI, clip=str(tmp_path / "tiny.pt"), device="cpu")
    reference = build(MINI, clip=str(folder / "tiny.json"), device="cpu")
    assert torch.equal(mine.method.encode(PIXELS).values, reference.method.encode(PIXELS).values)


class Evil:
    """A pickle that would run code."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('code in a checkpoint was run')",))


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    torch.save({"state_dict": Evil()}, tmp_path / "a.pt")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Evil()))
    for name in ("a.pt", "b.pth"):
        with pytest.raises(ModelUnreadable, match="never run"):
            read_state(tmp_path / name)


def test_files_that_are_no_weights(folder: Path, tmp_path: Path) -> None:
    cut = (folder / "tiny.safetensors").read_bytes()[:-5]
    (tmp_path / "cut.safetensors").write_bytes(cut)
    shutil.copy(folder / "tiny.json", tmp_path / "cut.json")
    with pytest.raises(ModelUnreadable, match="damaged"):
        build(MINI, clip=str(tmp_path / "cut.json"), device="cpu")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ModelUnreadable):
        read_state(tmp_path / "text.pt")
    torch.save({"a": 1}, tmp_path / "empty.pt")
    with pytest.raises(ModelUnreadable):
        read_state(tmp_path / "empty.pt")
    (tmp_path / "alone.json").write_text("{}")
    with pytest.raises(ModelUnreadable, match=r"no alone\.safetensors beside"):
        resolve("clip", str(tmp_path / "alone.json"))
    shutil.copy(folder / "tiny.safetensors", tmp_path / "alone.safetensors")
    with pytest.raises(ModelUnreadable, match="no open_clip config"):
        build(MINI, clip=str(tmp_path / "alone.json"), device="cpu")
    (tmp_path / "alone.json").write_text("{")
    with pytest.raises(ModelUnreadable, match="no JSON file"):
        build(MINI, clip=str(tmp_path / "alone.json"), device="cpu")
    (tmp_path / "alone.json").unlink()
    with pytest.raises(ModelUnreadable, match="does not say its architecture"):
        resolve("clip", str(tmp_path / "alone.safetensors"))
    (tmp_path / "weights.onnx").write_bytes(b"")
    with pytest.raises(ModelUnreadable, match="ends with none of"):
        resolve("sam", str(tmp_path / "weights.onnx"))


def test_weights_of_another_architecture(folder: Path) -> None:
    with pytest.raises(ModelUnreadable, match="does not fit the architecture"):
        build(MINI, clip=f"ViT-S-16-alt:{folder / 'tiny.safetensors'}", device="cpu")
    guide = get_preset("base").with_overrides(clip=str(folder / "tiny.json"))
    with pytest.raises(ModelUnreadable, match="does not fit the architecture"):
        build(guide, guide=f"vit_tiny_patch16_224:{folder / 'tiny.safetensors'}", device="cpu")
    with pytest.raises(ModelUnreadable, match="no SAM"):
        build_sam(MINI.with_overrides(sam=str(folder / "tiny.safetensors")), device="cpu")
    with pytest.raises(UnsupportedClip):
        shape_of(MINI.with_overrides(clip="RN50:openai"))
    with pytest.raises(UnsupportedClip):
        shape_of(MINI.with_overrides(clip="coca_ViT-B-32:laion2b_s13b_b90k"))


def test_what_else_can_be_asked_wrongly(folder: Path) -> None:
    clip = str(folder / "tiny.json")
    with pytest.raises(UnknownMethod):
        build(MINI, clip=clip, method="magic", device="cpu")
    with pytest.raises(UnknownMethodOption):
        build(MINI.with_overrides(options={"magic": 1}), clip=clip, device="cpu")
    with pytest.raises(WindowNotWhole):
        build(MINI.with_overrides(stride=100), clip=clip, device="cpu")
    with pytest.raises(NoSuchDevice):
        build(MINI, clip=clip, device="warp")


def test_offline_names_the_file_the_command_and_the_preset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(MIRROR, str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelMissing) as caught:
        build(get_preset("base"), device="cpu")
    text = str(caught.value)
    assert "vit_base_patch16_clip_224.openai/open_clip_model.safetensors" in text and "\n" not in text
    assert "geo-ovss models fetch openai-vit-b-16" in text and "preset mini" in text


def test_fingerprints(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(bytes(1000))
    b.write_bytes(bytes(1000))
    assert fingerprint(a) == fingerprint(b)
    b.write_bytes(bytes(1001))
    assert fingerprint(a) != fingerprint(b)
    b.write_bytes(bytes(999) + b"\1")
    assert fingerprint(a) != fingerprint(b)


def test_devices() -> None:
    cpu = resolve_device("cpu")
    assert resolve_dtype("bfloat16", cpu) == torch.float32
    assert resolve_dtype("float16", torch.device("mps")) == torch.float16
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(NoSuchDevice):
        resolve_device("cuda:97")


# ---- published architectures, from files at their true size (test_architectures.py runs all of them)

PAIRS = [
    ("ViT-B-32-quickgelu", "vit_base_patch14_reg4_dinov2.lvd142m", "gla-proxyclip", 14, 512),
    ("ViT-L-14-quickgelu", "vit_base_patch16_dinov3.lvd1689m", "gla-proxyclip", 16, 768),
    ("ViT-B-16-quickgelu", None, "gla-gclip", 16, 512),
]
GIGABYTES = 4


@pytest.mark.parametrize(("clip", "guide", "method", "token", "dim"), PAIRS)
def test_true_sizes_run(tmp_path: Path, clip: str, guide: str | None, method: str, token: int, dim: int) -> None:
    if psutil.virtual_memory().available < GIGABYTES * 1e9:
        pytest.skip(f"needs {GIGABYTES} GB of free memory")
    preset = MINI.with_overrides(clip=f"{clip}:{_published_clip(clip, tmp_path)}", method=method)
    if guide:
        preset = preset.with_overrides(guide=f"{guide}:{_published_guide(guide, tmp_path)}")
    assert shape_of(preset) == (token, dim)
    pipeline = build(preset, device="cpu")
    tokens = pipeline.method.encode(PIXELS)
    side = 224 // token
    assert tokens.guide is not None and tokens.guide.shape[:3] == tokens.values.shape[:3] == (1, side, side)
    assert tokens.cls is not None and tokens.cls.shape == (1, dim)
    for rows in (tokens.guide, tokens.values, tokens.cls):
        assert bool(rows.isfinite().all()) and float(rows.std()) > 0
    assert pipeline.text.encode_text(["road"], ["{}"]).shape == (1, dim)


def _published_clip(name: str, folder: Path) -> Path:
    with torch.device("meta"):
        shapes = shapes_of(open_clip.CLIP(**open_clip.get_model_config(name)))
    return spread(shapes, folder / "clip.pt")


def _published_guide(name: str, folder: Path) -> Path:
    with WithoutRandomStart():
        shapes = shapes_of(timm.create_model(name, num_classes=0))
    return spread(shapes, folder / "guide.pth")


def test_sam_at_its_true_size_is_known_by_its_weights(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = shapes_of(sam_model_registry["vit_b"]())
    path = spread(shapes, tmp_path / "sam.pth")
    sam = build_sam(MINI.with_overrides(sam=str(path)), device="cpu")
    assert len(sam.model.image_encoder.blocks) == 12 and sam.side == 1024
