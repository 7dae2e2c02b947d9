"""The environment of the child process: what QGIS sets for itself must not reach the engine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

QGIS_ONLY = (
    # Python: another interpreter's standard library and packages
    "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "PYTHONUSERBASE", "PYTHONPLATLIBDIR",
    "PYTHONDEVMODE", "PYTHONINSPECT", "PYTHONSAFEPATH", "PYTHONOPTIMIZE", "PYTHONCASEOK", "__PYVENV_LAUNCHER__",
    "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV",
    # the loader: QGIS's own GDAL, PROJ, Qt and C runtime
    "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH",
    "DYLD_INSERT_LIBRARIES", "LIBPATH",
    # data folders of other versions of the same libraries: rasterio and pyproj bring their own
    "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_LIB", "PROJ_DATA", "PROJ_DEBUG", "GEOTIFF_CSV", "OSGEO4W_ROOT",
    "QGIS_PREFIX_PATH", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_PLATFORM",
    # pip: options that would send packages somewhere else than into the environment
    "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON",
)
"""Removed from the child's environment."""

CHILD_SETTINGS = {
    "PYTHONNOUSERSITE": "1",  # packages in the user's site folder belong to other interpreters
    "PYTHONUNBUFFERED": "1",  # progress arrives as it is made
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
}
"""Set in the child's environment."""


def clean_environment(
    parent: Mapping[str, str], interpreter: str, windows: bool = os.name == "nt"
) -> dict[str, str]:
    """The environment in which the engine runs.

    Parameters
    ----------
    parent : mapping of str to str
        QGIS's own environment; it is not changed.
    interpreter : str
        The engine's Python: on Windows its folders lead PATH, and QGIS's are left out.
    windows : bool
        Whether PATH is to be treated as Windows does.

    Returns
    -------
    dict of str to str
    """
    unwanted = {name.upper() for name in QGIS_ONLY}
    child = {name: value for name, value in parent.items() if name.upper() not in unwanted}
    # an AppImage or a start script may keep the user's own value beside the one it set
    for name in ("LD_LIBRARY_PATH",):
        original = parent.get(f"{name}_ORIG")
        if original:
            child[name] = original
    if windows:
        child = _windows_path(child, parent, interpreter)
    child.update(CHILD_SETTINGS)
    return child


def _windows_path(child: dict[str, str], parent: Mapping[str, str], interpreter: str) -> dict[str, str]:
    """PATH without the folders of QGIS's installation (their DLLs come first), led by the interpreter's own."""
    names = [name for name in child if name.upper() == "PATH"]
    roots = [parent[name] for name in ("OSGEO4W_ROOT", "QGIS_PREFIX_PATH") if parent.get(name)]
    kept = [
        folder
        for folder in ";".join(child.pop(name) for name in names).split(";")
        if folder and not any(_lies_in(folder, root) for root in roots)
    ]
    home = str(Path(interpreter).parent)
    own = [home, home + "\\Library\\bin", home + "\\Scripts"]
    return child | {"PATH": ";".join([*own, *kept])}


def _lies_in(folder: str, root: str) -> bool:
    folder, root = (text.replace("/", "\\").rstrip("\\").lower() for text in (folder, root))
    return folder == root or folder.startswith(root + "\\")
