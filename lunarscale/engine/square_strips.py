"""The map under a square of a pyramid, strip by strip: each chunk is decoded once, in its place."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.pyramids import Pyramid
from lunarscale.flags import NO_DATA, MapReason
from lunarscale.grid.area_means import Pieces
from lunarscale.grid.raster import Window
from lunarscale.store.cube import Cube, WindowReader


class Strip(NamedTuple):
    """A row of chunks of one layer: its first row in the whole grid, how many, and the pixels."""

    row: int
    height: int
    pieces: Pieces


class SquareStrips:
    """Reads what lies under a square; where the map does not reach is no input.

    Chunks stay as they were decoded, side by side: to paste them together would be to move every
    pixel once more.

    Parameters
    ----------
    base : Cube
    pyramid : Pyramid
    square : Window
        Of the first level.
    """

    def __init__(self, base: Cube, pyramid: Pyramid, square: Window) -> None:
        self._base, self._grid, size = base, base.grid, base.layout.chunk
        self._top, self._height, left, width = pyramid.reach(square)
        self._cols: list[int] = []
        runs = []
        for into, first, length in pyramid.runs(left, width):
            for col in range(first // size * size, first + length, size):
                start, stop = max(col, first), min(col + size, first + length)
                runs.append((len(self._cols), start - col, stop - start, into + start - first))
                self._cols.append(col)
        self._runs = _filled(runs, width, blank=len(self._cols), size=size)
        self._nothing = _filled([], width, blank=len(self._cols), size=size)
        shape = (len(self._cols) + 1, size, size)
        self._counts, self._flags = np.empty(shape, np.int16), np.empty(shape, np.uint8)
        self._counts[-1], self._flags[-1] = NO_DATA, MapReason.NO_INPUT

    def of(self, layer: str) -> Iterator[Strip]:
        """A layer from north to south, a row of chunks at a time, in memory used again."""
        size, shard = self._base.layout.chunk, self._base.layout.shard
        readers: dict[int, tuple[WindowReader, WindowReader]] = {}
        open_row = -1
        for row, height in self._rows():
            top = row - self._grid.row
            if not 0 <= top < self._grid.height:
                yield Strip(row, height, Pieces(self._counts, self._flags, self._nothing))
                continue
            if top // shard != open_row:
                open_row = top // shard
                readers.clear()  # and with them the objects of the shards above
            for piece, col in enumerate(self._cols):
                window = Window(top, col, height, min(size, self._grid.width - col))
                if col // shard not in readers:
                    both = self._base.reads(layer), self._base.reads(f"{layer}_flag")
                    readers[col // shard] = both
                counts, flags = readers[col // shard]
                counts.read_into(window, self._counts[piece])
                flags.read_into(window, self._flags[piece])
            yield Strip(row, height, Pieces(self._counts, self._flags, self._runs))

    def _rows(self) -> Iterator[tuple[int, int]]:
        """First row and number of rows of the strips: the map's rows of chunks, and what is off."""
        own, size = self._grid, self._base.layout.chunk
        row, end = self._top, self._top + self._height
        while row < end:
            if row < own.row:
                stop = min(row + size, own.row, end)
            elif row < own.row + own.height:
                row -= (row - own.row) % size  # a chunk is decoded from its first row on
                stop = min(row + size, own.row + own.height)
            else:
                stop = min(row + size, end)
            yield row, stop - row
            row = stop


def _filled(
    runs: list[tuple[int, int, int, int]], width: int, *, blank: int, size: int
) -> NDArray[np.int64]:
    """Runs of pieces, and of a blank one where there are none."""
    found, at = [], 0
    for run in (*sorted(runs, key=lambda run: run[3]), (0, 0, 0, width)):
        found += [(blank, 0, min(size, run[3] - col), col) for col in range(at, run[3], size)]
        found += [run] if run[2] else []
        at = run[3] + run[2]
    return np.array(found, np.int64).reshape(-1, 4)
