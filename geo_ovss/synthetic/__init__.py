"""Synthetic overhead scenes with exact labels: drawn in metres, at any pixel size, the same for the same seed."""

from __future__ import annotations

from .classes import CLASSES, COARSE, COARSE_OF, ID
from .mosaic import write_large
from .scene import STYLES, Scene, draw_scene
from .write import FIVE_CLASSES, label_numbers, write_scene

__all__ = ["CLASSES", "COARSE", "COARSE_OF", "FIVE_CLASSES", "ID", "STYLES", "Scene", "draw_scene", "label_numbers",
           "write_large", "write_scene"]  # fmt: skip
