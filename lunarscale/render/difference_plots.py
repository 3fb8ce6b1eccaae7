"""How two maps differ, as plots: the histogram of differences, and one map against the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lunarscale.render.density_panel import (
    OLS_COLOUR,
    RMA_COLOUR,
    draw_density_panel,
    draw_line,
    middle_span,
)
from lunarscale.render.figure import (
    FAINT,
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.labels import number, with_units
from lunarscale.render.plots import COLOURS, HistogramCurve, shared_bins

#: Share of the area that a density's axes leave out at either end.
_TAIL = 0.0005

_WIDTH, _HEIGHT = 7.6, 4.7

#: Inches: the density's panel, its left edge, its bottom, and the room above it.
_SIDE, _LEFT, _BOTTOM, _TOP = 4.6, 0.75, 0.65, 1.25


@dataclass(frozen=True)
class Heading:
    """What stands over a figure.

    Parameters
    ----------
    name : str
        Of the illustration.
    title, line : str
    """

    name: str
    title: str
    line: str


@dataclass(frozen=True)
class DensityPicture:
    """One map against another.

    Parameters
    ----------
    heading : Heading
    labels : (str, str)
        Of x and y, with units.
    shares : ndarray of float64, (bin of y, bin of x)
        Share of the area.
    edges : ndarray of float64
        Of the bins, along both axes.
    lines : sequence of (str, float, float)
        Name, slope and intercept: least squares first, the reduced major axis second.
    figures : sequence of (str, str)
        Name and value of what is told beside it.
    note : str
        Below the figures.
    """

    heading: Heading
    labels: tuple[str, str]
    shares: NDArray[np.float64]
    edges: NDArray[np.float64]
    lines: Sequence[tuple[str, float, float]]
    figures: Sequence[tuple[str, str]]
    note: str = ""


def draw_difference_histogram(
    curves: Sequence[HistogramCurve],
    middle: tuple[float, float],
    *,
    heading: Heading,
    label: tuple[str, str],
    quantum: float,
    path: Path,
    simulated: bool = False,
) -> Illustration:
    """Draw histograms of differences, the middle 95 % of the first shaded; PNG and SVG.

    Parameters
    ----------
    curves : sequence of HistogramCurve
        The whole first.
    middle : (float, float)
        Ends of the middle 95 % of the whole.
    heading : Heading
    label : (str, str)
        Of the differences, with units; and the units.
    quantum : float
        Step of the differences: bins are drawn half of it further down, so that equal maps' lies
        about zero and not above it.
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_WIDTH, _HEIGHT)
    write_heading(sheet, heading, simulated=simulated)
    axes = sheet.panel(0.7, 0.6, width=_WIDTH - 2.5, height=_HEIGHT - 1.85)
    bins = shared_bins(curves)
    text, units = label
    if bins is not None:
        edges = bins.edges - quantum / 2.0
        for place, shares in reversed(list(enumerate(bins.shares))):
            if shares is not None:
                colour = COLOURS[place % len(COLOURS)]
                axes.stairs(shares, edges, color=colour, linewidth=1.2)
        axes.axvspan(
            middle[0] - quantum / 2.0, middle[1] + quantum / 2.0, color="#e8e8e8", zorder=0
        )
        axes.axvline(0.0, color=INK, linewidth=0.7, zorder=0.5)
        axes.set_xlim(float(edges[0]), float(edges[-1]))
        axes.set_ylim(bottom=0.0)
        width = with_units(f"{float(bins.edges[1] - bins.edges[0]):.3g}", units)
        axes.set_ylabel(f"share of the region's area per {width} (%)", fontsize=TEXT_PT)
    bare_ticks(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(text, fontsize=TEXT_PT, parse_math=False)
    _name_curves(sheet, curves, middle, units=units)
    caption = (
        f"{heading.title}: {heading.line}. Shaded: the middle 95 % of the whole, "
        f"{number(middle[0], 3)} to {with_units(number(middle[1], 3), units)}."
    )
    return _saved(sheet, heading, path, caption)


def _name_curves(
    sheet: Sheet, curves: Sequence[HistogramCurve], middle: tuple[float, float], *, units: str
) -> None:
    left, y = _WIDTH - 1.7, _HEIGHT - 1.3
    for place, curve in enumerate(curves):
        colour = COLOURS[place % len(COLOURS)]
        sheet.write(left, y, curve.group, va="top", color=colour, fontweight="bold")
        mean = with_units(number(curve.mean, 4), units)
        told = f"mean {mean}" if np.isfinite(curve.mean) else "no values"
        sheet.write(left, y - 0.16, told, va="top", color=colour)
        y -= 0.42
    words = f"Shaded: the middle 95 %\nof the whole,\n{number(middle[0], 3)} to "
    sheet.write(left, y, words + with_units(number(middle[1], 3), units), va="top", color=FAINT)


def draw_density(picture: DensityPicture, *, path: Path, simulated: bool = False) -> Illustration:
    """Draw one map against another as a density, with fitted lines; PNG and SVG.

    Parameters
    ----------
    picture : DensityPicture
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_LEFT + _SIDE + 3.3, _BOTTOM + _SIDE + _TOP)
    write_heading(sheet, picture.heading, simulated=simulated)
    axes = sheet.panel(_LEFT, _BOTTOM, width=_SIDE, height=_SIDE)
    edges = (picture.edges, picture.edges)
    shown = draw_density_panel(axes, picture.shares, edges)
    right = _LEFT + _SIDE + 0.3
    if shown is None:
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", color=FAINT)
    else:
        span = middle_span(picture.shares, edges, _TAIL)
        axes.set_xlim(span)
        axes.set_ylim(span)
        looks = ((OLS_COLOUR, (1, 0)), (RMA_COLOUR, (5, 2)))
        for (name, slope, intercept), (colour, dashes) in zip(picture.lines, looks, strict=False):
            draw_line(axes, (slope, intercept), colour=colour, label=name, dashes=dashes)
        axes.plot([], [], color=INK, linewidth=0.7, label="1:1")
        axes.legend(fontsize=SMALL_PT, loc="upper left", framealpha=0.9, edgecolor="none")
        room = sheet.panel(right, _BOTTOM, width=0.16, height=1.75)
        bar = sheet.figure.colorbar(shown, cax=room)
        bar.outline.set_linewidth(0.6)
        bar.ax.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5)
        bar.set_label("share of the area in a bin", fontsize=SMALL_PT)
    _square(axes, picture.labels)
    y = _BOTTOM + _SIDE
    for name, value in picture.figures:
        sheet.write(right, y, name, va="top", color=FAINT)
        sheet.write(sheet.width - 0.25, y, value, va="top", ha="right")
        y -= 0.19
    sheet.write(right, y - 0.08, picture.note, va="top", color=FAINT, fontsize=SMALL_PT)
    words = f"{picture.heading.title}: {picture.heading.line}. Thin line: both maps equal."
    return _saved(sheet, picture.heading, path, words)


def _square(axes: Axes, labels: tuple[str, str]) -> None:
    axes.set_xlabel(labels[0], fontsize=TEXT_PT, parse_math=False)
    axes.set_ylabel(labels[1], fontsize=TEXT_PT, parse_math=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(7))
    axes.set_aspect("equal")
    bare_ticks(axes)


def write_heading(sheet: Sheet, heading: Heading, *, simulated: bool) -> None:
    """Title and line; below the mark of simulated data, as such titles are long."""
    top = 0.55 if simulated else 0.2
    sheet.head(heading.title, (heading.line,), left=0.3, simulated=simulated, top=top)


def _saved(sheet: Sheet, heading: Heading, path: Path, caption: str) -> Illustration:
    size, vector = sheet.save(path, title=heading.title)
    return Illustration(path, heading.name, caption, heading.title, *size, vector)
