"""Translation of the plugin's texts."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QCoreApplication, QLocale, QTranslator

from .engine.texts import use_translation

CONTEXT = "geo_ovss"


def tr(text: str) -> str:
    """The text in the user's language, where there is a translation."""
    return QCoreApplication.translate(CONTEXT, text)


use_translation(tr)  # for the sentences of the modules that know no Qt


def load_translator(folder: Path, language: str = "") -> QTranslator | None:
    """Install ``i18n/geo_ovss_<language>.qm`` where there is one; the caller keeps what is returned."""
    name = language or QLocale.system().name()
    translator = QTranslator()
    if translator.load(f"geo_ovss_{name}", str(folder / "i18n")):
        QCoreApplication.installTranslator(translator)
        return translator
    return None
