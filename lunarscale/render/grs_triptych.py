"""A map beside a gamma-ray spectrometer's: both in its pixels, difference, scatter, histogram."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lunarscale.render.density_panel import OLS_COLOUR, RMA_COLOUR, draw_line
from lunarscale.render.difference_map import difference_colours
from lunarscale.render.difference_plots import Heading
from lunarscale.render.figure import (
    FAINT,
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.labels import with_units
from lunarscale.render.palettes import palette_of
from lunarscale.render.panels import draw_small_bar, draw_small_map
from lunarscale.render.ranges import colour_range

#: Edges of a map of the whole Moon.
_WHOLE = (-180.0, -90.0, 180.0, 90.0)

#: Inches: a map, gaps, the lower panels, margins.
_MAP, _GAP, _LEFT, _RIGHT, _TOP = (3.6, 1.8), 0.35, 0.62, 0.55, 1.35
_LOWER, _BOTTOM, _BETWEEN = 2.75, 0.65, 1.25
_WIDTH = _LEFT + 3 * _MAP[0] + 2 * _GAP + _RIGHT


@dataclass(frozen=True)
class GrsPicture:
    """A map and a spectrometer's, ready to be drawn.

    Parameters
    ----------
    heading : Heading
    quantity, units : str
    titles : (str, str, str)
        Of the three maps.
    grs, ours : ndarray of float32, (row, col)
        The whole Moon, row 0 north, in pixels that show the spectrometer's; NaN without a value.
    pairs : (ndarray, ndarray) of float64, (pixel,)
        The spectrometer's and the map's value of every pixel that has both.
    lines : sequence of (str, float, float)
        Name, slope and intercept: least squares first, the reduced major axis second.
    normal : (float, float)
        Mean and standard deviation of the differences.
    figures : sequence of (str, str)
        Name and value of what is told beside it.
    note : str
        Below the figures.
    """

    heading: Heading
    quantity: str
    units: str
    titles: tuple[str, str, str]
    grs: NDArray[np.float32]
    ours: NDArray[np.float32]
    pairs: tuple[NDArray[np.float64], NDArray[np.float64]]
    lines: Sequence[tuple[str, float, float]]
    normal: tuple[float, float]
    figures: Sequence[tuple[str, str]]
    note: str


def draw_grs_triptych(picture: GrsPicture, *, path: Path, simulated: bool = False) -> Illustration:
    """Draw three maps, the scatter and the histogram of the differences; PNG and SVG.

    Parameters
    ----------
    picture : GrsPicture
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_WIDTH, _TOP + _MAP[1] + _BETWEEN + _LOWER + _BOTTOM)
    lines = textwrap.wrap(picture.heading.line, 140)
    sheet.head(picture.heading.title, lines, left=_LEFT, simulated=simulated)
    _draw_maps(sheet, picture)
    left = _LEFT + 0.1
    axes = sheet.panel(left, _BOTTOM, width=_LOWER, height=_LOWER)
    _draw_scatter(axes, picture)
    left += _LOWER + 0.95
    axes = sheet.panel(left, _BOTTOM, width=3.1, height=_LOWER)
    _draw_histogram(axes, picture)
    _write_figures(sheet, picture, left=left + 3.1 + 0.35)
    size, vector = sheet.save(path, title=picture.heading.title)
    words = f"{picture.heading.title}. {picture.heading.line} Grey: no value. {picture.note}"
    name = picture.heading.name
    return Illustration(path, name, words, picture.heading.title, *size, vector)


