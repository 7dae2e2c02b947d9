"""What a feature store says of its scene: where it lies, what it was made from, how large it will be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from geo_ovss.grid import Box, Layout
from geo_ovss.presets import Preset
from geo_ovss.quantize import stored_bytes


@dataclass(frozen=True)
class SceneInfo:
    """What a store says of its scene.

    Attributes
    ----------
    name : str
        The scene's name: the raster's file name without suffix.
    source : str
        The raster's path, as it was given.
    crs : str or None
        WKT of the scene's coordinate reference system.
    transform : tuple of float
        The six numbers of the working grid's affine transform (a, b, c, d, e, f).
    aoi_box : tuple of int or None
        Row, column, height, width (pixels) of the area that was encoded; None for all of it.
    raster, pipeline : dict
        The identities that a later run must share to reuse the store.
    preset : dict
        The preset, whole, for the text tower and the defaults of later questions.
    version : str
        The version of geo-ovss that wrote it.
    dtype : str
        What the features are kept in (`quantize.DTYPES`).
    """

    name: str
    source: str
    crs: str | None
    transform: tuple[float, ...]
    layout: Layout
    dim: int
    aoi_box: tuple[int, int, int, int] | None
    raster: dict[str, Any]
    pipeline: dict[str, Any]
    preset: dict[str, Any]
    version: str
    dtype: str = "float16"

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """The blocks that a store of this scene answers for, row-major."""
        return self.layout.meeting(None if self.aoi_box is None else Box(*self.aoi_box))

    @property
    def tokens(self) -> int:
        """Tokens of those blocks."""
        if self.aoi_box is None:
            return self.layout.token_shape[0] * self.layout.token_shape[1]
        return sum(self.layout.core(*block).tokens(self.layout.token).area for block in self.blocks)

    @property
    def expected_bytes(self) -> int:
        """Size of the features before compression."""
        return stored_bytes(self.tokens, self.dim, self.dtype)

    def preset_object(self) -> Preset:
        """The preset that the features were made with."""
        return Preset(**self.preset | {"scales": tuple(self.preset["scales"])})

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> SceneInfo:
        """The inverse of ``asdict``."""
        box = fields["aoi_box"]
        return cls(**fields | {
            "layout": Layout(**fields["layout"]), "transform": tuple(fields["transform"]),
            "aoi_box": None if box is None else tuple(box),
        })
