"""Shards of generated scenes: ``python -m training.synthetic --first 0 --count 1500``.

Scenes are drawn larger than a crop, at 0.05 to 2 m a pixel, and cut several times.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from training.data import PATCH, SIDE, jpeg, write_shard

# The generator's classes in the words of `words.CONCEPTS`; None is left unlabelled (vineyard is a kept-back word).
CONCEPT_OF: dict[str, str | None] = {
    "roof": "building", "mobile home": "building", "greenhouse": "greenhouse", "storage tank": "storage tanks",
    "road": "road", "freeway": "road", "bridge": "bridge", "car park": "parking", "pavement": "sidewalk",
    "runway": "runway", "airport apron": "concrete", "paved yard": "concrete", "dirt track": "path",
    "railway": "railway", "car": "car", "truck": "car", "airplane": "airplane", "boat": "boat",
    "shipping container": "container", "pier": "harbor", "solar panel": "solar panel",
    "tennis court": "tennis court", "basketball court": None, "running track": "stadium",
    "baseball diamond": "baseball diamond", "sports field": "football pitch", "golf course": "golf course",
    "tree": "tree", "palm tree": "tree", "forest": "forest", "orchard": "orchard", "vineyard": None,
    "chaparral": "shrub", "hedge": "shrub", "grass": "grass", "green field": "field", "marsh": "wetland",
    "dry grass": None, "ploughed field": "ploughed field", "bare soil": "soil", "sand": "sand", "beach": "beach",
    "sand bunker": "sand", "rock": "rock", "river": "river", "lake": "lake", "sea": "ocean", "lagoon": "lake",
    "swimming pool": "pool",
}
CONCEPTS = sorted({c for c in CONCEPT_OF.values() if c})
COARSE = ["building", "land", "road", "vegetation", "water"]


def columns() -> list[str]:
    """What a shard's label columns mean: the fine concepts, then the coarse classes."""
    return CONCEPTS + [f"coarse:{c}" for c in COARSE]


def shares(labels: np.ndarray) -> np.ndarray:
    """Fine labels (224, 224) to shares of fine concepts and of coarse classes per patch, uint8 (196, K)."""
    from geo_ovss.synthetic import CLASSES

    n, every = SIDE // PATCH, columns()
    cells = labels.reshape(n, PATCH, n, PATCH).transpose(0, 2, 1, 3).reshape(n * n, -1)
    counts = np.stack([(cells == k).sum(1) for k in range(len(CLASSES))], 1)
    out = np.zeros((n * n, len(every)), np.float32)
    for k, (name, coarse) in enumerate(CLASSES):
        concept = CONCEPT_OF.get(name)
        if concept:
            out[:, every.index(concept)] += counts[:, k]
        if coarse in COARSE:
            out[:, every.index(f"coarse:{coarse}")] += counts[:, k]
    return np.round(out * 255 / (PATCH * PATCH)).astype(np.uint8)


def crops(first: int, count: int) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """``count`` crops, four from each scene."""
    from geo_ovss.synthetic import draw_scene

    for seed in range(first, first + -(-count // 4)):
        rng = np.random.default_rng(seed)
        gsd = float(np.exp(rng.uniform(np.log(0.08), np.log(1.6))))
        try:
            scene = draw_scene(seed, 2 * SIDE, gsd)
        except Exception as error:  # a scene that cannot be drawn is skipped and said, not fatal to a long run
            print(f"scene {seed}: {error!r}", flush=True)
            continue
        for _ in range(4):
            y, x = (int(v) for v in rng.integers(0, SIDE + 1, 2))
            pixels = scene.rgb[y:y + SIDE, x:x + SIDE]
            if rng.random() < 0.3:
                pixels = jpeg(np.ascontiguousarray(pixels), int(rng.integers(25, 90)))
            yield pixels, shares(scene.labels[y:y + SIDE, x:x + SIDE]), -1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="seed of the first scene; validation uses 900000 upward")
    parser.add_argument("--count", type=int, default=1600, help="number of crops")
    args = parser.parse_args()
    # labels are exact here, and drawing is cheap: no teacher needed
    write_shard(f"synthetic_{args.first}", crops(args.first, args.count), columns(), distil=False)


if __name__ == "__main__":
    main()
