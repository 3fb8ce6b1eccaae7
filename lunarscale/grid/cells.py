"""Cells of equal area in bands of latitude: where samples are taken and averages are made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.groupings import digest_of, wrapped_lons
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.moon import AREA_KM2, RADIUS_M, normalise_longitude

#: Area of the cells of Qiu 2025 in square kilometres (eq 8).
QIU_2025_AREA_KM2 = 2.25

#: Height of the bands of Qiu 2025 in degrees.
QIU_2025_STEP_DEG = 0.15

#: Cell numbers are int32.
MOST_CELLS = 2**31 - 1

#: Degrees within which a place is on an edge: more than rounding, less than pixels' centres differ.
ON_EDGE_DEG = 1e-10


class CellPixels(NamedTuple):
    """Cells and the pixels that hold their centres, one entry a cell, ``(n,)`` each.

    ``rows`` and ``cols`` are counted in the window that was asked for.
    """

    cells: NDArray[np.int64]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]


@dataclass(frozen=True)
class BandedCells:
    """Bands of latitude, each cut into equal cells; numbered band by band from the south.

    Within a band, cells are counted from ``west_deg`` eastwards. An edge belongs to the cell
    south or east of it, and the south edge of all to the first band.

    Parameters
    ----------
    name : str
    edges_deg : tuple of float
        Latitudes of the bands' edges, rising; one more than there are bands.
    per_band : tuple of int
        Number of cells in each band.
    west_deg : float
        Longitude at which the first cell of every band begins, -180..180.

    Raises
    ------
    RegionError
        If the bands do not rise within -90..90, or a band has no cell, or all have too many.
    """

    name: str
    edges_deg: tuple[float, ...]
    per_band: tuple[int, ...]
    west_deg: float = -180.0

    def __post_init__(self) -> None:
        edges = np.asarray(self.edges_deg, dtype=np.float64)
        rising = edges.size >= 2 and bool((np.diff(edges) > 0.0).all())
        if not (rising and edges[0] >= -90.0 and edges[-1] <= 90.0):
            raise RegionError(
                f"cells {self.name}: edges of bands rise from south to north within -90..90, but "
                f"were given as {_shortened(self.edges_deg)}; sort them"
            )
        if len(self.per_band) != edges.size - 1 or min(self.per_band) < 1:
            raise RegionError(
                f"cells {self.name}: {edges.size - 1} bands need a count of cells each, 1 or more, "
                f"but were given {_shortened(self.per_band)}"
            )
        if self.count > MOST_CELLS:
            raise RegionError(
                f"cells {self.name}: {self.count:,} cells are more than the {MOST_CELLS:,} that "
                "can be numbered; use larger ones"
            )
        if not -180.0 <= self.west_deg <= 180.0:
            raise RegionError(
                f"cells {self.name}: the first begins at longitude {self.west_deg:g}, which is not "
                "within -180..180"
            )

    @property
    def bands(self) -> int:
        """Number of bands."""
        return len(self.per_band)

    @property
    def count(self) -> int:
        """Number of cells."""
        return sum(self.per_band)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bands and their cells; the name is left out."""
        return digest_of("BandedCells", self.edges_deg, self.per_band, self.west_deg)

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """Number of the first cell of each band, and the count of all last; ``(bands + 1,)``."""
        return np.concatenate([[0], np.cumsum(self.per_band, dtype=np.int64)])

    def band_lats(self) -> NDArray[np.float64]:
        """Central latitude of each band in degrees, ``(bands,)``."""
        edges = np.asarray(self.edges_deg)
        return np.asarray((edges[:-1] + edges[1:]) / 2.0, dtype=np.float64)

    def band_areas_km2(self) -> NDArray[np.float64]:
        """Area of one cell of each band, ``(bands,)``: 2 pi R^2 (sin lat_n - sin lat_s) / n."""
        edges = np.radians(self.edges_deg)
        middle, half = (edges[:-1] + edges[1:]) / 2.0, np.diff(edges) / 2.0
        # sin(a + h) - sin(a - h) without the cancellation, as in RasterGrid.pixel_areas_m2
        zones = AREA_KM2 * np.cos(middle) * np.sin(half)
        return np.asarray(zones / np.asarray(self.per_band), dtype=np.float64)

    def areas_km2(self) -> NDArray[np.float64]:
        """Area of every cell, ``(count,)``."""
        return np.repeat(self.band_areas_km2(), self.per_band)

    def centres(
        self, cells: NDArray[np.integer] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes (-180..180) and latitudes of the cells' centres in degrees.

        Parameters
        ----------
        cells : ndarray of integers, (n,), optional
            Numbers of cells; all by default.
        """
        numbers = np.arange(self.count) if cells is None else np.asarray(cells, dtype=np.int64)
        bands = np.searchsorted(self.firsts, numbers, side="right") - 1
        along = numbers - self.firsts[bands]
        return self._lons(bands, along), self.band_lats()[bands]

    def _lons(self, bands: NDArray[np.integer], along: NDArray[np.integer]) -> NDArray[np.float64]:
        """Longitudes of the centres of the cells at these positions in their bands."""
        per_band = np.asarray(self.per_band)[bands]
        lons = self.west_deg + (2 * along + 1) * 180.0 / per_band
        # only where needed: wrapping costs a bit of every longitude's last digits
        wrapped = np.where(lons < 180.0, lons, (lons + 180.0) % 360.0 - 180.0)
        return np.asarray(wrapped, dtype=np.float64)

    def band_of(self, lat: ArrayLike) -> NDArray[np.int64]:
        """Band of each latitude in degrees, in the shape given; -1 outside all."""
        lats = np.asarray(lat, dtype=np.float64)
        edges = np.asarray(self.edges_deg)
        bands = np.searchsorted(edges, lats - ON_EDGE_DEG, side="left") - 1
        bands = np.where((bands < 0) & (lats >= edges[0] - ON_EDGE_DEG), 0, bands)
        return np.where(bands < self.bands, bands, -1).astype(np.int64)

    def numbers_at(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
        """Number of the cell that holds each place, in the places' common shape; -1 outside.

        Parameters
        ----------
        lon, lat : array_like of float
            Degrees; any longitude.
        """
        bands = self.band_of(lat)
        along = (self._turns(np.asarray(lon)) * np.asarray(self.per_band)[bands]).astype(np.int64)
        return np.where(bands >= 0, self.firsts[bands] + along, -1)

    def _turns(self, lons: NDArray[np.float64]) -> NDArray[np.float64]:
        """Part of a turn from the west edge to each longitude, below 1."""
        return np.asarray((lons - self.west_deg + ON_EDGE_DEG) / 360.0 % 1.0)

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.int32]:
        """Number of the cell that holds each pixel's centre; -1 outside all.

        The same for a pixel in every window and crop, and as ``numbers_at`` of its centre.

        Returns
        -------
        ndarray of int32, (row, col)
        """
        lines, again = self.lines(grid, window)
        return np.asarray(lines[again], dtype=np.int32)

    def lines(self, grid: RasterGrid, window: Window) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Rows of ``numbers`` that differ, and which of them each row is.

        All rows of pixels in one band are alike, so that what is made of the numbers need be made
        of few rows only.

        Returns
        -------
        lines : ndarray of int32, (band, col)
        again : ndarray of int, (row,)
            ``lines[again]`` are the numbers of all rows.
        """
        bands, again = np.unique(self.band_of(grid.lats(window)), return_inverse=True)
        per_band = np.asarray(self.per_band)[bands, None]
        lines = (self._turns(wrapped_lons(grid, window)) * per_band).astype(np.int32)
        lines += self.firsts[bands, None].astype(np.int32)
        lines[bands < 0] = -1
        return lines, again

    def within(self, grid: RasterGrid, window: Window) -> CellPixels:
        """The cells whose centre lies in a pixel of a window.

        A centre lies in the pixel that ``RasterGrid.locate`` gives: in one pixel of a whole grid,
        however it is cut into windows.

        Returns
        -------
        CellPixels
            Bands from the south, and in each band from the window's west edge on.
        """
        rows = _rows_of(grid, self.band_lats()) - window.row
        bands = np.flatnonzero((rows >= 0) & (rows < window.height))
        per_band = np.asarray(self.per_band)[bands]
        # every cell that may lie in the window, one more at either end, none twice
        west = normalise_longitude(grid.bounds(window)[0])
        start = (self._turns(np.asarray(west)) * per_band).astype(np.int64) - 1
        length = np.minimum(np.ceil(window.width / grid.around * per_band) + 3, per_band)
        length = length.astype(np.int64)
        which = np.repeat(np.arange(bands.size), length)
        before = np.cumsum(length) - length
        along = np.arange(which.size) - np.repeat(before - start, length)
        along %= per_band[which]
        cols = _cols_of(grid, self._lons(bands[which], along)) - window.col
        inside = (cols >= 0) & (cols < window.width)
        which, along = which[inside], along[inside]
        cells = self.firsts[bands[which]] + along
        return CellPixels(cells, rows[bands[which]], cols[inside])


def _rows_of(grid: RasterGrid, lats: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row of each latitude by the rule of ``RasterGrid.locate``; may lie outside the grid."""
    rows = np.floor((90.0 - lats) / grid.pixel_deg).astype(np.int64)
    return np.minimum(rows, grid.around // 2 - 1) - grid.row


def _cols_of(grid: RasterGrid, lons: NDArray[np.float64]) -> NDArray[np.int64]:
    """Column of each longitude by the rule of ``RasterGrid.locate``; may lie outside the grid."""
    east = (lons + 180.0) % 360.0 - 180.0 + 180.0  # as normalise_longitude, bit for bit
    turns = np.floor(east / grid.pixel_deg).astype(np.int64)
    return (np.minimum(turns, grid.around - 1) - grid.col) % grid.around


def _shortened(numbers: Sequence[float]) -> str:
    """The first few of some numbers, and how many there are."""
    shown = ", ".join(f"{number:g}" for number in numbers[:4])
    return shown if len(numbers) <= 4 else f"{shown}, ... ({len(numbers):,} in all)"


def qiu_2025_cells() -> BandedCells:
    """The cells at whose centres Qiu 2025 samples its maps: 16,858,820 of 2.25 km2.

    Source: Qiu, Yan & Liu 2025, eq 8 (doi 10.1038/s43247-025-02914-w): bands of 0.15 degrees,
    and in each dlon = A / (R^2 dphi cos phi) with phi the band's central latitude. So that whole
    cells go around, a band has round(360 / dlon) of them. Their area then differs from 2.25 km2
    by 0.4 % in bands at a pole and by less than 0.1 % in all but the last seven at either.
    """
    return equal_area_cells(QIU_2025_AREA_KM2)


@lru_cache(maxsize=8)
def equal_area_cells(area_km2: float) -> BandedCells:
    """Cells of about one area by the rule of Qiu 2025 (eq 8), whose 2.25 km2 is one case.

    The bands' step is the paper's 0.15 degrees, and less for smaller cells, so that they keep the
    paper's shape (nine times as high as wide); from 20.7 km2 on it is the side of a square, so that
    no cell is wider than high: max(min(0.15, 0.1 sqrt(A)), sqrt(A) / R), brought to the nearest
    step that divides 180 degrees. Rounding to whole cells around spreads their area by up to 8 %
    in the band at a pole, and by less than 3 % in all but the last two at either (where a band
    has hundreds of cells, by far less).

    Parameters
    ----------
    area_km2 : float
        Area of a cell in square kilometres.

    Raises
    ------
    RegionError
        If there are no such cells on the Moon, or too many to number.
    """
    if not (0.0 < area_km2 <= AREA_KM2 / 4.0):
        raise RegionError(
            f"cells of {area_km2:g} km2 do not divide the Moon; give a positive area of at most a "
            f"quarter of its {AREA_KM2:,.0f} km2"
        )
    if AREA_KM2 / area_km2 > MOST_CELLS:
        raise RegionError(
            f"cells of {area_km2:g} km2 are more than the {MOST_CELLS:,} that can be numbered; "
            f"give at least {AREA_KM2 / MOST_CELLS:.3f} km2"
        )
    side_km = math.sqrt(area_km2)
    square = math.degrees(side_km * 1000.0 / RADIUS_M)
    step = max(min(QIU_2025_STEP_DEG, QIU_2025_STEP_DEG * side_km / 1.5), square)
    bands = max(round(180.0 / step), 2)
    # multiples of one fraction, so that north and south mirror each other bit for bit
    edges = (2 * np.arange(bands + 1) - bands) * 90.0 / bands
    lats = np.radians((2 * np.arange(bands) + 1 - bands) * 90.0 / bands)
    zone = (RADIUS_M / 1000.0) ** 2 * math.radians(180.0 / bands) * np.cos(lats)
    per_band = np.maximum(np.rint(2.0 * math.pi * zone / area_km2), 1).astype(int)
    name = f"cells of {area_km2:g} km2"
    return BandedCells(name, tuple(edges.tolist()), tuple(per_band.tolist()))
