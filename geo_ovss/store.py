"""The feature store: a scene's text-aligned features on disk, answered again and again with other class names.

A store is a folder: ``manifest.json`` (what it was made from), ``features`` (zarr, float16, one chunk a block),
``valid`` (zarr, the valid pixels), and ``journal`` (one line a finished block, with checksums). A block counts only
when its line is in the journal, and the line is written after the data: a killed run leaves no half block behind.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from affine import Affine
from rasterio.crs import CRS

from geo_ovss.errors import DamagedStore, DiskFull, IncompleteStore, NotAFeatureStore, StoreMismatch
from geo_ovss.grid import Box, Layout
from geo_ovss.presets import Preset

MANIFEST, JOURNAL, FORMAT = "manifest.json", "journal", 1
FULL_DISK = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


@contextlib.contextmanager
def disk_full_as_error(path: object) -> Iterator[None]:
    """Turn the operating system's "no room" into `DiskFull`, wherever in a library it surfaces."""
    try:
        yield
    except Exception as error:
        chain: BaseException | None = error
        while chain is not None:
            if isinstance(chain, OSError) and chain.errno in FULL_DISK:
                raise DiskFull(path) from error
            if "No space left" in str(chain) or "File too large" in str(chain):
                raise DiskFull(path) from error
            chain = chain.__cause__ or chain.__context__
        raise


