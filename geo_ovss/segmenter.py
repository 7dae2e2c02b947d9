"""The public verbs: encode a scene once, ask it for any class names, get labels and polygons."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from geo_ovss import __version__
from geo_ovss.build import Pipeline, TextPipeline, build, build_sam, build_text
from geo_ovss.classify import Classes, Finishing, classify_scene
from geo_ovss.encoders.sam import SamEncoder
from geo_ovss.errors import BadOption, StoreMismatch
from geo_ovss.memory import give_back
from geo_ovss.multiscale import encode_scene
from geo_ovss.presets import DEFAULT_PRESET, Preset, get_preset
from geo_ovss.progress import Progress
from geo_ovss.quantize import DTYPES
from geo_ovss.raster import Raster, RasterOptions, open_raster
from geo_ovss.scene import scene_layout
from geo_ovss.scene_info import SceneInfo
from geo_ovss.segmentation import Segmentation
from geo_ovss.store import SceneFeatures
from geo_ovss.vocabulary import Vocabulary, parse_classes, text_matrix


@dataclass(frozen=True)
class QueryOptions:
    """How features become labels. None takes the preset's value.

    Attributes
    ----------
    templates : str or None
        Set of prompt templates ("imagenet", "overhead", "none").
    threshold : float or None
        Probability under which a pixel gets no label, or the background class where there is one.
    synonyms : {"before", "after"}
        The best word of a class counts before the softmax over classes, or after one over all words (published codes).
    refine : bool or None
        Whether SAM redraws the edges of the labels.
    """

    templates: str | None = None
    threshold: float | None = None
    synonyms: Literal["before", "after"] = "before"
    refine: bool | None = None

    def chosen(self) -> dict[str, Any]:
        """The options that were not left to the preset, for the outputs' metadata."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class Segmenter:
    """Encoders and a method, ready for scenes.

    Parameters
    ----------
    preset : str or Preset
        A name of `presets.toml`, or a preset of your own.
    clip, guide, sam, method : str, optional
        Swap a component: a known name or a local file; or the method.
    device : str
        "auto", "cpu", "cuda", "mps".
    **overrides
        Values of the preset to replace, such as ``stride=56``.

    Examples
    --------
    >>> segmenter = Segmenter("mini")                                    # doctest: +SKIP
    >>> features = segmenter.encode("scene.tif", out="scene.features")   # doctest: +SKIP
    >>> segmenter.query(features, "road,building").polygons              # doctest: +SKIP
    """

    def __init__(self, preset: str | Preset = DEFAULT_PRESET, *, clip: str | None = None, guide: str | None = None,
                 sam: str | None = None, method: str | None = None, device: str = "auto", **overrides: Any) -> None:
        chosen = get_preset(preset) if isinstance(preset, str) else preset
        self.preset = chosen.with_overrides(clip=clip, guide=guide, sam=sam, method=method, **overrides)
        self.device = device
        self._pipeline: Pipeline | None = None
        self.progress = Progress()
        self._text: TextPipeline | None = None
        self._sam: SamEncoder | None = None
        self._rows: dict[tuple[str, ...], np.ndarray] = {}

    @property
    def pipeline(self) -> Pipeline:
        """The networks, loaded (and fetched) when first asked for."""
        if self._pipeline is None:
            self._pipeline = build(self.preset, device=self.device, progress=self.progress)
        return self._pipeline

    @property
    def text(self) -> TextPipeline:
        """The text tower: the pipeline's where it is loaded, else on its own."""
        if self._text is None:
            self._text = self._pipeline or build_text(self.preset, device=self.device, progress=self.progress)
        return self._text

    @property
    def sam(self) -> SamEncoder:
        """The SAM that redraws edges: the pipeline's where that has one, else on its own."""
        if self._sam is None:
            self._sam = (self._pipeline.sam if self._pipeline else None) or build_sam(
                self.preset, device=self.device, progress=self.progress)
        return self._sam

    def prepare(self, vocabulary: Vocabulary, options: QueryOptions | None = None) -> None:
        """Load all that a scene and a question about it need: what is missing is told before hours of encoding.

        Raises
        ------
        ModelMissing, ModelRefused, ModelDamaged, ModelUnreadable
            Weights cannot be had; SAM's among them, where the question asks for refinement.
        UnknownTemplates
        """
        options = options or QueryOptions()
        self.pipeline  # first, so that the text tower is taken from it  # noqa: B018
        self.classes(vocabulary, options)
        if self._refines(options):
            self.sam  # noqa: B018

    def encode(self, raster: str | Path | Raster, *, out: str | Path | None = None,
               options: RasterOptions | None = None, progress: Progress | None = None,
               dtype: str = "float16") -> SceneFeatures:
        """Encode a scene; what an earlier, interrupted call has finished is not computed again.

        Parameters
        ----------
        raster : path or Raster
        out : path, optional
            Folder of the feature store; a temporary one that lives as long as the result where it is left out.
        options : RasterOptions, optional
            How a path is read.
        dtype : {"float16", "int8"}
            What the features are kept in; int8 takes half the room.

        Raises
        ------
        StoreMismatch
            If `out` holds the features of another raster, preset, version or dtype.
        BadOption
            If there is no such dtype.
        """
        source = raster if isinstance(raster, Raster) else open_raster(raster, options or RasterOptions())
        progress = progress or Progress()
        temporary = Path(tempfile.mkdtemp(prefix="geo-ovss-")) if out is None else None
        try:
            source.check_any_valid()
            info = self.scene_info(source, dtype)
            features = SceneFeatures.create(temporary or Path(out or ""), info)
            encode_scene(source, self.pipeline, features, progress)
            give_back()
        except BaseException:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
            raise
        if temporary is not None:
            weakref.finalize(features, shutil.rmtree, temporary, ignore_errors=True)
        return features

    def scene_info(self, source: Raster, dtype: str = "float16") -> SceneInfo:
        """The manifest of the store that this segmenter would make of a raster."""
        if dtype not in DTYPES:
            raise BadOption("dtype", dtype, " or ".join(DTYPES))
        box = source.aoi_box()
        return SceneInfo(
            name=source.name, source=str(source.path), crs=source.crs.to_wkt() if source.crs else None,
            transform=tuple(source.transform)[:6], layout=scene_layout(source, self.pipeline),
            dim=self.pipeline.method.dim, aoi_box=None if box is None else tuple(box),  # type: ignore[arg-type]
            raster=source.identity, pipeline=self.pipeline.identity(), preset=asdict(self.preset), version=__version__,
            dtype=dtype,
        )

    def classes(self, vocabulary: Vocabulary, options: QueryOptions) -> Classes:
        """Text matrix and numbers of a class list; needs the text tower only."""
        templates = options.templates or self.preset.templates
        asked = (*vocabulary.words, templates)
        if asked not in self._rows:  # the same question to many scenes is embedded once
            self._rows[asked] = text_matrix(vocabulary, self.text.text, templates)
        words = self._rows[asked]
        background = next((i for i, c in enumerate(vocabulary.classes) if c.background), None)
        threshold = self.preset.threshold if options.threshold is None else options.threshold
        return Classes(
            text=torch.as_tensor(words).float().cpu(), class_of_word=torch.as_tensor(vocabulary.class_of_word).long(),
            count=len(vocabulary.classes), background=background, logit_scale=float(self.text.logit_scale),
            threshold=threshold, synonyms=options.synonyms,
        )

    def query(self, features: SceneFeatures | str | Path, classes: str | Vocabulary, *,
              options: QueryOptions | None = None, folder: str | Path | None = None,
              progress: Progress | None = None) -> Segmentation:
        """Answer a class list from kept features.

        Raises
        ------
        StoreMismatch
            If the features come from another CLIP than this segmenter's.
        """
        store = features if isinstance(features, SceneFeatures) else SceneFeatures.open(features)
        vocabulary = classes if isinstance(classes, Vocabulary) else parse_classes(classes)
        options = options or QueryOptions()
        if store.info.pipeline["clip"] != self.text.clip_identity:
            raise StoreMismatch(store.path, _other_clip(store.info.pipeline["clip"], self.text.clip_identity))
        place = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="geo-ovss-"))
        info = store.info
        result = Segmentation(
            labels_path=place / "labels.tif", confidence_path=place / "confidence.tif", vocabulary=vocabulary,
            name=info.name, source=info.source, raster_options=info.raster.get("options", {}),
            metadata={"source": info.source, "preset": self.preset.name, "method": self.preset.method,
                      "version": __version__, "classes": "; ".join(vocabulary.to_text().splitlines()),
                      **options.chosen()},
        )
        if folder is None:
            weakref.finalize(result, shutil.rmtree, place, ignore_errors=True)
        with self._source(store, options) as source:
            classify_scene(
                store, self.classes(vocabulary, options), result.labels_path, result.confidence_path,
                progress or Progress(), self.finishing(source, options),
                source.aoi_mask if isinstance(source, Raster) else None,
            )
        return result

    def finishing(self, source: Raster | None, options: QueryOptions) -> Finishing:
        """What the picture still does to the scores: upsampling along its edges, SAM's redrawing."""
        preset, sam = self.preset, self.sam if self._refines(options) else None
        return Finishing(source, preset.upsample == "bilateral", sam, preset.refinement, preset.presence)

    def _refines(self, options: QueryOptions) -> bool:
        return self.preset.refine if options.refine is None else options.refine

    def _source(self, store: SceneFeatures, options: QueryOptions) -> Raster | contextlib.nullcontext[None]:
        """The raster of a store, opened only where the question needs it again."""
        needed = store.info.aoi_box is not None or self.preset.upsample == "bilateral" or self._refines(options)
        read = RasterOptions(**store.info.raster["options"])
        return open_raster(store.info.source, read) if needed else contextlib.nullcontext()

    def segment(self, raster: str | Path | Raster, classes: str | Vocabulary, *,
                options: RasterOptions | None = None, query: QueryOptions | None = None,
                progress: Progress | None = None) -> Segmentation:
        """Encode and query in one call; nothing is kept but the result."""
        vocabulary = classes if isinstance(classes, Vocabulary) else parse_classes(classes)
        self.prepare(vocabulary, query)
        features = self.encode(raster, options=options, progress=progress)
        return self.query(features, vocabulary, options=query, progress=progress)


