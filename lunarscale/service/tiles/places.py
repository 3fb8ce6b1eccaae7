"""Where a tile's pixels lie among the pixels of a grid: straight from the plane, pixel by pixel.

No edge of a tile is ever transformed, so nothing gapes at 180 degrees or at the poles.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.grid.compiling import LOOP
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import RADIUS_M
from lunarscale.service.tiles.matrices import Tile


class Places(NamedTuple):
    """Centres of a tile's pixels, in pixels of a whole grid from 90 N and from 180 W.

    Parameters
    ----------
    down, east : ndarray of float64, (row, col)
    """

    down: NDArray[np.float64]
    east: NDArray[np.float64]


def places_of(tile: Tile, around: int) -> Places:
    """Where a tile's pixels are in the whole grid of so many pixels around the Moon."""
    shape = (tile.pixels, tile.pixels)
    cols, rows = (np.arange(tile.pixels) + at * tile.pixels for at in (tile.col, tile.row))
    if tile.set.pole is None:
        # tiles have a power of two of pixels around, so this is exact
        scale = around / (2.0 * tile.set.across * (tile.pixels << tile.zoom))
        down, east = (2.0 * rows + 1.0) * scale, (2.0 * cols + 1.0) * scale
        return Places(
            np.ascontiguousarray(np.broadcast_to(down[:, None], shape)),
            np.ascontiguousarray(np.broadcast_to(east, shape)),
        )
    found = Places(np.empty(shape), np.empty(shape))
    cell, sign = tile.cell_m, 1.0 if tile.set.pole == "north" else -1.0
    xs, ys = tile.set.left + (cols + 0.5) * cell, tile.set.top - (rows + 0.5) * cell
    _from_polar(xs, ys, sign, around / (2.0 * math.pi), *found)
    return found


@njit(error_model="numpy", **LOOP)
def _from_polar(xs, ys, sign, a_radian, down, east):  # type: ignore[no-untyped-def]
    """Snyder 1987 (USGS Professional Paper 1395), equations 20-18 and 21-15, on the sphere."""
    for row in range(ys.size):
        away_from_0 = -sign * ys[row]
        for col in range(xs.size):
            reach = math.sqrt(xs[col] * xs[col] + ys[row] * ys[row])
            colatitude = 2.0 * math.atan(reach / (2.0 * RADIUS_M))
            if sign < 0.0:
                colatitude = math.pi - colatitude
            down[row, col] = colatitude * a_radian
            east[row, col] = (math.atan2(xs[col], away_from_0) + math.pi) * a_radian


class Pixels(NamedTuple):
    """Pixels of a grid, one for each of a tile's.

    Parameters
    ----------
    rows, cols : ndarray of int32, (row, col)
        Rows and columns of the grid; rows of -1 where it has none.
    """

    rows: NDArray[np.int32]
    cols: NDArray[np.int32]


def nearest(places: Places, grid: RasterGrid) -> Pixels:
    """The pixels that hold some places; an edge belongs to the pixel south and east of it."""
    return _pixels(places, grid, step=(0, 0), back=0.0)


def neighbours(places: Places, grid: RasterGrid) -> tuple[Pixels, Pixels, Pixels, Pixels]:
    """The four pixels whose centres are about some places: upper left and right, lower ones.

    Beyond a pole the pixels are those on its other side.
    """
    upper_left, upper_right, lower_left, lower_right = (
        _pixels(places, grid, step=step, back=0.5) for step in ((0, 0), (0, 1), (1, 0), (1, 1))
    )
    return upper_left, upper_right, lower_left, lower_right


def _pixels(places: Places, grid: RasterGrid, *, step: tuple[int, int], back: float) -> Pixels:
    shape = places.down.shape
    found = Pixels(np.empty(shape, np.int32), np.empty(shape, np.int32))
    where = (grid.around, grid.row, grid.col, grid.height, grid.width)
    _find(places, back, step, where, found)
    return found


@njit(error_model="numpy", **LOOP)
def _find(places, back, step, where, found):  # type: ignore[no-untyped-def]
    around, first_row, first_col, height, width = where
    lines = around // 2
    for i in range(places.down.shape[0]):
        for j in range(places.down.shape[1]):
            row = np.int64(math.floor(places.down[i, j] - back)) + step[0]
            col = np.int64(math.floor(places.east[i, j] - back)) + step[1]
            if back == 0.0:
                row = min(row, lines - 1)  # the south pole itself
            elif row < 0:
                row, col = np.int64(-1 - row), col + lines
            elif row >= lines:
                row, col = np.int64(around - 1 - row), col + lines
            row -= first_row
            col -= first_col
            # a whole turn or two; dividing takes longer than all the rest
            if col < 0:
                col += around
            if col < 0:
                col += around
            if col >= around:
                col -= around
            is_there = 0 <= row < height and col < width
            found.rows[i, j] = row if is_there else -1
            found.cols[i, j] = col
