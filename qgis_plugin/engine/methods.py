"""The published methods by the names of the command line, for the panel's box (which takes others too)."""

METHODS = (
    "vanilla", "maskclip", "sclip", "naclip", "clearclip", "proxyclip", "gla-clearclip", "gla-sclip", "gla-proxyclip",
    "gclip", "gla-gclip", "trident",
)
"""A test compares them to the engine's own list."""
