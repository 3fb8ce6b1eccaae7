"""The Moon's figure, its named seas and its largest basin: facts with their sources."""

import math
from typing import NamedTuple

#: Radius of the reference sphere in metres (IAU 2015; Archinal et al. 2018, CMDA 130, 22).
RADIUS_M = 1_737_400.0

#: Surface of the reference sphere in square kilometres.
AREA_KM2 = 4.0 * math.pi * (RADIUS_M / 1000.0) ** 2


class Sea(NamedTuple):
    """A named sea as a circle: centre in degrees (east positive, -180..180), diameter in km."""

    name: str
    lon: float
    lat: float
    diameter_km: float


#: The lunar maria as circles: IAU Gazetteer of Planetary Nomenclature (USGS, list of 2015).
#: A circle is an approximation of a sea's outline; use a mask where outlines matter.
SEAS: tuple[Sea, ...] = (
    Sea("Mare Anguis", 67.58, 22.43, 145.99),
    Sea("Mare Australe", 91.99, -47.77, 996.84),
    Sea("Mare Cognitum", -22.31, -10.53, 350.01),
    Sea("Mare Crisium", 59.10, 16.18, 555.92),
    Sea("Mare Fecunditatis", 53.67, -7.83, 840.35),
    Sea("Mare Frigoris", -0.01, 57.59, 1446.41),
    Sea("Mare Humboldtianum", 81.54, 56.92, 230.78),
    Sea("Mare Humorum", -38.57, -24.48, 419.67),
    Sea("Mare Imbrium", -14.91, 34.72, 1145.53),
    Sea("Mare Ingenii", 164.83, -33.25, 282.20),
    Sea("Mare Insularum", -30.64, 7.79, 511.93),
    Sea("Mare Marginis", 86.52, 12.70, 357.63),
    Sea("Mare Moscoviense", 148.12, 27.28, 275.57),
    Sea("Mare Nectaris", 34.60, -15.19, 339.39),
    Sea("Mare Nubium", -17.29, -20.59, 714.50),
    Sea("Mare Orientale", -94.67, -19.87, 294.16),
    Sea("Mare Serenitatis", 18.36, 27.29, 674.28),
    Sea("Mare Smythii", 87.05, -1.71, 373.97),
    Sea("Mare Spumans", 65.30, 1.30, 143.13),
    Sea("Mare Tranquillitatis", 30.83, 8.35, 875.75),
    Sea("Mare Undarum", 68.66, 7.49, 244.84),
    Sea("Mare Vaporum", 4.09, 13.20, 242.46),
    Sea("Oceanus Procellarum", -56.68, 20.67, 2592.24),
)


class Ellipse(NamedTuple):
    """A basin as an ellipse: centre in degrees, full axes in km, azimuth of the long one.

    The azimuth is in degrees from north at the centre, eastwards.
    """

    lon: float
    lat: float
    long_km: float
    short_km: float
    azimuth_deg: float


#: South Pole-Aitken: Garrick-Bethell and Zuber 2009, Icarus 204, 399. Its long axis leans about 19
#: degrees counter-clockwise from the meridian of 191 E, that is, to the west of north.
SOUTH_POLE_AITKEN = Ellipse(-169.0, -53.0, 2400.0, 2050.0, -19.0)


def normalise_longitude(lon: float) -> float:
    """Longitude in degrees east brought to [-180, 180).

    The one function of the package that wraps a longitude; arrays use the same formula.
    """
    return (lon + 180.0) % 360.0 - 180.0
