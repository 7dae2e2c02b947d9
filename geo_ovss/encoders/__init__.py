"""Part of geo_ovss."""
