"""What a calibration found, as tables for the terminal."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from lunarscale.render.labels import number, pretty_name, signed
from lunarscale.steps.calibrate import Calibration
from lunarscale.training.added_sites import PUBLISHED, PUBLISHED_BY
from lunarscale.training.calibration import OxideFit


def fit_table(calibration: Calibration, fit: OxideFit) -> Table:
    """One oxide's fit, its intervals, its residuals held out, the published one beside."""
    quantity, search = fit.equation.quantity.name, fit.search
    table = Table(
        title=f"{fit.equation.name}: {fit.equation.formula}", title_justify="left",
        box=box.SIMPLE_HEAD, caption_justify="left",
    )  # fmt: skip
    table.add_column("", no_wrap=True)
    for heading in ("n", "x0", "y0", "a", fit.second, "R²", "RMSE"):
        table.add_column(heading, justify="right", no_wrap=True)
    n = str(len(fit.stations))
    scores = number(search.r2, 4), number(search.rmse, 3)
    table.add_row("best", n, *_coefficients(search.coefficients), *scores)
    if fit.intervals is not None:
        percent = f"{100 * fit.intervals.confidence:g} %"
        for end, values in (("from", fit.intervals.low), ("to", fit.intervals.high)):
            cells = *_coefficients(values[:4]), number(float(values[4]), 4)
            table.add_row(f"{percent} {end}", n, *cells, "")
    left = number(fit.left_out.r2, 4), number(fit.left_out.rmse, 3)
    table.add_row("left out", n, "", "", "", "", *left)
    if calibration.table.camera == "clementine-uvvis":
        published = PUBLISHED[quantity]
        law = published.equation.law
        second = law.p if fit.second == "p" else law.b  # type: ignore[union-attr]
        cells = _coefficients((law.x0, law.y0, law.a, second))  # type: ignore[union-attr]
        told = number(published.r2, 3), number(published.rmse, 2)
        table.add_row(PUBLISHED_BY, str(published.stations), *cells, *told)
    table.caption = _caption(fit)
    return table


def _coefficients(values: Sequence[float] | NDArray[np.float64]) -> tuple[str, ...]:
    return tuple(number(float(value), 3) for value in values)


def _caption(fit: OxideFit) -> str:
    search = fit.search
    told = ["Left out: each station by a search without it."]
    if fit.intervals is not None:
        percent, draws = f"{100 * fit.intervals.confidence:g}", len(fit.intervals.draws)
        told.append(f"From, to: the middle {percent} % of {number(draws, 0)} bootstrap draws.")
    told.append(
        f"Of {number(search.surface.size, 0)} origins {number(search.admissible, 0)} are "
        f"admissible and {search.as_good} are within 0.0001 of the best R²; least squares in "
        f"{search.shape.least_squares}, RMSE in wt %."
    )
    if search.edges:
        told.append(f"The best {' and '.join(search.edges)} lies at an end of the grid.")
    if estimated := [s.name for s in fit.stations if s.estimated]:
        told.append(f"The reflectances of {' and '.join(estimated)} are estimated, not measured.")
    if fit.left_out.without_value:
        told.append(f"{fit.left_out.without_value} left out have no value without themselves.")
    return " ".join(told)


def effect_table(calibration: Calibration, fit: OxideFit) -> Table | None:
    """What adding Chang'e-5 and Chang'e-6 does to a fit; None where there is nothing to add."""
    quantity = fit.equation.quantity.name
    effect = calibration.effects.get(quantity)
    if effect is None:
        return None
    table = Table(
        title=f"{pretty_name(quantity)} with and without the last landing sites",
        title_justify="left", box=box.SIMPLE_HEAD, caption_justify="left",
    )  # fmt: skip
    table.add_column("", no_wrap=True)
    for heading in ("n", "origin", "R²", *effect.sites):
        table.add_column(_short(heading), justify="right", no_wrap=True)
    for variant in effect.variants:
        search = variant.search
        origin = ", ".join(_coefficients(search.coefficients[:2]))
        off = (_off(*variant.deviations[site]) for site in effect.sites)
        n = str(variant.stations)
        table.add_row(_short(variant.label), n, origin, number(search.r2, 4), *off)
    if effect.published:
        off = (_off(*effect.published[site]) for site in effect.sites)
        table.add_row(PUBLISHED_BY, *[""] * 3, *off)
    table.caption = "CE: Chang'e. Below it: predicted − measured, wt %."
    if effect.published:  # the camera whose spectra are estimated there
        table.caption = (
            "CE: Chang'e. Below it: predicted − measured, wt %, ± the standard deviation that an "
            f"estimated spectrum brings. {PUBLISHED_BY} print "
            f"{PUBLISHED[quantity].at_change_6:.2f} at CE-6."
        )
    return table


def residuals_table(fit: OxideFit) -> Table:
    """Measured values and residuals, fitted and left out, one station a row."""
    quantity = fit.equation.quantity.name
    table = Table(
        title=f"{pretty_name(quantity)}: residuals, predicted − measured, wt %",
        title_justify="left", box=box.SIMPLE_HEAD,
    )  # fmt: skip
    table.add_column("station", no_wrap=True)
    for heading in ("measured", "fitted", "left out"):
        table.add_column(heading, justify="right", no_wrap=True)
    points = fit.search.points
    fitted = fit.search.predict(points.base, points.ratio) - points.measured
    for row, station in enumerate(fit.stations):
        name = station.name + (" (estimated)" if station.estimated else "")
        residuals = (_off(float(value), 0.0) for value in (fitted[row], fit.left_out.residual[row]))
        table.add_row(name, number(float(points.measured[row]), 1), *residuals)
    return table


def _short(text: str) -> str:
    return text.replace("Chang'e", "CE")


def _off(deviation: float, sd: float) -> str:
    return signed(deviation, 2) + (f" ±{number(sd, 2)}" if sd else "")
