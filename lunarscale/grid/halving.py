"""The coarser grids of a pyramid, and what share each finer pixel has in their pixels.

A grid closes at 180 degrees, so it has a whole number of pixels around the Moon: at 100 m these are
109,164, which halve twice. The grids of a pyramid are therefore chosen from the coarse end: the
coarsest has the whole number nearest to what repeated halving gives, and every finer one exactly
twice as many. Only the first of them is, where it must, not quite half as fine as the map itself
(54,528 instead of 54,582 around), and there pixels are cut: shares of columns are exact, and
shares of rows areas on the sphere, in integers. From then on four pixels make one.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.raster import RasterGrid

#: Pixels around the Moon that a coarsest grid has at the least, for rounding to change no pixel's
#: size by more than one in 256.
LEAST_AROUND = 256

#: Columns of the map that one of the first coarser grid touches, at most: it is two wide, give or
#: take one in ``LEAST_AROUND``.
TAPS = 4

#: Weight of a pixel of the coarsest grid, at most: times a count of 16 bits it fits int64.
_LARGEST = 1 << 48

#: Weight of a whole row of the coarsest grid's, at most: so that its products are fast ones.
_LARGEST_ROW = (1 << 31) - 1


def lattices(around: int) -> tuple[int, ...]:
    """Pixels around the Moon of the coarser grids, the finest first; each is half the one before.

    Parameters
    ----------
    around : int
        Of the map.
    """
    count = max((around // LEAST_AROUND).bit_length() - 1, 0)
    coarsest = 2 * round(around / 2 ** (count + 1))
    return tuple(coarsest << (count - level) for level in range(1, count + 1))


def halved(grid: RasterGrid, count: int) -> tuple[RasterGrid, ...]:
    """The grids of a map's first coarser levels: all cover the same ground.

    That is the map's, reaching out to whole pixels of the coarsest.

    Parameters
    ----------
    grid : RasterGrid
        Of the map.
    count : int
        At most as many as there are ``lattices``.
    """
    rounds = lattices(grid.around)[:count]
    if not rounds:
        return ()
    last = rounds[-1]
    top, left = grid.row * last // grid.around, grid.col * last // grid.around
    bottom = -(-(grid.row + grid.height) * last // grid.around)
    right = -(-(grid.col + grid.width) * last // grid.around)
    height, width = bottom - top, min(right - left, last)
    return tuple(
        RasterGrid(each, top * finer, left * finer, height * finer, width * finer)
        for each in rounds
        for finer in (each // last,)
    )


class Cut(NamedTuple):
    """A map's pixels and those of the first coarser grid, in units that divide both.

    Parameters
    ----------
    around : int
        Pixels of the map around the Moon.
    fine, coarse : int
        Edges of its pixels and of the coarser ones, in units.
    coarsest : int
        Edge of a pixel of the coarsest grid there is.
    """

    around: int
    fine: int
    coarse: int
    coarsest: int

    @classmethod
    def of(cls, around: int) -> "Cut":
        """Of a map with so many pixels around."""
        rounds = lattices(around)
        common = math.gcd(around, rounds[0])
        coarse = around // common
        return cls(around, rounds[0] // common, coarse, coarse << (len(rounds) - 1))

    def under(self, start: int, length: int) -> tuple[int, int]:
        """The map's first row or column, and the one past the last, that coarser ones touch."""
        return start * self.coarse // self.fine, -(-(start + length) * self.coarse // self.fine)


class Columns(NamedTuple):
    """Which columns of the map lie in each coarser one, and how much of each: four or fewer.

    Parameters
    ----------
    width : int
        Columns of the map.
    first : ndarray of int64, (column,)
        The first that a coarser one touches, from the window's first on.
    shares : ndarray of int64, (TAPS, column)
        Units of that column and of those that follow it.
    turns : ndarray of int64
        Where the first ones do not go on by two: ends of the runs in which they do.
    coarse : int
        Units of a coarser column.
    """

    width: np.int64
    first: NDArray[np.int64]
    shares: NDArray[np.int64]
    turns: NDArray[np.int64]
    coarse: np.int64


def columns_of(cut: Cut, start: int, width: int) -> Columns:
    """The shares of columns in those of the first coarser grid.

    Parameters
    ----------
    cut : Cut
    start, width : int
        First and number of the coarser columns, in the whole grid.
    """
    edges = (np.arange(width + 1) + start) * cut.coarse
    first = edges[:-1] // cut.fine
    lefts = (first + np.arange(TAPS)[:, None]) * cut.fine
    within = np.minimum(lefts + cut.fine, edges[1:]) - np.maximum(lefts, edges[:-1])
    offset, end = cut.under(start, width)
    turns = np.flatnonzero(np.diff(first) != 2) + 1
    return Columns(
        np.int64(end - offset),
        first - offset,
        np.maximum(within, 0),
        np.array([0, *turns, width]),
        np.int64(cut.coarse),
    )


class Rows(NamedTuple):
    """Parts of the map's rows, from north to south, each within one coarser row.

    Parameters
    ----------
    lines : ndarray of int64
        Rows of the whole grid that they are of.
    weights : ndarray of int64
        Their areas; comparable within a row of the coarsest grid.
    ends : ndarray of bool
        Whether a coarser row ends with them.
    """

    lines: NDArray[np.int64]
    weights: NDArray[np.int64]
    ends: NDArray[np.bool_]

    def part(self, start: int, stop: int, row: int) -> "Rows":
        """Some of them, with lines counted from this row on."""
        of = slice(start, stop)
        return Rows(self.lines[of] - row, self.weights[of], self.ends[of])


def rows_of(cut: Cut, start: int, height: int) -> Rows:
    """The parts of rows that make those of the first coarser grid, and their areas.

    Between two latitudes a sphere's area is the difference of their sines. Edges are rounded, not
    parts, so the parts of a row of the coarsest grid sum up to the same whatever they are.

    Parameters
    ----------
    cut : Cut
    start, height : int
        First and number of the coarser rows, in the whole grid.
    """
    coarse = (np.arange(height + 1) + start) * cut.coarse
    first, last = cut.under(start, height)
    fine = np.arange(first + 1, last) * cut.fine
    edges = np.union1d(coarse, fine)
    band = edges[:-1] // cut.coarsest
    weights = _below(cut, edges[1:], band) - _below(cut, edges[:-1], band)
    return Rows(edges[:-1] // cut.fine, weights, edges[1:] % cut.coarse == 0)


def _below(cut: Cut, edges: NDArray[np.int64], band: NDArray[np.int64]) -> NDArray[np.int64]:
    """Weight of what lies between the north of a row of the coarsest grid and an edge in it."""
    unit = math.pi / (cut.around * cut.fine)  # half the angle of one
    north = band * cut.coarsest

    def zone(edge: NDArray[np.int64]) -> NDArray[np.float64]:
        # cos a - cos b of colatitudes, without the cancellation at the poles
        return np.asarray(np.sin((edge + north) * unit) * np.sin((edge - north) * unit))

    whole = min(_LARGEST // cut.coarsest, _LARGEST_ROW)
    share = zone(edges) / zone(north + cut.coarsest)
    return np.asarray(np.rint(share * whole).astype(np.int64))
