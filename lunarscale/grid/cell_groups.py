"""Groupings made of cells: each cell a group, or those above a threshold and those below."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.cells import BandedCells, equal_area_cells
from lunarscale.grid.groupings import digest_of
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.moon import AREA_KM2

#: Group numbers are uint16.
MOST_GROUPS = 0xFFFF

#: Thorium in ppm above which a place is in the Procellarum KREEP Terrane (Qiu 2025).
PKT_THORIUM_PPM = 3.5


@dataclass(frozen=True)
class CellGroups:
    """Cells as groups, one a cell, named by its centre.

    Parameters
    ----------
    cells : BandedCells
        At most 65,535.

    Raises
    ------
    RegionError
        If there are more.
    """

    cells: BandedCells

    def __post_init__(self) -> None:
        if self.cells.count > MOST_GROUPS:
            raise RegionError(
                f"{self.cells.name}: {self.cells.count:,} are more than the {MOST_GROUPS:,} groups "
                f"that a table can have; give at least {_least_km2():,.0f} km2, or write the cells "
                "as rows with lunarscale sample"
            )

    @property
    def name(self) -> str:
        """The cells' name."""
        return self.cells.name

    @property
    def groups(self) -> tuple[str, ...]:
        """The cells' centres, ``12.35 S 104.50 W``."""
        return _names(self.cells)

    @property
    def digest(self) -> str:
        """SHA-256 of the cells."""
        return digest_of("CellGroups", self.cells.digest)

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """One more than the cell's number at each pixel, ``(height, width)``; 0 in none."""
        lines, again = self.cells.lines(grid, window)
        return _rows((lines + 1).astype(np.uint16), again)


@lru_cache(maxsize=4)
def _names(cells: BandedCells) -> tuple[str, ...]:
    """Names of cells by their centres; kept, for they are asked for with every chunk."""
    lons, lats = cells.centres()
    return tuple(
        f"{abs(lat):.2f} {'N' if lat >= 0 else 'S'} {abs(lon):.2f} {'E' if lon >= 0 else 'W'}"
        for lon, lat in zip(lons.tolist(), lats.tolist(), strict=True)
    )


@dataclass(frozen=True, eq=False)
class CellThreshold:
    """Where a map of cells is above a threshold, and where it is not.

    A cell without a value, NaN, is in no group.

    Parameters
    ----------
    cells : BandedCells
    values : ndarray of float64, (cell,)
    threshold : float
        In the values' units.
    name : str
    groups : (str, str)
        What is above, and the rest.

    Raises
    ------
    RegionError
        If there is not one value a cell, or the threshold is no number.
    """

    cells: BandedCells
    values: NDArray[np.float64]
    threshold: float
    name: str
    groups: tuple[str, str]

    def __post_init__(self) -> None:
        if self.values.shape != (self.cells.count,):
            raise RegionError(
                f"{self.name}: {self.cells.count:,} cells need a value each, but there are "
                f"{self.values.size:,}"
            )
        if not np.isfinite(self.threshold):
            raise RegionError(f"{self.name}: a threshold of {self.threshold:g} parts no values")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the cells and of what is above the threshold."""
        codes = self._codes.tobytes().hex()
        return digest_of("CellThreshold", self.cells.digest, self.name, self.groups, codes)

    @property
    def kept_bytes(self) -> int:
        """Its values and their groups."""
        return self.values.nbytes + self._codes.nbytes

    @cached_property
    def _codes(self) -> NDArray[np.uint16]:
        """Group of each cell; the last entry is for places in no cell, whose number is -1."""
        codes = np.zeros(self.cells.count + 1, dtype=np.uint16)
        codes[:-1][self.values > self.threshold] = 1
        codes[:-1][self.values <= self.threshold] = 2
        return codes

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """1 above the threshold, 2 at or below it, ``(height, width)``; 0 without a value."""
        lines, again = self.cells.lines(grid, window)
        return _rows(self._codes[lines], again)


def _rows(lines: NDArray[np.uint16], again: NDArray[np.intp]) -> NDArray[np.uint16]:
    """``lines[again]``, without a copy where all rows or all pixels are one."""
    shape = (again.size, lines.shape[1])
    if lines.min() == lines.max():
        return np.broadcast_to(lines[0, 0], shape)
    return np.broadcast_to(lines, shape) if len(lines) == 1 else lines[again]


def procellarum(
    cells: BandedCells,
    thorium_ppm: NDArray[np.float64],
    *,
    threshold_ppm: float = PKT_THORIUM_PPM,
    name: str = "pkt",
) -> CellThreshold:
    """The Procellarum KREEP Terrane by its thorium, and the rest.

    Parameters
    ----------
    cells : BandedCells
        Pixels of a gamma-ray map.
    thorium_ppm : ndarray of float64, (cell,)
    threshold_ppm : float
        Above it a cell is in the terrane, wherever on the Moon it lies.
    name : str
        For tables, where the map is not a measurement.

    Raises
    ------
    RegionError
        If the threshold is not a positive number.
    """
    if not threshold_ppm > 0.0:
        raise RegionError(
            f"pkt: a thorium threshold of {threshold_ppm:g} ppm is not above 0; give one, as 3.5"
        )
    groups = (f"Th > {threshold_ppm:g} ppm", f"Th <= {threshold_ppm:g} ppm")
    return CellThreshold(cells, thorium_ppm, threshold_ppm, name, groups)


def cell_groups(area_km2: float) -> CellGroups:
    """Cells of about one area as groups (``equal_area_cells``).

    Raises
    ------
    RegionError
        If such cells do not divide the Moon, or are more than 65,535.
    """
    return CellGroups(equal_area_cells(area_km2))


def _least_km2() -> float:
    """An area from which on cells are few enough, with room for their rounding."""
    return 10.0 * float(np.ceil(AREA_KM2 / MOST_GROUPS * 1.002 / 10.0))
