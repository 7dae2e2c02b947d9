"""The page in QGIS's options: which engine, and where its things lie."""
