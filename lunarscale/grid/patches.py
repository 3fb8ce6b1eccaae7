"""Patches: chosen cells that hang together, with their centres and outlines."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lunarscale.grid.cells import BandedCells
from lunarscale.grid.groupings import digest_of
from lunarscale.grid.raster import RasterGrid, Window


@dataclass(frozen=True, eq=False)
class Patches:
    """Chosen cells parted into patches: two cells are in one if they share an edge.

    Also over the seam at 180 degrees. Cells that meet in a corner only, the pole itself among
    them, do not touch. Patches are numbered from 1, the one of most cells first, and by their
    southernmost cell where they are equal.

    Parameters
    ----------
    cells : BandedCells
    chosen : ndarray of int64, (n,)
        Numbers of the chosen cells, rising.
    patch_of : ndarray of int64, (n,)
        Patch of each.
    """

    cells: BandedCells
    chosen: NDArray[np.int64]
    patch_of: NDArray[np.int64]

    @classmethod
    def of(cls, cells: BandedCells, chosen: NDArray[np.integer]) -> "Patches":
        """The patches that some cells make; cells may be named in any order, and twice."""
        numbers = np.unique(np.asarray(chosen, dtype=np.int64))
        pairs = np.concatenate([_eastward(cells, numbers), _northward(cells, numbers)], axis=1)
        graph = coo_array(
            (np.ones(pairs.shape[1], dtype=np.int8), (pairs[0], pairs[1])),
            shape=(numbers.size, numbers.size),
        )
        found, label = connected_components(graph, directed=False)
        # scipy numbers components as they come, so by their southernmost cell
        sizes = np.bincount(label, minlength=found)
        rank = np.empty(found, dtype=np.int64)
        rank[np.argsort(-sizes, kind="stable")] = np.arange(1, found + 1)
        return cls(cells, numbers, rank[label])

    @property
    def count(self) -> int:
        """Number of patches."""
        return int(self.patch_of.max(initial=0))

    @property
    def name(self) -> str:
        """As a grouping."""
        return "patches"

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """``patch 1``, ``patch 2``."""
        return tuple(f"patch {number}" for number in range(1, self.count + 1))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the cells and their patches."""
        return digest_of("Patches", self.cells.digest, self.chosen.tolist(), self.patch_of.tolist())

    @property
    def kept_bytes(self) -> int:
        """Each cell's patch, looked up by the cell's number."""
        return self.cells.count * 4

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        """Patch of every cell, 0 for those that are not chosen and, at the end, for none."""
        table = np.zeros(self.cells.count + 1, dtype=np.int32)
        table[self.chosen] = self.patch_of
        return table

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.int32]:
        """Patch of the cell that holds each pixel's centre, ``(height, width)``; 0 is none."""
        return self._table[self.cells.numbers(grid, window)]

    def sizes(self) -> NDArray[np.int64]:
        """Number of cells of each patch, ``(patch,)``."""
        return np.bincount(self.patch_of, minlength=self.count + 1)[1:].astype(np.int64)

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes (-180..180) and latitudes of the patches' centres in degrees, ``(patch,)``.

        The direction of the sum of the unit vectors to the cells' centres.
        """
        lon, lat = (np.radians(angle) for angle in self.cells.centres(self.chosen))
        sums = np.stack(
            [
                np.bincount(self.patch_of, weights=part, minlength=self.count + 1)[1:]
                for part in (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
            ]
        )
        level = np.hypot(sums[0], sums[1])
        return np.degrees(np.arctan2(sums[1], sums[0])), np.degrees(np.arctan2(sums[2], level))

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of a value of the chosen cells in each patch, ``(patch,)``; NaN where none has one.

        Parameters
        ----------
        values : ndarray of float64, (n,)
            One a chosen cell; NaN where there is none.
        """
        has = np.isfinite(values)
        counts = np.bincount(self.patch_of[has], minlength=self.count + 1)[1:]
        sums = np.bincount(self.patch_of[has], weights=values[has], minlength=self.count + 1)[1:]
        means = np.full(self.count, np.nan)
        np.divide(sums, counts, out=means, where=counts > 0)
        return means

    def outline(self, number: int) -> shapely.MultiPolygon:
        """A patch's outline in degrees east and north, cut at the seam as RFC 7946 asks.

        Where it holds a pole, it goes along the pole's parallel.
        """
        cells = self.cells
        of = self.chosen[self.patch_of == number]
        bands = np.searchsorted(cells.firsts, of, side="right") - 1
        # a run of neighbours in one band is one box
        starts = np.flatnonzero((np.diff(of, prepend=-2) != 1) | (np.diff(bands, prepend=-1) != 0))
        ends = np.append(starts[1:], of.size) - 1
        along, per_band = of - cells.firsts[bands], np.asarray(cells.per_band)[bands]
        edges = np.asarray(cells.edges_deg)
        west = cells.west_deg + along[starts] * 360.0 / per_band[starts]
        east = cells.west_deg + (along[ends] + 1) * 360.0 / per_band[ends]
        boxes = shapely.box(west, edges[bands[starts]], east, edges[bands[starts] + 1])
        union = shapely.union_all(boxes)
        parts = union.geoms if isinstance(union, shapely.MultiPolygon) else [union]
        return shapely.MultiPolygon([shapely.orient_polygons(part) for part in parts])


def _eastward(cells: BandedCells, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of positions in ``chosen`` of cells and their eastern neighbours, ``(2, pair)``."""
    bands = np.searchsorted(cells.firsts, chosen, side="right") - 1
    first, per_band = cells.firsts[bands], np.asarray(cells.per_band)[bands]
    return _both_chosen(chosen, np.arange(chosen.size), first + (chosen - first + 1) % per_band)


def _northward(cells: BandedCells, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of positions in ``chosen`` of cells and those above them, ``(2, pair)``.

    In whole numbers: of a band of n cells and one of m above it, cell i and cell j share an edge
    if i m < (j + 1) n and j n < (i + 1) m.
    """
    bands = np.searchsorted(cells.firsts, chosen, side="right") - 1
    below = np.flatnonzero(bands < cells.bands - 1)
    bands = bands[below]
    along = chosen[below] - cells.firsts[bands]
    n, m = (np.asarray(cells.per_band, dtype=np.int64)[bands + up] for up in (0, 1))
    first, last = along * m // n, -(-(along + 1) * m // n) - 1
    length = last - first + 1
    which = np.repeat(np.arange(below.size), length)
    before = np.cumsum(length) - length
    above = first[which] + np.arange(which.size) - before[which]
    return _both_chosen(chosen, below[which], cells.firsts[bands + 1][which] + above)


def _both_chosen(
    chosen: NDArray[np.int64], at: NDArray[np.int64], neighbours: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Positions of cells and of their neighbours, where those are chosen too."""
    if not chosen.size:
        return np.empty((2, 0), dtype=np.int64)
    place = np.minimum(np.searchsorted(chosen, neighbours), chosen.size - 1)
    both = chosen[place] == neighbours
    return np.stack([at[both], place[both]])
