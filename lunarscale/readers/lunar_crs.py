"""Coordinate reference systems of polygon files: the Moon's, and from them to degrees."""

import math
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from lunarscale.errors import RegionError
from lunarscale.moon import RADIUS_M

Places = NDArray[np.float64]

#: How far, in metres, an edge that is straight on a projected map may lie from the edges that
#: stand for it in longitude and latitude: a fifteenth of the finest camera's pixel (14.8 m).
NEAR_M = 1.0

#: Halvings of an edge; half the Moon's circumference is halved to a metre in 23.
MOST_HALVINGS = 30

_ADVICE = "give it in lunar coordinates, such as IAU_2015:30100"


def lunar_crs(name: str, given: Any) -> pyproj.CRS:
    """The CRS that a file names, which must be the Moon's.

    Parameters
    ----------
    name : str
        The file, for messages.
    given : Any
        WKT, ``IAU_2015:30100``, ``urn:ogc:def:crs:IAU:2015:30100`` ...

    Raises
    ------
    RegionError
        If it is not understood, or of another body.
    """
    try:
        crs = pyproj.CRS.from_user_input(given)
    except CRSError as error:
        raise RegionError(f"{name} has the CRS {given}, which is not understood; {_ADVICE}") from (
            error
        )
    radius = crs.ellipsoid.semi_major_metre if crs.ellipsoid else math.nan
    if not math.isclose(radius, RADIUS_M, rel_tol=1e-3):
        raise RegionError(
            f"{name} has the CRS '{crs.name}', which is not the Moon's: its body has a radius of "
            f"{radius:,.0f} m, the Moon {RADIUS_M:,.0f} m; {_ADVICE}"
        )
    # units by their size, for ESRI writes "Degree"
    units = [axis.unit_conversion_factor for axis in crs.axis_info[:2]]
    in_degrees = crs.is_geographic and np.allclose(units, np.radians(1.0), rtol=1e-6)
    if not (crs.is_projected or in_degrees):
        raise RegionError(
            f"{name} has the CRS '{crs.name}', which is neither projected nor longitude and "
            f"latitude in degrees; {_ADVICE}"
        )
    return crs


class Unprojection:
    """From a projected lunar CRS to longitude and latitude.

    Parameters
    ----------
    crs : pyproj.CRS
        Projected.
    """

    crs: pyproj.CRS

    def __init__(self, crs: pyproj.CRS) -> None:
        self.crs = crs
        self._to = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)

    def degrees(self, places: Places) -> Places:
        """Longitude and latitude of places x, y; infinite where there are none."""
        return np.stack(self._to.transform(places[:, 0], places[:, 1]), axis=1)

    def pole_within(self, ring: Places) -> float | None:
        """The latitude, 90 or -90, of the pole that lies within a ring on the map; else None."""
        area = shapely.polygons(ring)
        for lat in (90.0, -90.0):
            x, y = self._to.transform(0.0, lat, direction="INVERSE")
            if math.isfinite(x) and shapely.contains_xy(area, x, y):
                return lat
        return None

    def dense_degrees(self, ring: Places) -> Places:
        """A ring's longitudes and latitudes, with as many places between as it takes.

        An edge is halved until its quarters, on the map, lie within ``NEAR_M`` of those of the
        edge in longitude and latitude: an edge that is straight on one of them is bent on the
        other, most so near a pole. What an edge becomes does not depend on its direction.
        """
        places, degrees = ring, self.degrees(ring)
        open_edges = np.arange(len(ring) - 1)
        for _ in range(MOST_HALVINGS):
            bent = open_edges[self._is_bent(places, degrees, open_edges)]
            if not bent.size:
                break
            middles = (places[bent] + places[bent + 1]) / 2.0
            places = np.insert(places, bent + 1, middles, axis=0)
            degrees = np.insert(degrees, bent + 1, self.degrees(middles), axis=0)
            first = bent + np.arange(bent.size)
            open_edges = np.sort(np.concatenate([first, first + 1]))
        return degrees

    def _is_bent(self, places: Places, degrees: Places, edges: NDArray[np.int64]) -> Any:
        starts, ends = places[edges], places[edges + 1]
        lon, lat = degrees[edges].T
        across, up = _short_way(degrees[edges + 1, 0] - lon), degrees[edges + 1, 1] - lat
        bent = np.zeros(len(edges), dtype=np.bool_)
        for parts in (1, 2, 3):
            found = self.degrees(((4 - parts) * starts + parts * ends) / 4.0)
            east = _short_way(found[:, 0] - (lon + across * parts / 4.0))
            north = found[:, 1] - (lat + up * parts / 4.0)
            off = np.hypot(east * np.cos(np.radians(found[:, 1])), north)
            bent |= np.radians(off) * RADIUS_M > NEAR_M
        return bent


def _short_way(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """A difference of longitudes as -180..180."""
    return turn - 360.0 * np.rint(turn / 360.0)
