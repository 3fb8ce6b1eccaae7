"""Which pixels of a map a drawn polygon may touch, and on which level they are few enough."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import LimitError
from lunarscale.grid.polygons import Polygon, PolygonGrouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.dataset import Dataset
from lunarscale.service.queries.asked import factors_of
from lunarscale.store.cube import Cube


class Ground(NamedTuple):
    """What of a level is read for some polygons.

    Parameters
    ----------
    level : int
        Base pixels along the edge of one of its.
    cube : Cube
    windows : list of Window
        A part of each shard that the polygons' boxes touch, of whole chunks.
    pixels : int
        That are read, or that the polygons' boxes have all together where that is more: each
        polygon is drawn by itself.
    """

    level: int
    cube: Cube
    windows: list[Window]
    pixels: int


def ground_of(dataset: Dataset, drawn: PolygonGrouping, *, most: int) -> Ground:
    """What is read of the finest level where it is few enough.

    Parameters
    ----------
    dataset : Dataset
    drawn : PolygonGrouping
    most : int
        Pixels.

    Raises
    ------
    RegionError
        If no polygon touches the dataset.
    LimitError
        If there are too many even on the coarsest level.
    """
    drawn.require_within(dataset.cube.grid)
    found = []
    for level, cube in factors_of(dataset).items():
        found.append(_on(level, cube, drawn))
        if found[-1].pixels <= most:
            return found[-1]
    coarsest = found[-1]
    of_levels = (
        f"and {coarsest.pixels:,} at its coarsest level, {coarsest.level}"
        if len(found) > 1
        else "and has no coarser level (`lunarscale overview` makes them)"
    )
    raise LimitError(
        f"the statistics of a polygon look at {most:,} pixels at most but under this one "
        f"{dataset.name} has {found[0].pixels:,} {of_levels}; draw a smaller one, or upload it and "
        "make its statistics a job"
    )


def _on(level: int, cube: Cube, drawn: PolygonGrouping) -> Ground:
    grid, size, shard = cube.grid, cube.layout.chunk, cube.layout.shard
    chunks = np.zeros((-(-grid.height // size), -(-grid.width // size)), np.bool_)
    boxes = 0
    for polygon in drawn.polygons:
        for rows, cols in _reach(polygon, grid):
            boxes += (rows.stop - rows.start) * (cols.stop - cols.start)
            chunks[_in_units(rows, size), _in_units(cols, size)] = True
    windows = list(_windows(chunks, grid, size=size, across=shard // size))
    read = sum(window.height * window.width for window in windows)
    return Ground(level, cube, windows, max(read, boxes))


def _reach(polygon: Polygon, grid: RasterGrid) -> list[tuple[slice, slice]]:
    """Rows and columns that a polygon's box may touch, with a pixel to spare at every side.

    It is moved by whole turns to wherever it meets the grid, as ``grid.polygons.Reach`` does; here
    each turn has a box of its own, so one over the seam does not reach all the way around.
    """
    west, south, east, north = polygon.bounds
    left, _, right, top = grid.bounds()
    pixel = grid.pixel_deg
    rows = _within((top - north) / pixel, (top - south) / pixel, grid.height)
    first = math.ceil((left - pixel - east) / 360.0)
    last = math.floor((right + pixel - west) / 360.0)
    turned = (360.0 * turn - left for turn in range(first, last + 1))
    cols = (_within((west + by) / pixel, (east + by) / pixel, grid.width) for by in turned)
    return [(rows, each) for each in cols if rows.stop > rows.start and each.stop > each.start]


def _within(first: float, last: float, size: int) -> slice:
    return slice(max(math.floor(first) - 1, 0), min(math.ceil(last) + 1, size))


def _in_units(pixels: slice, size: int) -> slice:
    return slice(pixels.start // size, -(-pixels.stop // size))


def _windows(
    chunks: NDArray[np.bool_], grid: RasterGrid, *, size: int, across: int
) -> list[Window]:
    """Of each shard with a chunk that is wanted, the smallest window of whole chunks about them."""
    windows = []
    shards = {(row // across, col // across) for row, col in np.argwhere(chunks).tolist()}
    for row, col in sorted(shards):
        top, left = row * across, col * across
        wanted = np.argwhere(chunks[top : top + across, left : left + across])
        (first_row, first_col), (last_row, last_col) = wanted.min(axis=0), wanted.max(axis=0) + 1
        start_row, start_col = (top + int(first_row)) * size, (left + int(first_col)) * size
        end_row = min((top + int(last_row)) * size, grid.height)
        end_col = min((left + int(last_col)) * size, grid.width)
        windows.append(Window(start_row, start_col, end_row - start_row, end_col - start_col))
    return windows
