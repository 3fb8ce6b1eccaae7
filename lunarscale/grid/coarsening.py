"""Area means of a finer map in the pixels of a coarser grid, added up strip by strip.

Sums are integers, so no cut into strips shows in them; the one division is float64 and rounds half
to even. Compiled at first use, once a process.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.flags import EXTRAPOLATED, NO_DATA, OUTSIDE_MARE, REASON_MASK, MapReason
from lunarscale.grid.common import first_inside
from lunarscale.grid.raster import RasterGrid, Window

#: Weight of the heaviest row of finer pixels in a coarser one.
FULL_WEIGHT = 1 << 16

#: Finer rows that are added at a time.
STRIP_ROWS = 512

_QUALIFIERS = np.uint8(EXTRAPOLATED | OUTSIDE_MARE)
_NO_DATA, _REASONS = np.int16(NO_DATA), np.uint8(REASON_MASK)


class Coarsening:
    """Means of the finer pixels whose centres lie in each pixel of a window of a coarser grid.

    A mean weighs every finer pixel by its area (the cosine of its latitude, in 1/65,536 of the
    heaviest row's in the same coarser pixel). Finer pixels are not cut: where edges do not meet,
    the ground of a mean ends up to half a finer pixel off (at a ratio of 3 : 2 all means are a
    quarter of one north and west of their pixels). It stands where at least half the weight has
    a value; it is qualified where one of its pixels is.

    Parameters
    ----------
    grid : RasterGrid
        The coarser.
    window : Window
        In its rows and columns.
    around : int
        Finer pixels around the Moon, no fewer than the grid's.
    """

    def __init__(self, grid: RasterGrid, window: Window, around: int) -> None:
        row, col = grid.row + window.row, grid.col + window.col
        self.row_edges = first_inside(np.arange(window.height + 1) + row, grid.around, around)
        self.col_edges = first_inside(np.arange(window.width + 1) + col, grid.around, around)
        self._weights = _row_weights(self.row_edges, around)
        shape = (window.height, window.width)
        self._total, self._valid = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._qualifiers, self._worst = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)

    def strips(self) -> Iterator[tuple[int, int]]:
        """First row and number of rows of the finer strips that are to be added."""
        first, last = int(self.row_edges[0]), int(self.row_edges[-1])
        for row in range(first, last, STRIP_ROWS):
            yield row, min(STRIP_ROWS, last - row)

    def add(self, row: int, counts: NDArray[np.int16], flags: NDArray[np.uint8]) -> None:
        """Add a strip of the finer map, from ``col_edges[0]`` to ``col_edges[-1]``.

        Parameters
        ----------
        row : int
            Its first row in the whole finer grid.
        counts : ndarray of int16, (row, col)
            ``NO_DATA`` where there is no value.
        flags : ndarray of uint8, (row, col)
        """
        fine = np.arange(row, row + len(counts))
        rows = np.searchsorted(self.row_edges, fine, side="right") - 1
        weights = self._weights[fine - self.row_edges[0]]
        starts = self.col_edges - self.col_edges[0]
        sums = (self._total, self._valid, self._qualifiers, self._worst)
        _add_strip((counts, flags), (rows, weights), starts, sums)

    def finish(self, counts: NDArray[np.int16], flags: NDArray[np.uint8]) -> None:
        """Write the means' counts and flags, ``(row, col)``."""
        row_weight = np.add.reduceat(self._weights, self.row_edges[:-1] - self.row_edges[0])
        whole = row_weight[:, None] * np.diff(self.col_edges)
        # no value beats half of nothing: a pixel that holds no centre has none
        stands = (2 * self._valid >= whole) & (self._valid > 0)
        means = np.rint(self._total / np.maximum(self._valid, 1))
        counts[...] = np.where(stands, means, NO_DATA).astype(np.int16)
        reasons = np.maximum(self._worst, MapReason.NO_INPUT)
        flags[...] = np.where(stands, self._qualifiers, reasons)


def _row_weights(edges: NDArray[np.int64], around: int) -> NDArray[np.int64]:
    """Weight of every finer row from the first edge to the last, by its coarser pixel's rule."""
    rows = np.arange(edges[0], edges[-1])
    cosines = np.cos(np.radians(90.0 - (2 * rows + 1) * (180.0 / around)))
    heaviest = np.maximum.reduceat(cosines, edges[:-1] - edges[0])
    relative = cosines / np.repeat(heaviest, np.diff(edges))
    return np.asarray(np.rint(relative * FULL_WEIGHT).astype(np.int64))


@njit(nogil=True, error_model="numpy")
def _add_strip(strip, rows, starts, sums):  # type: ignore[no-untyped-def]
    """Add one strip of the finer map to the coarser pixels' sums."""
    counts, flags = strip
    places, weights = rows
    total, valid, qualifiers, worst = sums
    for line in range(counts.shape[0]):
        row, weight = places[line], weights[line]
        for col in range(starts.size - 1):
            summed, number = np.int64(0), np.int64(0)
            qualified, reason = np.uint8(0), np.uint8(0)
            for pixel in range(starts[col], starts[col + 1]):
                if counts[line, pixel] != _NO_DATA:
                    summed += counts[line, pixel]
                    number += 1
                    qualified |= flags[line, pixel] & _QUALIFIERS
                else:
                    reason = max(reason, flags[line, pixel] & _REASONS)
            total[row, col] += weight * summed
            valid[row, col] += weight * number
            qualifiers[row, col] |= qualified
            worst[row, col] = max(worst[row, col], reason)
