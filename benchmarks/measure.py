"""Run the command line in a process of its own and say what it took: seconds and peak memory, children included."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import psutil

POLL_SECONDS = 0.05
"""Between two looks at the memory: what is larger for a shorter time is not seen."""


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes
    ----------
    seconds : float
        On the wall clock.
    processor_seconds : float
        Of all cores, user and system, of the process and of the children it waited for: what a machine that does other
        things beside it does not change much.
    peak_bytes : int
        Largest resident memory of the process and its children together, polled; pages that they share count for each.
    """

    seconds: float
    processor_seconds: float
    peak_bytes: int


def run(*arguments: str) -> Cost:
    """Run ``geo-ovss`` with these arguments to its end; raises `CalledProcessError` where it fails."""
    began, before = time.monotonic(), _children_seconds()
    process = subprocess.Popen([sys.executable, "-m", "geo_ovss", *arguments], stdout=subprocess.DEVNULL)
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(POLL_SECONDS):
            peak = max(peak, resident_bytes(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        status = process.wait()
    finally:
        process.kill()  # where the benchmark itself was interrupted
        over.set()
        watcher.join()
    if status:
        raise subprocess.CalledProcessError(status, arguments)
    return Cost(time.monotonic() - began, _children_seconds() - before, peak)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all below it; one that has just ended counts for nothing."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += process.memory_info().rss
    return total


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
