"""Two maps at once: the exact area of every pair of bins, by groups of places."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError
from lunarscale.flags import EXTRAPOLATED, NO_DATA
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import Quantity
from lunarscale.reduce import kernels
from lunarscale.reduce.coverage import require_whole
from lunarscale.reduce.statistics import Label
from lunarscale.reduce.sums import Chunk, require_shape

#: Where a count's bin is looked up, this stands for no-data.
NO_BIN = int(kernels.NO_BIN)

#: Areas of shards that wait in a worker until they are merged: each is as large as the whole.
WAITING = 8

#: Looking a count's bin up: 65,536 bins of two bytes, of either map.
LOOKUP_BYTES = 2 * 65_536 * 2

#: Bytes a pixel of a chunk for both maps' counts and flags, the groups' numbers, and temporaries.
CHUNK_BYTES = 16


@dataclass(frozen=True)
class Axis:
    """One map and the edges of its bins, in counts of its quantum.

    Bin 0 holds what lies below the first edge and bin k what is at or above edge k - 1: no value
    falls outside, so that an edge cuts the map's area exactly in two.

    Parameters
    ----------
    layer : str
        Name of the map.
    edges : tuple of int
        Rising counts, at least one.

    Raises
    ------
    ParametersError
        If the edges do not rise.
    """

    layer: str
    edges: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.edges or any(a >= b for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise ParametersError(
                f"bins of {self.layer} need rising edges, at least a quantum apart, but were given "
                f"{', '.join(map(str, self.edges)) or 'none'} counts; use fewer"
            )

    @classmethod
    def of(cls, layer: str, quantity: Quantity, values: Sequence[float]) -> "Axis":
        """The axis whose edges are the first counts at or above some values in units."""
        step = Fraction(str(quantity.quantum))  # 0.005 is meant as 1/200
        return cls(layer, tuple(math.ceil(Fraction(str(value)) / step) for value in values))

    @property
    def bins(self) -> int:
        """Number of bins, the two open ones included."""
        return len(self.edges) + 1

    def lookup(self) -> NDArray[np.uint16]:
        """Bin of every count, in the order of their bits as uint16; ``NO_BIN`` for no-data."""
        counts = np.arange(0x10000, dtype=np.uint32).astype(np.uint16).view(np.int16)
        bins = np.searchsorted(self.edges, counts.astype(np.int64), side="right").astype(np.uint16)
        bins[counts == NO_DATA] = NO_BIN
        return bins


@dataclass(frozen=True, eq=False)
class Joint:
    """Exact integer areas of pairs of bins; merges in any order to the same bits.

    Areas are in units of which the sphere has 2**62 (``RasterGrid.row_weights``).

    Parameters
    ----------
    axes : (Axis, Axis)
    grouping : Label
    areas : ndarray of int64, (group, 2, bin of the first, bin of the second)
        Where both maps have a value; group 0 is what lies in no group. The second axis parts
        plain values from those of which at least one is qualified (extrapolated, say).
    whole : ndarray of int64, (group,)
        Area of each group, with values or not.
    """

    axes: tuple[Axis, Axis]
    grouping: Label
    areas: NDArray[np.int64]
    whole: NDArray[np.int64]

    def merge(self, other: "Joint") -> "Joint":
        """The areas of both parts together.

        Raises
        ------
        ParametersError
            If they are of other maps, bins or groups.
        """
        if (self.axes, self.grouping) != (other.axes, other.grouping):
            raise ParametersError(
                f"areas of {self._title()} do not add to areas of {other._title()}; count both "
                "with the same maps, bins and groups"
            )
        return Joint(self.axes, self.grouping, self.areas + other.areas, self.whole + other.whole)

    def _title(self) -> str:
        names = " and ".join(f"{axis.layer} in {axis.bins} bins" for axis in self.axes)
        return f"{names} by {self.grouping.name} ({self.grouping.digest[:8]})"

    def at_or_above(self) -> NDArray[np.int64]:
        """Areas with both maps at or above every pair of edges.

        Returns
        -------
        ndarray of int64, (group, 2, edge of the first, edge of the second)
        """
        upward = self.areas[..., ::-1, ::-1].cumsum(axis=-2).cumsum(axis=-1)
        return np.asarray(upward[..., ::-1, ::-1][..., 1:, 1:], dtype=np.int64)

    def with_values(self) -> NDArray[np.int64]:
        """Area of each group where both maps have a value, ``(group,)``."""
        return np.asarray(self.areas.sum(axis=(1, 2, 3)), dtype=np.int64)


@dataclass(frozen=True)
class Joints:
    """The area of every pair of bins of two layers; a pair with an extrapolated value is qualified.

    Parameters
    ----------
    first, second : Axis
        They name the layers.
    grouping : Grouping

    Raises
    ------
    RegionError
        If the grouping divides pixels.
    """

    first: Axis
    second: Axis
    grouping: Grouping

    def __post_init__(self) -> None:
        require_whole([self.grouping], "pairs of values are counted by whole pixels")

    @property
    def kept_bytes(self) -> int:
        """Those of the grouping."""
        return self.grouping.kept_bytes

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """The areas in the tally, to send and waiting, the bins' lookups, a chunk's groups."""
        return (2 + WAITING) * self.sum_bytes(layers) + LOOKUP_BYTES + CHUNK_BYTES * chunk**2

    def sum_bytes(self, layers: int) -> int:
        """The areas, however many layers are read."""
        return (len(self.grouping.groups) + 1) * 2 * self.first.bins * self.second.bins * 8

    def tally(self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window) -> "JointTally":
        """An empty tally of a shard.

        Raises
        ------
        ParametersError
            If either layer is not among these.
        """
        for axis in (self.first, self.second):
            if axis.layer not in layers:
                raise ParametersError(
                    f"{axis.layer} is to be counted against another map, but the layers read are "
                    f"{', '.join(layers)}; name one of them"
                )
        places = layers.index(self.first.layer), layers.index(self.second.layer)
        return JointTally(self, places, layers=len(layers), grid=grid)


class JointTally:
    """Adds up the chunks of one shard; not for two threads at once.

    Parameters
    ----------
    measure : Joints
    places : (int, int)
        Positions of the two layers in a chunk.
    layers : int
        Number of the chunk's layers.
    grid : RasterGrid
    """

    def __init__(
        self, measure: Joints, places: tuple[int, int], *, layers: int, grid: RasterGrid
    ) -> None:
        self.axes = measure.first, measure.second
        self._grouping, self._grid = measure.grouping, grid
        self._places, self._layers = places, layers
        self._lookups = tuple(axis.lookup() for axis in self.axes)
        groups = len(self._grouping.groups) + 1
        self._areas = np.zeros((groups, 2, self.axes[0].bins, self.axes[1].bins), dtype=np.int64)
        self._whole = np.zeros(groups, dtype=np.int64)

    def add(self, chunk: Chunk) -> None:
        """Add a chunk; each pixel is to be added once.

        Raises
        ------
        ValueError
            If the arrays are not of the chunk's shape.
        """
        require_shape(chunk, self._layers)
        first, second = (
            np.ascontiguousarray(chunk.counts[place]).view(np.uint16) for place in self._places
        )
        flags = chunk.flags[self._places[0]] | chunk.flags[self._places[1]]
        kernels.add_pairs()(
            (first, second),
            ((flags & np.uint8(EXTRAPOLATED)) != 0).view(np.uint8),
            np.ascontiguousarray(self._grouping.numbers(self._grid, chunk.window)),
            self._grid.row_weights(chunk.window),
            self._lookups,
            self._areas,
            self._whole,
        )

    def partial(self) -> Joint:
        """What has been added so far."""
        label = Label(self._grouping.name, self._grouping.groups, self._grouping.digest)
        return Joint(self.axes, label, self._areas.copy(), self._whole.copy())
