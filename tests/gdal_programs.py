"""GDAL's own programs, as users have them."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def run_clean(*command: str) -> str:
    """Output of a GDAL program, which must have nothing to complain about."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "Warning" not in done.stdout and "ERROR" not in done.stdout
    return done.stdout
