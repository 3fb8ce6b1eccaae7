"""The measure of products: every map times every other, where they have values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError
from lunarscale.grid.groupings import Covering, Grouping, Pieces
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.covariances import Covariances, terms_of
from lunarscale.reduce.coverage import weights_of
from lunarscale.reduce.product_loops import CUT, add_parts, add_products
from lunarscale.reduce.statistics import Label
from lunarscale.reduce.sums import Chunk, require_shape
from lunarscale.reduce.wide import Wide

#: The layers with a value at a place are the bits of one int64.
MOST_LAYERS = 62

#: Bytes of a term in a tally, its limbs and the sum of a row, and as a Python integer in a sum.
SLOT_TERM_BYTES, TERM_BYTES = 16 + 8, 56

#: Sets of layers with values that are expected in a group; what has more takes more memory.
SETS = 8

#: Bytes a pixel of a chunk for the parts of cut pixels, were every pixel cut in two.
PIECE_BYTES = 2 * (8 * 4 + 8 * 4)

#: Slots that a tally has at least, beside those that one row may need.
SLOTS_AT_FIRST = 64


@dataclass(frozen=True)
class Products:
    """Area times the product of every two maps, by groups (``Covariances``).

    Parameters
    ----------
    grouping : Grouping
        If it is ``Covering``, a pixel that its borders cut counts in each group by its share.
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
        parts = PIECE_BYTES * chunk * chunk if isinstance(self.grouping, Covering) else 0
        return tally + self.sum_bytes(layers) + 8 * chunk * chunk + parts

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
        #: a row's sums in each slot, and which of them are not zero; all are between rows
        self._of_row = np.zeros((SLOTS_AT_FIRST, self._terms), dtype=np.int64)
        self._touched = np.zeros(SLOTS_AT_FIRST, dtype=np.uint8)

    def add(self, chunk: Chunk) -> None:
        """Add a chunk; each pixel is to be added once.

        Raises
        ------
        ValueError
            If its arrays are not of its window's shape and the tally's layers.
        """
        require_shape(chunk, len(self._layers))
        groups = self._grouping.numbers(self._grid, chunk.window).astype(np.int32, order="C")
        counts, areas = np.ascontiguousarray(chunk.counts), self._grid.row_weights(chunk.window)
        if isinstance(self._grouping, Covering):
            pieces = self._grouping.pieces(self._grid, chunk.window)
            groups[pieces.rows, pieces.cols] = CUT
            self._add_parts(counts, pieces, areas)
        given = counts, groups, areas
        row = 0
        while row < chunk.window.height:
            self._reserve(self._used + chunk.window.width)  # a row may need one a pixel
            limbs = self._sums.low, self._sums.high
            scratch = self._scratch(chunk.window.width)
            row, self._used = add_products()(given, row, self._keys, limbs, self._used, scratch)

    def _add_parts(
        self, counts: NDArray[np.int16], pieces: Pieces, areas: NDArray[np.int64]
    ) -> None:
        """Add the parts of cut pixels, each by its own area."""
        weights, _ = weights_of(pieces, areas[pieces.rows])
        places = np.stack([pieces.groups.astype(np.int64), pieces.rows, pieces.cols, weights])
        part = 0
        while part < len(weights):
            self._reserve(self._used + 1)
            limbs = self._sums.low, self._sums.high
            part, self._used = add_parts()(
                (counts, places), part, self._keys, limbs, self._used, self._scratch(0)
            )

    def _scratch(self, width: int) -> tuple[NDArray[Any], ...]:
        """What the loops note down for a row: made here, for it takes them long to compile."""
        return np.empty(width, np.int64), self._of_row, self._touched

    def _reserve(self, slots: int) -> None:
        """Make room for so many slots, and keep those that there are."""
        if slots <= len(self._keys):
            return
        keys = np.zeros((2 * slots, 2), dtype=np.int64)
        keys[: self._used] = self._keys[: self._used]
        sums = Wide.zeros((2 * slots, self._terms))
        sums.add_at(slice(self._used), self._sums[: self._used])
        self._keys, self._sums = keys, sums
        self._of_row = np.zeros(sums.low.shape, dtype=np.int64)
        self._touched = np.zeros(len(keys), dtype=np.uint8)

    def partial(self) -> Covariances:
        """What has been added so far."""
        grouping = self._grouping
        keys = [(group, valid) for group, valid in self._keys[: self._used].tolist()]
        sums = {key: tuple(self._sums[slot].to_ints()) for slot, key in enumerate(keys)}
        label = Label(grouping.name, grouping.groups, grouping.digest)
        return Covariances(self._layers, label, dict(sorted(sums.items())))
