"""Table 1 of Qiu et al. 2025 and what stands around it, ours beside theirs."""

from collections.abc import Iterator
from dataclasses import dataclass

from lunarscale.grid.groupings import Seas
from lunarscale.reduce.table import Row
from lunarscale.render.labels import number, pretty_name, signed
from lunarscale.render.tables import Table
from lunarscale.steps.paper_columns import COLUMNS, Found
from lunarscale.steps.reporting.like import Finding
from lunarscale.steps.reporting.published import PAPER, RANGES, TABLE_1

#: What stands where ours and theirs would be compared but ours are simulated.
NOT_COMPARABLE = "SIMULATED: not comparable"

#: Decimals of the two weighings: they differ in the third or fourth.
_EXACT_DIGITS = 4

#: Rows of Table 1 as printed: the paper's name, grouping and group.
PRINTED: tuple[tuple[str, str, str], ...] = (
    ("Global", "moon", "Moon"),
    ("Maria", "maria", "maria"),
    ("Non-maria", "maria", "non-maria"),
    ("Mare Tranquillitatis", "seas", "Mare Tranquillitatis"),
)


@dataclass(frozen=True)
class Cell:
    """One figure of Table 1.

    Parameters
    ----------
    region : str
    found : Found
        The column, with its layer.
    row : Row or None
        Ours; None where the maps have no such layer.
    published : float or None
    """

    region: str
    found: Found
    row: Row | None
    published: float | None

    @property
    def digits(self) -> int:
        """Decimals that are shown: hundredths of a wt %, thousandths of pure numbers."""
        return 3 if self.found.column.quantity in ("Mg_number", "OMAT") else 2

    @property
    def by_cells(self) -> float | None:
        """Mean at the centres of the paper's cells."""
        return None if self.row is None else self.row.mean_cells

    @property
    def by_area(self) -> float | None:
        """Exact mean over all pixels."""
        return None if self.row is None else self.row.mean

    @property
    def less_published(self) -> float | None:
        """Ours, at cells as theirs, less theirs."""
        if self.by_cells is None or self.published is None:
            return None
        return self.by_cells - self.published


def regions(finding: Finding) -> list[tuple[str, str, str]]:
    """Rows of the table: those that are printed, then the other seas, sides and basins."""
    further = []
    for grouping in finding.question.groupings[2:]:
        groups = Seas().groups if grouping.name == "seas" else grouping.groups
        further += [(region_title(grouping.name, group), grouping.name, group) for group in groups]
    printed = [(grouping, group) for _, grouping, group in PRINTED]
    return [*PRINTED, *(region for region in further if region[1:] not in printed)]


def region_title(grouping: str, group: str) -> str:
    """A region's name at the head of a row."""
    if grouping.startswith("pkt"):  # "pkt (simulated)" too
        return f"PKT: {group.replace('<=', '≤')}"
    return group[0].upper() + group[1:]


def cells_of(finding: Finding, region: tuple[str, str, str]) -> list[Cell]:
    """One row of the table, by its columns."""
    title, grouping, group = region
    published = TABLE_1.get(group)
    found = {each.column.key: each for each in finding.question.columns}
    cells = []
    for place, column in enumerate(COLUMNS):
        layer = found[column.key].layer
        row = None if layer is None else finding.row(layer.name, grouping, group)
        theirs = None if published is None else published[place]
        cells.append(Cell(title, found[column.key], row, theirs))
    return cells


def headings(first: str) -> tuple[str, ...]:
    """The table's headings, subscripts as they are read."""
    return (first, *(_heading(column.heading) for column in COLUMNS))


def _heading(text: str) -> str:
    oxide, comma, rest = text.partition(",")
    return pretty_name(oxide) + comma + rest.replace("-", "\N{NON-BREAKING HYPHEN}")


def table_1(finding: Finding) -> Table:
    """Means at the paper's cells, theirs and the difference below each; as printed."""
    simulated = finding.question.cube.layout.simulated
    sections: list[tuple[str, tuple[tuple[str, ...], ...]]] = []
    for region in PRINTED:
        cells = cells_of(finding, region)
        rows = (
            ("lunarscale", *(number(c.by_cells, c.digits) for c in cells)),
            (PAPER, *(number(c.published, c.digits) for c in cells)),
            ("difference", *(_signed(c.less_published, c.digits) for c in cells)),
        )
        sections.append((region[0], rows))
    further = tuple(
        (region[0], *(number(c.by_cells, c.digits) for c in cells_of(finding, region)))
        for region in regions(finding)[len(PRINTED) :]
    )
    sections.append(("Further regions, lunarscale", further))
    caption = "Table 1. Means over cells of 2.25 km² (oxides in wt %; Mg# and OMAT pure numbers)"
    if simulated:
        caption += f". {NOT_COMPARABLE}"
    return Table(caption, headings("region"), tuple(sections))


