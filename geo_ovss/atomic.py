"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geo_ovss.errors import OutputExists, OutputFolderMissing, OutputNotWritable


@contextmanager
def writing(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path with the same file name on the same disk; move it to `path` when the block ends well.

    Whatever else the block writes into the temporary folder (sidecar files) moves along, `path` itself last. After an
    error nothing is left and what was there before is untouched.

    Raises
    ------
    OutputFolderMissing, OutputNotWritable
        The folder of `path` is not there or cannot be written to.
    OutputExists
        `path` is there and `overwrite` is False.
    """
    check_folder(path)
    if path.exists() and not overwrite:
        raise OutputExists(path)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=path.parent))
    try:
        part = folder / path.name
        yield part
        for side in sorted(folder.iterdir()):
            if side != part:
                side.replace(path.parent / side.name)
        part.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

def check_folder(path: Path) -> None:
    """Raise unless the folder of `path` exists and can be written to."""
    folder = path.parent
    if not folder.is_dir():
        raise OutputFolderMissing(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputNotWritable(folder)