def write_atomic(path: Path, data: bytes) -> None:
    """Write a small file so that it appears under its name only when whole, and survives a power cut."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


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


class SceneFeatures:
    """The features of one scene, on disk.

    Make one with `Segmenter.encode`, open one again with `SceneFeatures.open`.
    """

    def __init__(self, path: Path, info: SceneInfo) -> None:
        self.path, self.info, self.layout = path, info, info.layout
        self._features = zarr.open_array(store=str(path / "features"), mode="r+")
        self._valid = zarr.open_array(store=str(path / "valid"), mode="r+")
        self._journal = self._read_journal()

    @classmethod
    def create(cls, path: Path, info: SceneInfo) -> SceneFeatures:
        """Lay out an empty store in a folder of its own; an interrupted one with the same manifest is gone on with."""
        if (path / MANIFEST).exists():
            features = cls.resume(path)
            features.check_same(info)
            return features
        path.mkdir(parents=True, exist_ok=True)
        layout, chunk = info.layout, info.layout.block
        with disk_full_as_error(path):
            zarr.open_array(
                store=str(path / "features"), mode="w", shape=(*layout.token_shape, info.dim), dtype="float16",
                chunks=(chunk // layout.token, chunk // layout.token, info.dim), fill_value=0,
            )
            zarr.open_array(
                store=str(path / "valid"), mode="w", shape=(layout.height, layout.width), dtype="bool",
                chunks=(chunk, chunk), fill_value=False,
            )
            (path / JOURNAL).write_bytes(b"")
            write_atomic(path / MANIFEST, json.dumps({"format": FORMAT, **asdict(info)}, indent=1).encode())
        return cls(path, info)

    @classmethod
    def open(cls, path: str | Path) -> SceneFeatures:
        """Open a finished store.

        Raises
        ------
        NotAFeatureStore, IncompleteStore, DamagedStore
            Where the folder is something else, unfinished, or its content was changed.
        """
        features = cls.resume(Path(path))
        if not features.complete:
            raise IncompleteStore(path, len(features._journal), len(features.blocks))
        return features

    @classmethod
    def resume(cls, path: Path) -> SceneFeatures:
        """Open a store, finished or not."""
        try:
            fields = json.loads((path / MANIFEST).read_text())
            if fields.pop("format") != FORMAT:
                raise StoreMismatch(path, "version of geo-ovss")
            return cls(path, SceneInfo.from_json(fields))
        except (FileNotFoundError, NotADirectoryError) as error:
            if (path / MANIFEST).exists():
                raise DamagedStore(path, "a part is missing") from error
            raise NotAFeatureStore(path) from error
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedStore(path, "its manifest cannot be read") from error

    def check_same(self, info: SceneInfo) -> None:
        """Raise `StoreMismatch` unless the store was made from the same raster, with the same networks and method."""
        for what, mine, other in (
            ("raster", self.info.raster, info.raster),
            ("preset or model", self.info.pipeline, info.pipeline),
            ("version of geo-ovss", self.info.version, info.version),
            ("area of interest", self.info.aoi_box, info.aoi_box),
            ("layout of blocks", self.layout, info.layout),
        ):
            if json.dumps(mine, default=str, sort_keys=True) != json.dumps(other, default=str, sort_keys=True):
                raise StoreMismatch(self.path, what)

    # -- what there is ------------------------------------------------------------------------------------------

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """The blocks that the store answers for, row-major."""
        return self.layout.meeting(None if self.info.aoi_box is None else Box(*self.info.aoi_box))

    @property
    def complete(self) -> bool:
        """Whether every block is finished."""
        return all(block in self._journal for block in self.blocks)

    def finished(self, block: tuple[int, int]) -> bool:
        """Whether the block's features are on disk, whole."""
        return block in self._journal

    @property
    def crs(self) -> CRS | None:
        """The scene's coordinate reference system."""
        return None if self.info.crs is None else CRS.from_wkt(self.info.crs)

    @property
    def transform(self) -> Affine:
        """From pixels of the working grid to the CRS."""
        return Affine(*self.info.transform)

    @property
    def nbytes(self) -> int:
        """Size on disk, bytes."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    # -- reading and writing -------------------------------------------------------------------------------------

    def write_block(self, block: tuple[int, int], features: np.ndarray, valid: np.ndarray) -> None:
        """Keep a block: `features` (h, w, D) of its core's tokens, `valid` (H, W) bool of its core's pixels."""
        self.commit(block, self.write_data(block, features, valid))

    def write_data(self, block: tuple[int, int], features: np.ndarray, valid: np.ndarray) -> tuple[int, int]:
        """Write a block's chunks, which are its alone, and give their checksums; it counts only when committed."""
        core, half = self.layout.core(*block), features.astype(np.float16)
        with disk_full_as_error(self.path):
            self._features[core.tokens(self.layout.token).slices()] = half
            self._valid[core.slices()] = valid
        return zlib.crc32(half.tobytes()), zlib.crc32(valid.tobytes())

    def commit(self, block: tuple[int, int], checks: tuple[int, int]) -> None:
        """Enter a written block into the journal. One process does this."""
        with disk_full_as_error(self.path), (self.path / JOURNAL).open("a") as journal:
            journal.write("\n" + json.dumps([*block, *checks]) + "\n")  # a killed run may have left half a line
            journal.flush()
            os.fsync(journal.fileno())
        self._journal[block] = checks

    def read_block(self, block: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Features (h, w, D) float16 and valid pixels (H, W) of a block's core, checked against the journal."""
        core = self.layout.core(*block)
        try:
            features = np.asarray(self._features[core.tokens(self.layout.token).slices()])
            valid = np.asarray(self._valid[core.slices()])
        except Exception as error:  # the codecs raise their own kinds
            raise DamagedStore(self.path, f"block {block} cannot be read") from error
        if self._journal.get(block) != (zlib.crc32(features.tobytes()), zlib.crc32(valid.tobytes())):
            raise DamagedStore(self.path, f"block {block} is not what was written")
        return features, valid

    def _read_journal(self) -> dict[tuple[int, int], tuple[int, int]]:
        done: dict[tuple[int, int], tuple[int, int]] = {}
        for line in (self.path / JOURNAL).read_text().splitlines():
            with contextlib.suppress(ValueError):  # the last line of a killed run may be cut
                i, j, features, valid = json.loads(line)
                done[i, j] = (features, valid)
        return done
