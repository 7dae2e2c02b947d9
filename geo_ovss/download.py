"""One file from an address to a folder: resumed where it was cut, checked, and under its name only when whole."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from filelock import FileLock

from geo_ovss.errors import DiskFull, ModelDamaged, ModelMissing, ModelRefused, OutputNotWritable

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30
ATTEMPTS = 5
"""Connections without a single new byte before giving up."""
FULL_DISK = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
REFUSALS = (401, 403, 404, 410, 451)
"""Answers that trying again does not change."""

OnBytes = Callable[[int, "int | None"], None]
"""Called with the bytes there are and, where it is known, their final number."""


def download(
    url: str, target: Path, *, name: str, size: int | None = None, sha256: str | None = None,
    headers: Mapping[str, str] | None = None, on_bytes: OnBytes | None = None, pause_seconds: float = 1.0,
) -> Path:
    """Fetch a file; what an earlier, interrupted call has fetched is not fetched again.

    Bytes go to ``TARGET.part`` and the file gets its name when size and hash are right.

    Parameters
    ----------
    url : str
    target : Path
        Where the whole file goes; its folder is made.
    name : str
        What `geo-ovss models fetch` calls it, for error messages.
    size, sha256
        As the publisher gives them, or None.
    headers : mapping
        Sent to the first server only, not to where it redirects (they may hold a token).
    on_bytes : callable
        Progress.
    pause_seconds : float
        Between two attempts; doubled each time.

    Raises
    ------
    ModelRefused
        The server says 401, 403, 404 or the like.
    ModelMissing
        No connection, or one that breaks again and again; the part that came is kept for the next call.
    ModelDamaged
        Size or hash differ; nothing is kept.
    DiskFull, OutputNotWritable
        No room, where the part that came is kept; or no right to write.
    """
    part = target.with_name(target.name + ".part")
    lock = target.with_name(target.name + ".lock")  # two processes would write one part
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if not target.exists():
                _fill(part, url, name, size, headers or {}, on_bytes, pause_seconds)
                _check(part, size, sha256)
                part.replace(target)
    except OSError as error:
        raise (DiskFull if error.errno in FULL_DISK else OutputNotWritable)(target.parent) from error
    finally:
        with contextlib.suppress(OSError):
            lock.unlink(missing_ok=True)
    return target


def file_sha256(path: Path, on_bytes: OnBytes | None = None) -> str:
    """Hash of a file, hexadecimal, read piece by piece."""
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if on_bytes:
                on_bytes(done, total)
    return digest.hexdigest()


def _fill(
    part: Path, url: str, name: str, size: int | None, headers: Mapping[str, str], on_bytes: OnBytes | None,
    pause_seconds: float,
) -> None:
    """Bring the part to its full length, over as many connections as it takes."""
    fruitless, reason = 0, ""
    while fruitless < ATTEMPTS:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _receive(part, url, size, headers, on_bytes):
                return
            reason = "the connection broke"
        except urllib.error.HTTPError as error:
            if error.code == 416 and before:  # the part is longer than the file: it is another file's
                part.unlink()
                continue
            if error.code in REFUSALS:
                raise ModelRefused(_file_name(url), error.code, _page(url)) from error
            reason = f"the server answers {error.code}"
        except urllib.error.URLError as error:
            reason = f"no connection to {urllib.parse.urlsplit(url).netloc}: {error.reason}"
        except (TimeoutError, ConnectionError, http.client.HTTPException):
            reason = "the connection broke"
        grown = (part.stat().st_size if part.exists() else 0) > before
        fruitless = 0 if grown else fruitless + 1
        if not grown:
            time.sleep(pause_seconds * 2 ** (fruitless - 1) if fruitless < ATTEMPTS else 0)
    raise ModelMissing(_file_name(url), name, reason)


def _receive(part: Path, url: str, size: int | None, headers: Mapping[str, str], on_bytes: OnBytes | None) -> bool:
    """One connection; True when the last byte has come."""
    have = part.stat().st_size if part.exists() else 0
    if size is not None and have == size:
        return True
    request = urllib.request.Request(url)
    for key, value in headers.items():
        request.add_unredirected_header(key, value)
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=_tls()) as answer:
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else size
        with part.open("ab" if resumed else "wb") as file:
            have = _copy(answer, file, have, total, on_bytes)
    return total is None or have >= total


def _copy(answer: IO[bytes], file: IO[bytes], have: int, total: int | None, on_bytes: OnBytes | None) -> int:
    while chunk := answer.read(CHUNK_BYTES):
        file.write(chunk)
        have += len(chunk)
        if on_bytes:
            on_bytes(have, total)
    return have


def _check(part: Path, size: int | None, sha256: str | None) -> None:
    """Compare with what the publisher says; a wrong file is removed."""
    name, have = part.name.removesuffix(".part"), part.stat().st_size
    if size is not None and have != size:
        part.unlink()
        raise ModelDamaged(name, f"{have:,} bytes in place of {size:,}")
    if sha256 is not None and not file_sha256(part).startswith(sha256.lower()):
        part.unlink()
        raise ModelDamaged(name, "its SHA-256 is another")


def _tls() -> ssl.SSLContext:
    """The system's certificates, joined by certifi's where that is installed (macOS gives Python none)."""
    context = ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        return context
    context.load_verify_locations(certifi.where())
    return context


def _file_name(url: str) -> str:
    return urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1]


def _page(url: str) -> str:
    """Where a person can read on: the hub's page of a model, else the address itself."""
    return url.split("/resolve/", 1)[0]
