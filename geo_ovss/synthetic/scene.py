"""One synthetic scene: plan a world, choose where to look, paint it, take the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt

from .canvas import Canvas, Sun
from .classes import COARSE_OF
from .light import Camera
from .palette import Palette
from .styles import STYLES
from .world import World

#: The planned square has at least this side (m), so that a small picture looks into a real neighbourhood.
SMALLEST_WORLD = 280.0
#: Features that most pictures show anyway; they are looked for less often.
COMMON = ("building", "car", "field", "palm tree", "road", "sea", "tree", "truck")


@dataclass(frozen=True)
class Scene:
    """A drawn scene.

    Attributes
    ----------
    rgb : ndarray, (H, W, 3) uint8
        The picture.
    labels : ndarray, (H, W) uint8
        Index into :data:`~geo_ovss.synthetic.CLASSES`, of what the pixel's middle shows (in shadow too).
    gsd : float
        Metres a pixel.
    style, season, climate : str
        What was drawn.
    """

    rgb: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    gsd: float
    style: str
    season: str
    climate: str

    @property
    def coarse(self) -> npt.NDArray[np.uint8]:
        """Labels as an index into :data:`~geo_ovss.synthetic.COARSE`, (H, W) uint8."""
        return np.asarray(COARSE_OF, np.uint8)[self.labels]


def draw_scene(
    seed: int, size: tuple[int, int] | int, gsd: float, *, style: str | None = None, season: str | None = None
) -> Scene:
    """Draw a scene with exact labels.

    Parameters
    ----------
    seed : int
        Same seed and extent in metres, same world; same arguments, same pixels.
    size : int or (int, int)
        Pixels a side, or (rows, columns).
    gsd : float
        Metres a pixel, 0.02 to 5.
    style : str, optional
        One of :data:`STYLES`; by default at random.
    season : str, optional
        "spring", "summer", "dry", "autumn" or "winter"; by default at random, fitting the climate.

    Raises
    ------
    ValueError
        If the style is unknown, or the size or the pixel size makes no picture.
    """
    shape = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    if min(shape) < 1 or not 0.02 <= gsd <= 5.0:
        raise ValueError(f"A scene needs at least one pixel and a gsd of 0.02 to 5 m, got {shape} at {gsd} m.")
    if style is not None and style not in STYLES:
        raise ValueError(f"There is no style {style!r}; there are {', '.join(STYLES)}.")
    rng = Random(f"scene {seed}")
    chosen = rng.choices(list(STYLES), [kind.weight for kind in STYLES.values()])[0]
    style = style or chosen
    climate = rng.choice(STYLES[style].climates)
    palette = Palette(Random(rng.getrandbits(31)), climate, season)
    low_sun = palette.season == "winter"
    sun = Sun(rng.uniform(0.0, math.tau), math.radians(rng.uniform(20.0, 40.0) if low_sun else rng.uniform(30.0, 68.0)))
    extent = round(math.hypot(shape[0] * gsd, shape[1] * gsd), 3)
    world = World(Random(rng.getrandbits(31)), max(SMALLEST_WORLD, 1.03 * extent + 20.0), palette, sun)
    STYLES[style].plan(world)
    centre = _look(rng, world, extent)
    angle = rng.uniform(0.0, math.tau) if rng.random() < 0.7 else rng.choice((0.0, 0.5, 1.0, 1.5)) * math.pi
    canvas = Canvas(rng.getrandbits(31), shape, gsd, centre, angle, sun)
    world.paint_on(canvas)
    camera = Camera.pick(rng, climate)
    return Scene(camera.develop(canvas, seed & 0x7FFFFFFF), canvas.labels, gsd, style, palette.season, climate)


def _look(rng: Random, world: World, extent: float) -> tuple[float, float]:
    """Where the picture's middle lies: mostly near one of the features, rare kinds as often as others."""
    slack = max(0.0, (world.side - extent) / 2)
    if world.features and rng.random() < 0.85:
        kinds = sorted(world.features)
        kind = rng.choices(kinds, [0.25 if name in COMMON else 1.0 for name in kinds])[0]
        x, y = rng.choice(world.features[kind])
        x, y = x + rng.gauss(0.0, 0.1 * extent), y + rng.gauss(0.0, 0.1 * extent)
    else:
        x, y = rng.uniform(-slack, slack), rng.uniform(-slack, slack)
    return max(-slack, min(slack, x)), max(-slack, min(slack, y))
