"""The sampling stations: where soils were collected, what Clementine saw, what they are made of."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Station:
    """One sampling station.

    Parameters
    ----------
    number : int
        Number in the source's table.
    name : str
    lon, lat : float
        Degrees east (-180..180) and north.
    reflectance : dict of int to float
        Clementine UVVIS reflectance (fraction) by wavelength in nm.
    oxides_wt_pct : dict of str to float
        Composition of the soil in wt %.
    """

    number: int
    name: str
    lon: float
    lat: float
    reflectance: dict[int, float]
    oxides_wt_pct: dict[str, float]


@cache
def clementine_stations() -> tuple[Station, ...]:
    """The 47 stations of Wilcox et al. 2005 (JGR 110, E11001), in the order of its table.

    The table, with its sources, is ``lunarscale/tables/clementine_stations.csv``.
    """
    text = files("lunarscale").joinpath("tables/clementine_stations.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Station(
            number=int(row["station"]),
            name=row["name"],
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            reflectance={w: float(row[f"R{w}"]) for w in (415, 750, 900, 950, 1000)},
            oxides_wt_pct={name: float(row[f"{name}_wt_pct"]) for name in ("FeO", "TiO2")},
        )
        for row in rows
    )
