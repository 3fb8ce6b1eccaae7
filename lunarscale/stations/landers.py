"""Where landers stand that no table of stations places: facts with their sources."""

from typing import NamedTuple


class Lander(NamedTuple):
    """A lander's place: degrees east (-180..180) and north, and who told it."""

    lon: float
    lat: float
    source: str


#: By the name of the station. The Lunar Reconnaissance Orbiter's camera saw them; its team gives
#: longitudes from 0 to 360: 340.488, 308.0839 (within 20 m) and 206.0148 (within 30 m).
LANDERS: dict[str, Lander] = {
    "Chang'e-3": Lander(-19.512, 44.1215, "LROC, Chang'e 3 Landing Site"),
    "Chang'e-5": Lander(-51.9161, 43.0576, "LROC, First Look: Chang'e 5, December 2020"),
    "Chang'e-6": Lander(-153.9852, -41.6385, "LROC, First Look: Chang'e 6, June 2024"),
}
