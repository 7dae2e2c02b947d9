"""Training-free open-vocabulary semantic segmentation of georeferenced rasters."""

__version__ = "0.1.0"
