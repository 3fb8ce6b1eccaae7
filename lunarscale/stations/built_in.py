"""The tables of stations that come with the package, read as a user's would be."""

from functools import cache
from importlib.resources import files

from lunarscale.stations.reading import table_of
from lunarscale.stations.station import Station, StationTable

_FILES = {
    "clementine-uvvis": ("clementine_stations.csv", "the 47 Clementine stations"),
    "kaguya-mi": ("kaguya_stations.csv", "the 60 Kaguya MI points"),
}


@cache
def built_in_table(camera: str) -> StationTable:
    """The package's own table of a camera, ``lunarscale/tables/*_stations.csv``.

    Parameters
    ----------
    camera : str
        ``clementine-uvvis`` or ``kaguya-mi``.
    """
    name, title = _FILES[camera]
    text = files("lunarscale").joinpath("tables", name).read_text("utf-8")
    return table_of(text, camera, title=title)


def clementine_stations() -> tuple[Station, ...]:
    """The 47 stations of Wilcox et al. 2005 with Clementine UVVIS reflectances, in its order.

    FeO and TiO2 are that table's own; the other oxides, at 46 of them, are those of the Kaguya
    table, and Korotev & Gillis 2001 for Apollo 11.
    """
    return built_in_table("clementine-uvvis").stations


def kaguya_stations() -> tuple[Station, ...]:
    """The 60 points with Kaguya MI reflectances of eight bands and all six oxides.

    The soils of points 14-23 (Apollo 15), each published with the spectrum of the next, are
    back at their own. Names of points 9, 10, 18, 58 and 60 are unknown or inferred; notes say so.
    """
    return built_in_table("kaguya-mi").stations