def _other_clip(stored: str, asking: str) -> str:
    """What differs between two identities (name and fingerprint), without the fingerprints."""
    names = stored.split(" ")[0], asking.split(" ")[0]
    if names[0] == names[1]:
        return f"CLIP (other weights under the name {names[0]})"
    return f"CLIP ({names[0]}, not {names[1]})"


def segment(raster: str | Path, classes: str | Vocabulary, *, preset: str | Preset = DEFAULT_PRESET,
            **options: Any) -> Segmentation:
    """Segment a georeferenced raster by class names.

    Parameters
    ----------
    raster : path
        Anything GDAL reads.
    classes : str or Vocabulary
        ``"road,building"``, ``"building|house;road|street"``, or the path of a class file.
    preset : str or Preset
        "mini" works offline; see `presets.toml` for the others.
    **options
        Fields of `RasterOptions` (``gsd``, ``bands``, ``aoi`` ...), of `QueryOptions` (``threshold`` ...), arguments
        of `Segmenter` (``device``, ``method`` ...), or values of the preset.

    Returns
    -------
    Segmentation
        With ``.polygons``, ``.labels``, ``.confidence``, ``.to_gpkg(path)``, ``.preview(path)``.
    """
    raster_fields, query_fields = (set(c.__dataclass_fields__) for c in (RasterOptions, QueryOptions))
    read = {k: v for k, v in options.items() if k in raster_fields}
    ask = {k: v for k, v in options.items() if k in query_fields}
    rest = {k: v for k, v in options.items() if k not in raster_fields | query_fields | {"progress"}}
    return Segmenter(preset, **rest).segment(
        raster, classes, options=RasterOptions(**read), query=QueryOptions(**ask), progress=options.get("progress")
    )
