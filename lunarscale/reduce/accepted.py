"""Where two maps fall into accepted pairs of bins: exact areas by groups of places.

A ``Joint`` tells it for few groups and any pairs of bins; this is for many groups, such as
thousands of patches, and one table of pairs.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.joint import Axis
from lunarscale.reduce.statistics import Label
from lunarscale.reduce.sums import Chunk, require_shape

#: Bytes a pixel of a chunk while it is added: numbers and bins of both maps, as int64 at most.
_CHUNK_BYTES = 48


class Places(Protocol):
    """A grouping, which may have more groups than uint16 can number."""

    @property
    def name(self) -> str:
        """Name for people."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups: number g is ``groups[g - 1]``."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines the numbers."""

    @property
    def kept_bytes(self) -> int:
        """Memory that it takes in every process."""

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.integer[Any]]:
        """Group numbers of a window's pixels, ``(height, width)``; 0 is no group."""


@dataclass(frozen=True, eq=False)
class Accepted:
    """Exact integer areas of groups, in units of which the sphere has 2**62.

    Parameters
    ----------
    grouping : Label
    met : ndarray of int64, (group,)
        Where both maps have values in an accepted pair of bins.
    valid : ndarray of int64, (group,)
        Where both maps have values.
    whole : ndarray of int64, (group,)
        With values or not.
    """

    grouping: Label
    met: NDArray[np.int64]
    valid: NDArray[np.int64]
    whole: NDArray[np.int64]

    def merge(self, other: "Accepted") -> "Accepted":
        """The areas of both parts together.

        Raises
        ------
        ParametersError
            If they are of other groups.
        """
        if self.grouping != other.grouping:
            raise ParametersError(
                f"accepted areas by {self.grouping.name} ({self.grouping.digest[:8]}) do not add "
                f"to those by {other.grouping.name} ({other.grouping.digest[:8]}); count both with "
                "the same groups"
            )
        return Accepted(
            self.grouping,
            self.met + other.met,
            self.valid + other.valid,
            self.whole + other.whole,
        )


@dataclass(frozen=True, eq=False)
class AcceptedAreas:
    """The measure: accepted areas of two layers by groups.

    Parameters
    ----------
    first, second : Axis
        The layers and their bins.
    pairs : ndarray of bool, (bin of the first, bin of the second)
        Which pairs are accepted.
    places : Places
        What lies in no group is not counted.
    """

    first: Axis
    second: Axis
    pairs: NDArray[np.bool_]
    places: Places

    @property
    def kept_bytes(self) -> int:
        """That of the groups."""
        return self.places.kept_bytes

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """Sums and partial sum, two tables of bins, and a chunk at work."""
        return 2 * self.sum_bytes(layers) + 4 * 65_536 + _CHUNK_BYTES * chunk**2

    def sum_bytes(self, layers: int) -> int:
        """Three areas a group."""
        return 3 * 8 * len(self.places.groups)

    def tally(
        self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window
    ) -> "AcceptedTally":
        """An empty tally of one shard.

        Raises
        ------
        ParametersError
            If a layer is not among the source's.
        """
        return AcceptedTally(self, layers, grid=grid)


class AcceptedTally:
    """Adds up the chunks of one shard; not for two threads at once."""

    def __init__(
        self, measure: AcceptedAreas, layers: tuple[str, ...], *, grid: RasterGrid
    ) -> None:
        axes = (measure.first, measure.second)
        for axis in axes:
            if axis.layer not in layers:
                raise ParametersError(
                    f"{axis.layer} is to be counted but the layers are {', '.join(layers)}; "
                    "name one of them"
                )
        self._layers, self._grid, self._places = len(layers), grid, measure.places
        self._at = tuple(layers.index(axis.layer) for axis in axes)
        self._lookups = tuple(axis.lookup() for axis in axes)
        self._pairs = measure.pairs
        self._sums = np.zeros((3, len(measure.places.groups)), dtype=np.int64)

    def add(self, chunk: Chunk) -> None:
        """Add a chunk of the shard; each pixel is to be added once."""
        require_shape(chunk, self._layers)
        numbers = self._places.numbers(self._grid, chunk.window)
        rows, cols = np.nonzero(numbers)
        if not rows.size:
            return
        groups = numbers[rows, cols].astype(np.int64) - 1
        weights = self._grid.row_weights(chunk.window)[rows]
        first, second = (
            lookup[chunk.counts[layer][rows, cols].view(np.uint16)]
            for layer, lookup in zip(self._at, self._lookups, strict=True)
        )
        # no-data has a number beyond all bins
        valid = (first < self._pairs.shape[0]) & (second < self._pairs.shape[1])
        met = np.zeros(valid.shape, dtype=bool)
        met[valid] = self._pairs[first[valid], second[valid]]
        for sums, where in zip(self._sums, (met, valid), strict=False):
            np.add.at(sums, groups[where], weights[where])
        np.add.at(self._sums[2], groups, weights)

    def partial(self) -> Accepted:
        """What has been added so far."""
        places = self._places
        label = Label(places.name, places.groups, places.digest)
        met, valid, whole = self._sums.copy()
        return Accepted(label, met, valid, whole)
