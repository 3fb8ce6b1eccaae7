"""Tiles: the Moon's tile matrix sets, and a map's values and pictures in them."""