def _draw_maps(sheet: Sheet, picture: GrsPicture) -> None:
    difference = picture.ours - picture.grs
    limits = colour_range(np.stack([picture.grs, picture.ours]).reshape(-1, picture.grs.shape[1]),
                          _WHOLE) or (0.0, 1.0)  # fmt: skip
    same = ScalarMappable(Normalize(*limits), palette_of(picture.quantity))
    shown = (
        (picture.grs, same),
        (picture.ours, same),
        (difference, difference_colours(difference, _WHOLE)),
    )
    bottom = _BOTTOM + _LOWER + _BETWEEN
    for place, (title, (values, colours)) in enumerate(zip(picture.titles, shown, strict=True)):
        left = _LEFT + place * (_MAP[0] + _GAP)
        axes = sheet.panel(left, bottom, width=_MAP[0], height=_MAP[1])
        draw_small_map(axes, values, _WHOLE, shown=colours, latitudes=place == 0)
        axes.set_title(title, fontsize=TEXT_PT, loc="left", color=INK, parse_math=False)
        bar = sheet.panel(left + 0.4, bottom - 0.4, width=_MAP[0] - 0.9, height=0.09)
        draw_small_bar(sheet, bar, colours, units=picture.units, both=True)


def _draw_scatter(axes: Axes, picture: GrsPicture) -> None:
    x, y = picture.pairs
    axes.plot(x, y, ".", color="#555555", markersize=3.2, alpha=0.45, markeredgewidth=0.0)
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    margin = 0.04 * max(high - low, 1e-6)
    span = (low - margin, high + margin)
    axes.set_xlim(span)
    axes.set_ylim(span)
    axes.plot(span, span, color=INK, linewidth=0.7, label="1:1")
    looks = ((OLS_COLOUR, (1, 0)), (RMA_COLOUR, (5, 2)))
    for (name, slope, intercept), (colour, dashes) in zip(picture.lines, looks, strict=False):
        draw_line(axes, (slope, intercept), colour=colour, label=name, dashes=dashes)
    axes.legend(fontsize=SMALL_PT - 0.5, loc="upper left", framealpha=0.9, edgecolor="none")
    axes.set_xlabel(f"{picture.titles[0]} ({picture.units})", fontsize=TEXT_PT, parse_math=False)
    axes.set_ylabel(f"{picture.titles[1]} ({picture.units})", fontsize=TEXT_PT, parse_math=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6))
    bare_ticks(axes)


def _draw_histogram(axes: Axes, picture: GrsPicture) -> None:
    difference = picture.pairs[1] - picture.pairs[0]
    mean, deviation = picture.normal
    bins = int(np.clip(np.sqrt(difference.size), 8, 60))
    areas, edges = np.histogram(difference, bins=bins)
    axes.stairs(areas, edges, fill=True, color="#c9c9c9")
    if deviation > 0:
        across = np.linspace(edges[0], edges[-1], 300)
        width = edges[1] - edges[0]
        bell = np.exp(-0.5 * ((across - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
        axes.plot(
            across, bell * difference.size * width, color=OLS_COLOUR, linewidth=1.2,
        )  # fmt: skip
        words = "Line: a normal distribution of the same mean and deviation"
        axes.set_title(words, fontsize=SMALL_PT - 0.5, loc="left", color=OLS_COLOUR)
    axes.set_ylim(0.0, 1.05 * float(areas.max()))
    axes.axvline(0.0, color=INK, linewidth=0.7)
    axes.set_xlabel(
        with_units("map less GRS", picture.units, brackets=True), fontsize=TEXT_PT, parse_math=False
    )
    axes.set_ylabel("pixels", fontsize=TEXT_PT)
    axes.spines[["top", "right"]].set_visible(False)
    bare_ticks(axes)


def _write_figures(sheet: Sheet, picture: GrsPicture, *, left: float) -> None:
    y = _BOTTOM + _LOWER
    for name, value in picture.figures:
        sheet.write(left, y, name, va="top", color=FAINT)
        sheet.write(_WIDTH - 0.3, y, value, va="top", ha="right")
        y -= 0.18
    letters = int((_WIDTH - 0.3 - left) / 0.052)
    note = "\n".join(textwrap.wrap(picture.note, letters))
    sheet.write(left, y - 0.06, note, va="top", color=FAINT, fontsize=SMALL_PT - 0.5)
