"""Polar caps: what lies about a pole, beyond a parallel."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.cells import BandedCells
from lunarscale.grid.groupings import Grouping, digest_of
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.moon import RADIUS_M

Pole = Literal["north", "south"]

#: Numbers of the groups of ``PolarCap``.
CAP, REST = 1, 2


@dataclass(frozen=True)
class PolarCap:
    """The cap about a pole, as far as a parallel, and the rest of the Moon.

    A place on the parallel itself is in the cap.

    Parameters
    ----------
    pole : {"north", "south"}
    latitude_deg : float
        Degrees from the equator to the parallel, above 0 and below 90, for either pole.

    Raises
    ------
    RegionError
        If the pole is none, or the parallel does not lie between the equator and a pole.
    """

    pole: Pole
    latitude_deg: float = 65.0
    name: str = "polar cap"

    def __post_init__(self) -> None:
        if self.pole not in ("north", "south"):
            raise RegionError(
                f"--pole {self.pole}: the Moon has a north and a south pole; name one"
            )
        if not 0.0 < self.latitude_deg < 90.0:
            raise RegionError(
                f"--latitude {self.latitude_deg:g}: a cap ends at a parallel between 0 and 90 "
                "degrees; give it without a sign, as 65, and name the pole with --pole"
            )

    @property
    def parallel(self) -> float:
        """Latitude of the edge in degrees north, negative about the south pole."""
        return self.latitude_deg if self.pole == "north" else -self.latitude_deg

    @property
    def title(self) -> str:
        """The cap in words, ``south of 65° S``."""
        return f"{self.pole} of {self.latitude_deg:g}° {self.pole[0].upper()}"

    @property
    def groups(self) -> tuple[str, ...]:
        """The cap and the rest."""
        return self.title, f"not {self.title}"

    @property
    def digest(self) -> str:
        """SHA-256 of pole and parallel."""
        return digest_of("PolarCap", self.pole, self.latitude_deg)

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def holds(self, lat: ArrayLike) -> NDArray[np.bool_]:
        """Whether places of these latitudes, in degrees, lie in the cap."""
        lats = np.asarray(lat, dtype=np.float64)
        sign = 1.0 if self.pole == "north" else -1.0
        return np.asarray(sign * lats >= self.latitude_deg)

    def touches(self, grid: RasterGrid, window: Window) -> bool:
        """Whether a pixel of the window is in the cap by its centre."""
        return bool(self.holds(grid.lats(window)).any())

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """1 in the cap, 2 elsewhere, ``(height, width)``."""
        column = np.where(self.holds(grid.lats(window)), np.uint16(CAP), np.uint16(REST))
        return np.broadcast_to(column[:, None], (window.height, window.width))


def cells_of_cap(cells: BandedCells, cap: PolarCap) -> tuple[BandedCells, int]:
    """The cells of a cap by their centres, and the number that the first of them has in all.

    Raises
    ------
    RegionError
        If no cell has its centre in the cap.
    """
    inside = np.flatnonzero(cap.holds(cells.band_lats()))
    if not inside.size:
        raise RegionError(
            f"{cells.name}: none of the {cells.bands} bands has its centre {cap.title}; choose a "
            "parallel farther from the pole"
        )
    first, last = int(inside[0]), int(inside[-1]) + 1
    bands = BandedCells(
        f"{cells.name}, {cap.title}",
        cells.edges_deg[first : last + 1],
        cells.per_band[first:last],
        cells.west_deg,
    )
    return bands, int(cells.firsts[first])


def within_km(
    cells: BandedCells, place: tuple[float, float], *, radius_km: float
) -> NDArray[np.bool_]:
    """Which cells have their centre within a great-circle distance of a place, ``(cell,)``.

    Parameters
    ----------
    cells : BandedCells
    place : (float, float)
        Longitude and latitude in degrees.
    radius_km : float
    """
    lon, lat = (np.radians(angle) for angle in cells.centres())
    at_lon, at_lat = np.radians(place)
    # haversines, which keep their digits for places close together
    chord = np.sin((lat - at_lat) / 2.0) ** 2
    chord += np.cos(lat) * np.cos(at_lat) * np.sin((lon - at_lon) / 2.0) ** 2
    half = min(radius_km * 500.0 / RADIUS_M, np.pi / 2.0)
    return np.asarray(chord <= np.sin(half) ** 2)


@dataclass(frozen=True)
class WithRest:
    """Another grouping in which every place has a group: what lies in none gets one more.

    Parameters
    ----------
    of : Grouping
    rest : str
        Name of the last group.
    """

    of: Grouping
    rest: str

    @property
    def name(self) -> str:
        """The other's."""
        return self.of.name

    @property
    def groups(self) -> tuple[str, ...]:
        """The other's, and the rest."""
        return (*self.of.groups, self.rest)

    @property
    def digest(self) -> str:
        """SHA-256 of the other's."""
        return digest_of("WithRest", self.of.digest)

    @property
    def kept_bytes(self) -> int:
        """The other's."""
        return self.of.kept_bytes

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """The other's numbers, the last one where it has none, ``(height, width)``."""
        numbers = self.of.numbers(grid, window)
        return np.where(numbers == 0, np.uint16(len(self.of.groups) + 1), numbers)
