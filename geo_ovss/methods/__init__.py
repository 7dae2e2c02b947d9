"""The published methods, by name."""

from geo_ovss.methods.base import BlockTokens, Method, WindowTokens
from geo_ovss.methods.registry import METHODS, build_method, published_options

__all__ = ["METHODS", "BlockTokens", "Method", "WindowTokens", "build_method", "published_options"]
