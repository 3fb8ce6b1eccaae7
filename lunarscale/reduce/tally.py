"""Histograms: the area of every count of every layer, by groups of places."""

from dataclasses import dataclass

from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.atoms import atoms_of
from lunarscale.reduce.coverage import covering_of, cut
from lunarscale.reduce.statistics import Label, Statistics
from lunarscale.reduce.sums import Chunk, require_shape
from lunarscale.reduce.tables import BIN_BYTES, SLOTS, Tables

#: Bytes a pixel of a chunk for the groups' numbers and the atoms made of them.
GROUP_BYTES = 12

#: Atoms that a shard shows, and counts that one takes there, for the bound on what is kept of
#: them: an oxide's 0-40 wt % at its quantum.
ATOMS_MET, COUNTS_MET = 128, 8_192

#: Bytes of a table's entry, and of the system's pages.
ENTRY_BYTES, PAGE_BYTES = 8, 4096

#: Groups that may be as wide as that, for the bound on the whole; of many more each is a small
#: place, and narrower: 10 wt %.
WIDE_GROUPS, NARROW_COUNTS = 64, 2_048


@dataclass(frozen=True)
class Histograms:
    """The area of every count of every layer under some groupings.

    Parameters
    ----------
    groupings : tuple of Grouping
        At least one. If one is ``Covering`` the pixels that its borders cut are divided by exact
        area; the others go by the pixel's centre.

    Raises
    ------
    RegionError
        If several are ``Covering``.
    """

    groupings: tuple[Grouping, ...]

    def __post_init__(self) -> None:
        covering_of(self.groupings)

    @property
    def labels(self) -> tuple[Label, ...]:
        """What the statistics will remember of the groupings."""
        return tuple(Label(g.name, g.groups, g.digest) for g in self.groupings)

    @property
    def kept_bytes(self) -> int:
        """Those of the groupings."""
        return sum(grouping.kept_bytes for grouping in self.groupings)

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """Most memory of one tally and its partial."""
        return tally_bytes(layers, groups=self._groups, shard=shard, chunk=chunk)

    def sum_bytes(self, layers: int) -> int:
        """What is kept of the atoms of the whole Moon."""
        wide = min(self._groups, WIDE_GROUPS)
        counts = wide * COUNTS_MET + (self._groups - wide) * NARROW_COUNTS
        return layers * counts * BIN_BYTES

    @property
    def _groups(self) -> int:
        return sum(len(grouping.groups) + 1 for grouping in self.groupings)

    def tally(
        self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window
    ) -> "HistogramTally":
        """An empty tally of a shard."""
        return HistogramTally(self, layers, grid=grid, window=window)


def tally_bytes(layers: int, *, groups: int, shard: int, chunk: int) -> int:
    """Most memory of a tally: its tables, a chunk's groups, and twice what is kept of the atoms.

    Tables are reserved whole but become memory page by page, where counts fall on them.
    """
    atoms = min(groups, ATOMS_MET)
    tables = layers * min(atoms, SLOTS) * (COUNTS_MET * ENTRY_BYTES + PAGE_BYTES)
    kept = layers * min(atoms * COUNTS_MET, shard**2) * BIN_BYTES
    return tables + chunk**2 * GROUP_BYTES + 2 * kept


class HistogramTally:
    """Adds up the chunks of one shard.

    Which atom a pixel is in is found once a chunk, for all layers.

    Parameters
    ----------
    measure : Histograms
    layers : tuple of str
        Names of the maps.
    grid : RasterGrid
    window : Window
        The shard, in the grid's rows and columns.
    """

    def __init__(
        self, measure: Histograms, layers: tuple[str, ...], *, grid: RasterGrid, window: Window
    ) -> None:
        self.layers, self.window = layers, window
        self._measure, self._grid = measure, grid
        self._row_weights = grid.row_weights(window)
        self._covering = covering_of(measure.groupings)
        self._tables = Tables(len(layers))

    def add(self, chunk: Chunk) -> None:
        """Add a chunk of the shard; each pixel is to be added once.

        Raises
        ------
        ValueError
            If the arrays are not of the chunk's shape, or it is not within the shard.
        """
        require_shape(chunk, len(self.layers))
        weights = self._row_weights[_rows_within(self.window, chunk.window)]
        atoms, singles = atoms_of(self._measure.groupings, self._grid, chunk.window), None
        if self._covering is not None:
            position, covering = self._covering
            pieces = covering.pieces(self._grid, chunk.window)
            if len(pieces.rows):
                width = chunk.window.width
                atoms, singles = cut(
                    atoms, pieces, position=position, width=width, row_weights=weights
                )
        for places in self._tables.places(atoms.keys):
            self._tables.add_runs(chunk, atoms.runs, places, weights=weights)
            if singles is not None:
                self._tables.add_singles(singles, places, chunk)

    def partial(self) -> Statistics:
        """What has been added so far."""
        return Statistics(self.layers, self._measure.labels, self._tables.cells())


def _rows_within(shard: Window, chunk: Window) -> slice:
    """The chunk's rows, counted within the shard."""
    row, col = chunk.row - shard.row, chunk.col - shard.col
    if row < 0 or col < 0 or row + chunk.height > shard.height or col + chunk.width > shard.width:
        raise ValueError(f"{chunk} is not within the shard {shard}")
    return slice(row, row + chunk.height)
