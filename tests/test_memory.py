"""Memory that does not stay with the process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from geo_ovss.memory import _trim

HOLES = """
import numpy as np, psutil
from geo_ovss.memory import give_back

held = [np.ones(60_000, np.uint8) for _ in range(3_000)]  # small enough for the heap
del held[::2], held[:-1:2]                                 # the last one keeps the heap from shrinking by itself
before = psutil.Process().memory_info().rss
give_back()
print(before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(_trim() is None, reason="other C libraries give memory back by themselves")
def test_holes_between_arrays_are_given_back() -> None:
    shown = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout
    assert int(shown) > 60e6, shown


def test_gdal_keeps_no_share_of_the_machines_memory() -> None:
    code = "import geo_ovss.source; from rasterio._env import get_gdal_config as get; print(get('GDAL_CACHEMAX'))"
    for given, kept in ((None, 192 * 2**20), ("64", 64 * 2**20)):  # what the user says stands
        environment = {k: v for k, v in os.environ.items() if k != "GDAL_CACHEMAX"}
        environment |= {} if given is None else {"GDAL_CACHEMAX": given}
        shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        assert int(shown.stdout) == kept
