"""Panels of two maps against each other: difference map, histogram, density, boxes by region."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lunarscale.render.density_panel import (
    OLS_COLOUR,
    draw_density_panel,
    draw_line,
    middle_span,
)
from lunarscale.render.difference_map import difference_colours
from lunarscale.render.figure import FAINT, INK, SMALL_PT, Sheet, bare_ticks
from lunarscale.render.labels import number, round_number, with_units
from lunarscale.render.panels import TICK_PT, draw_small_bar, draw_small_map
from lunarscale.render.poles import Bounds

#: Share of the area left out on either side of a histogram's axis, and bins across it at most.
_TAIL, _BINS = 0.002, 120

#: Share of a density's area that its axes leave out at either end.
_DENSITY_TAIL = 0.0005

_MIDDLE_COLOUR, _PAPER_COLOUR = "#9ecae1", "#d55e00"


def draw_difference_map(
    sheet: Sheet,
    values: NDArray[np.float32],
    bounds: Bounds,
    *,
    units: str,
    box: tuple[float, float, float, float],
    title: str,
) -> None:
    """A map of differences about a neutral zero, with its bar below.

    Parameters
    ----------
    sheet : Sheet
    values : ndarray of float32, (row, col)
        Row 0 north; NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    units : str
    box : (left, bottom, width, height)
        Of the map, in inches.
    title : str
    """
    left, bottom, width, height = box
    shown = difference_colours(values, bounds)
    axes = sheet.panel(left, bottom, width=width, height=height)
    draw_small_map(axes, values, bounds, shown=shown, latitudes=True)
    axes.set_title(title, fontsize=SMALL_PT + 2, loc="left", color=INK, parse_math=False)
    bar = sheet.panel(left + 0.5, bottom - 0.36, width=width - 1.1, height=0.1)
    draw_small_bar(sheet, bar, shown, units=units, both=True)


@dataclass(frozen=True, eq=False)
class DifferenceHistogram:
    """Differences by area, and the range of their middle.

    Parameters
    ----------
    edges : ndarray of float64, (bin + 1,)
        In units, evenly spaced.
    areas : ndarray of float64, (bin,)
    low, high : float
        The middle 95 % of the area lies between them.
    published : (float, float) or None
        The same of a paper.
    paper : str
        How it is called.
    """

    edges: NDArray[np.float64]
    areas: NDArray[np.float64]
    low: float
    high: float
    published: tuple[float, float] | None = None
    paper: str = ""


def draw_difference_histogram(
    axes: Axes, made: DifferenceHistogram, *, label: str, units: str
) -> None:
    """The histogram with its middle 95 % filled, and a paper's range as a bracket above.

    Parameters
    ----------
    axes : Axes
    made : DifferenceHistogram
    label, units : str
        Of the axis; the label has the units too.
    """
    edges, shares = _coarser(made)
    axes.stairs(shares, edges, fill=True, color="#e3e3e3")
    middle = (edges[:-1] < made.high) & (edges[1:] > made.low)
    axes.stairs(np.where(middle, shares, 0.0), edges, fill=True, color=_MIDDLE_COLOUR)
    axes.stairs(shares, edges, color=INK, linewidth=0.9)
    axes.axvline(0.0, ymax=0.72, color=FAINT, linewidth=0.6, dashes=(3, 3))
    top = float(shares.max())
    axes.set_ylim(0.0, 1.45 * top)
    low, high = edges[0], edges[-1]
    if made.published is not None:
        low, high = min(low, made.published[0]), max(high, made.published[1])
    margin = 0.04 * (high - low)
    axes.set_xlim(low - margin, high + margin)
    _bracket(axes, (made.low, made.high), height=0.9, colour="#2171b5", name="middle 95 %")
    if made.published is not None:
        _bracket(axes, made.published, height=0.79, colour=_PAPER_COLOUR, name=made.paper)
    width = with_units(round_number(float(edges[1] - edges[0])), units)
    axes.set_ylabel(f"% of the area per {width}", fontsize=SMALL_PT)
    axes.set_xlabel(label, fontsize=SMALL_PT, parse_math=False, labelpad=2.0)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    bare_ticks(axes)
    axes.tick_params(labelsize=TICK_PT)
    axes.spines[["top", "right"]].set_visible(False)


def _coarser(made: DifferenceHistogram) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The part that holds nearly all, in as many bins as can be seen; shares in percent."""
    reached = np.cumsum(made.areas) / made.areas.sum()
    first, last = np.searchsorted(reached, (_TAIL, 1.0 - _TAIL))
    needed = (int(last) - int(first) + 1) / _BINS
    # wider by 1, 2, 4, 10, ...: quanta are 5 times a power of ten, or that power itself
    merge = next(k * 10**power for power in range(9) for k in (1, 2, 4) if k * 10**power >= needed)
    first -= first % merge
    count = -(-(int(last) + 1 - int(first)) // merge)
    padded = np.zeros(count * merge)
    part = made.areas[first : first + count * merge]
    padded[: part.size] = part
    step = made.edges[1] - made.edges[0]
    edges = made.edges[first] + step * merge * np.arange(count + 1)
    shares = padded.reshape(count, merge).sum(axis=1) * (100.0 / made.areas.sum())
    return edges, shares


def _bracket(
    axes: Axes, ends: tuple[float, float], *, height: float, colour: str, name: str
) -> None:
    across = axes.get_xaxis_transform()
    axes.plot(ends, [height, height], transform=across, color=colour, linewidth=1.6,
              marker="|", markersize=6.0, solid_capstyle="butt")  # fmt: skip
    digits = 2 if all(abs(end - round(end, 2)) < 1e-9 for end in ends) else 3
    words = f"{name}: {number(ends[0], digits)} to {number(ends[1], digits)}"
    low, high = axes.get_xlim()
    axes.annotate(
        words, (min(max(sum(ends) / 2.0, low), high), height), xycoords=across, xytext=(0.0, 3.0),
        textcoords="offset points", ha="center", va="bottom", fontsize=TICK_PT, color=colour,
        parse_math=False,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Density:
    """Areas of pairs of values.

    Parameters
    ----------
    areas : ndarray, (bin of x, bin of y)
        In any unit.
    x_edges, y_edges : ndarray of float64
        In units, evenly spaced.
    labels : (str, str)
        Of the axes, with units.
    least : float
        What lies below in x or in y is left out; 0 for nothing.
    line : (float, float) or None
        Slope and intercept of a line to draw beside that of equality.
    """

    areas: NDArray[np.int64]
    x_edges: NDArray[np.float64]
    y_edges: NDArray[np.float64]
    labels: tuple[str, str]
    least: float = 0.0
    line: tuple[float, float] | None = None

    def probability(self) -> NDArray[np.float64]:
        """Probability density per unit of x and of y of what is kept, ``(x, y)``."""
        kept = np.array(self.areas, dtype=np.float64)
        kept[self.x_edges[:-1] < self.least - 1e-9, :] = 0.0
        kept[:, self.y_edges[:-1] < self.least - 1e-9] = 0.0
        steps = (self.x_edges[1] - self.x_edges[0]) * (self.y_edges[1] - self.y_edges[0])
        total = kept.sum()
        return kept / (total * steps) if total else kept


def draw_density(sheet: Sheet, axes: Axes, density: Density) -> None:
    """Probability density of pairs, with the line of equality and, if given, another.

    Parameters
    ----------
    sheet : Sheet
    axes : Axes
        Square; a bar is put at its right.
    density : Density
    """
    made = density.probability().T
    axes.set_xlabel(density.labels[0], fontsize=SMALL_PT, parse_math=False, labelpad=2.0)
    axes.set_ylabel(density.labels[1], fontsize=SMALL_PT, parse_math=False, labelpad=2.0)
    bare_ticks(axes)
    axes.tick_params(labelsize=TICK_PT)
    edges = (density.x_edges, density.y_edges)
    mesh = draw_density_panel(axes, made, edges)
    if mesh is None:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=FAINT)
        return
    span = middle_span(made, edges, _DENSITY_TAIL)
    axes.set_xlim(span)
    axes.set_ylim(span)
    if density.line is not None:
        draw_line(axes, density.line, colour=OLS_COLOUR, label="least squares", dashes=(4, 2))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    place = axes.get_position()
    bar = sheet.figure.add_axes((place.x1 + 0.006, place.y0, 0.007, place.height))
    shown = sheet.figure.colorbar(mesh, cax=bar)
    shown.outline.set_linewidth(0.5)
    bar.tick_params(labelsize=TICK_PT - 0.5, width=0.5, length=2.0)
    bar.yaxis.set_label_text("probability density", fontsize=TICK_PT)


@dataclass(frozen=True)
class Box:
    """A region's differences: whiskers, quartiles, median and mean.

    Parameters
    ----------
    name : str
    whisker_low, p25, median, p75, whisker_high, mean : float
    """

    name: str
    whisker_low: float
    p25: float
    median: float
    p75: float
    whisker_high: float
    mean: float


def draw_boxes(axes: Axes, boxes: Sequence[Box], *, label: str) -> None:
    """Box plots by region, the first on top; a diamond is the mean.

    Parameters
    ----------
    axes : Axes
    boxes : sequence of Box
    label : str
        Of the axis, with units.
    """
    made = [
        {
            "label": box.name, "med": box.median, "q1": box.p25, "q3": box.p75,
            "whislo": box.whisker_low, "whishi": box.whisker_high, "mean": box.mean, "fliers": [],
        }
        for box in boxes
    ]  # fmt: skip
    thin = {"linewidth": 0.8, "color": INK}
    axes.bxp(
        made, positions=list(range(len(boxes), 0, -1)), orientation="horizontal", widths=0.6,
        showmeans=True, showfliers=False, patch_artist=True, whiskerprops=thin, capprops=thin,
        boxprops={"facecolor": _MIDDLE_COLOUR, "linewidth": 0.8},
        medianprops={"linewidth": 1.4, "color": INK},
        meanprops={"marker": "D", "markersize": 3.0, "markerfacecolor": "white",
                   "markeredgecolor": INK, "markeredgewidth": 0.7},
    )  # fmt: skip
    axes.set_yticks(
        range(len(boxes), 0, -1), [box.name for box in boxes], fontsize=SMALL_PT, parse_math=False
    )
    axes.axvline(0.0, color=FAINT, linewidth=0.6, dashes=(3, 3), zorder=0)
    axes.set_xlabel(label, fontsize=SMALL_PT, parse_math=False, labelpad=2.0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    bare_ticks(axes)
    axes.tick_params(axis="x", labelsize=TICK_PT)
    axes.tick_params(axis="y", length=0.0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def difference_label(name: str, units: str) -> str:
    """The axis of a difference: ``difference of FeO (wt %)``."""
    return with_units(f"difference of {name}", units, brackets=True)
