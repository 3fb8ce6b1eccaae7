"""The simple cylindrical grid of the stores, and windows into it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.moon import AREA_KM2, RADIUS_M, normalise_longitude

#: The whole sphere in integer area units, but for the rounding of ``row_weights``.
SPHERE_WEIGHT = 2**62

#: Fraction of a pixel by which a bounding box may miss a pixel edge and still be on it.
SNAP = 1e-6


class Window(NamedTuple):
    """A rectangle of a grid's pixels: first row and column, height and width."""

    row: int
    col: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and columns as slices of a ``(row, col)`` array."""
        rows = slice(self.row, self.row + self.height)
        return rows, slice(self.col, self.col + self.width)

    def split_rows(self, size: int) -> Iterator["Window"]:
        """Strips of ``size`` rows at full width that tile this window, the last one cut."""
        for row in range(self.row, self.row + self.height, size):
            yield Window(row, self.col, min(size, self.row + self.height - row), self.width)

    def split(self, size: int) -> Iterator["Window"]:
        """Windows of ``size`` x ``size`` pixels that tile this one, row by row, the last cut."""
        for row in range(self.row, self.row + self.height, size):
            for col in range(self.col, self.col + self.width, size):
                height = min(size, self.row + self.height - row)
                yield Window(row, col, height, min(size, self.col + self.width - col))


@dataclass(frozen=True)
class RasterGrid:
    """A simple cylindrical grid on the Moon's sphere, whole or a rectangle of the whole.

    Row 0 of the whole grid begins at 90 N, column 0 at 180 W. A grid over the seam at 180
    degrees goes on past it: its columns, longitudes and x coordinates exceed 180.

    Parameters
    ----------
    around : int
        Pixels of the whole grid around the equator (even); the whole has half as many rows.
    row, col : int
        First row and column, counted in the whole grid.
    height, width : int
        Size in pixels; ``width`` is at most ``around``.
    """

    around: int
    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.around < 2 or self.around % 2:
            raise RegionError(f"a grid has an even number of pixels around, not {self.around}")
        rows_fit = self.row >= 0 and self.height > 0 and self.row + self.height <= self.around // 2
        cols_fit = 0 <= self.col < self.around and 0 < self.width <= self.around
        if not (rows_fit and cols_fit):
            raise RegionError(
                f"a grid of {self.around} x {self.around // 2} pixels has no rectangle at "
                f"row {self.row}, column {self.col} of {self.height} x {self.width} pixels"
            )

    @classmethod
    def whole(cls, ppd: float) -> "RasterGrid":
        """The global grid of about ``ppd`` pixels a degree: height = round(180 x ppd).

        Raises
        ------
        RegionError
            If ``ppd`` is not a positive number that gives at least one pixel.
        """
        if not (math.isfinite(ppd) and round(180 * ppd) >= 1):
            raise RegionError(
                f"a resolution of {ppd:g} pixels a degree gives no pixels; give a positive number, "
                "as 303.23349 for 100 m"
            )
        height = round(180 * ppd)
        return cls(2 * height, 0, 0, height, 2 * height)

    def crop(self, west: float, south: float, east: float, north: float) -> "RasterGrid":
        """The rectangle of the whole grid that covers a bounding box, snapped outward to pixels.

        ``west > east`` crosses the seam at 180 degrees.

        Parameters
        ----------
        west, south, east, north : float
            Edges in degrees; longitudes -180..360.

        Raises
        ------
        RegionError
            If the box is empty or lies off the Moon.
        """
        box = f"bounding box {west:g} {south:g} {east:g} {north:g}"
        if not all(map(math.isfinite, (west, south, east, north))):
            raise RegionError(f"{box}: every edge must be a number of degrees")
        if not -90 <= south < north <= 90:
            raise RegionError(f"{box}: needs -90 <= south < north <= 90; the order is W S E N")
        if not (-180 <= west <= 360 and -180 <= east <= 360) or west == east:
            raise RegionError(f"{box}: longitudes run from -180 to 180 and must differ")
        span = 360.0 if east - west >= 360 else (east - west) % 360.0
        scale = self.around / 360.0
        start = (normalise_longitude(west) + 180.0) * scale
        col = math.floor(start + SNAP)
        last = math.ceil(start + span * scale - SNAP)
        row = math.floor((90.0 - north) * scale + SNAP)
        bottom = math.ceil((90.0 - south) * scale - SNAP)
        width = min(last - col, self.around)
        return RasterGrid(self.around, row, col % self.around, bottom - row, width)

    @property
    def pixel_deg(self) -> float:
        """Size of a pixel in degrees, along both axes."""
        return 360.0 / self.around

    @property
    def window(self) -> Window:
        """The whole of this grid as a window of itself."""
        return Window(0, 0, self.height, self.width)

    def lats(self, window: Window | None = None) -> NDArray[np.float64]:
        """Latitudes of the pixel centres, degrees north, one a row."""
        w = window or self.window
        rows = np.arange(w.height) + (self.row + w.row)
        return np.asarray(90.0 - (2 * rows + 1) * (180.0 / self.around), dtype=np.float64)

    def lons(self, window: Window | None = None) -> NDArray[np.float64]:
        """Longitudes of the pixel centres, degrees east from -180 on, one a column."""
        w = window or self.window
        cols = np.arange(w.width) + (self.col + w.col)
        return np.asarray((2 * cols + 1) * (180.0 / self.around) - 180.0, dtype=np.float64)

    def bounds(self, window: Window | None = None) -> tuple[float, float, float, float]:
        """West, south, east and north edges in degrees; east exceeds 180 past the seam."""
        w = window or self.window
        west = (self.col + w.col) * self.pixel_deg - 180.0
        north = 90.0 - (self.row + w.row) * self.pixel_deg
        return west, north - w.height * self.pixel_deg, west + w.width * self.pixel_deg, north

    def row_weights(self, window: Window | None = None) -> NDArray[np.int64]:
        """Area of one pixel of each row in integer units of which the sphere has 2**62.

        The edges are rounded, not the rows, so sums over any rows are exact to one unit a
        column, and sums over any pixels are the same in any order.
        """
        w = window or self.window
        edges = np.arange(w.height + 1) + (self.row + w.row)
        sines = np.sin(np.radians(90.0 - edges * self.pixel_deg))
        rounded = np.rint(sines * (SPHERE_WEIGHT / (2 * self.around))).astype(np.int64)
        return np.asarray(-np.diff(rounded), dtype=np.int64)

    def pixel_areas_m2(self, window: Window | None = None) -> NDArray[np.float64]:
        """Area of one pixel of each row on the sphere: R^2 dlon (sin lat_n - sin lat_s)."""
        w = window or self.window
        centres = np.radians(self.lats(w))
        half = math.radians(self.pixel_deg) / 2.0
        # sin(a + h) - sin(a - h) without the cancellation
        return RADIUS_M**2 * 2.0 * half * 2.0 * np.cos(centres) * math.sin(half)

    def locate(self, lon: float, lat: float) -> tuple[int, int] | None:
        """Row and column of the pixel that holds a place, or None outside this grid.

        An edge belongs to the pixel south and east of it; the south pole to the last row.
        """
        if not -90.0 <= lat <= 90.0:
            raise RegionError(f"latitude {lat:g} is not on the Moon; it must lie in -90..90")
        row = min(math.floor((90.0 - lat) / self.pixel_deg), self.around // 2 - 1) - self.row
        turn = math.floor((normalise_longitude(lon) + 180.0) / self.pixel_deg)
        col = (min(turn, self.around - 1) - self.col) % self.around
        return (row, col) if 0 <= row < self.height and col < self.width else None


def weight_to_km2(weight: int) -> float:
    """Square kilometres of an area in the integer units of ``RasterGrid.row_weights``."""
    return weight * (AREA_KM2 / SPHERE_WEIGHT)
