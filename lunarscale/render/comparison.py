"""Maps beside their truth: truth, map, difference and density, one row a map."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lunarscale.reduce.agreement import Agreement
from lunarscale.render.density_panel import draw_density_panel
from lunarscale.render.figure import (
    FAINT,
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.labels import digits_of, number, pretty_name, with_units
from lunarscale.render.palettes import NO_DATA_COLOUR, palette_of, quantity_of
from lunarscale.render.panels import draw_small_bar, draw_small_map
from lunarscale.render.poles import Bounds
from lunarscale.render.ranges import area_quantiles, colour_range, row_cosines

#: Inches: a map, the gap to the next, a scatter plot, margins, and from one row to the next.
_MAP, _GAP, _SCATTER, _LEFT, _RIGHT = (3.5, 1.75), 0.34, 1.95, 0.62, 1.9
_TOP, _PITCH = 0.85, 2.75
_WIDTH = _LEFT + 3 * (_MAP[0] + _GAP) + 0.5 + _SCATTER + _RIGHT

#: Letters that a line below the title holds.
_LETTERS = 190

#: Share of the area whose differences have colours of their own.
_MIDDLE = 0.99

#: Bins along each axis of a density plot, and the part of the densest at which colours begin.
_BINS, _FAINTEST = 110, 1e-3


@dataclass(frozen=True)
class ComparedMap:
    """One map with its truth.

    Parameters
    ----------
    name : str
        Layer, ``FeO``.
    units, model : str
    truth, found : ndarray of float32, (row, col)
        Simple cylindrical, row 0 north; NaN where the map has no value.
    agreement : Agreement
        The figures printed beside it.
    """

    name: str
    units: str
    model: str
    truth: NDArray[np.float32]
    found: NDArray[np.float32]
    agreement: Agreement


def draw_comparison(
    maps: Sequence[ComparedMap],
    bounds: Bounds,
    *,
    title: str,
    lines: Sequence[str],
    path: Path,
    simulated: bool,
) -> Illustration:
    """Draw maps beside their truth as PNG.

    Parameters
    ----------
    maps : sequence of ComparedMap
        One a row.
    bounds : tuple of float
        West, south, east and north edge of all of them in degrees.
    title : str
    lines : sequence of str
        Below the title.
    path : Path
        PNG to write; its folder must exist.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    told = [part for line in lines for part in textwrap.wrap(line, _LETTERS)]
    head = _TOP + 0.17 * len(told)
    sheet = Sheet(_WIDTH, head + _PITCH * len(maps))
    sheet.head(title, told, left=_LEFT, simulated=simulated)
    for row, compared in enumerate(maps):
        _draw_row(sheet, compared, bounds, bottom=sheet.height - head - _PITCH * row - _MAP[1])
    size = sheet.save_png(path, title=title)
    names = ", ".join(pretty_name(compared.name) for compared in maps)
    caption = f"{title}. {' '.join(lines)} Truth, map, map less truth, and density, of {names}."
    return Illustration(path, "comparison", caption, f"Maps of {names} beside the truth", *size)


def _draw_row(sheet: Sheet, compared: ComparedMap, bounds: Bounds, *, bottom: float) -> None:
    difference = compared.found - compared.truth
    limits = colour_range(compared.truth, bounds) or (0.0, 1.0)
    weights = row_cosines(bounds, difference.shape[0])
    spread = area_quantiles(np.abs(difference), weights, (_MIDDLE,)) or (1.0,)
    reach = max(spread[0], 1e-6)
    name = pretty_name(compared.name)
    palette = palette_of(compared.name)
    vik = cm.vik.with_extremes(bad=NO_DATA_COLOUR)
    pictures: list[tuple[str, NDArray[np.float32], tuple[float, float], Colormap]] = [
        (f"{name}: truth", compared.truth, limits, palette),
        (f"{name}: {compared.model}", compared.found, limits, palette),
        (f"{name}: map less truth", difference, (-reach, reach), vik),
    ]
    left = _LEFT
    for column, (title, values, (low, high), colours) in enumerate(pictures):
        axes = sheet.panel(left, bottom, width=_MAP[0], height=_MAP[1])
        shown = ScalarMappable(Normalize(low, high), colours)
        draw_small_map(axes, values, bounds, shown=shown, latitudes=column == 0)
        axes.set_title(title, fontsize=TEXT_PT, loc="left", color=INK, parse_math=False)
        bar = sheet.panel(left + 0.4, bottom - 0.38, width=_MAP[0] - 0.8, height=0.09)
        draw_small_bar(sheet, bar, shown, units=compared.units, both=column > 0)
        left += _MAP[0] + _GAP
    axes = sheet.panel(left + 0.5, bottom - 0.1, width=_SCATTER, height=_SCATTER)
    _draw_density(axes, compared, weights=weights)
    _write_figures(sheet, compared, left=left + 0.5 + _SCATTER + 0.15, top=bottom + _MAP[1])


def _draw_density(axes: Axes, compared: ComparedMap, *, weights: NDArray[np.float64]) -> None:
    valid = np.isfinite(compared.found)
    truth, found = (each[valid].astype(np.float64) for each in (compared.truth, compared.found))
    weight = np.broadcast_to(weights[:, None], valid.shape)[valid]
    # the few that are far off would leave the rest a speck: the axes hold the middle 99.8 %
    low, high = np.quantile(np.concatenate([truth, found]), [0.001, 0.999])
    margin = 0.03 * max(high - low, 1e-6)
    span = (low - margin, high + margin)
    share, across, up = np.histogram2d(
        truth, found, bins=_BINS, range=(span, span), weights=weight / weight.sum()
    )
    draw_density_panel(axes, share.T, (across, up), faintest=_FAINTEST)
    axes.set_xlim(span)
    axes.set_ylim(span)
    name = with_units(pretty_name(quantity_of(compared.name)), compared.units, brackets=True)
    axes.set_xlabel(f"true {name}", fontsize=SMALL_PT, parse_math=False, labelpad=1.5)
    axes.set_ylabel(f"mapped {name}", fontsize=SMALL_PT, parse_math=False, labelpad=1.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    bare_ticks(axes)
    axes.tick_params(labelsize=6.0)


def _write_figures(sheet: Sheet, compared: ComparedMap, *, left: float, top: float) -> None:
    scored, digits = compared.agreement, digits_of(compared.name) - 1
    units = "" if compared.units == "1" else f" {compared.units}"
    lines = [
        ("R²", number(scored.r2, 3)),
        ("RMSE", number(scored.rmse, digits) + units),
        ("bias", number(scored.bias, digits) + units),
        ("middle 95 % of differences", ""),
        ("", f"{number(scored.low, digits)} to {number(scored.high, digits)}{units}"),
        ("no value", f"{number(100 * scored.without_value, 2)} %"),
    ]
    if scored.coverage is not None:
        lines.append(("in the interval", f"{number(100 * scored.coverage, 1)} %"))
    for place, (name, value) in enumerate(lines):
        y = top - 0.02 - 0.19 * place
        sheet.write(left, y, name, va="top", color=FAINT, fontsize=SMALL_PT)
        sheet.write(sheet.width - 0.2, y, value, va="top", ha="right", fontsize=SMALL_PT)
