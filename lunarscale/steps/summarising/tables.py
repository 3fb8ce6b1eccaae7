"""Statistics of maps for a terminal: the first columns of each table, whole at 80 columns."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lunarscale.plurals import several
from lunarscale.reduce.components import Components
from lunarscale.reduce.mode_rows import ModeRow
from lunarscale.reduce.relations import Relation
from lunarscale.reduce.stats import USUAL
from lunarscale.reduce.table import Row
from lunarscale.steps.summarising.files import Results

#: Groups that are shown; the files have them all.
_GROUPS = 100

#: Components that are shown of each group; the file has them all.
_COMPONENTS = 2

#: Pairs of layers that are shown of each group, those of the largest |r|; the file has them all.
_PAIRS = 8


def summary_tables(results: Results, stats: Sequence[str] = USUAL) -> list[RenderableType]:
    """What some statistics show on a terminal: of the first groups; the files have them all."""
    told = dict.fromkeys((row.grouping, row.group) for row in results.rows)
    shown = set(list(told)[:_GROUPS])
    rows = [row for row in results.rows if (row.grouping, row.group) in shown]
    tables: list[RenderableType] = [rows_table(rows)]
    if any(row.sampled_cells is not None for row in rows):
        tables.append(weighings_table(rows))
    if "modes" in stats:
        modes = [row for row in results.modes if (row.grouping, row.group) in shown]
        tables.append(modes_table(modes))
    if "covariance" in stats:
        pairs = [row for row in results.relations() if (row.grouping, row.group) in shown]
        tables.append(relations_table(pairs))
    if "pca" in stats:
        found = [one for one in results.components() if (one.grouping, one.group) in shown]
        tables.append(components_table(found))
    if len(told) > _GROUPS:
        tables.append(Text(f"In the files: {several(len(told) - _GROUPS, 'more group')}."))
    return tables


def rows_table(rows: Sequence[Row]) -> Group:
    """The first columns of each row, one table a layer."""
    return Group(*(_layer_table(name, list(of)) for name, of in groupby(rows, lambda r: r.layer)))


def _layer_table(name: str, rows: Sequence[Row]) -> Table:
    units = rows[0].units
    table = _table(name if units == "1" else f"{name}, {units}")
    table.add_column("group", overflow="fold", min_width=13)
    for heading in ("mean", "std", "min", "max", "mode", "valid km²", "%"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        figures = (row.mean, row.std, row.min, row.max, row.mode)
        share = "" if row.valid_share is None else f"{100 * row.valid_share:.1f}"
        shown = (_figure(figure, units) for figure in figures)
        table.add_row(row.group, *shown, f"{row.valid_area_km2:,.0f}", share)
    remarks = [f"{row.group}: {row.note}." for row in rows if row.note]
    table.caption = Text("\n".join(remarks)) if remarks else None
    return table


def means_table(rows: Sequence[Row]) -> Table:
    """Area-weighted means, a layer a row and a group a column."""
    groups = list(dict.fromkeys(row.group for row in rows))
    table = _table("Area-weighted means")
    table.add_column("layer", overflow="fold")
    for group in (*groups, "units"):
        table.add_column(group, justify="right" if group != "units" else "left", no_wrap=True)
    for name, of in groupby(rows, lambda row: row.layer):
        layer = {row.group: row for row in of}
        units = layer[groups[0]].units
        shown = (_figure(layer[group].mean, units) for group in groups)
        table.add_row(name, *shown, "" if units == "1" else units)
    return table


def weighings_table(rows: Sequence[Row]) -> Table:
    """Means over all pixels beside those of the pixels at cells' centres."""
    table = _table("Means of all pixels by area, and of the pixels at cells' centres")
    table.add_column("layer", overflow="fold")
    table.add_column("group", overflow="fold", min_width=13)
    for heading in ("by area", "of cells", "difference", "cells"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        if row.sampled_cells is not None:
            finer = "–" if row.mean_difference is None else f"{row.mean_difference:+.4f}"
            table.add_row(
                row.layer, row.group, _figure(row.mean, row.units),
                _figure(row.mean_cells, row.units), finer, f"{row.sampled_cells:,}",
            )  # fmt: skip
    return table


def modes_table(rows: Iterable[ModeRow]) -> Table:
    """All modes with their intervals, the share of the area about them and the bandwidth."""
    table = _table("Modes of the smoothed density (Gaussian kernels)")
    table.add_column("layer", overflow="fold")
    table.add_column("group", overflow="fold", min_width=13)
    for heading in ("mode", "from", "to", "area %", "bandwidth"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        places = (_figure(value, row.units) for value in (row.location, row.low, row.high))
        share = "–" if row.area_share is None else f"{100 * row.area_share:.1f}"
        width = "–" if row.bandwidth is None else f"{row.bandwidth:.2g}"
        table.add_row(row.layer, row.group, *places, share, width)
    return table


def relations_table(rows: Sequence[Relation]) -> Table:
    """Correlation and line of the pairs of layers that go together best in each group."""
    table = _table(f"Layers against each other: the {_PAIRS} strongest of each group")
    for heading in ("x", "y", "group"):
        table.add_column(heading, overflow="fold")
    for heading in ("r", "slope", "intercept", "RMSE"):
        table.add_column(heading, justify="right", no_wrap=True)
    for _, of in groupby(rows, lambda row: (row.grouping, row.group)):
        ranked = sorted(of, key=lambda row: -abs(row.correlation or 0.0))
        for row in ranked[:_PAIRS]:
            shown = (row.correlation, row.slope, row.intercept, row.rmse)
            table.add_row(row.x, row.y, row.group, *(_figure(value, "1") for value in shown))
    return table


def components_table(found: Sequence[Components]) -> Table:
    """The first components of each group: their share and what they are made of."""
    of = found[0].matrix if found else "correlation"
    table = _table(f"Principal components of the {of} matrix")
    table.add_column("group", overflow="fold", min_width=13)
    table.add_column("variance %", justify="right", no_wrap=True)
    table.add_column("made of", overflow="fold")
    for one in found:
        if not one.layers:
            table.add_row(one.group, "–", one.note)
        for share, loadings in list(zip(one.shares, one.loadings, strict=True))[:_COMPONENTS]:
            made = zip(one.layers, loadings.tolist(), strict=True)
            words = ", ".join(f"{value:+.2f} {layer}" for layer, value in made)
            table.add_row(one.group, f"{100 * share:.1f}", words)
    return table


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )  # fmt: skip


def _figure(value: float | None, units: str) -> str:
    """Hundredths of a wt %, thousandths of what has no units."""
    if value is None:
        return "–"
    return f"{value:.3f}" if units == "1" else f"{value:.2f}"
