"""Work beside QGIS's window: tasks of its task manager."""
