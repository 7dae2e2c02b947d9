"""The engine as algorithms of QGIS's Processing framework."""
