"""From stations to equations: what is searched for which camera, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import lunarscale
from lunarscale.errors import StationError
from lunarscale.models.equations import (
    CLEMENTINE_RANGE,
    Equation,
)
from lunarscale.models.laws import OriginDistance
from lunarscale.quantities import QUANTITIES
from lunarscale.stations import SOURCES, Station, StationTable
from lunarscale.training.bootstrap_origin import (
    LeftOut,
    OriginIntervals,
    bootstrap_origin,
    leave_one_out,
)
from lunarscale.training.cross_calibration import cross_calibrated_stations
from lunarscale.training.origin import (
    IRON,
    TITANIUM,
    TITANIUM_LOG_LOG,
    OriginSearch,
    Points,
    Searched,
    Shape,
    search_origins,
)

#: Bands (nm) of each camera's angles: the base, then iron's and titanium's other.
BANDS = {
    "clementine-uvvis": {"FeO": (750, 950), "TiO2": (750, 415)},
    "kaguya-mi": {"FeO": (749, 950), "TiO2": (749, 414)},
}


@dataclass(frozen=True, eq=False)
class OxideFit:
    """One oxide's searched origin, and how firm it is.

    Parameters
    ----------
    stations : tuple of Station
        Those that were fitted: measured for the oxide.
    search : OriginSearch
    equation : Equation
    left_out : LeftOut
        Each station by a law that did not see it.
    intervals : OriginIntervals or None
        None where no bootstrap was asked for.
    """

    stations: tuple[Station, ...]
    search: OriginSearch
    equation: Equation
    left_out: LeftOut
    intervals: OriginIntervals | None

    def facts(self, table: StationTable) -> dict[str, Any]:
        """What a file of the equation says about the fit; JSON values."""
        search, names = self.search, ("x0", "y0", "a", self.second)
        told: dict[str, Any] = {
            "stations": table.title,
            "stations_digest": table.digest,
            "n": len(self.stations),
            "not_measured": [s.name for s in table.lacking(search.shape.quantity)],
            "estimated": [s.name for s in self.stations if s.estimated],
            "least_squares": search.shape.least_squares,
            "r2": search.r2,
            "rmse_wt_pct": search.rmse,
            "origins_tried": search.surface.size,
            "origins_admissible": search.admissible,
            "origins_as_good": search.as_good,
            "leave_one_out": {
                "r2": self.left_out.r2,
                "rmse_wt_pct": self.left_out.rmse,
                "without_value": self.left_out.without_value,
            },
        }
        if self.intervals is not None:
            low, high = self.intervals.low.tolist(), self.intervals.high.tolist()
            told["intervals"] = {
                "confidence": self.intervals.confidence,
                "draws": len(self.intervals.draws),
                **{name: [low[i], high[i]] for i, name in enumerate((*names, "r2"))},
            }
        return told

    @property
    def second(self) -> str:
        """Symbol of the second coefficient: the line's ``b`` or the power ``p``."""
        return "p" if self.search.shape.positive else "b"


def shapes(*, log_log: bool = False) -> tuple[Shape, Shape]:
    """Iron's and titanium's; with ``log_log`` titanium's power law is a line of logarithms."""
    return IRON, TITANIUM_LOG_LOG if log_log else TITANIUM


def with_cross_calibrated(table: StationTable) -> StationTable:
    """A Clementine table with the estimated Chang'e-5 and Chang'e-6 at its end.

    Raises
    ------
    StationError
        If it is another camera's, or has either already.
    """
    if table.camera != "clementine-uvvis":
        raise StationError(
            f"{table.title}: Chang'e-5 and Chang'e-6 are estimated for clementine-uvvis, not for "
            f"{table.camera}; leave out --with-cross-calibrated"
        )
    known = {station.name for station in table.stations}
    if twice := [s.name for s in cross_calibrated_stations() if s.name in known]:
        raise StationError(
            f"{table.title} has {' and '.join(twice)} already; leave out --with-cross-calibrated"
        )
    return replace(
        table,
        title=f"{table.title} with Chang'e-5 and Chang'e-6 estimated",
        stations=(*table.stations, *cross_calibrated_stations()),
    )


