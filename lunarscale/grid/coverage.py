"""Groupings that count a pixel on a border by the exact shares of it on either side.

A share is that of the pixel's area in the plane of longitude and latitude, in whole 1 / 2**32.
On the sphere a pixel's north and south halves differ in area, so a share s of a pixel of size d
(radians) at latitude phi is wrong by up to ``s (1 - s) d |tan phi| / 2`` of the pixel's area, which
is reached where the border runs along the parallel: 8e-5 at 85 degrees and 100 m a pixel. What one
side of a border has too much the other has too little.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid import scanning
from lunarscale.grid.groupings import WHOLE_PIXEL, Covering, Pieces, by_centres
from lunarscale.grid.masks import Maria
from lunarscale.grid.polygons import Polygon, PolygonGrouping, Reach
from lunarscale.grid.raster import RasterGrid, Window

#: Rows worked on at a time: the shares take eight bytes a pixel.
STRIP_ROWS = 128

#: Windows whose shares are kept, for ``numbers`` and ``pieces`` are asked for one after the other.
KEPT_WINDOWS = 4


class Covered(NamedTuple):
    """A window's whole pixels and its cut ones."""

    numbers: NDArray[np.uint16]
    pieces: Pieces


@dataclass(frozen=True, eq=False)
class CoveredPolygons(PolygonGrouping):
    """Groups of polygons, each pixel counted by the share that a polygon covers.

    Where polygons overlap the first listed wins: a later one gets no more of a pixel than the
    earlier ones have left. So the shares never sum to more than the pixel; they are exact but in
    the pixels that the borders of two overlapping polygons both cut, where the borders count as
    if they did not overlap.
    """

    @property
    def centred(self) -> PolygonGrouping:
        """The polygons by pixels' centres."""
        return PolygonGrouping(self.name, self.groups, self.polygons)

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Number of the group that each pixel is whole in, read-only; 0 elsewhere."""
        return _covered(self, grid, window).numbers

    def pieces(self, grid: RasterGrid, window: Window) -> Pieces:
        """The parts of the pixels that borders cut."""
        return _covered(self, grid, window).pieces


@dataclass(frozen=True)
class CoveredMaria(Maria):
    """Maria and non-maria by the shares of pixels that lie within outlines.

    Parameters
    ----------
    of : Covering
        What draws the outlines.
    """

    @property
    def centred(self) -> Maria:
        """Maria and non-maria by pixels' centres."""
        (of,) = by_centres([self.of])
        return Maria(of, self.parts, self.name, self.groups)

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """1 where a pixel is mare as a whole, 2 where it is not at all, 0 where it is cut."""
        return _covered_maria(self, grid, window).numbers

    def pieces(self, grid: RasterGrid, window: Window) -> Pieces:
        """The mare's and the rest's part of each pixel that a shore cuts."""
        return _covered_maria(self, grid, window).pieces


@lru_cache(maxsize=KEPT_WINDOWS)
def _covered(of: CoveredPolygons, grid: RasterGrid, window: Window) -> Covered:
    strips = list(window.split_rows(STRIP_ROWS))
    done = [_strip(of, grid, strip) for strip in strips]
    return _frozen(
        np.concatenate([numbers for numbers, _ in done]),
        [
            pieces._replace(rows=pieces.rows + (strip.row - window.row))
            for strip, (_, pieces) in zip(strips, done, strict=True)
        ],
    )


def _strip(of: CoveredPolygons, grid: RasterGrid, window: Window) -> Covered:
    """The shares of a few rows."""
    shape = window.height, window.width
    numbers = np.zeros(shape, dtype=np.uint16)
    reaching = list(of.reaching(grid, window))
    if not reaching:
        return Covered(numbers, _none())
    left = np.full(shape, WHOLE_PIXEL, dtype=np.int64)
    given = [_given(polygon, reach, left=left, numbers=numbers) for polygon, reach in reaching]
    cut = _joined(given)
    # what nobody has got of a cut pixel is group 0's
    rows, cols = np.divmod(np.unique(cut.rows * window.width + cut.cols), window.width)
    rest = left[rows, cols]
    outside = Pieces(rows, cols, np.zeros(len(rows), np.uint16), rest)
    return _settled(numbers, _joined([cut, outside.at(rest > 0)]))


def _given(
    polygon: Polygon, reach: Reach, *, left: NDArray[np.int64], numbers: NDArray[np.uint16]
) -> Pieces:
    """What a polygon gets of the pixels that it cuts; whole pixels are numbered."""
    height, width = reach.frame[3:]
    parts = np.zeros((height, width + 1), dtype=np.int64)
    drawn = polygon.edges, polygon.spans, polygon.signs
    scanning.cover(*drawn, reach.frame, reach.turns, parts)
    within = reach.rows, reach.cols
    count = scanning.share_out(parts, left[within], np.uint16(polygon.number), numbers[within])
    rows, cols, shares = (np.empty(count, dtype=np.int64) for _ in range(3))
    scanning.collect(parts, rows, cols, shares)
    groups = np.full(count, polygon.number, dtype=np.uint16)
    return Pieces(rows + reach.rows.start, cols + reach.cols.start, groups, shares)


def _settled(numbers: NDArray[np.uint16], pieces: Pieces) -> Covered:
    """Parts of one group in one pixel added up; pixels that become whole are numbered.

    Parameters
    ----------
    numbers : ndarray of uint16, (row, col)
        Written to.
    pieces : Pieces
        In any order, all parts of each pixel.
    """
    order = np.lexsort((pieces.groups, pieces.cols, pieces.rows))
    if not order.size:
        return Covered(numbers, _none())
    rows, cols, groups, shares = pieces.at(order)
    other = (np.diff(rows) != 0) | (np.diff(cols) != 0) | (np.diff(groups) != 0)
    starts = np.flatnonzero(np.append(True, other))
    added = Pieces(rows[starts], cols[starts], groups[starts], np.add.reduceat(shares, starts))
    whole = added.shares == WHOLE_PIXEL
    numbers[added.rows[whole], added.cols[whole]] = added.groups[whole]
    return Covered(numbers, added.at(~whole))


@lru_cache(maxsize=KEPT_WINDOWS)
def _covered_maria(maria: CoveredMaria, grid: RasterGrid, window: Window) -> Covered:
    if not isinstance(maria.of, Covering):
        raise TypeError(f"{maria.of.name} does not tell shares of pixels")
    parts = np.array(maria.parts, dtype=np.uint16)
    pieces = maria.of.pieces(grid, window)
    numbers = parts[maria.of.numbers(grid, window)]
    numbers[pieces.rows, pieces.cols] = 0
    settled = _settled(numbers, pieces._replace(groups=parts[pieces.groups]))
    return _frozen(settled.numbers, [settled.pieces])


def _joined(pieces: list[Pieces]) -> Pieces:
    rows, cols, groups, shares = zip(*pieces, strict=True)
    numbers = np.concatenate(groups)
    return Pieces(np.concatenate(rows), np.concatenate(cols), numbers, np.concatenate(shares))


def _none() -> Pieces:
    empty = np.empty(0, dtype=np.int64)
    return Pieces(empty, empty, np.empty(0, dtype=np.uint16), empty)


def _frozen(numbers: NDArray[np.uint16], pieces: list[Pieces]) -> Covered:
    """What is kept for several to read."""
    covered = Covered(numbers, _joined(pieces))
    for array in (covered.numbers, *covered.pieces):
        array.setflags(write=False)
    return covered
