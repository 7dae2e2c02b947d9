"""Run the command line in a process of its own and say what it took: seconds and peak memory, children included."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes
    ----------
    seconds : float
    peak_bytes : int
        Largest resident memory of the process and its children, sampled twenty times a second.
    """

    seconds: float
    peak_bytes: int


def run(*arguments: str) -> Cost:
    """Run ``geo-ovss`` with these arguments to its end; raises `CalledProcessError` where it fails."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "geo_ovss", *arguments], stdout=subprocess.DEVNULL)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                main = psutil.Process(process.pid)
                peak = max(peak, sum(p.memory_info().rss for p in [main, *main.children(recursive=True)]))
            except psutil.NoSuchProcess:
                return
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    watcher.join()
    if status:
        raise subprocess.CalledProcessError(status, arguments)
    return Cost(time.monotonic() - began, peak)
