"""The stations, and how each equation does there: predictions, residuals and scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.models.equations import Equation
from lunarscale.models.registry import BUILT_IN
from lunarscale.models.scores import r2, rmse
from lunarscale.render.labels import number, pretty_name, signed
from lunarscale.stations import OXIDES, SOURCES, Station, StationTable, clementine_stations
from lunarscale.training.cross_calibration import cross_calibrated_stations, propagated_sd

#: What equations give and the stations' soils were measured for; nothing else can be scored there.
MEASURED = ("FeO", "TiO2")


@dataclass(frozen=True)
class StationFit:
    """One equation at all stations that it gives a value for.

    Parameters
    ----------
    model : Equation
    stations : tuple of Station
        Those with a value, in the table's order.
    without_value : tuple of Station
        Those outside the equation's domain, left out of the scores.
    measured, predicted : ndarray of float64, (station,)
        In the quantity's units; predictions from the table's reflectances, unrounded.
    r2, rmse : float
        Pooled scores over ``stations``.
    """

    model: Equation
    stations: tuple[Station, ...]
    without_value: tuple[Station, ...]
    measured: NDArray[np.float64]
    predicted: NDArray[np.float64]
    r2: float
    rmse: float

    @property
    def n(self) -> int:
        """Number of stations scored."""
        return len(self.stations)

    @property
    def residual(self) -> NDArray[np.float64]:
        """Predicted minus measured."""
        return self.predicted - self.measured

    @property
    def remark(self) -> str:
        """What a reader of the scores must know, or nothing."""
        remarks = []
        if self.model.mare_only:
            remarks.append("a mare equation, scored on highland soils too")
        if below := int(np.count_nonzero(self.predicted < 0.0)):
            remarks.append(f"{below} below zero (least {number(self.predicted.min(), 1)})")
        if self.without_value:
            remarks.append(f"{len(self.without_value)} outside the domain")
        return "; ".join(remarks)


def can_be_scored(model: Equation) -> bool:
    """Whether the stations have both its camera's reflectances and its quantity."""
    return model.camera == CLEMENTINE_UVVIS.name and model.quantity.name in MEASURED


def station_fits(
    models: Iterable[Equation] = tuple(BUILT_IN.values()), *, estimated: bool = False
) -> list[StationFit]:
    """Every model that can be scored, at the stations; the others are left out.

    Parameters
    ----------
    models : iterable of Equation
    estimated : bool
        Whether Chang'e-5 and Chang'e-6, their reflectances estimated by cross-calibration, are
        added to the 47.
    """
    stations = clementine_stations() + (cross_calibrated_stations() if estimated else ())
    return [_fit(model, stations) for model in models if can_be_scored(model)]


def _fit(model: Equation, stations: Sequence[Station]) -> StationFit:
    bands = {w: [s.reflectance[w] for s in stations] for w in model.bands_nm}
    predicted = model.exact(bands)
    has_value = ~np.isnan(predicted)
    scored = tuple(s for s, has in zip(stations, has_value, strict=True) if has)
    measured = np.array([s.oxides_wt_pct[model.quantity.name] for s in scored])
    predicted = predicted[has_value]
    return StationFit(
        model=model,
        stations=scored,
        without_value=tuple(s for s, has in zip(stations, has_value, strict=True) if not has),
        measured=measured,
        predicted=predicted,
        r2=r2(measured, predicted),
        rmse=rmse(measured, predicted),
    )