def weighings_table(finding: Finding) -> Table:
    """Means weighed both ways, and how far apart they are."""
    sections = []
    for region in regions(finding):
        cells = cells_of(finding, region)
        apart = [None if c.row is None else c.row.mean_difference for c in cells]
        rows = (
            ("cells", *(number(c.by_cells, _EXACT_DIGITS) for c in cells)),
            ("area", *(number(c.by_area, _EXACT_DIGITS) for c in cells)),
            ("apart", *(_signed(a, _EXACT_DIGITS) for a in apart)),
        )
        sections.append((region[0], rows))
    caption = "Two ways of weighing: means at the centres of cells, and by the area of every pixel"
    return Table(caption, headings("mean"), tuple(sections))


def ranges_table(finding: Finding) -> Table:
    """The middle 95 % of each comparison's differences, beside the paper's."""
    simulated = finding.question.cube.layout.simulated
    rows = []
    for compared in finding.question.compared:
        row, theirs = finding.row(compared.key, "moon", "Moon"), RANGES[compared.key]
        relation = finding.relation(compared)
        rows.append(
            (
                f"{pretty_name(compared.quantity)}: {compared.minuend.model} less "
                f"{compared.subtrahend.model}",
                f"{number(row.p2_5, 3)} to {number(row.p97_5, 3)}",
                f"{number(theirs.low, 2)} to {number(theirs.high, 2)}",
                _signed(row.mean, 3),
                number(row.std, 3),
                number(relation.slope, 4),
                number(relation.correlation, 4),
                number(relation.rmse, 3),
                NOT_COMPARABLE if simulated else "",
            )
        )
    title = (
        "comparison", "middle 95 %, wt %", f"{PAPER}, wt %", "mean, wt %", "std. dev., wt %",
        "slope", "r", "RMSE, wt %", "note",
    )  # fmt: skip
    caption = "Differences over the whole Moon, by exact area; slope of the first map on the second"
    return Table(caption, title, (("", tuple(rows)),), remarks=True)


def layers_table(finding: Finding) -> Table:
    """Which layer plays which column, and which others would have done."""
    rows = []
    for found in finding.question.columns:
        layer = found.layer
        rows.append(
            (
                _heading(found.column.heading),
                "–" if layer is None else layer.name,
                "–" if layer is None else layer.model,
                ", ".join(found.others) or "–",
            )
        )
    caption = "Which layer of the maps plays which column"
    title = ("column", "layer", "model", "would serve too")
    return Table(caption, title, (("", tuple(rows)),), words=True)


def _signed(value: float | None, digits: int) -> str:
    if value is None or round(value, digits) == 0.0:
        return number(value, digits)
    return signed(value, digits)


def records(finding: Finding) -> Iterator[tuple[object, ...]]:
    """Table 1 in full, one row a region and column, for a file; see ``RECORD_COLUMNS``."""
    simulated = finding.question.cube.layout.simulated
    for region in regions(finding):
        for cell in cells_of(finding, region):
            row, layer = cell.row, cell.found.layer
            if row is None or layer is None:
                continue
            apart = simulated and cell.published is not None
            note = "; ".join(filter(None, (row.note, NOT_COMPARABLE if apart else "")))
            yield (
                cell.region, region[1], cell.found.column.key, layer.name, layer.model, row.units,
                row.mean_cells, row.mean, row.mean_difference, cell.published,
                cell.less_published, row.sampled_cells, row.valid_area_km2, row.area_km2, note,
            )  # fmt: skip


#: Columns of ``records``.
RECORD_COLUMNS = (
    "region", "grouping", "column", "layer", "model", "units", "mean_cells", "mean_area",
    "cells_less_area", "published", "cells_less_published", "cells", "valid_area_km2", "area_km2",
    "note",
)  # fmt: skip
