"""Figures 1 to 4 of Qiu et al. 2025 from what one pass has found, with the numbers behind them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from lunarscale.grid.raster import weight_to_km2
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.table import Row, bin_quanta, histogram
from lunarscale.render.difference_figure import ComparisonPanels, draw_comparisons
from lunarscale.render.difference_panels import Box, Density, DifferenceHistogram
from lunarscale.render.figure import Illustration
from lunarscale.render.global_maps import (
    FigureText,
    GlobalMap,
    draw_two_columns,
    draw_with_poles,
)
from lunarscale.render.histogram_panel import Marks, curve_rows
from lunarscale.render.labels import number, pretty_name, signed, with_units
from lunarscale.render.plots import HistogramCurve
from lunarscale.steps.reporting.like import DENSITY_STEP, Compared, Finding
from lunarscale.steps.reporting.modes import modes_in_units
from lunarscale.steps.reporting.published import MODES, PAPER, RANGES
from lunarscale.steps.reporting.tables import region_title
from lunarscale.steps.saving import save, save_table

#: Columns of Figures 1 and 3.
EQUATIONS = ("FeO_equation", "TiO2_equation", "OMAT")
NETWORK = ("FeO_network", "TiO2_network", "Al2O3", "MgO", "CaO", "Mg_number")

#: Of how many groups of a grouping boxes are always drawn (not of a basin's surroundings), and of
#: how many seas, those that changed most.
_ALWAYS = {"moon": 1, "maria": 2, "hemispheres": 2, "spa": 1, "pkt": 1}
_SEAS = 8

_MARKS_WORDS = f"Filled triangles: modes; hollow ones: modes of {PAPER}."


def _modes(finding: Finding, layer: str) -> tuple[float, ...]:
    return tuple(mode.location * quantum for mode, quantum in modes_in_units(finding, layer))


def curves_of(finding: Finding, layer: str, *, bins: float | None = None) -> list[HistogramCurve]:
    """Histograms of a layer: whole Moon, maria, the rest; areas in km2.

    Parameters
    ----------
    finding : Finding
    layer : str
    bins : float, optional
        Width of a bin in units; 20 quanta if not given.
    """
    index = finding.area.layers.index(layer)
    quantity = finding.question.source.quantities[index]
    width = bin_quanta(quantity, bins) * quantity.quantum
    made = []
    for grouping, label in enumerate(finding.area.groupings[:2]):
        for group, name in enumerate(label.groups, start=1):
            counts = finding.area.group(grouping, group).layers[index].counts
            edges, shares = histogram(counts, quantity, bin_width=width)
            mean = float(counts.moments()[0]) * quantity.quantum if counts.weight else np.nan
            made.append(HistogramCurve(name, edges, shares * weight_to_km2(counts.weight), mean))
    return made


def draw_maps(finding: Finding, folder: Path, *, figure: int) -> Illustration | None:
    """Figure 1, the equations' maps, or 3, the network's; None where there is no such map.

    Beside it go ``figure_N_maps.parquet`` and ``figure_N_histograms.csv``.
    """
    wanted = EQUATIONS if figure == 1 else NETWORK
    asked = finding.question
    layers = {key: layer for key in wanted if (layer := asked.layer(key)) is not None}
    if not layers:
        return None
    bounds = finding.pictures.bounds(asked.cube.grid)
    maps, columns, rows = [], {}, []
    for key, layer in layers.items():
        quantum = QUANTITIES[layer.quantity].quantum
        values = finding.pictures.picture(layer.name, asked.cube.grid, quantum)
        curves = tuple(curves_of(finding, layer.name))
        marks = Marks(_modes(finding, layer.name), MODES.get(key, ()), PAPER)
        maps.append(GlobalMap(layer.quantity, layer.model, values, bounds, curves, marks))
        columns[layer.name] = values
        rows += [(layer.name, *row) for row in curve_rows(curves)]
    name = f"figure_{figure}"
    _save_maps(folder / f"{name}_maps.parquet", columns, bounds)
    header = ("layer", "group", "low", "high", "area_km2")
    save_table(folder / f"{name}_histograms.csv", header, rows)
    draw = draw_with_poles if figure == 1 else draw_two_columns
    return draw(maps, _maps_text(maps, figure), folder=folder, simulated=_simulated(finding))


def _maps_text(maps: Sequence[GlobalMap], figure: int) -> FigureText:
    by = "equations" if figure == 1 else "network"
    title = f"Figure {figure}. Global maps by the {by}"
    names = ", ".join(f"{pretty_name(each.quantity)} ({each.model})" for each in maps)
    line = f"Histograms: share of all the area with values. {_MARKS_WORDS}"
    caption = (
        f"{title}: {names}. Colours span the middle 98 % of the area; grey: no value. Histograms: "
        f"share of all the area with values, of which maria and the rest. {_MARKS_WORDS}"
    )
    return FigureText(f"figure_{figure}", title, line, caption)


def _save_maps(
    path: Path, columns: dict[str, NDArray[np.float32]], bounds: tuple[float, float, float, float]
) -> Path:
    """Pictures as a table, one row a pixel: longitude and latitude of its centre, its means."""
    west, south, east, north = bounds
    rows, cols = next(iter(columns.values())).shape
    lons = west + (np.arange(cols) + 0.5) * (east - west) / cols
    lats = north - (np.arange(rows) + 0.5) * (north - south) / rows
    table = pa.table(
        {
            "lon": np.tile(lons, rows).astype(np.float32),
            "lat": np.repeat(lats, cols).astype(np.float32),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )
    made = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, made, compression="zstd")
    return save(path, made.getvalue().to_pybytes())


def draw_differences(finding: Finding, folder: Path, *, figure: int) -> Illustration | None:
    """Figure 2, before and after Chang'e-6, or 4, network and equation; None without maps.

    Beside it go ``figure_N_maps.parquet``, ``figure_N_histograms.csv``, ``figure_N_boxes.csv`` and
    ``figure_N_densities.csv``.
    """
    asked = finding.question
    compared = [each for each in asked.compared if each.comparison.figure == figure]
    if not compared:
        return None
    bounds = finding.pictures.bounds(asked.cube.grid)
    panels = [_panels(finding, each, bounds) for each in compared]
    name = f"figure_{figure}"
    values = {each.key: made.values for each, made in zip(compared, panels, strict=True)}
    _save_maps(folder / f"{name}_maps.parquet", values, bounds)
    _save_numbers(finding, compared, panels, folder=folder, name=name)
    return draw_comparisons(
        panels, _differences_text(panels, figure), folder=folder, simulated=_simulated(finding)
    )


def _panels(
    finding: Finding, compared: Compared, bounds: tuple[float, float, float, float]
) -> ComparisonPanels:
    quantity = QUANTITIES[compared.quantity]
    whole = curves_of(finding, compared.key, bins=quantity.quantum)[0]
    row = finding.row(compared.key, "moon", "Moon")
    theirs = RANGES[compared.key]
    ours = (row.p2_5 or 0.0, row.p97_5 or 0.0)
    first, second = compared.minuend.model, compared.subtrahend.model
    units = quantity.units
    return ComparisonPanels(
        quantity=compared.quantity,
        title=f"{pretty_name(compared.quantity)}: {first} less {second}",
        units=units,
        values=finding.pictures.picture(compared.key, finding.question.cube.grid, quantity.quantum),
        bounds=bounds,
        histogram=DifferenceHistogram(
            # a bin of one quantum holds the one count at its lower edge: it is drawn about it
            whole.edges - quantity.quantum / 2.0,
            whole.areas,
            *ours,
            published=(theirs.low, theirs.high),
            paper=PAPER,
        ),
        density=_density(finding, compared),
        boxes=tuple(_box(r) for r in _box_rows(finding, compared.key)),
        words=_words(finding, compared, row),
    )


def _density(finding: Finding, compared: Compared) -> Density:
    joint, relation = finding.densities[compared.key], finding.relation(compared)
    name = pretty_name(compared.quantity)
    units = QUANTITIES[compared.quantity].units
    # the open bins at either end are no cells of the plot
    inner = joint.areas[1].sum(axis=0)[1:-1, 1:-1]
    edges = [DENSITY_STEP * np.arange(count + 1) for count in inner.shape]
    line = None
    if relation.slope is not None and relation.intercept is not None:
        line = (relation.slope, relation.intercept)
    return Density(
        inner, edges[0], edges[1],
        labels=(
            with_units(f"{name}, {compared.subtrahend.model}", units, brackets=True),
            with_units(f"{name}, {compared.minuend.model}", units, brackets=True),
        ),
        least=compared.comparison.least,
        line=line,
    )  # fmt: skip


def _box_rows(finding: Finding, layer: str) -> list[Row]:
    """The rows of the regions that have boxes: the large ones, then the seas that changed most."""
    rows = [r for r in finding.rows if r.layer == layer]
    large = [
        row
        for name, groups in _ALWAYS.items()
        # Procellarum by a simulated table is "pkt (simulated)"
        for row in [r for r in rows if r.grouping.split(" ")[0] == name][:groups]
    ]
    seas = [r for r in rows if r.grouping == "seas" and ":" not in r.group]
    most = sorted(seas, key=lambda r: -abs(r.mean or 0.0))[:_SEAS]
    return [r for r in (*large, *most) if r.median is not None]


def _box(row: Row) -> Box:
    figures = (row.whisker_low, row.p25, row.median, row.p75, row.whisker_high, row.mean)
    return Box(
        region_title(row.grouping, row.group),
        *(np.nan if figure is None else figure for figure in figures),
    )


def _words(finding: Finding, compared: Compared, row: Row) -> tuple[tuple[str, str], ...]:
    relation = finding.relation(compared)
    least = compared.comparison.least
    mean = "–" if row.mean is None else signed(row.mean, 3)
    told = [
        ("mean", f"{mean} {row.units}"),
        ("std. dev.", f"{number(row.std, 3)} {row.units}"),
        ("r", number(relation.correlation, 4)),
        ("slope", number(relation.slope, 4)),
        ("RMSE", f"{number(relation.rmse, 3)} {row.units}"),
        ("area, 10⁶ km²", number(row.valid_area_km2 / 1e6, 2)),
    ]
    if least:
        told.append(("density: both above", f"{least:g} {row.units}"))
    return tuple(told)


def _save_numbers(
    finding: Finding,
    compared: Sequence[Compared],
    panels: Sequence[ComparisonPanels],
    *,
    folder: Path,
    name: str,
) -> None:
    histograms, boxes, densities = [], [], []
    for each, made in zip(compared, panels, strict=True):
        curves = curves_of(finding, each.key, bins=QUANTITIES[each.quantity].quantum)
        histograms += [(each.key, *row) for row in curve_rows(curves)]
        boxes += [
            (each.key, b.name, b.whisker_low, b.p25, b.median, b.p75, b.whisker_high, b.mean)
            for b in (_box(r) for r in finding.rows if r.layer == each.key and r.median is not None)
        ]
        density = made.density.probability()
        densities += [
            (each.key, round(made.density.x_edges[i], 6), round(made.density.y_edges[j], 6),
             density[i, j])
            for i, j in np.argwhere(density > 0.0).tolist()
        ]  # fmt: skip
    figures = ("whisker_low", "p25", "median", "p75", "whisker_high", "mean")
    save_table(
        folder / f"{name}_histograms.csv",
        ("comparison", "group", "low", "high", "area_km2"), histograms,
    )  # fmt: skip
    save_table(folder / f"{name}_boxes.csv", ("comparison", "region", *figures), boxes)
    save_table(
        folder / f"{name}_densities.csv",
        ("comparison", "subtrahend_from", "minuend_from", "probability_density"), densities,
    )  # fmt: skip


def _differences_text(panels: Sequence[ComparisonPanels], figure: int) -> FigureText:
    what = "Equations before and after Chang'e-6" if figure == 2 else "Network and equation"
    title = f"Figure {figure}. {what}"
    line = (
        "Blue: the middle 95 % of the area. Boxes: quartiles and whiskers; diamonds: means. "
        "Dashed: least squares."
    )
    caption = (
        f"{title}: {'; '.join(each.title for each in panels)}. Difference map; histogram with the "
        f"middle 95 % of the area in blue and that of {PAPER} in orange; probability density of "
        "pairs with the line of equality and, dashed, of least squares; box plots by region, the "
        f"{_SEAS} seas that changed most at the bottom."
    )
    return FigureText(f"figure_{figure}", title, line, caption)


def _simulated(finding: Finding) -> bool:
    return finding.question.cube.layout.simulated
