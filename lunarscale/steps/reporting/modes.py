"""The table of histogram modes, beside those that the paper prints."""

from lunarscale.reduce.modes import Mode, modes_of
from lunarscale.render.labels import number, pretty_name, round_number, with_units
from lunarscale.render.tables import Table
from lunarscale.steps.paper_columns import COLUMNS
from lunarscale.steps.reporting.like import Finding
from lunarscale.steps.reporting.published import MODES, PAPER


def modes_in_units(finding: Finding, layer: str) -> tuple[tuple[Mode, float], ...]:
    """Modes of a layer over the whole Moon, by exact area, each with its quantum."""
    index = finding.area.layers.index(layer)
    counts = finding.area.group(0, 1).layers[index].counts
    quantum = finding.question.source.quantities[index].quantum
    return tuple((mode, quantum) for mode in modes_of(counts).modes)


def modes_table(finding: Finding) -> Table:
    """Every mode of every column: where, how firm, how much; and the paper's.

    The interval is that of ``reduce.modes.Mode``: half to twice the bandwidth, and two standard
    errors on either side.
    """
    sections = []
    for column in COLUMNS:
        layer = finding.question.layer(column.key)
        if layer is None:
            continue
        digits = 4 if column.quantity in ("Mg_number", "OMAT") else 2
        rows = tuple(
            (
                f"mode {place}",
                number(mode.location * quantum, digits),
                f"{number(mode.low * quantum, digits)} to {number(mode.high * quantum, digits)}",
                number(100.0 * mode.share, 1),
                number(mode.bandwidth * quantum, digits + 1),
            )
            for place, (mode, quantum) in enumerate(modes_in_units(finding, layer.name), start=1)
        )
        theirs = " and ".join(round_number(m) for m in MODES.get(column.key, ()))
        units = with_units(pretty_name(column.quantity), _units(finding, layer.name), brackets=True)
        title = f"{units}, {layer.model}" + (f"; {PAPER}: {theirs}" if theirs else "")
        sections.append((title, rows))
    headings = ("mode", "at", "interval", "% of the area", "bandwidth")
    simulated = finding.question.cube.layout.simulated
    caption = "Modes of the global histograms"
    if simulated:
        caption += " (SIMULATED: not comparable with the paper)"
    return Table(caption, headings, tuple(sections))


def _units(finding: Finding, layer: str) -> str:
    source = finding.question.source
    return source.quantities[source.layers.index(layer)].units
