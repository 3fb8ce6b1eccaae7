"""The simulated Moon's craters: how many of which size, how fresh, and which are near a place."""

import math

import numpy as np
from numpy.typing import NDArray

from lunarscale.moon import RADIUS_M

#: Craters of at least D km are (DENSITY_KM / D)^2 on the whole Moon: 5200 of 20 km or more
#: (Head et al. 2010, Science 329, 1504: 5185 craters).
DENSITY_KM = 20.0 * math.sqrt(5185.0)

#: Largest and smallest crater diameters made, in km.
LARGEST_KM, SMALLEST_KM = 250.0, 4.0

#: Shares of craters with bright rays, with bright ejecta only, and with a floor of dark lava.
RAYED, BRIGHT, FLOODED = 0.03, 0.25, 0.05

#: Freshness from which a crater has rays.
RAYED_FROM = 0.5

#: Smallest flooded and largest rayed crater, diameter in km.
FLOODED_FROM_KM, RAYED_TO_KM = 35.0, 110.0

#: How far a crater's rim, a bright one's ejecta and a rayed one's rays reach, in crater radii.
RIM_REACH, EJECTA_REACH, RAY_REACH = 1.2, 2.6, 12.0

#: Latitude bands of the index of places; each has twice as many bins of longitude.
BANDS = 90

#: Columns of a crater's row.
X, Y, Z, EAST_X, EAST_Y, NORTH_X, NORTH_Y, NORTH_Z, RADIUS, REACH, FRESH, FLOOD = range(12)


def frames(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre, and the east and north directions there, as the first eight columns of a row."""
    lam, phi = np.radians(lon), np.radians(lat)
    cos_lam, sin_lam, cos_phi, sin_phi = np.cos(lam), np.sin(lam), np.cos(phi), np.sin(phi)
    centre = (cos_phi * cos_lam, cos_phi * sin_lam, sin_phi)
    return np.stack(
        [*centre, -sin_lam, cos_lam, -sin_phi * cos_lam, -sin_phi * sin_lam, cos_phi], 1
    )


def craters(seed: int, detail_deg: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All the craters that are at least three details wide, the largest first.

    A finer detail adds small craters and leaves the large ones as they are.

    Returns
    -------
    rows : ndarray of float64, (crater, 12)
        Columns ``X`` to ``FLOOD``; lengths in units of the Moon's radius.
    caps : ndarray of float64, (crater, 3)
        Longitude, latitude and reach in degrees, for ``index_caps``.
    """
    km_a_degree = math.radians(RADIUS_M / 1000.0)
    smallest_km = min(max(3.0 * detail_deg * km_a_degree, SMALLEST_KM), LARGEST_KM / 4.0)
    first, last = ((DENSITY_KM / size) ** 2 for size in (LARGEST_KM, smallest_km))
    diameter_km = DENSITY_KM / np.sqrt(np.arange(first, last))
    chance = np.random.default_rng([seed, 1]).random((len(diameter_km), 4))
    lon = chance[:, 0] * 360.0 - 180.0
    lat = np.degrees(np.arcsin(chance[:, 1] * 2.0 - 1.0))
    rayed = (chance[:, 2] < RAYED) & (diameter_km < RAYED_TO_KM)
    bright = chance[:, 2] < BRIGHT
    flooded = (chance[:, 3] < FLOODED) & (diameter_km > FLOODED_FROM_KM)
    radius = np.radians(diameter_km / 2.0 / km_a_degree)
    reach = radius * np.where(rayed, RAY_REACH, np.where(bright, EJECTA_REACH, RIM_REACH))
    fresh = chance[:, 3] / 2.0 * bright + RAYED_FROM * rayed
    return (
        np.column_stack([frames(lon, lat), radius, reach, fresh, flooded]),
        np.column_stack([lon, lat, np.degrees(reach)]),
    )


def index_caps(caps: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For every bin of places, the caps that may reach into it.

    Parameters
    ----------
    caps : ndarray of float64, (cap, 3)
        Longitude and latitude of the centre and angular radius, degrees.

    Returns
    -------
    starts : ndarray of int32, (BANDS * 2 * BANDS + 1,)
        Where each bin's caps begin in ``members``; band 0 is the southernmost, bin 0 of a
        band begins at 180 W.
    members : ndarray of int32
        Numbers of the caps, rising within a bin.
    """
    lon, lat, reach = caps.T
    bins_deg, around = 180.0 / BANDS, 2 * BANDS
    south = np.clip((lat - reach + 90.0) // bins_deg, 0, BANDS - 1).astype(np.int64)
    north = np.clip((lat + reach + 90.0) // bins_deg, 0, BANDS - 1).astype(np.int64)
    # a cap's half-width in longitude; one that holds a pole goes all the way around
    ratio = np.sin(np.radians(reach)) / np.maximum(np.cos(np.radians(lat)), 1e-12)
    polar = np.abs(lat) + reach >= 90.0
    half = np.where(polar, 180.0, np.degrees(np.arcsin(np.minimum(ratio, 1.0))))
    west = ((lon - half + 180.0) // bins_deg).astype(np.int64)
    east = ((lon + half + 180.0) // bins_deg).astype(np.int64)
    width = np.minimum(east - west + 1, around)
    size = (north - south + 1) * width
    member = np.repeat(np.arange(len(caps)), size)
    place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    row, col = south[member] + place // width[member], west[member] + place % width[member]
    bins = row * around + col % around
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], np.arange(BANDS * around + 1))
    return starts.astype(np.int32), member[order].astype(np.int32)
