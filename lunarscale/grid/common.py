"""What two grids have in common, and which pixels of the finer lie in those of the coarser.

Edges of both grids are counted from 90 N and 180 W in pixels of a turn, so that all of this is
integer arithmetic: the same for a pixel in every window and crop.
"""

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.raster import RasterGrid


def common_grid(first: RasterGrid, second: RasterGrid) -> RasterGrid | None:
    """The part that both grids cover, in pixels of the coarser; None if there is none.

    Where two crops meet at both their ends, around the Moon, it holds what lies between too.

    Parameters
    ----------
    first, second : RasterGrid
        Of the same number of pixels around, or not: then the fewer are kept.
    """
    around = min(first.around, second.around)
    one, other = (_in_pixels_of(around, grid) for grid in (first, second))
    top = max(one.row, other.row)
    bottom = min(one.row + one.height, other.row + other.height)
    cols = _both((one.col, one.width), (other.col, other.width), around)
    if top >= bottom or cols is None:
        return None
    col, width = cols
    return RasterGrid(around, top, col, bottom - top, width)


def _in_pixels_of(around: int, grid: RasterGrid) -> RasterGrid:
    """The rectangle of coarser pixels that hold the centre of a grid's pixels."""
    top, bottom = holding(np.array([grid.row, grid.row + grid.height - 1]), grid.around, around)
    left, right = holding(np.array([grid.col, grid.col + grid.width - 1]), grid.around, around)
    width = min(int(right - left) + 1, around)
    return RasterGrid(around, int(top), int(left) % around, int(bottom - top) + 1, width)


def _both(one: tuple[int, int], other: tuple[int, int], around: int) -> tuple[int, int] | None:
    """First and number of the columns that two runs around the Moon share."""
    (start, length), (begin, width) = one, other
    if length == around:
        return other
    if width == around:
        return one
    ahead = (begin - start) % around
    # the other run as the first sees it, and once more a turn further west
    pieces = [(max(at, 0), min(at + width, length)) for at in (ahead - around, ahead)]
    shared = [(left, right) for left, right in pieces if left < right]
    if not shared:
        return None
    left, right = min(left for left, _ in shared), max(right for _, right in shared)
    return (start + left) % around, right - left


def holding(pixels: NDArray[np.int64], around: int, other: int) -> NDArray[np.int64]:
    """The other grid's pixel that holds each pixel's centre; on an edge, the one south or east.

    Parameters
    ----------
    pixels : ndarray of int64
        Rows, or columns, of the whole grid of ``around`` pixels; columns may go on past a turn.
    around, other : int
        Pixels around the Moon, of these and of the other grid.
    """
    return np.asarray((2 * pixels + 1) * other // (2 * around), dtype=np.int64)


def first_inside(edges: NDArray[np.int64], coarser: int, around: int) -> NDArray[np.int64]:
    """The first finer pixel whose centre lies at or past the beginning of each coarser pixel.

    The finer pixels of the coarser pixel k are those from here to that of k + 1.

    Parameters
    ----------
    edges : ndarray of int64
        Rows, or columns, of the whole grid of ``coarser`` pixels.
    coarser, around : int
        Pixels around the Moon.
    """
    return np.asarray(-((coarser - 2 * edges * around) // (2 * coarser)), dtype=np.int64)
