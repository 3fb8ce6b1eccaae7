"""Samples: the value of every map at the centre of every cell, one row a cell."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError
from lunarscale.grid.cells import BandedCells
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.coverage import require_whole
from lunarscale.reduce.sampling import CELL_BYTES
from lunarscale.reduce.statistics import CellsLabel, Label
from lunarscale.reduce.sums import Chunk, require_shape


@dataclass(frozen=True, eq=False)
class Samples:
    """One sample a cell, in the order of the cells' numbers.

    Parameters
    ----------
    layers : tuple of str
    groupings : tuple of Label
    sampled : CellsLabel
        What tells the cells apart from others.
    cells : ndarray of int32, (n,)
        The cells' numbers, rising.
    counts : ndarray of int16, (layer, n)
        ``NO_DATA`` where there is no value.
    flags : ndarray of uint8, (layer, n)
        The maps' flags.
    groups : ndarray of uint16, (grouping, n)
        Group numbers; 0 is no group.
    """

    layers: tuple[str, ...]
    groupings: tuple[Label, ...]
    sampled: CellsLabel
    cells: NDArray[np.int32]
    counts: NDArray[np.int16]
    flags: NDArray[np.uint8]
    groups: NDArray[np.uint16]

    def merge(self, other: "Samples") -> "Samples":
        """The samples of both parts, in the order of the cells.

        Raises
        ------
        ParametersError
            If they are of other layers, groupings or cells.
        """
        return Samples.sum([self, other])

    @classmethod
    def sum(cls, parts: "list[Samples]") -> "Samples":
        """All parts in one: at least one, in any order.

        Raises
        ------
        ParametersError
            If they are of different layers, groupings or cells.
        """
        first = parts[0]
        kind = first.layers, first.groupings, first.sampled
        for part in parts[1:]:
            if (part.layers, part.groupings, part.sampled) != kind:
                raise ParametersError(
                    f"samples of {', '.join(part.layers)} at {part.sampled.name} do not join "
                    f"samples of {', '.join(first.layers)} at {first.sampled.name}; take both with "
                    "the same layers, groupings and cells"
                )
        order = np.argsort(np.concatenate([part.cells for part in parts]), kind="stable")
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts], axis=-1)[..., order]
            for name in ("cells", "counts", "flags", "groups")
        }
        return cls(*kind, **arrays)


@dataclass(frozen=True)
class CellSamples:
    """The value of every layer at the centre of every cell, with its groups.

    Parameters
    ----------
    cells : BandedCells
    groupings : tuple of Grouping
        May be none; they go by pixels' centres.

    Raises
    ------
    RegionError
        If a grouping divides pixels: a sample is not divided.
    """

    cells: BandedCells
    groupings: tuple[Grouping, ...] = ()

    def __post_init__(self) -> None:
        require_whole(self.groupings, "a sample is in one group")

    @property
    def kept_bytes(self) -> int:
        """Those of the groupings."""
        return sum(grouping.kept_bytes for grouping in self.groupings)

    def row_bytes(self, layers: int) -> int:
        """Bytes of one sample."""
        return 4 + 3 * layers + 2 * len(self.groupings)

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """As if all cells lay in one shard, and twice for joining them; a chunk's cells."""
        return 2 * self.sum_bytes(layers) + CELL_BYTES * chunk**2

    def sum_bytes(self, layers: int) -> int:
        """A sample of every cell."""
        return self.cells.count * self.row_bytes(layers)

    def tally(self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window) -> "SampleTally":
        """An empty tally of a shard."""
        return SampleTally(self, layers, grid=grid)


class SampleTally:
    """Collects the samples of one shard.

    Parameters
    ----------
    measure : CellSamples
    layers : tuple of str
        Names of the maps.
    grid : RasterGrid
    """

    def __init__(self, measure: CellSamples, layers: tuple[str, ...], *, grid: RasterGrid) -> None:
        self.layers = layers
        self._measure, self._grid = measure, grid
        self._labels = tuple(Label(g.name, g.groups, g.digest) for g in measure.groupings)
        self._sampled = CellsLabel.of(measure.cells)
        self._parts: list[Samples] = []

    def add(self, chunk: Chunk) -> None:
        """Take the samples of a chunk; each pixel is to be added once.

        Raises
        ------
        ValueError
            If the arrays are not of the chunk's shape.
        """
        require_shape(chunk, len(self.layers))
        found = self._measure.cells.within(self._grid, chunk.window)
        if not len(found.cells):
            return
        rows, cols = found.rows, found.cols
        groups = np.empty((len(self._labels), len(found.cells)), np.uint16)
        for grouping, numbers in zip(self._measure.groupings, groups, strict=True):
            numbers[...] = grouping.numbers(self._grid, chunk.window)[rows, cols]
        counts, flags = chunk.counts[:, rows, cols], chunk.flags[:, rows, cols]
        self._parts.append(self._samples(found.cells, counts, flags=flags, groups=groups))

    def partial(self) -> Samples:
        """What has been taken so far."""
        layers = len(self.layers)
        none = self._samples(
            np.zeros(0, np.int64),
            np.zeros((layers, 0), np.int16),
            flags=np.zeros((layers, 0), np.uint8),
            groups=np.zeros((len(self._labels), 0), np.uint16),
        )
        return Samples.sum([none, *self._parts])

    def _samples(
        self,
        cells: NDArray[np.int64],
        counts: NDArray[np.int16],
        *,
        flags: NDArray[np.uint8],
        groups: NDArray[np.uint16],
    ) -> Samples:
        return Samples(
            self.layers, self._labels, self._sampled, cells.astype(np.int32), counts, flags, groups
        )
