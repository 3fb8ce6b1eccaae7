"""One map of a store, read on another grid: pixel by pixel, as area means, or the nearest."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.ledger import Ledger
from lunarscale.errors import StoreError
from lunarscale.flags import NO_DATA, MapReason
from lunarscale.grid.coarsening import STRIP_ROWS, Coarsening
from lunarscale.grid.common import holding
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import QUANTITIES, Quantity
from lunarscale.store.cube import SHARDS_KEPT, Cube, WindowReader
from lunarscale.store.layout import MapLayer

#: How a finer map is brought to a coarser grid.
Method = Literal["mean", "nearest"]

#: Counts and flags of a window, each (row, col).
Pixels = tuple[NDArray[np.int16], NDArray[np.uint8]]


@dataclass(frozen=True)
class StoredMap:
    """One layer of a store of maps; it is small and pickles.

    Parameters
    ----------
    cube : Cube
    layer : str

    Raises
    ------
    StoreError
        If the store has no such map; the message lists those it has.
    """

    cube: Cube
    layer: str

    def __post_init__(self) -> None:
        has = [layer.name for layer in self.cube.layout.layers]
        if self.layer not in has:
            raise StoreError(
                f"{self.cube.location.url}: there is no map {self.layer}; the store has "
                f"{', '.join(has) or 'none'}"
            )

    @property
    def name(self) -> str:
        """``store.zarr:FeO``."""
        return f"{self.cube.location.url}:{self.layer}"

    @property
    def described(self) -> MapLayer:
        """What the store says of the layer."""
        return next(item for item in self.cube.layout.layers if item.name == self.layer)

    @property
    def quantity(self) -> Quantity:
        """What it shows."""
        return QUANTITIES[self.described.quantity]

    @property
    def encoded_bytes(self) -> int:
        """Most bytes of the encoded objects that its readers hold."""
        return SHARDS_KEPT * self.cube.held_bytes(self.layer, f"{self.layer}_flag")

    def content(self, grid: RasterGrid, window: Window) -> str | None:
        """Digest of the entries of all shards that a window of a grid may be read from.

        None if one of them is not done.
        """
        ledger = Ledger.of(self.cube)
        shards = {shard for part in self._under(grid, window) for shard in ledger.under(part)}
        return ledger.content(sorted(shards))

    def _under(self, grid: RasterGrid, window: Window) -> Iterator[Window]:
        """What of this map lies under a window of a grid; a pixel more where the pixels differ."""
        own, ratio = self.cube.grid, self.cube.grid.around / grid.around
        more = 0 if own.around == grid.around else 1
        top, left = grid.row + window.row, grid.col + window.col
        first, last = (
            max(own.row, math.floor(top * ratio) - more),
            min(own.row + own.height, math.ceil((top + window.height) * ratio) + more),
        )
        west, east = (
            math.floor(left * ratio) - more,
            math.ceil((left + window.width) * ratio) + more,
        )
        if first < last:
            for _, col, width in _pieces(Window(first, west, last - first, east - west), own):
                yield Window(first - own.row, col, last - first, width)


class MapOnGrid:
    """Reads windows of a target grid from one map; not for two threads at once.

    Parameters
    ----------
    source : StoredMap
        On a grid of as many pixels around as the target's, or of more.
    target : RasterGrid
    method : {"mean", "nearest"}
        Of no account where both have the same pixels around.
    """

    def __init__(self, source: StoredMap, target: RasterGrid, *, method: Method) -> None:
        cube = source.cube
        self._own, self._target, self._method = cube.grid, target, method
        self._counts, self._flags = cube.reads(source.layer), cube.reads(f"{source.layer}_flag")

    def read_into(
        self, window: Window, counts: NDArray[np.int16], flags: NDArray[np.uint8]
    ) -> None:
        """Fill a window's counts and flags, ``(row, col)``; no data where the map does not reach.

        Parameters
        ----------
        window : Window
            In the target's rows and columns.
        counts, flags : ndarray
        """
        row, col = self._target.row + window.row, self._target.col + window.col
        if self._own.around == self._target.around:
            self._read(Window(row, col, window.height, window.width), counts, flags)
        elif self._method == "nearest":
            self._pick(Window(row, col, window.height, window.width), counts, flags)
        else:
            self._average(window, counts, flags)

    def _average(self, window: Window, counts: NDArray[np.int16], flags: NDArray[np.uint8]) -> None:
        made = Coarsening(self._target, window, self._own.around)
        left, right = int(made.col_edges[0]), int(made.col_edges[-1])
        for row, height in made.strips():
            made.add(row, *self._new(Window(row, left, height, right - left)))
        made.finish(counts, flags)

    def _pick(self, place: Window, counts: NDArray[np.int16], flags: NDArray[np.uint8]) -> None:
        rows, cols = (
            holding(np.arange(start, start + length), self._target.around, self._own.around)
            for start, length in ((place.row, place.height), (place.col, place.width))
        )
        top, left = int(rows[0]), int(cols[0])
        held = self._new(Window(top, left, int(rows[-1]) - top + 1, int(cols[-1]) - left + 1))
        at = np.ix_(rows - top, cols - left)
        counts[...], flags[...] = held[0][at], held[1][at]

    def _new(self, place: Window) -> Pixels:
        """A window of the whole turn's pixels in new arrays."""
        made = (
            np.empty((place.height, place.width), np.int16),
            np.empty((place.height, place.width), np.uint8),
        )
        self._read(place, *made)
        return made

    def _read(self, place: Window, counts: NDArray[np.int16], flags: NDArray[np.uint8]) -> None:
        """Fill a window of the whole turn's pixels, no data where the map does not reach."""
        own = self._own
        top = max(place.row, own.row)
        bottom = min(place.row + place.height, own.row + own.height)
        pieces = [] if top >= bottom else list(_pieces(place, own))
        if sum(length for _, _, length in pieces) < place.width or bottom - top < place.height:
            counts[...] = NO_DATA
            flags[...] = MapReason.NO_INPUT
        rows = slice(top - place.row, bottom - place.row)
        for into, col, length in pieces:
            window = Window(top - own.row, col, bottom - top, length)
            cols = slice(into, into + length)
            _fill(self._counts, window, counts[rows, cols])
            _fill(self._flags, window, flags[rows, cols])


def _pieces(place: Window, own: RasterGrid) -> Iterator[tuple[int, int, int]]:
    """Runs of columns that a map has of a window: its column there, the map's, and the length."""
    first = (own.col - place.col) % own.around - own.around
    for at in range(first, place.width, own.around):
        left, right = max(at, 0), min(at + own.width, place.width)
        if left < right:
            yield left, left - at, right - left


def _fill(reader: WindowReader, window: Window, out: NDArray[np.generic]) -> None:
    """Read a window into part of an array: at once where that is in one piece."""
    if out.flags.c_contiguous:
        reader.read_into(window, out)
        return
    room = np.empty(out.shape, out.dtype)
    reader.read_into(window, room)
    out[...] = room


def strip_bytes(columns: int) -> int:
    """Memory of one strip of the finer map: counts and flags, read and in parts."""
    return 2 * 3 * STRIP_ROWS * columns
