"""What the user chose, kept in QGIS's settings; each default has its home here."""

from __future__ import annotations

import os
from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QStandardPaths

from .engine.engine import Engine
from .engine.errors import EngineNotSet, EngineUnusable
from .engine.feature_stores import FeatureStores
from .engine.install_options import ENGINE_REQUIREMENT, InstallOptions, proxy_of_environment
from .engine.own_environment import EnvironmentState, OwnEnvironment
from .engine.presets import DEFAULT_PRESET, Preset, parse_presets
from .translation import tr

GROUP = "geo_ovss"
EXISTING, OWN = "existing", "own"

INTERPRETER_VARIABLE = "GEO_OVSS_PYTHON"
"""Names the engine's interpreter where there are no settings yet, as in a container that runs ``qgis_process``."""

DEFAULTS = {
    "mode": EXISTING,
    "interpreter": "",
    "base_python": "",
    "data_folder": "",
    "build": "cpu",
    "index": "",
    "proxy": "",
    "wheels": "",
    "requirement": ENGINE_REQUIREMENT,
    "preset": DEFAULT_PRESET,
    "presets": "[]",
    "classes": "",
}


def read(name: str) -> str:
    """The value of a preference."""
    return str(QgsSettings().value(f"{GROUP}/{name}", DEFAULTS[name]) or DEFAULTS[name])


def write(name: str, value: str) -> None:
    """Keep a preference; its default is not kept, so that a later release may change it."""
    settings = QgsSettings()
    if name not in DEFAULTS:
        raise KeyError(name)
    if value == DEFAULTS[name]:
        settings.remove(f"{GROUP}/{name}")
    else:
        settings.setValue(f"{GROUP}/{name}", value)


def data_folder() -> Path:
    """The plugin's folder in the user's data: environments and kept features; short, for Windows' limit on paths."""
    chosen = read("data_folder")
    if chosen:
        return Path(chosen)
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    return Path(place) / "geo-ovss" / "qgis"


def own_environment() -> OwnEnvironment:
    """The plugin's environments."""
    return OwnEnvironment(data_folder())


def feature_stores() -> FeatureStores:
    """The kept features."""
    return FeatureStores(data_folder() / "features")


def interpreter() -> str:
    """The engine's interpreter as the settings name it; empty where none is chosen."""
    if read("mode") == OWN:
        return own_environment().look().interpreter
    return read("interpreter") or os.environ.get(INTERPRETER_VARIABLE, "")


def engine() -> Engine:
    """The engine to run.

    Raises
    ------
    EngineNotSet
        Where no interpreter is chosen and no environment is made.
    EngineUnusable
        Where the plugin's own environment is half-made or broken.
    """
    if read("mode") == OWN:
        found = own_environment().look()
        if found.state in (EnvironmentState.HALF_MADE, EnvironmentState.BROKEN):
            half = found.state is EnvironmentState.HALF_MADE
            raise EngineUnusable(
                tr("The plugin's own environment is half-made: repair it in the settings.") if half
                else tr("The plugin's own environment is broken: repair it in the settings.")
            )
    path = interpreter()
    if not path:
        raise EngineNotSet
    return Engine(path)


def install_options() -> InstallOptions:
    """How the plugin's own environment is filled."""
    return InstallOptions(
        build=read("build"),
        index=read("index"),
        proxy=read("proxy") or qgis_proxy() or proxy_of_environment(),
        wheels=read("wheels"),
        requirement=read("requirement"),
    )


def qgis_proxy() -> str:
    """The HTTP proxy of QGIS's network settings, if one is switched on."""
    settings = QgsSettings()
    if not settings.value("proxy/proxyEnabled", False, type=bool):
        return ""
    host, port = settings.value("proxy/proxyHost", "", type=str), settings.value("proxy/proxyPort", "", type=str)
    kind = settings.value("proxy/proxyType", "", type=str)
    if not host or kind not in ("HttpProxy", "HttpCachingProxy"):
        return ""
    return f"http://{host}{':' + port if port else ''}"


def known_presets() -> list[Preset]:
    """The presets as the engine last listed them; the one that is always there before it was ever asked."""
    try:
        presets = parse_presets(read("presets"))
    except ValueError:
        presets = []
    return presets or [Preset(DEFAULT_PRESET)]
