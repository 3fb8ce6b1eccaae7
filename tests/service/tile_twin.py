"""Tiles by brute force: places from the sets' own description, in float64, pixels by the grid."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lunarscale.flags import NO_DATA
from lunarscale.grid.projections import inverse_polar_stereographic
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.tiles.matrices import Tile
from lunarscale.store.cube import Cube

Floats = NDArray[np.float64]


def lon_lat(tile: Tile) -> tuple[Floats, Floats]:
    """Longitudes and latitudes of a tile's pixel centres, from the set's own description."""
    described = tile.set.as_json()["tileMatrices"][tile.zoom]
    cell = described["cellSize"] * described["tileWidth"] / tile.pixels
    left, top = described["pointOfOrigin"]
    steps = np.arange(tile.pixels) + 0.5
    x = left + (tile.col * tile.pixels + steps) * cell
    y = top - (tile.row * tile.pixels + steps) * cell
    xs, ys = np.meshgrid(x, y)
    if tile.set.pole is None:
        a_degree = np.pi * 1_737_400.0 / 180.0
        return xs / a_degree, ys / a_degree
    return inverse_polar_stereographic(xs, ys, pole=tile.set.pole)


def all_counts(cube: Cube, name: str) -> NDArray[Any]:
    """A whole layer of a small store."""
    return cube.read(name, cube.grid.window)


def nearest_counts(
    tile: Tile, grid: RasterGrid, counts: NDArray[np.int16]
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """The count of the pixel that holds each centre, and where no rounding can change which."""
    lons, lats = lon_lat(tile)
    down, east = (90.0 - lats) / grid.pixel_deg, (lons + 180.0) / grid.pixel_deg
    is_sure = (np.abs(down - np.rint(down)) > 1e-7) & (np.abs(east - np.rint(east)) > 1e-7)
    rows = np.floor(down).astype(int) - grid.row
    cols = (np.floor(east).astype(int) - grid.col) % grid.around
    is_there = (rows >= 0) & (rows < grid.height) & (cols < grid.width)
    found = np.full(rows.shape, NO_DATA, np.int16)
    found[is_there] = counts[rows[is_there], cols[is_there]]
    return found, is_sure


def bilinear_counts(tile: Tile, grid: RasterGrid, counts: NDArray[np.int16]) -> Floats:
    """Means of the four pixels about each centre of a tile of a whole Moon; NaN without a value.

    The Moon has a margin: its other side beyond the poles, its other end east and west.
    """
    values = np.where(counts == NO_DATA, np.nan, counts.astype(np.float64))
    half = grid.width // 2
    tall = np.vstack([np.roll(values[:1], half, 1), values, np.roll(values[-1:], half, 1)])
    wide = np.hstack([tall[:, -1:], tall, tall[:, :1]])
    lons, lats = lon_lat(tile)
    down = (90.0 - lats) / grid.pixel_deg + 0.5
    east = (lons + 180.0) / grid.pixel_deg + 0.5
    top, left = np.floor(down).astype(int), np.floor(east).astype(int)
    below, beyond = down - top, east - left
    total, weight = np.zeros(down.shape), np.zeros(down.shape)
    for row, share_down in ((0, 1.0 - below), (1, below)):
        for col, share_east in ((0, 1.0 - beyond), (1, beyond)):
            found = wide[top + row, left + col]
            share = np.where(np.isnan(found), 0.0, share_down * share_east)
            total += share * np.nan_to_num(found)
            weight += share
    nearest, _ = nearest_counts(tile, grid, counts)
    is_there = (nearest != NO_DATA) & (weight > 0.0)
    return np.where(is_there, total / np.where(is_there, weight, 1.0), np.nan)


def rgba(blob: bytes) -> NDArray[np.uint8]:
    """A picture's pixels, by Pillow."""
    with Image.open(io.BytesIO(blob)) as picture:
        return np.asarray(picture.convert("RGBA"))


def values(blob: bytes) -> NDArray[np.float32]:
    """A value tile's pixels."""
    return np.asarray(np.load(io.BytesIO(blob), allow_pickle=False))
