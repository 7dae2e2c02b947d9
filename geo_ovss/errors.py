"""Every error a user can cause: one class and one sentence each.

The command line prints the sentence on stderr and ends with status 2; the library raises the class.
"""

from __future__ import annotations


class GeoOvssError(Exception):
    """Base of all errors that the user's input can cause; its text is one sentence."""


class OutputExists(GeoOvssError):
    """An output file is there already and ``overwrite`` was not asked for."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} exists already; pass --overwrite to replace it.")


class OutputFolderMissing(GeoOvssError):
    """The folder that an output should go to does not exist."""

    def __init__(self, folder: object) -> None:
        super().__init__(f"The output folder {folder} does not exist.")


class OutputNotWritable(GeoOvssError):
    """The folder that an output should go to cannot be written."""

    def __init__(self, folder: object) -> None:
        super().__init__(f"The output folder {folder} cannot be written to.")
