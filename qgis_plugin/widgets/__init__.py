"""Small widgets that the panel and the settings page share."""
