"""Training-free open-vocabulary semantic segmentation of georeferenced rasters.

>>> import geo_ovss
>>> result = geo_ovss.segment("scene.tif", "road,building|house")   # doctest: +SKIP
>>> result.polygons                                                 # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo_ovss.segmentation import Segmentation
    from geo_ovss.segmenter import Segmenter, segment
    from geo_ovss.store import SceneFeatures
    from geo_ovss.vocabulary import Vocabulary, parse_classes

__version__ = "0.1.0"
__all__ = ["SceneFeatures", "Segmentation", "Segmenter", "Vocabulary", "__version__", "parse_classes", "segment"]

_HOMES = {
    "SceneFeatures": "store", "Segmentation": "segmentation", "Segmenter": "segmenter", "segment": "segmenter",
    "Vocabulary": "vocabulary", "parse_classes": "vocabulary",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are used: a module that needs no network does not wait for torch."""
    if name in _HOMES:
        return getattr(import_module(f"geo_ovss.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
