"""Freed memory goes back to the operating system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Hand what the process has freed back to the operating system.

    The C library of Linux (glibc) keeps freed memory for itself: what the networks used, and the holes that arrays of
    many sizes leave as they come and go beside GDAL's cached tiles, hundreds of megabytes on a scene of 40,000 pixels a
    side. Elsewhere this does nothing: other C libraries give large pieces back by themselves.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    function: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    return function
