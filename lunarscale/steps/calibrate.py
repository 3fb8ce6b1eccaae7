"""Calibrate: search the equations' origins on stations, and say how firm they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lunarscale.errors import StationError
from lunarscale.models.equations import Equation
from lunarscale.models.files import EquationFile, write_equations
from lunarscale.render.figure import Illustration
from lunarscale.render.origin import OriginSurface, draw_origin_surfaces
from lunarscale.stations import STATION_BANDS, StationTable, built_in_table, read_stations
from lunarscale.training.added_sites import (
    PUBLISHED,
    PUBLISHED_BY,
    Effect,
    effect_of_added,
    searches_of_added,
)
from lunarscale.training.calibration import (
    OxideFit,
    fit_oxide,
    maturity_of,
    searches_of,
    shapes,
    with_cross_calibrated,
)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a calibration found.

    Parameters
    ----------
    table : StationTable
    fits : tuple of OxideFit
        Iron's, titanium's, or both.
    equations : tuple of Equation
        One a fit, and optical maturity with iron's origin.
    effects : dict of str to Effect
        By oxide, of Chang'e-5 and Chang'e-6; an oxide is absent where there is none to add.
    figure : Illustration or None
    """

    table: StationTable
    fits: tuple[OxideFit, ...]
    equations: tuple[Equation, ...]
    effects: dict[str, Effect]
    figure: Illustration | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the table's reader should know."""
        return self.table.warnings


def calibrate(
    stations: Path | str | None = None,
    *,
    camera: str = "clementine-uvvis",
    cross_calibrated: bool = False,
    fractions: bool | None = None,
    log_log: bool = False,
    bootstrap: int = 1000,
    seed: int = 0,
    out: Path | str | None = None,
    figure: Path | str | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> Calibration:
    """Fit FeO and TiO2 equations, as the table has them, and write them to a file.

    Parameters
    ----------
    stations : path, optional
        A table in CSV; the camera's built-in one if not given.
    camera : str
        ``clementine-uvvis`` or ``kaguya-mi``.
    cross_calibrated : bool
        Whether to add Chang'e-5 and Chang'e-6, their Clementine reflectances estimated.
    fractions : bool, optional
        Whether the table's oxides are weight fractions; asked about where it looks so.
    log_log : bool
        Whether titanium's power law is fitted as a line of logarithms and not in wt %.
    bootstrap : int
        Draws for the intervals; 0 for none.
    seed : int
        The same seed gives the same intervals.
    out : path, optional
        File of equations to write, ``model.json``.
    figure : path, optional
        PNG of the R2 surfaces to write, with an SVG beside it.
    progress : callable, optional
        Told searches done and searches in all.

    Raises
    ------
    StationError
        If the table is faulty, too small, or has neither FeO nor TiO2.
    ModelError
        If what was fitted cannot be mapped.
    """
    table = read_stations(stations, camera, fractions=fractions) if stations else built_in(camera)
    if cross_calibrated:
        table = with_cross_calibrated(table)
    wanted = [
        shape
        for shape in shapes(log_log=log_log)
        if len(table.lacking(shape.quantity)) < len(table.stations)
    ]
    if not wanted:
        raise StationError(
            f"{table.title}: there is neither FeO nor TiO2, which the equations give; add a column"
        )
    todo = sum(
        searches_of(table, shape, draws=bootstrap) + searches_of_added(table, shape)
        for shape in wanted
    )
    steps = count()

    def searched() -> None:
        progress(next(steps), todo)

    searched()
    fits = tuple(
        fit_oxide(table, shape, draws=bootstrap, seed=seed, searched=searched) for shape in wanted
    )
    file = _file(table, fits)
    if out is not None:
        write_equations(out, file)
    found = {shape.quantity: effect_of_added(table, shape, searched=searched) for shape in wanted}
    effects = {quantity: effect for quantity, effect in found.items() if effect is not None}
    drawn = _draw(table, fits, Path(figure)) if figure is not None else None
    return Calibration(table, fits, file.equations, effects, drawn)


def built_in(camera: str) -> StationTable:
    """The camera's own table of stations.

    Raises
    ------
    StationError
        If it has none.
    """
    if camera not in STATION_BANDS:
        raise StationError(
            f"there are no stations for the camera {camera!r}; it is {' or '.join(STATION_BANDS)}"
        )
    return built_in_table(camera)


def _file(table: StationTable, fits: Sequence[OxideFit]) -> EquationFile:
    equations = [fit.equation for fit in fits]
    training = {fit.equation.name: fit.facts(table) for fit in fits}
    for fit in fits:
        if fit.equation.quantity.name == "FeO":
            equations.append(maturity := maturity_of(fit.equation))
            training[maturity.name] = {"origin_of": fit.equation.name}
    return EquationFile(tuple(equations), training)


def _draw(table: StationTable, fits: Sequence[OxideFit], path: Path) -> Illustration:
    compare = table.camera == "clementine-uvvis"
    surfaces = []
    for fit in fits:
        base, other = fit.equation.bands_nm
        law = PUBLISHED[fit.equation.quantity.name].equation.law
        surfaces.append(
            OriginSurface(
                quantity=fit.equation.quantity.name,
                ratio=f"R{other}/R{base}",
                x0=fit.search.grid.x0,
                y0=fit.search.grid.y0,
                r2=fit.search.surface,
                best=fit.search.coefficients[:2],
                published=(law.x0, law.y0) if compare else None,  # type: ignore[union-attr]
                stations=len(fit.stations),
            )
        )
    return draw_origin_surfaces(surfaces, title=table.title, published=PUBLISHED_BY, path=path)
