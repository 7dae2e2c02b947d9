"""From the engine's files to layers of the project."""
