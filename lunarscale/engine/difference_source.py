"""Maps with the differences of some of them as further layers, so that one pass serves both."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.sources import LAYER_BYTES, MapsSource
from lunarscale.errors import ParametersError
from lunarscale.flags import EXTRAPOLATED, NO_DATA, OUTSIDE_MARE, REASON_MASK, MapReason
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import Quantity
from lunarscale.reduce.sums import Chunk
from lunarscale.store.layout import Layout

#: Bytes a pixel of a chunk while one difference is made: a wider integer, masks and flags.
_WORKING_BYTES = 12


@dataclass(frozen=True)
class Difference:
    """A layer that is one map less another of the same quantity.

    Parameters
    ----------
    name : str
        Of the new layer.
    minuend, subtrahend : str
        Layers of the maps.
    """

    name: str
    minuend: str
    subtrahend: str


@dataclass(frozen=True)
class DifferenceSource:
    """The layers of one store of maps, and behind them differences of pairs of them.

    A difference has a value where both maps have one, exactly as many counts apart as they are;
    it is qualified where either is. Where one has none, the difference has the same reason.

    Parameters
    ----------
    maps : MapsSource
    differences : tuple of Difference

    Raises
    ------
    ParametersError
        If a difference is of two quantities, or of layers that are not read, or its name is taken.
    """

    maps: MapsSource
    differences: tuple[Difference, ...]

    def __post_init__(self) -> None:
        known = dict(zip(self.maps.layers, self.maps.quantities, strict=True))
        for place, made in enumerate(self.differences):
            both = (made.minuend, made.subtrahend)
            absent = [layer for layer in both if layer not in known]
            if absent:
                raise ParametersError(
                    f"{made.name}: {self.name} is not read for {' and '.join(absent)} but for "
                    f"{', '.join(known)}; name two of these"
                )
            first, second = (known[layer] for layer in both)
            if first != second:
                raise ParametersError(
                    f"{made.name}: {made.minuend} is {first.long_name} but {made.subtrahend} is "
                    f"{second.long_name}; a difference is of one quantity"
                )
            taken = {*known, *(other.name for other in self.differences[:place])}
            if made.name in taken:
                raise ParametersError(f"{made.name} names two layers; give the difference another")

    @property
    def name(self) -> str:
        """The store's URL."""
        return self.maps.name

    @property
    def layers(self) -> tuple[str, ...]:
        """The maps' and the differences' names."""
        return (*self.maps.layers, *(made.name for made in self.differences))

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What each layer shows; a difference the quantity of both its maps."""
        known = dict(zip(self.maps.layers, self.maps.quantities, strict=True))
        return (*self.maps.quantities, *(known[made.minuend] for made in self.differences))

    @property
    def layout(self) -> Layout:
        """The store's."""
        return self.maps.layout

    @property
    def grid(self) -> RasterGrid:
        """The store's."""
        return self.maps.grid

    @property
    def bytes_a_pixel(self) -> int:
        """What is read of the maps; differences cost nothing to read."""
        return self.maps.bytes_a_pixel

    @property
    def task_bytes(self) -> int:
        """The maps', and a chunk of all layers with one difference in the making."""
        chunk = len(self.layers) * LAYER_BYTES + _WORKING_BYTES
        return self.maps.task_bytes + chunk * self.layout.chunk**2

    def shard_name(self, window: Window) -> str:
        """Its name in the ledger."""
        return self.maps.shard_name(window)

    def require_seen(self) -> None:
        """Make sure that this process sees the store."""
        self.maps.require_seen()

    def content(self, window: Window) -> str | None:
        """Digest of what lies under a window of the maps."""
        return self.maps.content(window)

    def chunks(self, window: Window) -> Iterator[Chunk]:
        """All layers of a shard, chunk by chunk."""
        index = {layer: place for place, layer in enumerate(self.maps.layers)}
        pairs = [(index[made.minuend], index[made.subtrahend]) for made in self.differences]
        for chunk in self.maps.chunks(window):
            made = [difference_of(chunk.counts[[a, b]], chunk.flags[[a, b]]) for a, b in pairs]
            counts = np.concatenate([chunk.counts, *(counts[None] for counts, _ in made)])
            flags = np.concatenate([chunk.flags, *(flags[None] for _, flags in made)])
            yield Chunk(chunk.window, counts, flags)


def difference_of(
    counts: NDArray[np.int16], flags: NDArray[np.uint8]
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Counts and flags of the first map less the second.

    Parameters
    ----------
    counts : ndarray of int16, (2, row, col)
        ``NO_DATA`` where there is no value.
    flags : ndarray of uint8, (2, row, col)

    Returns
    -------
    counts : ndarray of int16, (row, col)
        ``NO_DATA`` where either has none, or their difference does not fit.
    flags : ndarray of uint8, (row, col)
        The reason of the first that has no value; else whether either value is extrapolated or
        outside the maria. That a value is below zero says nothing of a difference.
    """
    first, second = counts
    wide = first.astype(np.int32) - second
    lacking = (first == NO_DATA) | (second == NO_DATA)
    beyond = ~lacking & (np.abs(wide) > np.iinfo(np.int16).max)
    reasons = flags & REASON_MASK
    made = np.where(reasons[0] > 0, reasons[0], reasons[1])
    qualifiers = (flags[0] | flags[1]) & (EXTRAPOLATED | OUTSIDE_MARE)
    made = np.where(lacking, made, qualifiers)
    made[beyond] = MapReason.BEYOND_RANGE
    wide[lacking | beyond] = NO_DATA
    return wide.astype(np.int16), made.astype(np.uint8)
