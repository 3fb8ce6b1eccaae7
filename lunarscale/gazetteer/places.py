"""What is near a place, and what holds it, along great circles."""

import math
from typing import NamedTuple

from lunarscale.errors import RegionError
from lunarscale.gazetteer.features import Feature, features
from lunarscale.gazetteer.kinds import LINEAR
from lunarscale.moon import RADIUS_M


class Near(NamedTuple):
    """A named feature and how far its centre is from a place, in km along the sphere."""

    feature: Feature
    distance_km: float


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance of two places (longitude, latitude in degrees), in km.

    By haversines, which keep their digits for places close together.
    """
    (lon_a, lat_a), (lon_b, lat_b) = ((math.radians(v) for v in place) for place in (a, b))
    across = math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2.0) ** 2
    chord = math.sin((lat_b - lat_a) / 2.0) ** 2 + across
    return 2.0 * RADIUS_M / 1000.0 * math.asin(min(math.sqrt(chord), 1.0))


def nearest(lon: float, lat: float, *, at_least_km: float = 0.0, kind: str | None = None) -> Near:
    """The named feature whose centre is nearest to a place.

    Parameters
    ----------
    lon, lat : float
        Degrees; any longitude.
    at_least_km : float
        Leave out features of a smaller diameter.
    kind : str, optional
        Only features of this kind.

    Raises
    ------
    RegionError
        If the place is not on the Moon, or no feature is of that kind and size.
    """
    candidates = [f for f in features(kind) if f.diameter_km >= at_least_km]
    if not candidates:
        wanted = f"{kind or 'feature'} of {at_least_km:g} km or more"
        raise RegionError(f"no named {wanted} is on the Moon; ask for smaller ones")
    return min((_near(lon, lat, f) for f in candidates), key=lambda near: near.distance_km)


def holding(lon: float, lat: float, *, at_least_km: float = 0.0) -> Feature | None:
    """The smallest named feature whose circle holds a place; None where there is none.

    Features that are long and narrow (``kinds.LINEAR``) are left out, for a circle is nothing
    like them.

    Parameters
    ----------
    lon, lat : float
        Degrees; any longitude.
    at_least_km : float
        Leave out features of a smaller diameter.

    Raises
    ------
    RegionError
        If the place is not on the Moon.
    """
    holders = [
        near.feature
        for near in (_near(lon, lat, f) for f in features() if f.kind not in LINEAR)
        if near.distance_km <= near.feature.diameter_km / 2.0
        and near.feature.diameter_km >= at_least_km
    ]
    return min(holders, key=lambda feature: feature.diameter_km, default=None)


def _near(lon: float, lat: float, feature: Feature) -> Near:
    if not (-90.0 <= lat <= 90.0 and math.isfinite(lon)):
        raise RegionError(f"longitude {lon:g}, latitude {lat:g} is no place on the Moon")
    return Near(feature, distance_km((lon, lat), (feature.lon, feature.lat)))
