"""Lunar Prospector within the report: the maps averaged over the spectrometer's pixels."""

from pathlib import Path

from lunarscale.engine.map_on_grid import StoredMap
from lunarscale.quantities import QUANTITIES
from lunarscale.readers.grs import OXIDES, GrsTable
from lunarscale.reduce.cell_sums import CellSums
from lunarscale.render.figure import Illustration
from lunarscale.render.labels import number, pretty_name, signed
from lunarscale.render.tables import Table
from lunarscale.steps.comparing.prospector import LEAST_SHARE, GrsFinding, GrsQuestion
from lunarscale.steps.comparing.prospector_figures import grs_illustration
from lunarscale.steps.paper_columns import COLUMNS
from lunarscale.steps.reporting.like import Finding
from lunarscale.steps.reporting.published import LUNAR_PROSPECTOR_FEO_MODE, PAPER
from lunarscale.steps.reporting.tables import NOT_COMPARABLE

#: Folder of the comparisons' files, beside the page.
FOLDER = "lunar_prospector"

WORDS = (
    "Each map is averaged over each of the spectrometer's pixels, by the true area of its own; "
    f"pixels of which under {100 * LEAST_SHARE:g} % has values are left out. {PAPER} "
    f"give {LUNAR_PROSPECTOR_FEO_MODE:g} wt % as the mode of Lunar Prospector's FeO."
)


def compare_with_grs(finding: Finding, table: GrsTable, sums: CellSums) -> list[GrsFinding]:
    """The columns that the table has, each against it; those without common pixels are left out.

    Parameters
    ----------
    finding : Finding
    table : GrsTable
    sums : CellSums
        Of all layers, in the table's pixels.
    """
    asked = finding.question
    found = []
    for column in COLUMNS:
        layer = asked.layer(column.key)
        if layer is None or column.quantity not in OXIDES:
            continue
        index = asked.source.layers.index(layer.name)
        question = GrsQuestion(StoredMap(asked.cube, layer.name), table)
        each = GrsFinding(question, sums.figures(index, QUANTITIES[layer.quantity]))
        if each.left_out < table.cells.count:
            found.append(each)
    return found


def _note(question: GrsQuestion) -> str:
    """That a made Moon is held against the real one, or both are made."""
    maps, table = question.map.cube.layout.simulated, question.table.simulated
    return ("both SIMULATED" if maps and table else NOT_COMPARABLE) if maps or table else ""


def write_grs(found: list[GrsFinding], folder: Path) -> list[Illustration]:
    """Tables of the pixels, and figures, in a folder of their own below the page's.

    Every column has its files; figures are drawn of the last of each oxide, the network's where
    there is one.
    """
    own = folder / FOLDER
    own.mkdir(parents=True, exist_ok=True)
    for each in found:
        each.write(str(own))
    last = {each.question.map.quantity.name: each for each in found}
    return [grs_illustration(each, own) for each in last.values()]


def grs_table(found: list[GrsFinding]) -> Table:
    """Every column against the spectrometer: the map is y, the spectrometer x."""
    rows = []
    for each in found:
        told = each.agreement
        rows.append(
            (
                f"{pretty_name(each.question.map.quantity.name)}, "
                f"{each.question.map.described.model}",
                number(told.correlation, 3),
                number(told.slope, 3),
                "–" if told.bias is None else signed(told.bias, 2),
                number(told.rmse, 2),
                f"{number(told.low, 2)} to {number(told.high, 2)}",
                number(each.question.table.cells.count - each.left_out, 0),
                _note(each.question),
            )
        )
    headings = (
        "map", "r", "slope on GRS", "bias, wt %", "RMSE, wt %", "middle 95 % of differences, wt %",
        "pixels", "note",
    )  # fmt: skip
    caption = "Maps against Lunar Prospector's gamma-ray spectrometer, pixel by pixel"
    return Table(caption, headings, (("", tuple(rows)),), remarks=True)
