"""Places along a line on the sphere, whose parts are great circles."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.polygons import to_step
from lunarscale.moon import RADIUS_M

#: Two places whose angle is nearer to half a turn than this, in radians, are opposite each other:
#: 1.7 mm on the Moon, where the way between them would be noise.
_OPPOSITE = 1e-9

_Floats = NDArray[np.float64]


class Along(NamedTuple):
    """Places along a line, evenly by distance, its ends among them.

    Parameters
    ----------
    distance_km : ndarray of float64, (sample,)
        From the line's beginning, along it.
    lon, lat : ndarray of float64, (sample,)
        Degrees; longitudes within -180 (in) and 180 (out). Rounded to half a micrometre, so that a
        line along the edge of pixels stays on one side of it.
    """

    distance_km: _Floats
    lon: _Floats
    lat: _Floats


def along(line: _Floats, samples: int) -> Along:
    """Places along a line of great circles on the sphere of 1737.4 km.

    From unit vectors a to b the way is ``a cos s + t sin s``, where t is the unit vector of
    ``(a x b) x a`` and s runs from 0 to ``atan2(|a x b|, a . b)``: well conditioned for places that
    are close together as for those far apart.

    Parameters
    ----------
    line : ndarray of float64, (place, 2)
        Longitudes and latitudes in degrees.
    samples : int
        At least 2.

    Raises
    ------
    RegionError
        If all its places are one, or two that follow each other are opposite each other.
    """
    places = _unit_vectors(line)
    begins, ends = places[:-1], places[1:]
    across = np.cross(begins, ends)
    sines, cosines = np.linalg.norm(across, axis=1), (begins * ends).sum(axis=1)
    opposite = np.flatnonzero((sines < _OPPOSITE) & (cosines < 0.0))
    if opposite.size:
        (lon, lat), (lon_b, lat_b) = line[opposite[0]], line[opposite[0] + 1]
        raise RegionError(
            f"the line's places {lon:g},{lat:g} and {lon_b:g},{lat_b:g} are opposite each other on "
            "the Moon, so any way leads from one to the other; set a place between them"
        )
    angles = np.arctan2(sines, cosines)
    gone = np.concatenate([[0.0], np.cumsum(angles)])
    if gone[-1] == 0.0:
        raise RegionError("all of the line's places are one; set two that differ")
    turns = np.cross(across, begins)
    lengths = np.linalg.norm(turns, axis=1)[:, None]
    turns = np.divide(turns, lengths, out=np.zeros_like(turns), where=lengths > 0.0)

    at = np.linspace(0.0, gone[-1], samples)
    part = np.minimum(np.searchsorted(gone, at, side="right") - 1, len(angles) - 1)
    angle = (at - gone[part])[:, None]
    x, y, z = (begins[part] * np.cos(angle) + turns[part] * np.sin(angle)).T
    lon = to_step(np.degrees(np.arctan2(y, x)))
    lat = to_step(np.degrees(np.arctan2(z, np.hypot(x, y))))
    # the formula of moon.normalise_longitude, exact on multiples of the step
    return Along(at * (RADIUS_M / 1000.0), (lon + 180.0) % 360.0 - 180.0, lat)


def _unit_vectors(places: _Floats) -> _Floats:
    lon, lat = np.radians(places.T)
    # at the poles the cosine is 6e-17 and not 0: the longitude that was given is kept
    across = np.cos(lat)
    return np.stack([across * np.cos(lon), across * np.sin(lon), np.sin(lat)], axis=1)
