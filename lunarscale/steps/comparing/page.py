"""What a comparison tells on a terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lunarscale.reduce.changes import Change, most_changed
from lunarscale.reduce.pixel_agreement import TEST
from lunarscale.render.labels import number, with_units
from lunarscale.steps.comparing.finding import Finding
from lunarscale.steps.comparing.prospector import CAUTION, GrsFinding

#: Regions that are listed on a terminal.
_LISTED = 8


def changed_tables(finding: Finding) -> Group:
    """The whole in words, and the regions that changed most, by either measure."""
    asked, whole = finding.question, finding.whole
    units, digits = asked.quantity.units, _digits(asked.quantity.units)
    first, second = asked.titles
    moved = finding.moved_by * asked.quantity.quantum
    lines = [
        f"{asked.quantity.name}: A is {first}, B is {second}. {asked.source.how}",
        f"A less B: mean {with_units(number(whole.mean_difference, digits), units)}, middle 95 % "
        f"{number(whole.p2_5, digits)} to {with_units(number(whole.p97_5, digits), units)}, RMSE "
        f"{with_units(number(whole.rmse, digits), units)}, r {number(whole.correlation, 4)}, "
        f"A = {number(whole.slope, 4)} B + {number(whole.intercept, digits)}.",
        ground(whole),
        f"Moved: where A and B differ by {with_units(number(moved, digits), units)} or more.",
    ]
    if whole.beyond_range_km2:
        area = number(whole.beyond_range_km2, 0)
        lines.append(f"{area} km² are left out: the difference does not fit the maps' integers.")
    by_mean = most_changed(finding.rows, "mean_difference")
    by_area = most_changed(finding.rows, "moved_area")
    return Group(
        Text("\n".join(lines)),
        _regions("Changed most, by the mean difference", by_mean, digits=digits),
        _regions("Changed most, by the area that moved", by_area, digits=digits),
    )


def ground(whole: Change) -> str:
    """One sentence of what each map has values on and how much of it is compared."""
    return (
        f"A has values on {number(whole.valid_a_km2, 0)} km² and B on "
        f"{number(whole.valid_b_km2, 0)} km² of what both cover; {number(whole.area_km2, 0)} km² "
        f"have both, {_percent(whole.common_share_a)} of A's and "
        f"{_percent(whole.common_share_b)} of B's."
    )


def _percent(share: float | None) -> str:
    return number(None if share is None else 100.0 * share, 1) + " %"


def _digits(units: str) -> int:
    return 3 if units == "wt %" else 4


def _regions(title: str, rows: Sequence[Change], *, digits: int) -> Table:
    more = len(rows) - _LISTED
    if more > 0:
        title = f"{title} ({more} more in the table)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("region", overflow="fold", min_width=20)
    for heading in ("A", "B", "A less B", "moved km²", "moved %", "km²"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows[:_LISTED]:
        values = (row.mean_a, row.mean_b, row.mean_difference)
        share = None if row.moved_share is None else 100.0 * row.moved_share
        table.add_row(
            row.group,
            *(number(value, digits) for value in values),
            number(row.moved_area_km2, 0),
            number(share, 1),
            number(row.area_km2, 0),
        )
    return table


def grs_table(finding: GrsFinding) -> Group:
    """How a map agrees with Lunar Prospector."""
    found, asked = finding.agreement, finding.question
    normal = found.normality
    title = (
        f"{asked.map.quantity.name} by {asked.map.described.model} in "
        f"{number(found.pixels, 0)} pixels of {asked.table.pixel_deg:g}° "
        f"({number(finding.left_out, 0)} left out); wt %, weighted by area"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_header=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value, digits in (
        ("mean of the map", found.y_mean, 3),
        ("mean of GRS", found.x_mean, 3),
        ("r", found.correlation, 4),
        ("slope of map on GRS", found.slope, 4),
        ("intercept", found.intercept, 3),
        ("slope, major axis", found.rma_slope, 4),
        ("bias, map less GRS", found.bias, 3),
        ("RMSE", found.rmse, 3),
        ("middle 95 %, from", found.low, 3),
        ("middle 95 %, to", found.high, 3),
        ("skewness of the differences", normal.skewness, 3),
        ("excess kurtosis", normal.excess_kurtosis, 3),
        (f"{TEST}", normal.k2, 1),
        ("correlation of neighbours", normal.neighbours, 3),
    ):
        table.add_row(name, number(value, digits))
    table.add_row("p, were pixels independent", _p(normal.p))
    table.add_row(
        f"p, of {number(normal.independent, 0)} independent ones", _p(normal.p_of_independent)
    )
    return Group(table, Text(CAUTION))


def _p(value: float | None) -> str:
    return number(None, 0) if value is None else f"{value:.3g}"
