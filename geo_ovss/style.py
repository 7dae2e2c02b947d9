"""QGIS styles: polygons coloured by class, label rasters with their palette."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as Xml

QGIS_VERSION = "3.22.0-Bialowieza"
"""The oldest QGIS that the styles are for; newer ones read them as well."""

FILL_OPACITY = 0.6
"""The scene stays visible beneath the classes."""

OUTLINE_MM = 0.26
LINE_MM = 0.9


def _rgba(colour: str, alpha: float = 1.0) -> str:
    red, green, blue = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * alpha)}"


def _document() -> Xml.Element:
    return Xml.Element("qgis", version=QGIS_VERSION, styleCategories="Symbology")


def _text(root: Xml.Element) -> str:
    Xml.indent(root)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + Xml.tostring(root, encoding="unicode")


def polygon_qml(names: Sequence[str], colours: Sequence[str]) -> str:
    """Style of a polygon layer: one category a class."""
    return _categorized(names, colours, "fill", "SimpleFill", lambda colour: {
        "color": _rgba(colour, FILL_OPACITY), "style": "solid", "joinstyle": "bevel", "outline_color": _rgba(colour),
        "outline_style": "solid", "outline_width": str(OUTLINE_MM), "outline_width_unit": "MM",
    })


def line_qml(names: Sequence[str], colours: Sequence[str]) -> str:
    """Style of a layer of centre lines: one category a class."""
    return _categorized(names, colours, "line", "SimpleLine", lambda colour: {
        "line_color": _rgba(colour), "line_style": "solid", "line_width": str(LINE_MM), "line_width_unit": "MM",
        "capstyle": "round", "joinstyle": "round",
    })


def _categorized(names: Sequence[str], colours: Sequence[str], symbol_type: str, layer_class: str,
                 properties_of: Callable[[str], dict[str, str]]) -> str:
    root = _document()
    renderer = Xml.SubElement(root, "renderer-v2", type="categorizedSymbol", attr="class_name", forceraster="0",
                              symbollevels="0", enableorderby="0")
    categories = Xml.SubElement(renderer, "categories")
    symbols = Xml.SubElement(renderer, "symbols")
    for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
        Xml.SubElement(categories, "category", value=name, type="string", symbol=str(i), label=name, render="true")
        symbol = Xml.SubElement(symbols, "symbol", name=str(i), type=symbol_type, alpha="1", clip_to_extent="1",
                                force_rhr="0")
        layer = Xml.SubElement(symbol, "layer", {"class": layer_class, "enabled": "1", "locked": "0", "pass": "0"})
        options = Xml.SubElement(layer, "Option", type="Map")
        for key, value in properties_of(colour).items():         # Option since QGIS 3.20, prop before
            Xml.SubElement(options, "Option", name=key, value=value, type="QString")
            Xml.SubElement(layer, "prop", k=key, v=value)
    return _text(root)


def raster_qml(names: Sequence[str], colours: Sequence[str]) -> str:
    """Style of a label raster: its palette; 0 is transparent."""
    root = _document()
    pipe = Xml.SubElement(root, "pipe")
    renderer = Xml.SubElement(pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1",
                              nodataColor="")
    palette = Xml.SubElement(renderer, "colorPalette")
    for i, (name, colour) in enumerate(zip(names, colours, strict=True), 1):
        Xml.SubElement(palette, "paletteEntry", value=str(i), label=name, color=colour, alpha="255")
    return _text(root)


_LAYER_STYLES = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30),
    ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)"""

_CONTENTS = """
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)
VALUES ('layer_styles', 'attributes', 'layer_styles', '', strftime('%Y-%m-%dT%H:%M:%fZ','now'), 0)"""


def add_layer_style(path: Path, layer: str, qml: str) -> None:
    """Make a style the default of a layer of a GeoPackage, where QGIS looks for it."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(_LAYER_STYLES)
        database.execute(_CONTENTS)
        column = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)).fetchone()[0]
        database.execute("DELETE FROM layer_styles WHERE f_table_name = ?", (layer,))
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, ?, ?, ?, '', 1, ?, '')",
            (layer, column, "classes", qml, "Classes by colour"),
        )