def points_of(stations: Sequence[Station], camera: str, quantity: str) -> Points:
    """What the search of one oxide sees of stations that were all measured for it."""
    base, other = BANDS[camera][quantity]
    r = np.array([s.reflectance[base] for s in stations])
    covariance = None
    if any(s.covariance for s in stations):
        covariance = np.array([_pair(s, base, other) for s in stations])
    return Points(
        r,
        np.array([s.reflectance[other] for s in stations]) / r,
        np.array([s.oxides_wt_pct[quantity] for s in stations]),
        covariance,
    )


def _pair(station: Station, base: int, other: int) -> np.ndarray:
    """The covariance of two bands; zeros where the spectrum was measured."""
    if station.covariance is None:
        return np.zeros((2, 2))
    bands = list(station.reflectance)
    rows = [bands.index(base), bands.index(other)]
    return np.array(station.covariance)[np.ix_(rows, rows)]


def measured_for(stations: Sequence[Station], quantity: str) -> tuple[Station, ...]:
    """The stations whose soil was measured for an oxide."""
    return tuple(s for s in stations if quantity in s.oxides_wt_pct)


def searches_of(table: StationTable, shape: Shape, *, draws: int) -> int:
    """How many searches `fit_oxide` makes."""
    return 1 + len(measured_for(table.stations, shape.quantity)) + draws


def fit_oxide(
    table: StationTable, shape: Shape, *, draws: int, seed: int,
    searched: Searched = lambda: None,
) -> OxideFit:  # fmt: skip
    """Search the origin, hold each station out, resample them.

    Parameters
    ----------
    table : StationTable
    shape : Shape
    draws : int
        Of the bootstrap; 0 for none.
    seed : int
    searched : callable, optional
        Told after each search.

    Raises
    ------
    StationError
        As `search_origins`, or if titanium does not rise with its angle.
    """
    stations = measured_for(table.stations, shape.quantity)
    points = points_of(stations, table.camera, shape.quantity)
    search = search_origins(points, shape)
    search.require_a_power_law()
    searched()
    return OxideFit(
        stations,
        search,
        equation_of(search, table, stations),
        leave_one_out(points, shape, searched=searched),
        bootstrap_origin(points, shape, draws=draws, seed=seed, searched=searched)
        if draws
        else None,
    )


def equation_of(search: OriginSearch, table: StationTable, stations: Sequence[Station]) -> Equation:
    """The searched law as a model."""
    quantity = search.shape.quantity
    bands = BANDS[table.camera][quantity]
    columns = [*(f"R{w}" for w in bands), f"{quantity}_wt_pct"]
    darkest, brightest = float(search.points.base.min()), float(search.points.base.max())
    # beyond half the darkest or one and a half times the brightest, to a hundredth
    span = (round(darkest / 2.0, 2), round(brightest * 1.5, 2))
    return Equation(
        name=f"calibrated-{len(stations)}-{quantity.lower()}",
        camera=table.camera,
        bands_nm=bands,
        quantity=QUANTITIES[quantity],
        law=search.law,
        source=source_of(table.title, stations, columns),
        fitted_range=CLEMENTINE_RANGE if table.camera == "clementine-uvvis" else span,
    )


def source_of(title: str, stations: Sequence[Station], columns: Sequence[str]) -> str:
    """Where an equation comes from: table, sources of its columns, estimated spectra."""
    keys = dict.fromkeys(
        station.sources[column]
        for station in stations
        for column in columns
        if station.sources.get(column) in SOURCES
    )
    told = f"calibrated by lunarscale {lunarscale.__version__} on {title}"
    if keys:
        told += f" (sources: {', '.join(keys)})"
    if estimated := [s.name for s in stations if s.estimated]:
        told += f"; the reflectances of {' and '.join(estimated)} are estimated, not measured"
    return told


def maturity_of(iron: Equation) -> Equation:
    """Optical maturity: the distance from iron's origin."""
    law = OriginDistance(iron.law.x0, iron.law.y0)  # type: ignore[union-attr]
    return replace(
        iron, name=iron.name.removesuffix("feo") + "omat", quantity=QUANTITIES["OMAT"], law=law
    )
