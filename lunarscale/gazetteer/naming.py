"""Naming many places at once: the nearest named feature of each, and the one that holds it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.gazetteer.features import Feature, features
from lunarscale.gazetteer.kinds import LINEAR
from lunarscale.gazetteer.places import Near
from lunarscale.moon import RADIUS_M


class Named(NamedTuple):
    """What a place is called: the nearest feature, and the smallest whose circle holds it."""

    nearest: Near
    holding: Feature | None


def name_places(lons: NDArray[np.float64], lats: NDArray[np.float64]) -> list[Named]:
    """Names of many places, as ``places.nearest`` and ``places.holding`` give them one by one.

    Parameters
    ----------
    lons, lats : ndarray of float64, (n,)
        Degrees.
    """
    table = features()
    lon, lat, diameter = (
        np.array([getattr(feature, name) for feature in table])
        for name in ("lon", "lat", "diameter_km")
    )
    round_ones = np.array([feature.kind not in LINEAR for feature in table])
    lon, lat = np.radians(lon), np.radians(lat)
    named = []
    for at_lon, at_lat in zip(np.radians(lons), np.radians(lats), strict=True):
        # haversines, as places.distance_km
        chord = (
            np.sin((lat - at_lat) / 2.0) ** 2
            + np.cos(lat) * np.cos(at_lat) * np.sin((lon - at_lon) / 2.0) ** 2
        )
        away = 2.0 * RADIUS_M / 1000.0 * np.arcsin(np.minimum(np.sqrt(chord), 1.0))
        near = int(away.argmin())
        holders = np.flatnonzero(round_ones & (away <= diameter / 2.0))
        holder = table[holders[diameter[holders].argmin()]] if holders.size else None
        named.append(Named(Near(table[near], float(away[near])), holder))
    return named
