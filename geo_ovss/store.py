"""The feature store: a scene's text-aligned features on disk, answered again and again with other class names.

A store is a folder: ``manifest.json`` (what it was made from), ``features`` (zarr, float16, or int8 with ``scales``,
one a token, and ``centres``, one a block; a block is one compressed chunk), ``valid`` (zarr, the valid pixels),
``class_tokens`` (a small file for each block: what each window over it shows as a whole), and ``journal`` (one line a
finished block, with checksums). A block counts only when its line is in the journal, and the line is written after the
data: a killed run leaves no half block behind.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from functools import reduce
from pathlib import Path

import numpy as np
import zarr
from affine import Affine
from rasterio.crs import CRS

from geo_ovss.errors import DamagedStore, DiskFull, IncompleteStore, NoClassTokens, NotAFeatureStore, StoreMismatch
from geo_ovss.quantize import dequantize, quantize
from geo_ovss.scene_info import SceneInfo

MANIFEST, JOURNAL, FORMAT = "manifest.json", "journal", 3
CLASS_TOKENS = "class_tokens"
Checks = tuple[int, int, int | None]
"""Checksums of a block's features, valid pixels, and class tokens where they are kept."""

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


class SceneFeatures:
    """The features of one scene, on disk.

    Make one with `Segmenter.encode`, open one again with `SceneFeatures.open`.
    """

    def __init__(self, path: Path, info: SceneInfo) -> None:
        self.path, self.info, self.layout = path, info, info.layout
        self._features = zarr.open_array(store=str(path / "features"), mode="r+")
        self._valid = zarr.open_array(store=str(path / "valid"), mode="r+")
        beside = ("scales", "centres") if info.dtype == "int8" else ()
        self._beside = [zarr.open_array(store=str(path / name), mode="r+") for name in beside]
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
        side = chunk // layout.token
        with disk_full_as_error(path):
            zarr.open_array(
                store=str(path / "features"), mode="w", shape=(*layout.token_shape, info.dim), dtype=info.dtype,
                chunks=(side, side, info.dim), fill_value=0,
            )
            if info.dtype == "int8":
                zarr.open_array(store=str(path / "scales"), mode="w", shape=layout.token_shape, dtype="float32",
                                chunks=(side, side), fill_value=0)
                zarr.open_array(store=str(path / "centres"), mode="w", dtype="float32", chunks=(1, 1, info.dim),
                                shape=(len(layout.block_rows), len(layout.block_cols), info.dim), fill_value=0)
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
            (f"dtype ({self.info.dtype}, not {info.dtype})", self.info.dtype, info.dtype),
        ):
            if json.dumps(mine, default=str, sort_keys=True) != json.dumps(other, default=str, sort_keys=True):
                raise StoreMismatch(self.path, what)

    # -- what there is ------------------------------------------------------------------------------------------

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """The blocks that the store answers for, row-major."""
        return self.info.blocks

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

    def write_block(self, block: tuple[int, int], features: np.ndarray, valid: np.ndarray,
                    class_tokens: np.ndarray | None = None) -> None:
        """Keep a block.

        Parameters
        ----------
        features : ndarray, (h, w, D)
            Of its core's tokens.
        valid : ndarray, (H, W) bool
            Of its core's pixels.
        class_tokens : ndarray or None, (n, D)
            Of the windows that meet the core; None keeps none.
        """
        self.commit(block, self.write_data(block, features, valid, class_tokens))

    def write_data(self, block: tuple[int, int], features: np.ndarray, valid: np.ndarray,
                   class_tokens: np.ndarray | None = None) -> Checks:
        """Write a block's data, which are its alone, and give their checksums; it counts only when committed."""
        core = self.layout.core(*block)
        at = core.tokens(self.layout.token).slices()
        numbers, *about = quantize(features) if self._beside else (features.astype(np.float16),)
        with disk_full_as_error(self.path):
            self._features[at] = numbers
            for array, place, part in zip(self._beside, (at, block), about, strict=False):
                array[place] = part
            self._valid[core.slices()] = valid
            windows = None if class_tokens is None else self._write_class_tokens(block, class_tokens)
        return *_checks(valid, numbers, *about), windows

    def _write_class_tokens(self, block: tuple[int, int], class_tokens: np.ndarray) -> int:
        buffer, half = io.BytesIO(), class_tokens.astype(np.float16)
        np.save(buffer, half)
        path = self._class_tokens_path(block)
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, buffer.getvalue())
        return zlib.crc32(half.tobytes())

    def _class_tokens_path(self, block: tuple[int, int]) -> Path:
        return self.path / CLASS_TOKENS / f"{block[0]}_{block[1]}.npy"

    def commit(self, block: tuple[int, int], checks: Checks) -> None:
        """Enter a written block into the journal. One process does this."""
        with disk_full_as_error(self.path), (self.path / JOURNAL).open("a") as journal:
            journal.write("\n" + json.dumps([*block, *checks]) + "\n")  # a killed run may have left half a line
            journal.flush()
            os.fsync(journal.fileno())
        self._journal[block] = checks

    def read_block(self, block: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Features (h, w, D) float16 and valid pixels (H, W) of a block's core, checked against the journal."""
        core = self.layout.core(*block)
        at = core.tokens(self.layout.token).slices()
        try:
            numbers = np.asarray(self._features[at])
            about = [np.asarray(array[place]) for array, place in zip(self._beside, (at, block), strict=False)]
            valid = np.asarray(self._valid[core.slices()])
        except Exception as error:  # the codecs raise their own kinds
            raise DamagedStore(self.path, f"block {block} cannot be read") from error
        checks = self._journal.get(block)
        if checks is None or checks[:2] != _checks(valid, numbers, *about):
            raise DamagedStore(self.path, f"block {block} is not what was written")
        return dequantize(numbers, *about) if about else numbers, valid

    def has_class_tokens(self, block: tuple[int, int]) -> bool:
        """Whether a finished block's class tokens are kept."""
        return self._journal[block][2] is not None

    def read_class_tokens(self, block: tuple[int, int]) -> np.ndarray:
        """Class-token features (n, D) float16, unit rows, of the windows with data that meet a block's core.

        Raises
        ------
        NoClassTokens
            The method has none, or an earlier version wrote the store.
        """
        if not self.has_class_tokens(block):
            raise NoClassTokens(self.path)
        try:
            rows: np.ndarray = np.load(self._class_tokens_path(block))
        except (OSError, ValueError) as error:
            raise DamagedStore(self.path, f"the class tokens of block {block} cannot be read") from error
        if zlib.crc32(rows.tobytes()) != self._journal[block][2]:
            raise DamagedStore(self.path, f"the class tokens of block {block} are not what was written")
        return rows

    def _read_journal(self) -> dict[tuple[int, int], Checks]:
        done: dict[tuple[int, int], Checks] = {}
        for line in (self.path / JOURNAL).read_text().splitlines():
            with contextlib.suppress(ValueError):  # the last line of a killed run may be cut
                i, j, features, valid, class_tokens = json.loads(line)
                done[i, j] = (features, valid, class_tokens)
        return done


def _checks(valid: np.ndarray, *parts: np.ndarray) -> tuple[int, int]:
    """Checksums of a block's features, of all parts that they are kept in, and of its valid pixels."""
    return reduce(lambda sofar, part: zlib.crc32(part.tobytes(), sofar), parts, 0), zlib.crc32(valid.tobytes())
