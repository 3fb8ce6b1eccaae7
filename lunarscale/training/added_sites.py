"""What the stations that were added last do to a fit, and what was published on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from lunarscale.models.equations import QIU_2025_FEO, QIU_2025_TIO2, Equation
from lunarscale.stations import Station, StationTable
from lunarscale.training.calibration import equation_of, measured_for, points_of
from lunarscale.training.cross_calibration import cross_calibrated_stations, propagated_sd
from lunarscale.training.origin import OriginSearch, Searched, Shape, search_origins

#: The landing sites whose effect on a fit is asked about: after the paper's first 47 stations.
ADDED_SITES = ("Chang'e-5", "Chang'e-6")


@dataclass(frozen=True)
class Published:
    """A published fit, to stand beside ours: its equation, R2 and RMSE (wt %) on its stations,
    and by how much it is off at Chang'e-6 (wt %)."""

    equation: Equation
    stations: int
    r2: float
    rmse: float
    at_change_6: float


PUBLISHED_BY = "Qiu et al. 2025"

#: Qiu, Yan & Liu 2025, doi 10.1038/s43247-025-02914-w, on 49 stations.
PUBLISHED = {
    "FeO": Published(QIU_2025_FEO, 49, 0.923, 1.37, 0.47),
    "TiO2": Published(QIU_2025_TIO2, 49, 0.798, 1.24, 3.00),
}


@dataclass(frozen=True, eq=False)
class Variant:
    """A fit with or without the sites that were added last, and how far it is off at them.

    Parameters
    ----------
    label : str
    stations : int
    search : OriginSearch
    deviations : dict of str to (float, float)
        Predicted minus measured at each added site, and the standard deviation that comes from
        its estimated spectrum, both in wt %.
    """

    label: str
    stations: int
    search: OriginSearch
    deviations: dict[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Effect:
    """The fits with and without the added sites.

    Parameters
    ----------
    sites : tuple of str
        Those that were added.
    variants : tuple of Variant
        Without any, with each, with all.
    published : dict of str to (float, float)
        How far the published equation is off at them, as `Variant.deviations`; empty where it is
        another camera's.
    """

    sites: tuple[str, ...]
    variants: tuple[Variant, ...]
    published: dict[str, tuple[float, float]]


def searches_of_added(table: StationTable, shape: Shape) -> int:
    """How many searches `effect_of_added` makes."""
    return len(_chosen(table, shape))


def effect_of_added(
    table: StationTable, shape: Shape, *, searched: Searched = lambda: None
) -> Effect | None:
    """The search without Chang'e-5 and Chang'e-6, with either, and with both.

    For Clementine they are the estimated ones, unless the table has its own; None where a table
    of another camera has neither.

    Parameters
    ----------
    table : StationTable
    shape : Shape
    searched : callable, optional
        Told after each search.
    """
    added = _added(table, shape)
    if not added:
        return None
    variants = []
    for label, stations in _chosen(table, shape).items():
        variants.append(_variant(label, table, shape, stations=stations, at=added))
        searched()
    published = PUBLISHED[shape.quantity].equation
    return Effect(
        tuple(s.name for s in added),
        tuple(variants),
        deviations(published, added) if published.camera == table.camera else {},
    )


def _added(table: StationTable, shape: Shape) -> tuple[Station, ...]:
    added = [s for s in table.stations if s.site in ADDED_SITES]
    if not added and table.camera == "clementine-uvvis":
        added = list(cross_calibrated_stations())
    return measured_for(added, shape.quantity)


def _chosen(table: StationTable, shape: Shape) -> dict[str, tuple[Station, ...]]:
    """The stations of each variant, by its label; none where there is nothing to add."""
    added = _added(table, shape)
    if not added:
        return {}
    base = [s for s in table.stations if s.site not in ADDED_SITES]
    fitted = measured_for(base, shape.quantity)
    chosen = {"without": fitted}
    if len(added) > 1:
        chosen |= {f"with {s.name}": (*fitted, s) for s in added}
    chosen["with both" if len(added) > 1 else f"with {added[0].name}"] = (*fitted, *added)
    return chosen


def _variant(
    label: str, table: StationTable, shape: Shape, *,
    stations: Sequence[Station], at: Sequence[Station],
) -> Variant:  # fmt: skip
    search = search_origins(points_of(stations, table.camera, shape.quantity), shape)
    equation = equation_of(search, table, stations)
    return Variant(label, len(stations), search, deviations(equation, at))


def deviations(equation: Equation, stations: Sequence[Station]) -> dict[str, tuple[float, float]]:
    """Predicted minus measured at stations, and the standard deviation of an estimated spectrum."""
    return {
        s.name: (
            float(equation.exact(s.reflectance)) - s.oxides_wt_pct[equation.quantity.name],
            propagated_sd(equation, s),
        )
        for s in stations
    }
