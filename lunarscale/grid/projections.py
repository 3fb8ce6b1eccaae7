"""From longitude and latitude to the lines and samples of an archive's image, and back."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lunarscale.moon import RADIUS_M

Projection = Literal["sinusoidal", "simple-cylindrical"]


@dataclass(frozen=True)
class Lattice:
    """The pixel lattice of an image whose lines are parallels of latitude.

    ``line = line_offset - lat x ppd``; ``sample = sample_offset + (lon - lon0) x ppd x k``,
    with k = cos(lat) in the sinusoidal projection and 1 in the simple cylindrical one. Lines
    and samples count from 1 and an integer is a pixel's centre (Clementine UVVIS DIM
    volinfo.txt and dsmap.cat; Snyder 1987, USGS Prof. Paper 1395, sections 30 and 12).

    Parameters
    ----------
    projection : {"sinusoidal", "simple-cylindrical"}
    ppd : float
        Pixels a degree (MAP_RESOLUTION).
    lon0 : float
        Central longitude in degrees east (CENTER_LONGITUDE).
    line_offset, sample_offset : float
        LINE_PROJECTION_OFFSET and SAMPLE_PROJECTION_OFFSET, for counting from 1.
    """

    projection: Projection
    ppd: float
    lon0: float
    line_offset: float
    sample_offset: float

    def samples_per_degree(self, lat: ArrayLike) -> NDArray[np.float64]:
        """Samples a degree of longitude at the given latitudes."""
        lat = np.asarray(lat, dtype=np.float64)
        if self.projection == "sinusoidal":
            return np.asarray(self.ppd * np.cos(np.radians(lat)))
        return np.full(lat.shape, self.ppd)

    def line_of(self, lat: ArrayLike) -> NDArray[np.float64]:
        """Line, counted from 1, of the given latitudes in degrees."""
        return self.line_offset - np.asarray(lat, dtype=np.float64) * self.ppd

    def lat_of(self, line: ArrayLike) -> NDArray[np.float64]:
        """Latitude in degrees of the given lines, counted from 1."""
        return (self.line_offset - np.asarray(line, dtype=np.float64)) / self.ppd

    def sample_of(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Sample, counted from 1, of the given places; longitude is not wrapped here."""
        east = np.asarray(lon, dtype=np.float64) - self.lon0
        return self.sample_offset + east * self.samples_per_degree(lat)

    def lon_of(self, sample: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Longitude in degrees of the given samples on the given parallels; not wrapped."""
        offset = np.asarray(sample, dtype=np.float64) - self.sample_offset
        return self.lon0 + offset / self.samples_per_degree(lat)


def polar_stereographic(
    lon: ArrayLike, lat: ArrayLike, *, pole: Literal["north", "south"]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Polar stereographic x and y in metres, true to scale at the pole.

    IAU_2015:30130 (north) and 30135 (south): spherical, x to 90 E, y away from 0 E in the
    north and towards it in the south (Snyder 1987, eqs 21-5 to 21-15 with k0 = 1).

    Parameters
    ----------
    lon, lat : array_like
        Degrees east and north, of one shape.
    pole : {"north", "south"}
    """
    sign = 1.0 if pole == "north" else -1.0
    lam = np.radians(np.asarray(lon, dtype=np.float64))
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    rho = 2.0 * RADIUS_M * np.tan(math.pi / 4.0 - sign * phi / 2.0)
    return rho * np.sin(lam), -sign * rho * np.cos(lam)


def inverse_polar_stereographic(
    x: ArrayLike, y: ArrayLike, *, pole: Literal["north", "south"]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude (-180..180) and latitude in degrees of polar stereographic metres.

    The inverse of ``polar_stereographic`` (Snyder 1987, eqs 20-18, 21-15).
    """
    sign = 1.0 if pole == "north" else -1.0
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    lat = sign * (90.0 - 2.0 * np.degrees(np.arctan(np.hypot(x, y) / (2.0 * RADIUS_M))))
    return np.degrees(np.arctan2(x, -sign * y)), lat
