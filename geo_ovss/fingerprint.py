"""Whether a raster's file is whole, and whether it is the one of an earlier run (no time stamps: a copy counts)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import rasterio

from geo_ovss.errors import RasterDamaged
from geo_ovss.source import GDAL_OPTIONS, Source, open_dataset

HASHED_WHOLE = 64 * 2**20
"""Bytes of pixels up to which all of them go into the fingerprint."""
SAMPLES = 12
"""Of larger rasters, this many boxes along each side."""
SAMPLE_PIXELS = 256
CHUNKS, CHUNK_BYTES = 256, 65_536
"""Of a local file, this many pieces of this size."""
ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
"""What a whole file ends with (other data may follow); GDAL gives black for what is missing, and no error."""
CHECKED_BLOCKS = 200_000
"""Blocks of a TIFF whose place in the file is looked up at most; of more, every n-th."""


def fingerprint(source: Source) -> str:
    """Hash of a raster's pixels, and for large ones of samples of them and of the file.

    Raises
    ------
    RasterDamaged
    """
    digest = hashlib.sha256()
    height, width = source.height, source.width
    size = height * width * source.channels * source.dtype.itemsize
    if size <= HASHED_WHOLE:
        rows = max(2**24 // max(size // height, 1), 1)
        boxes = [(top, 0, min(rows, height - top), width) for top in range(0, height, rows)]
    else:
        tall, wide = min(SAMPLE_PIXELS, height), min(SAMPLE_PIXELS, width)
        boxes = sorted({
            ((height - tall) * i // (SAMPLES - 1), (width - wide) * j // (SAMPLES - 1), tall, wide)
            for i in range(SAMPLES) for j in range(SAMPLES)
        })
        _hash_file(source.path, digest)
    for box in boxes:
        pixels, valid = source.read(*box)
        digest.update(pixels.tobytes())
        digest.update(valid.tobytes())
    return digest.hexdigest()


def file_size(path: str) -> int | None:
    """Bytes of a local file; None for what lies elsewhere."""
    return os.stat(path).st_size if Path(path).is_file() else None  # noqa: PTH116


def _hash_file(path: str, digest: hashlib._Hash) -> None:
    size = file_size(path)
    if size is None:
        return
    with Path(path).open("rb") as file:
        for i in range(CHUNKS):
            file.seek(max(size - CHUNK_BYTES, 0) * i // (CHUNKS - 1))
            digest.update(file.read(CHUNK_BYTES))


def check_whole(source: Source) -> None:
    """Find out a local file that was cut short without reading its pixels.

    Raises
    ------
    RasterDamaged
    """
    size = file_size(source.path)
    if size is None:
        return
    if source.driver in ENDS and ENDS[source.driver] not in _tail(source.path, size):
        raise RasterDamaged(source.path, f"its end is missing after {size:,} bytes")
    if source.driver == "GTiff":
        _check_tiff(source, size)


def _tail(path: str, size: int) -> bytes:
    with Path(path).open("rb") as file:
        file.seek(max(size - CHUNK_BYTES, 0))
        return file.read()


def _check_tiff(source: Source, size: int) -> None:
    """Every block must end inside the file."""
    down, across = -(-source.height // source.blocks[0]), -(-source.width // source.blocks[1])
    stride = -(-down * across // CHECKED_BLOCKS)
    dataset = open_dataset(source.path)
    with dataset, rasterio.Env(**GDAL_OPTIONS):
        for index in [*range(0, down * across, stride), down * across - 1]:
            place = f"{index % across}_{index // across}"
            for band in (1, dataset.count) if dataset.count > 1 else (1,):
                offset = dataset.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=band)
                length = dataset.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=band)
                if offset and length and int(offset) + int(length) > size:
                    raise RasterDamaged(source.path, f"the file ends after {size:,} bytes, its pixels do not")