def stations_table(fits: list[StationFit]) -> Table:
    """The scores of each model, one a row; what could not be scored is named below."""
    title = f"Equations at the {len(clementine_stations())} Clementine stations"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    table.add_column("of", no_wrap=True)
    for heading in ("n", "R²", "RMSE", "bias"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("remark")
    for fit in fits:
        scores = (f"{fit.n}", f"{fit.r2:.3f}", f"{fit.rmse:.3f}", signed(fit.residual.mean(), 3))
        table.add_row(fit.model.name, fit.model.quantity.name, *scores, fit.remark)
    table.caption = (
        "R² = 1 − SSE/SST over all stations; RMSE and bias (predicted − measured) in wt %. "
        "Soils: Wilcox et al. 2005. Not scored, for want of a measured value or of the "
        f"camera's spectra: {', '.join(_not_scored())}."
    )
    table.caption_justify = "left"
    return table


def residuals_table(fits: list[StationFit], quantity: str) -> Table:
    """Measured values and each model's residuals of one quantity, one station a row."""
    chosen = [fit for fit in fits if fit.model.quantity.name == quantity]
    title = f"{quantity} at the stations: residuals, predicted − measured, wt %"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("station", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    for fit in chosen:
        short = fit.model.name.removesuffix(f"-{quantity.lower()}")
        table.add_column(short, justify="right", no_wrap=True)
    by_number = [
        {s.number: signed(value, 2) for s, value in zip(fit.stations, fit.residual, strict=True)}
        for fit in chosen
    ]
    for station in clementine_stations():
        residuals = (residual.get(station.number, "no value") for residual in by_number)
        table.add_row(station.name, f"{station.oxides_wt_pct[quantity]:.1f}", *residuals)
    return table


def added_table(fits: Sequence[StationFit]) -> Table:
    """Scores with Chang'e-5 and Chang'e-6 among the stations, and how far each model is off there.

    Parameters
    ----------
    fits : sequence of StationFit
        With the estimated stations.
    """
    added = cross_calibrated_stations()
    title = "With Chang'e-5 and Chang'e-6 (CE), their reflectances estimated"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    for heading in ("n", "R²", "RMSE", *(station.name for station in added)):
        table.add_column(heading.replace("Chang'e", "CE"), justify="right", no_wrap=True)
    for fit in fits:
        scores = (f"{fit.n}", f"{fit.r2:.3f}", f"{fit.rmse:.3f}")
        table.add_row(fit.model.name, *scores, *(_deviation(fit, s) for s in added))
    table.caption = (
        "CE-5, CE-6: predicted − measured, wt %, ± the standard deviation that the estimated "
        "spectrum brings (Kaguya MI brought to Clementine's level, 44 stations)."
    )
    table.caption_justify = "left"
    return table


def _deviation(fit: StationFit, station: Station) -> str:
    if station not in fit.stations:
        return "no value"
    residual = float(fit.residual[fit.stations.index(station)])
    return f"{signed(residual, 2)} ±{propagated_sd(fit.model, station):.2f}"


def composition_table(stations: StationTable) -> Table:
    """The soils and their places, one station a row; sources and remarks below."""
    table = Table(
        title=f"Soils at {stations.title}, wt %", title_justify="left", box=box.SIMPLE_HEAD,
        padding=0, pad_edge=False, show_edge=False, caption_justify="left",
    )  # fmt: skip
    table.add_column("no", justify="right", no_wrap=True)
    table.add_column("station", no_wrap=True)
    for heading in ("lon", "lat", *map(pretty_name, OXIDES)):
        table.add_column(heading, justify="right", no_wrap=True)
    for station in stations.stations:
        name = f"{station.name}*" if station.note else station.name
        place = (number(station.lon, 2), number(station.lat, 2))
        soil = (number(station.oxides_wt_pct.get(oxide), 2) for oxide in OXIDES)
        table.add_row(str(station.number), name, *place, *soil)
    remarks = [f"* {s.name}: {s.note}." for s in stations.stations if s.note]
    keys = dict.fromkeys(key for s in stations.stations for key in s.sources.values())
    told = [f"{key}: {SOURCES.get(key, key)}." for key in keys]
    table.caption = "\n".join([*remarks, "Sources", *told])
    return table


def _not_scored() -> list[str]:
    return [name for name, model in BUILT_IN.items() if not can_be_scored(model)]
