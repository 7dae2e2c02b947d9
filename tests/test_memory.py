"""Memory that was freed and does not stay with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HOLES = """
import numpy as np, psutil
from geo_ovss.memory import give_back

held = [np.ones(60_000, np.uint8) for _ in range(10_000)]  # small enough for the heap
del held[::2], held[:-1:2]                                 # the last one keeps the heap from shrinking by itself
before = psutil.Process().memory_info().rss
give_back()
print(before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other C libraries give memory back by themselves")
def test_holes_between_arrays_are_given_back() -> None:
    shown = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout
    assert int(shown) > 200e6, shown
