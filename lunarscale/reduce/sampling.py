"""Point sampling at cell centres: each cell has the value of the pixel that holds its centre.

This is how Qiu 2025 weighs regions equally (eq 8): a cell is one sample, whatever lies around its
centre. A sample is in the groups of its pixel.
"""

from dataclasses import dataclass

import numpy as np

from lunarscale.grid.cells import BandedCells
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.atoms import atoms_of
from lunarscale.reduce.coverage import require_whole
from lunarscale.reduce.statistics import CellsLabel, Statistics
from lunarscale.reduce.sums import Chunk, require_shape
from lunarscale.reduce.tables import BIN_BYTES, Singles, Tables
from lunarscale.reduce.tally import Histograms

#: Bytes a pixel of a chunk while its cells are found: their numbers, rows, columns, temporaries.
CELL_BYTES = 64


@dataclass(frozen=True)
class SampledHistograms:
    """The number of cells of every count of every layer under some groupings.

    Its statistics are those of ``Histograms`` in which every cell weighs 1.

    Parameters
    ----------
    cells : BandedCells
    groupings : tuple of Grouping
        At least one; they go by pixels' centres.

    Raises
    ------
    RegionError
        If a grouping divides pixels: a sample is not divided.
    """

    cells: BandedCells
    groupings: tuple[Grouping, ...]

    def __post_init__(self) -> None:
        require_whole(self.groupings, "a sample is in one group")

    @property
    def kept_bytes(self) -> int:
        """Those of the groupings."""
        return self._histograms.kept_bytes

    @property
    def _histograms(self) -> Histograms:
        return Histograms(self.groupings)

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """As of histograms, and a chunk's cells."""
        return self._histograms.bytes(layers, shard=shard, chunk=chunk) + CELL_BYTES * chunk**2

    def sum_bytes(self, layers: int) -> int:
        """As of histograms, but no more counts than cells."""
        most = layers * self.cells.count * BIN_BYTES
        return min(self._histograms.sum_bytes(layers), most)

    def tally(self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window) -> "SampledTally":
        """An empty tally of a shard."""
        return SampledTally(self, layers, grid=grid)


class SampledTally:
    """Adds up the chunks of one shard.

    Parameters
    ----------
    measure : SampledHistograms
    layers : tuple of str
        Names of the maps.
    grid : RasterGrid
    """

    def __init__(
        self, measure: SampledHistograms, layers: tuple[str, ...], *, grid: RasterGrid
    ) -> None:
        self.layers = layers
        self._measure, self._grid = measure, grid
        self._tables = Tables(len(layers))

    def add(self, chunk: Chunk) -> None:
        """Add the cells whose centre lies in a chunk; each pixel is to be added once.

        Raises
        ------
        ValueError
            If the arrays are not of the chunk's shape.
        """
        require_shape(chunk, len(self.layers))
        _, rows, cols = self._measure.cells.within(self._grid, chunk.window)
        if not len(rows):
            return
        atoms = atoms_of(self._measure.groupings, self._grid, chunk.window)
        of = np.zeros(len(rows), np.intp)
        if atoms.places is not None:
            of = atoms.places[rows, cols].astype(np.intp)
        ones = np.ones(len(rows), np.int64)
        for places in self._tables.places(atoms.keys):
            self._tables.add_singles(Singles(of, rows, cols, ones, ones), places, chunk)

    def partial(self) -> Statistics:
        """What has been added so far."""
        labels = Histograms(self._measure.groupings).labels
        sampled = CellsLabel.of(self._measure.cells)
        return Statistics(self.layers, labels, self._tables.cells(), sampled)
