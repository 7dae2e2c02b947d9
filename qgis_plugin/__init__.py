"""geo-ovss for QGIS: type class names, see the orthophoto segmented.

The plugin starts the engine (``python -m geo_ovss``) as a process of its own and reads its progress; neither the
engine nor any of its libraries is imported into QGIS.
"""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:  # noqa: N802
    """Called by QGIS when the plugin is loaded."""
    from .plugin import GeoOvssPlugin

    return GeoOvssPlugin(iface)
