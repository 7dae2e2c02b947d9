"""The engine beside QGIS: how it is found, set up, started, listened to and stopped.

Nothing in here needs PyQGIS: the modules use Qt's core (through ``qgis.PyQt``) and the standard library.
"""
