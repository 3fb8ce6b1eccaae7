"""The map under a square of a pyramid, strip by strip: each chunk is decoded once."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.pyramids import Pyramid
from lunarscale.flags import NO_DATA, MapReason
from lunarscale.grid.raster import Window
from lunarscale.store.cube import Cube, WindowReader


class Strip(NamedTuple):
    """Some rows of one layer: the first of them in the whole grid, and counts and flags."""

    row: int
    counts: NDArray[np.int16]
    flags: NDArray[np.uint8]


class SquareStrips:
    """Reads what lies under a square; where the map does not reach is no input.

    Parameters
    ----------
    base : Cube
    pyramid : Pyramid
    square : Window
        Of the first level.
    """

    def __init__(self, base: Cube, pyramid: Pyramid, square: Window) -> None:
        self._base, self._grid = base, base.grid
        self._top, self._height, left, self._width = pyramid.reach(square)
        shard = base.layout.shard
        self._pieces = [
            (into + piece.col - col, piece)
            for into, col, length in pyramid.runs(left, self._width)
            for start in range(col // shard * shard, col + length, shard)
            for piece in (_common(Window(0, col, 1, length), start, shard),)
        ]
        room = base.layout.chunk * self._width
        self._counts, self._flags = np.empty(room, np.int16), np.empty(room, np.uint8)

    def of(self, layer: str) -> Iterator[Strip]:
        """A layer from north to south, at most a chunk's rows at a time, in memory used again."""
        own, shard = self._grid, self._base.layout.shard
        readers: dict[int, tuple[WindowReader, WindowReader]] = {}
        open_row = -1
        for row, height in self._rows():
            strip = self._room(row, height)
            first, last = max(row - own.row, 0), min(row - own.row + height, own.height)
            if first >= last or sum(piece.width for _, piece in self._pieces) < self._width:
                strip.counts[...] = NO_DATA
                strip.flags[...] = MapReason.NO_INPUT
            if first < last and first // shard != open_row:
                open_row = first // shard
                readers.clear()  # and with them the objects of the shards above
            for number, (into, piece) in enumerate(self._pieces if first < last else ()):
                window = Window(first, piece.col, last - first, piece.width)
                if number not in readers:
                    readers[number] = self._base.reads(layer), self._base.reads(f"{layer}_flag")
                cols = slice(into, into + piece.width)
                readers[number][0].read_into(window, strip.counts[:, cols])
                readers[number][1].read_into(window, strip.flags[:, cols])
            yield strip

    def _rows(self) -> Iterator[tuple[int, int]]:
        """First row and number of rows of the strips, cut where the map's chunks are."""
        own, chunk = self._grid, self._base.layout.chunk
        cuts = {self._top, self._top + self._height, own.row + own.height}
        first = self._top - (self._top - own.row) % chunk
        cuts |= set(range(first, self._top + self._height, chunk))
        inside = sorted(cut for cut in cuts if self._top <= cut <= self._top + self._height)
        return ((top, bottom - top) for top, bottom in pairwise(inside))

    def _room(self, row: int, height: int) -> Strip:
        shape, size = (height, self._width), height * self._width
        return Strip(row, self._counts[:size].reshape(shape), self._flags[:size].reshape(shape))


def _common(run: Window, start: int, length: int) -> Window:
    """The part of a run of columns that lies in a shard."""
    first, last = max(run.col, start), min(run.col + run.width, start + length)
    return Window(0, first, 1, last - first)
