"""The measure of cells: what every cell of equal area holds of every map."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import BandedCells
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.cell_sums import CELL_BYTES, CELL_LAYER_BYTES, CellSums, LayerSums
from lunarscale.reduce.sums import Chunk, require_shape
from lunarscale.reduce.wide import plus, product


@dataclass(frozen=True)
class CellMoments:
    """Area, moments to order two and extremes of each map in each cell (``CellSums``).

    A pixel belongs to the cell that holds its centre. A cell may lie in several shards.

    Parameters
    ----------
    cells : BandedCells
    around : int, optional
        Pixels around the equator of the whole grid that will be summed; where it is known, the
        bound on memory is closer.
    """

    cells: BandedCells
    around: int | None = None

    @property
    def kept_bytes(self) -> int:
        """None to speak of: cells are a table of bands."""
        return 0

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """Most memory of one tally and its sum, of cells no smaller than pixels.

        Parameters
        ----------
        layers : int
        shard, chunk : int
            Edges in pixels.
        """
        cells = self.cells
        turn = 1.0 if self.around is None else min(shard / self.around, 1.0)
        # two more that begin before the shard and end behind it, and the end of the line
        across = min(shard, math.ceil(turn * max(cells.per_band)) + 2) + 1
        step = float(np.diff(cells.edges_deg).min())
        down = min(shard, math.ceil(min(360.0 * turn / step, cells.bands)) + 2)
        return 2 * down * across * (CELL_BYTES + layers * CELL_LAYER_BYTES)

    def sum_bytes(self, layers: int) -> int:
        """What is kept of all cells of the Moon."""
        return self.cells.count * (CELL_BYTES + layers * CELL_LAYER_BYTES)

    def tally(
        self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window
    ) -> "CellMomentsTally":
        """An empty tally of one shard."""
        return CellMomentsTally(self.cells, layers, grid=grid, window=window)


class CellMomentsTally:
    """Adds up the chunks of one shard; not for two threads at once.

    Rows of one band of cells are cut by cells at the same columns. Each piece of such a *line*
    has a slot. A row's pixels in a slot are summed in 64 bits and multiplied by their area once.

    Parameters
    ----------
    cells : BandedCells
    layers : tuple of str
    grid : RasterGrid
    window : Window
        The shard, in the grid's rows and columns.
    """

    def __init__(
        self, cells: BandedCells, layers: tuple[str, ...], *, grid: RasterGrid, window: Window
    ) -> None:
        self._cells, self._layers, self._grid, self._window = cells, layers, grid, window
        bands, lines = np.unique(cells.band_of(grid.lats(window)), return_inverse=True)
        self._lines = lines.astype(np.int64)
        first_rows = [int(np.argmax(lines == line)) for line in range(bands.size)]
        cut = [_cut(cells, grid, window._replace(row=window.row + r, height=1)) for r in first_rows]
        #: of each slot, its cell (-1: none) and first column in the shard; each line ends with one
        #: more, which is no slot and tells where the last one ends
        self._numbers = np.concatenate([numbers for numbers, _ in cut])
        self._edges = np.concatenate([edges for _, edges in cut])
        ends = np.cumsum([edges.size for _, edges in cut])
        self._firsts = np.concatenate([[0], ends]).astype(np.int64)
        self._weights, self._pixels = np.zeros((2, self._numbers.size), dtype=np.int64)
        self._sums = LayerSums.nothing(len(layers), self._numbers.size)

    def add(self, chunk: Chunk) -> None:
        """Add a chunk of the shard; each pixel is to be added once.

        Raises
        ------
        ValueError
            If its arrays are not of its window's shape and the tally's layers.
        """
        require_shape(chunk, len(self._layers))
        window = chunk.window
        top, left = window.row - self._window.row, window.col - self._window.col
        lines = self._lines[top : top + window.height]
        at = (
            _first_slots(self._edges, self._firsts, lines, left),
            self._edges - left,
            self._grid.row_weights(window),
        )
        measure_slots()(*at, window.width, self._weights, self._pixels)
        own = self._sums
        for layer, counts in enumerate(chunk.counts):
            first, second = own.first[layer], own.second[layer]
            add_slots()(
                np.ascontiguousarray(counts),
                at,
                (own.weights[layer], own.pixels[layer]),
                (first.low, first.high),
                (second.low, second.high),
                (own.lowest[layer], own.highest[layer]),
            )

    def partial(self) -> CellSums:
        """What has been added so far."""
        touched = np.flatnonzero((self._pixels > 0) & (self._numbers >= 0))
        numbers = self._numbers[touched]
        # a line around the whole Moon may begin and end in one cell: slots are then two parts
        once = np.unique(numbers, return_index=True)[1]
        again = np.delete(np.arange(numbers.size), once)
        return self._of(touched[once]).merge(self._of(touched[again]))

    def _of(self, slots: NDArray[np.intp]) -> CellSums:
        numbers, weights = self._numbers[slots], self._weights[slots]
        sums = self._sums.of(slots)
        return CellSums(self._layers, self._cells, numbers, weights, self._pixels[slots], sums)


def _cut(
    cells: BandedCells, grid: RasterGrid, row: Window
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cells of a row's pixels in runs, and the column at which each begins; its end last."""
    numbers = cells.numbers(grid, row)[0].astype(np.int64)
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    return np.append(numbers[starts], -1), np.append(starts, row.width).astype(np.int64)


