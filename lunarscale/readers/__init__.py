"""Archive tiles in: one file an archive, each returns a ``Tile``."""
