"""Where PyQGIS is missing every module of this folder is skipped with the reason, and no fixture is needed."""

from __future__ import annotations

import importlib.util

pytest_plugins = ["plugin_fixtures"] if importlib.util.find_spec("qgis") else []