def _first_slots(
    edges: NDArray[np.int64], firsts: NDArray[np.int64], lines: NDArray[np.int64], left: int
) -> NDArray[np.int64]:
    """The slot of each row that holds a column of the shard, ``(row,)``."""
    found = {
        line: firsts[line]
        + np.searchsorted(edges[firsts[line] : firsts[line + 1]], left, side="right")
        - 1
        for line in np.unique(lines).tolist()
    }
    return np.array([found[line] for line in lines.tolist()], dtype=np.int64)


def _measure(starts, edges, areas, width, weights, pixels):  # type: ignore[no-untyped-def]
    for row in range(starts.size):
        slot, start = starts[row], 0
        while start < width:
            stop = min(edges[slot + 1], width)
            weights[slot] += areas[row] * (stop - start)
            pixels[slot] += stop - start
            start, slot = stop, slot + 1


def _add(counts, at, valid, first, second, extremes):  # type: ignore[no-untyped-def]
    starts, edges, areas = at
    weights, pixels = valid
    lowest, highest = extremes
    rows, width = counts.shape
    for row in range(rows):
        slot, start = starts[row], 0
        area = areas[row]
        while start < width:
            stop = min(edges[slot + 1], width)
            number = total = squares = np.int64(0)
            low, high = lowest[slot], highest[slot]
            for col in range(start, stop):
                count = counts[row, col]
                # without branches: no-data counts as nothing, and is never the least or most
                has = np.int64(count != NO_DATA)
                value = np.int64(count) * has
                number += has
                total += value
                squares += value * value
                low = min(low, count if has else np.int16(32767))
                high = max(high, count)
            weights[slot] += area * number
            pixels[slot] += number
            one = plus((first[0][slot], first[1][slot]), product(area, total))
            two = plus((second[0][slot], second[1][slot]), product(area, squares))
            first[0][slot], first[1][slot] = one
            second[0][slot], second[1][slot] = two
            lowest[slot], highest[slot] = low, high
            start, slot = stop, slot + 1


_INT64 = numba.types.int64[::1]
_AT = numba.types.UniTuple(_INT64, 3)


@cache
def measure_slots() -> Any:
    """Kernel: area and pixels of each slot.

    ``(starts int64 (row,): each row's first slot; edges int64 (slot,): columns at which they
    begin; areas int64 (row,); width; weights, pixels int64 (slot,))``; the last two are added to.
    """
    signature = numba.types.void(_INT64, _INT64, _INT64, numba.types.int64, _INT64, _INT64)
    return numba.njit(signature, nogil=True)(_measure)


@cache
def add_slots() -> Any:
    """Kernel: one layer's sums of each slot.

    ``(counts int16 (row, col); (starts, edges, areas) as in measure_slots; (weights, pixels)
    int64; first, second: pairs of limbs; (lowest, highest) int16)``, the last four ``(slot,)``
    and added to.
    """
    counts = numba.types.Array(numba.types.int16, 2, "C", readonly=True)
    pair = numba.types.UniTuple(_INT64, 2)
    limbs = numba.types.Tuple([numba.types.uint64[::1], _INT64])
    extremes = numba.types.UniTuple(numba.types.int16[::1], 2)
    signature = numba.types.void(counts, _AT, pair, limbs, limbs, extremes)
    return numba.njit(signature, nogil=True)(_add)
