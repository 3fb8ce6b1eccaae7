"""What the simulated Moon is made of: mixtures of the real stations' spectra and soils, by sea."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import Camera
from lunarscale.moon import RADIUS_M, SEAS, Sea
from lunarscale.simulated.craters import frames
from lunarscale.simulated.spectra import station_spectra
from lunarscale.stations import clementine_stations

#: Stations (numbers of the table) whose mean is each highland soil: the common one is Apollo 16,
#: the two varieties Luna 20 and the Apollo 17 massif, the last, of South Pole-Aitken, Apollo 14.
HIGHLANDS = ((14, 15, 16, 17, 18, 19, 20, 21, 23), (46,), (26, 27, 36), (3, 4, 9))


class Lava(NamedTuple):
    """How one sea lies in its circle, and the two stations that its lava is mixed from.

    ``fill`` is the part of the circle's radius that it floods, ``stretch`` its height over its
    width, ``rich`` the usual share of the second, titanium-richer station.
    """

    poor: int
    rich_station: int
    rich: float
    fill: float = 0.95
    stretch: float = 1.0


#: The circles of the smaller seas of the limb and the far side are mostly highlands.
LAVAS: dict[str, Lava] = {
    "Mare Anguis": Lava(47, 45, 0.5, 0.8),
    "Mare Australe": Lava(5, 45, 0.5, 0.42),
    "Mare Cognitum": Lava(2, 1, 0.3),
    "Mare Crisium": Lava(47, 45, 0.5, 0.85),
    "Mare Fecunditatis": Lava(45, 1, 0.1, 0.8),
    "Mare Frigoris": Lava(5, 6, 0.4, 1.0, 0.22),
    "Mare Humboldtianum": Lava(5, 45, 0.4, 0.7),
    "Mare Humorum": Lava(2, 24, 0.4),
    "Mare Imbrium": Lava(6, 25, 0.2, 0.98),
    "Mare Ingenii": Lava(5, 45, 0.5, 0.6),
    "Mare Insularum": Lava(2, 1, 0.2),
    "Mare Marginis": Lava(45, 5, 0.5, 0.7),
    "Mare Moscoviense": Lava(6, 1, 0.4, 0.7),
    "Mare Nectaris": Lava(45, 2, 0.4),
    "Mare Nubium": Lava(2, 1, 0.15),
    "Mare Orientale": Lava(5, 45, 0.5, 0.6),
    "Mare Serenitatis": Lava(8, 24, 0.2, 1.05),
    "Mare Smythii": Lava(45, 2, 0.5, 0.75),
    "Mare Spumans": Lava(45, 2, 0.5, 0.8),
    "Mare Tranquillitatis": Lava(1, 44, 0.6, 1.0),
    "Mare Undarum": Lava(45, 47, 0.4, 0.8),
    "Mare Vaporum": Lava(2, 24, 0.4),
    "Oceanus Procellarum": Lava(2, 25, 0.3, 0.5, 1.3),
}

#: The lava of flooded craters outside the seas.
LAKES = Lava(5, 45, 0.5)

#: South Pole-Aitken (Garrick-Bethell and Zuber 2009, Icarus 204, 399), its tilt left out.
SOUTH_POLE_AITKEN = Sea("South Pole-Aitken", -169.0, -53.0, 2050.0)

#: Columns of a sea's row after its frame (``craters.frames``).
RADIUS, STRETCH, POOR, RICH_STATION, RICH = 8, 9, 10, 11, 12


@cache
def soil_table(camera: Camera) -> NDArray[np.float64]:
    """The soils as a camera sees them: four of the highlands, then one a station.

    Returns
    -------
    ndarray of float64, (4 + 47, bands + 2)
        Reflectance in the camera's bands, then FeO and TiO2 in wt %, the same for all cameras.
    """
    stations = {
        s.number: [*spectrum, s.oxides_wt_pct["FeO"], s.oxides_wt_pct["TiO2"]]
        for s, spectrum in zip(clementine_stations(), station_spectra(camera), strict=True)
    }
    highlands = [np.mean([stations[n] for n in numbers], axis=0) for numbers in HIGHLANDS]
    return np.array([*highlands, *(stations[n] for n in sorted(stations))])


def sea_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The seas in the order of ``SEAS``, then the lakes, then South Pole-Aitken.

    Returns
    -------
    rows : ndarray of float64, (sea, 13)
        Frame, flooded radius in Moon radii, stretch, rows of ``soil_table``, usual share.
    caps : ndarray of float64, (sea, 3)
        Longitude, latitude, radius in degrees that holds the sea with room for its shores.
    """
    seas = (*SEAS, SEAS[0], SOUTH_POLE_AITKEN)
    lavas = [*(LAVAS[sea.name] for sea in SEAS), LAKES, Lava(3, 3, 0.0, 1.0, 1.17)]
    lon, lat = np.array([s.lon for s in seas]), np.array([s.lat for s in seas])
    radius = np.array([s.diameter_km for s in seas]) * 500.0 / RADIUS_M
    radius *= [lava.fill for lava in lavas]
    stretch = np.array([lava.stretch for lava in lavas])
    first = len(HIGHLANDS) - 1  # station 1 is the row after the highlands
    mixture = [(lava.poor + first, lava.rich_station + first, lava.rich) for lava in lavas]
    rows = np.column_stack([frames(lon, lat), radius, stretch, np.array(mixture)])
    # three halves leave room for the widest bay
    caps = np.column_stack([lon, lat, np.degrees(radius * np.maximum(stretch, 1.0) * 1.5)])
    return rows, caps[: len(SEAS)]
