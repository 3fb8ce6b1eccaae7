"""Overviews: area means of blocks of a map, small enough to look at."""

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid, Window


class Overview:
    """A map reduced by a whole factor, filled window by window.

    Parameters
    ----------
    grid : RasterGrid
        The map's.
    factor : int
        Pixels of the map along an edge of the overview's; those at the east and south edge may
        hold fewer.
    """

    def __init__(self, grid: RasterGrid, factor: int) -> None:
        self.grid, self.factor = grid, factor
        shape = (-(-grid.height // factor), -(-grid.width // factor))
        self._sum = np.zeros(shape, dtype=np.float64)
        self._weight = np.zeros(shape, dtype=np.float64)

    @classmethod
    def factor_for(cls, grid: RasterGrid, longest: int) -> int:
        """The smallest factor that keeps both edges of the overview within ``longest``."""
        return max(1, -(-max(grid.width, grid.height) // longest))

    def add(self, window: Window, counts: NDArray[np.int16]) -> None:
        """Add the counts of a window, each pixel once."""
        valid = counts != NO_DATA
        areas = np.where(valid, self.grid.pixel_areas_m2(window)[:, None], 0.0)
        rows = (np.arange(window.height) + window.row) // self.factor
        cols = (np.arange(window.width) + window.col) // self.factor
        place = np.ix_(np.unique(rows), np.unique(cols))
        self._sum[place] += _blocks(areas * counts, rows, cols)
        self._weight[place] += _blocks(areas, rows, cols)

    def finish(self, quantum: float) -> NDArray[np.float32]:
        """Area means in the layer's units, ``(row, col)``; NaN where no pixel has a value."""
        has_value = self._weight > 0
        mean = np.full(self._sum.shape, np.nan)
        np.divide(self._sum, self._weight, out=mean, where=has_value)
        return (mean * quantum).astype(np.float32)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge of the overview in degrees."""
        west, _, _, north = self.grid.bounds()
        rows, cols = self._sum.shape
        step = self.factor * self.grid.pixel_deg
        return west, north - rows * step, west + cols * step, north


def _blocks(
    values: NDArray[np.float64], rows: NDArray[np.intp], cols: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Sums over runs of equal row and column numbers."""
    starts = [np.flatnonzero(np.diff(axis, prepend=-1)) for axis in (rows, cols)]
    by_rows = np.add.reduceat(values, starts[0], axis=0)
    return np.asarray(np.add.reduceat(by_rows, starts[1], axis=1))
