"""The measure of products: every map times every other, where they have values."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.covariances import Covariances, terms_of
from lunarscale.reduce.statistics import Label
from lunarscale.reduce.sums import Chunk, require_shape
from lunarscale.reduce.wide import Wide, plus, product

#: The layers with a value at a place are the bits of one int64.
MOST_LAYERS = 62

#: Bytes of a term in a tally, its limbs and the sum of a row, and as a Python integer in a sum.
SLOT_TERM_BYTES, TERM_BYTES = 16 + 8, 56

#: Sets of layers with values that are expected in a group; what has more takes more memory.
SETS = 8

#: Slots that a tally has at least, beside those that one row may need.
SLOTS_AT_FIRST = 64


@dataclass(frozen=True)
class Products:
    """Area times the product of every two maps, by groups (``Covariances``).

    Parameters
    ----------
    grouping : Grouping
        Pixels belong to its groups by their centres, also where it knows their exact coverage.
    """

    grouping: Grouping

    @property
    def kept_bytes(self) -> int:
        """That of the grouping."""
        return self.grouping.kept_bytes

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """Memory of one tally and its sum, where a group has no more than ``SETS`` sets of layers.

        Parameters
        ----------
        layers : int
        shard, chunk : int
            Edges in pixels.
        """
        slots = 2 * max(chunk, SETS * (len(self.grouping.groups) + 1)) + SLOTS_AT_FIRST
        tally = slots * (terms_of(layers) * SLOT_TERM_BYTES + 16)
        return tally + self.sum_bytes(layers) + 8 * chunk * chunk

    def sum_bytes(self, layers: int) -> int:
        """What is kept of ``SETS`` sets of layers with values in every group."""
        return SETS * (len(self.grouping.groups) + 1) * terms_of(layers) * TERM_BYTES

    def tally(self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window) -> "ProductTally":
        """An empty tally of one shard.

        Raises
        ------
        ParametersError
            If there are too many layers.
        """
        return ProductTally(self.grouping, layers, grid=grid)


class ProductTally:
    """Adds up the chunks of one shard; not for two threads at once.

    Pixels of one group and one set of layers with values share a slot. A row's pixels in a slot
    are summed in 64 bits and multiplied by their area once.

    Parameters
    ----------
    grouping : Grouping
    layers : tuple of str
    grid : RasterGrid

    Raises
    ------
    ParametersError
        If there are too many layers.
    """

    def __init__(self, grouping: Grouping, layers: tuple[str, ...], *, grid: RasterGrid) -> None:
        if len(layers) > MOST_LAYERS:
            raise ParametersError(
                f"covariances are of at most {MOST_LAYERS} layers but {len(layers)} were given; "
                "name fewer"
            )
        self._grouping, self._layers, self._grid = grouping, layers, grid
        self._terms = terms_of(len(layers))
        #: group and set of layers of each slot in use
        self._keys = np.zeros((SLOTS_AT_FIRST, 2), dtype=np.int64)
        self._sums = Wide.zeros((SLOTS_AT_FIRST, self._terms))
        self._used = 0

    def add(self, chunk: Chunk) -> None:
        """Add a chunk; each pixel is to be added once.

        Raises
        ------
        ValueError
            If its arrays are not of its window's shape and the tally's layers.
        """
        require_shape(chunk, len(self._layers))
        groups = self._grouping.numbers(self._grid, chunk.window)
        given = (
            np.ascontiguousarray(chunk.counts),
            np.ascontiguousarray(groups, dtype=np.uint16),
            self._grid.row_weights(chunk.window),
        )
        row = 0
        while row < chunk.window.height:
            self._reserve(self._used + chunk.window.width)  # a row may need one a pixel
            limbs = self._sums.low, self._sums.high
            row, self._used = add_products()(given, row, self._keys, limbs, self._used)

    def _reserve(self, slots: int) -> None:
        """Make room for so many slots, and keep those that there are."""
        if slots <= len(self._keys):
            return
        keys = np.zeros((2 * slots, 2), dtype=np.int64)
        keys[: self._used] = self._keys[: self._used]
        sums = Wide.zeros((2 * slots, self._terms))
        sums.add_at(slice(self._used), self._sums[: self._used])
        self._keys, self._sums = keys, sums

    def partial(self) -> Covariances:
        """What has been added so far."""
        grouping = self._grouping
        keys = [(group, valid) for group, valid in self._keys[: self._used].tolist()]
        sums = {key: tuple(self._sums[slot].to_ints()) for slot, key in enumerate(keys)}
        label = Label(grouping.name, grouping.groups, grouping.digest)
        return Covariances(self._layers, label, dict(sorted(sums.items())))


def _add(given, row, keys, sums, used):  # type: ignore[no-untyped-def]
    counts, groups, areas = given
    layers, rows, width = counts.shape
    valid = np.empty(width, dtype=np.int64)
    of_row = np.zeros(sums[0].shape, dtype=np.int64)
    touched = np.zeros(keys.shape[0], dtype=np.bool_)
    slot = 0
    while row < rows and used + width <= keys.shape[0]:
        valid[:] = 0
        for layer in range(layers):
            bit = np.int64(1) << layer
            for col in range(width):
                valid[col] |= bit * np.int64(counts[layer, row, col] != NO_DATA)
        start = 0
        while start < width:
            group, layers_here = np.int64(groups[row, start]), valid[start]
            stop = start + 1
            while stop < width and valid[stop] == layers_here and groups[row, stop] == group:
                stop += 1
            if not (slot < used and keys[slot, 0] == group and keys[slot, 1] == layers_here):
                slot = 0
                while slot < used and (keys[slot, 0] != group or keys[slot, 1] != layers_here):
                    slot += 1
                if slot == used:
                    keys[slot, 0], keys[slot, 1] = group, layers_here
                    used += 1
            touched[slot] = True
            _add_run(counts[:, row, start:stop], layers_here, of_row[slot])
            start = stop
        for slot in range(used):
            if touched[slot]:
                touched[slot] = False
                _flush(areas[row], of_row[slot], (sums[0][slot], sums[1][slot]))
        row += 1
    return row, used


@numba.njit(nogil=True)
def _add_run(counts, valid, terms):  # type: ignore[no-untyped-def]
    """Add a run of pixels of one slot to the sums of its row."""
    layers, width = counts.shape
    terms[0] += width
    place = 1 + layers
    for i in range(layers):
        if valid >> i & 1:
            total = np.int64(0)
            for col in range(width):
                total += counts[i, col]
            terms[1 + i] += total
            for j in range(i + 1):
                if valid >> j & 1:
                    total = np.int64(0)
                    for col in range(width):
                        total += np.int64(counts[i, col]) * np.int64(counts[j, col])
                    terms[place + j] += total
        place += i + 1


@numba.njit(nogil=True)
def _flush(area, terms, sums):  # type: ignore[no-untyped-def]
    """Add a row's sums, times the area of its pixels, and empty them."""
    for term in range(terms.size):
        low, high = plus((sums[0][term], sums[1][term]), product(area, terms[term]))
        sums[0][term], sums[1][term] = low, high
        terms[term] = 0


@cache
def add_products() -> Any:
    """Kernel: add a chunk from a row on, as long as there is room for one more row's slots.

    ``((counts int16 (layer, row, col), groups uint16 (row, col), areas int64 (row,)), row, keys
    int64 (slot, 2), limbs (slot, term), used)``; returns the next row and the slots in use.
    """
    counts = numba.types.Array(numba.types.int16, 3, "C", readonly=True)
    groups = numba.types.Array(numba.types.uint16, 2, "C", readonly=True)
    given = numba.types.Tuple([counts, groups, numba.types.int64[::1]])
    limbs = numba.types.Tuple([numba.types.uint64[:, ::1], numba.types.int64[:, ::1]])
    whole = numba.types.int64
    result = numba.types.UniTuple(whole, 2)
    return numba.njit(result(given, whole, whole[:, ::1], limbs, whole), nogil=True)(_add)
