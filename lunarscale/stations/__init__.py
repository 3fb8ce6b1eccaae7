"""The sampling stations: where soils were collected, what a camera saw, what they are made of.

- ``station``: a station and a table of them, the sources of their values.
- ``reading``: tables in CSV, checked.
- ``built_in``: the tables that come with the package.
"""

from lunarscale.stations.built_in import built_in_table, clementine_stations, kaguya_stations
from lunarscale.stations.reading import read_stations
from lunarscale.stations.station import OXIDES, SOURCES, STATION_BANDS, Station, StationTable

__all__ = [
    "OXIDES",
    "SOURCES",
    "STATION_BANDS",
    "Station",
    "StationTable",
    "built_in_table",
    "clementine_stations",
    "kaguya_stations",
    "read_stations",
]
