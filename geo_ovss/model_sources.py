"""From what a user calls a model to its architecture and its file: `--clip`, `--guide`, `--sam`, and presets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geo_ovss.download import OnBytes
from geo_ovss.errors import ModelUnreadable, UnknownModel
from geo_ovss.models import Component, Weights, catalogue, locate, obtain

CHECKPOINTS = (".safetensors", ".pt", ".pth", ".bin")
HUB_PAIRS = {
    "open_clip_config.json": ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    "config.json": ("model.safetensors", "pytorch_model.bin"),
}
"""Config and checkpoint of a folder that was copied from the hub: open_clip's, then timm's."""
HINTS = {
    "clip": "`geo-ovss models list` shows the known ones; an open_clip model is written ViT-B-16:openai, a file of "
            "weights ViT-B-16:FILE or as its config's FILE.json",
    "guide": "`geo-ovss models list` shows the known ones; any vision transformer of timm goes by its timm name, a "
             "file of weights as NAME:FILE",
    "sam": "`geo-ovss models list` shows the known ones; else give the file of weights",
}


@dataclass(frozen=True)
class Source:
    """Where a component comes from.

    Attributes
    ----------
    component : {"clip", "guide", "sam"}
    spec : str
        What the user or the preset wrote.
    architecture : str or None
        Its name in open_clip, timm or segment_anything; None where a config says it, or the weights do (SAM).
    config : Path or None
        A JSON file with the architecture.
    weights : Weights or None
        What to fetch, where the file is a published one.
    path : Path or None
        The file itself, where the user gave one.
    """

    component: Component
    spec: str
    architecture: str | None = None
    config: Path | None = None
    weights: Weights | None = None
    path: Path | None = None

    def file(self, *, offline: bool = False, on_bytes: OnBytes | None = None) -> Path:
        """The checkpoint on this machine, fetched first where that is needed and allowed (`models.obtain`)."""
        if self.path is not None:
            return self.path
        assert self.weights is not None  # resolve gives one of the two
        return obtain(self.weights, offline=offline, on_bytes=on_bytes)

    @property
    def is_here(self) -> bool:
        """Whether nothing would have to be fetched."""
        return self.path is not None or (self.weights is not None and locate(self.weights) is not None)

    @property
    def name(self) -> str:
        """What it is called on every machine: never a folder."""
        return self.weights.name if self.weights else self.path.name if self.path else self.spec


def resolve(component: Component, spec: str) -> Source:
    """Understand a name or a file.

    Parameters
    ----------
    component : {"clip", "guide", "sam"}
    spec : str
        A name of the catalogue; ``architecture:tag`` of open_clip; a name of timm (guide); a file of weights, alone
        where its config lies beside it, else as ``architecture:FILE``; or the config's own file.

    Raises
    ------
    UnknownModel
        If it is none of these.
    ModelUnreadable
        If a config or its weights lack the other.
    """
    known = catalogue().get(spec)
    if known is not None:
        if known.component != component:
            raise UnknownModel(component, spec, f"it is the name of a {known.component}")
        return _of_package(known) if known.package else Source(component, spec, known.architecture, weights=known)
    if Path(spec).expanduser().is_file():
        return _of_file(component, spec, Path(spec).expanduser())
    architecture, _, rest = spec.partition(":")
    if rest and Path(rest).expanduser().is_file():
        return Source(component, spec, architecture, path=Path(rest).expanduser())
    weights = {"clip": _of_open_clip, "guide": _of_timm, "sam": lambda _: None}[component](spec)
    if weights is None:
        raise UnknownModel(component, spec, HINTS[component])
    return Source(component, spec, weights.architecture, weights=weights)


def _of_package(weights: Weights) -> Source:
    """A model of this package: its config and, beside it, its weights."""
    config = locate(weights)
    if config is None:
        obtain(weights)  # says that this installation lacks it
    assert config is not None
    return Source(weights.component, weights.name, config=config, path=config.with_suffix(".safetensors"))


def _of_file(component: Component, spec: str, path: Path) -> Source:
    """A file alone: a config whose weights lie beside it, or the other way round; SAM's weights need no config."""
    if path.suffix == ".json":
        beside = [path.with_suffix(s) for s in CHECKPOINTS] + [path.with_name(n) for n in HUB_PAIRS.get(path.name, ())]
        weights = next((p for p in beside if p.is_file()), None)
        if weights is None:
            raise ModelUnreadable(path, f"there is no {path.stem}.safetensors beside it")
        return Source(component, spec, config=path, path=weights)
    if path.suffix not in CHECKPOINTS:
        raise ModelUnreadable(path, f"it ends with none of {', '.join(CHECKPOINTS)}")
    pairs = [path.with_name(config) for config, files in HUB_PAIRS.items() if path.name in files]
    config = next((p for p in [path.with_suffix(".json"), *pairs] if p.is_file()), None)
    if config is None and component != "sam":
        example = "ViT-B-32" if component == "clip" else "vit_base_patch8_224"
        raise ModelUnreadable(path, f"it does not say its architecture (write {example}:{spec})")
    return Source(component, spec, config=config, path=path)


def _of_open_clip(spec: str) -> Weights | None:
    """An open_clip architecture with one of its published tags."""
    import open_clip

    architecture, _, tag = spec.partition(":")
    published = open_clip.get_pretrained_cfg(architecture, tag) if tag else None
    if not published:
        return None
    quick = f"{architecture}-quickgelu"
    if published.get("quick_gelu") and quick in open_clip.list_models():
        architecture = quick  # some tags are listed under both, and only one computes what was trained
    repo, _, file = published.get("hf_hub", "").rpartition("/")
    url = "" if repo else published.get("url", "")
    file = file or ("open_clip_model.safetensors" if repo else url.rsplit("/", 1)[-1])
    return Weights(
        spec, "clip", architecture, spec, repo=repo, file=file, url=url, sha256=_sha256_in(url),
        mean=published.get("mean"), std=published.get("std"),
    )


def _sha256_in(url: str) -> str | None:
    """OpenAI puts the hash into the address, before the name; open_clip's releases put its first digits behind it."""
    if "openaipublic" in url:
        return url.split("/")[-2]
    if "mlfoundations" in url:
        return url.rsplit(".", 1)[0].rsplit("-", 1)[-1]
    return None


def _of_timm(spec: str) -> Weights | None:
    """A model of timm with published weights."""
    import timm

    published = timm.models.get_pretrained_cfg(spec) if timm.is_model(spec) else None
    if published is None or not (published.hf_hub_id or published.url):
        return None
    licence = published.license or "see the publisher's page"
    if published.hf_hub_id:
        file = published.hf_hub_filename or "model.safetensors"
        return Weights(spec, "guide", spec, spec, licence, repo=published.hf_hub_id, file=file)
    return Weights(spec, "guide", spec, spec, licence, url=published.url, file=published.url.rsplit("/", 1)[-1])
