"""Figures of global maps with their histograms: with polar insets, or many maps side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from lunarscale.quantities import QUANTITIES
from lunarscale.render.figure import TEXT_PT, Illustration, Sheet
from lunarscale.render.histogram_panel import Marks, draw_histogram_panel
from lunarscale.render.labels import pretty_name
from lunarscale.render.palettes import palette_of
from lunarscale.render.panels import draw_small_bar, draw_small_map
from lunarscale.render.plots import HistogramCurve
from lunarscale.render.poles import Bounds, Pole, covers_pole, draw_pole, title_of
from lunarscale.render.ranges import colour_range

#: Inches from the top to the first map, and margins.
_TOP, _LEFT, _RIGHT = 1.0, 0.6, 0.4

#: Inches: a map with polar insets beside it, and from one such row to the next.
_MAP, _POLE, _PITCH = (6.2, 3.1), 1.62, 4.3

#: Inches from the map to the first polar panel, and from that to the second.
_GAP, _BETWEEN = 0.8, 0.85

#: Inches: maps in two columns with histograms below, and from one to the next.
_TWO_MAP, _TWO_HISTOGRAM, _TWO_PITCH = (5.3, 2.65), 1.35, (6.05, 5.5)


@dataclass(frozen=True)
class GlobalMap:
    """One map of such a figure.

    Parameters
    ----------
    quantity : str
        Name in ``lunarscale.quantities.QUANTITIES``.
    model : str
    values : ndarray of float32, (row, col)
        Simple cylindrical, row 0 north; NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    curves : tuple of HistogramCurve
        The whole first.
    marks : Marks
        Modes.
    """

    quantity: str
    model: str
    values: NDArray[np.float32]
    bounds: Bounds
    curves: tuple[HistogramCurve, ...]
    marks: Marks

    @property
    def title(self) -> str:
        """Quantity and model, for people."""
        return f"{pretty_name(self.quantity)}: {QUANTITIES[self.quantity].long_name}, {self.model}"

    @property
    def units(self) -> str:
        """The quantity's."""
        return QUANTITIES[self.quantity].units

    @property
    def colours(self) -> ScalarMappable:
        """Palette and the range of the middle 98 % of the area."""
        limits = colour_range(self.values, self.bounds) or (0.0, 1.0)
        return ScalarMappable(Normalize(*limits), palette_of(self.quantity))


@dataclass(frozen=True)
class FigureText:
    """What stands over a figure and below it.

    Parameters
    ----------
    name : str
        Of its files and its place on the page.
    title, line, caption : str
    """

    name: str
    title: str
    line: str
    caption: str


def draw_with_poles(
    maps: Sequence[GlobalMap], text: FigureText, *, folder: Path, simulated: bool
) -> Illustration:
    """Maps one below the other, each with both polar insets and its histogram; PNG and SVG.

    Parameters
    ----------
    maps : sequence of GlobalMap
    text : FigureText
    folder : Path
        Where the files go; it must exist.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    width = _LEFT + _MAP[0] + _GAP + 2 * _POLE + _BETWEEN + _RIGHT
    sheet = Sheet(width, _TOP + _PITCH * len(maps) - 0.45)
    sheet.head(text.title, (text.line,), left=_LEFT, simulated=simulated)
    right = _LEFT + _MAP[0] + _GAP
    for row, each in enumerate(maps):
        top = sheet.height - _TOP - _PITCH * row
        colours = each.colours
        _draw_map(sheet, each, colours, corner=(_LEFT, top - _MAP[1]), size=_MAP)
        poles: list[Pole] = [p for p in ("north", "south") if covers_pole(each.bounds, p)]
        for place, pole in enumerate(poles):
            left = right + place * (_POLE + _BETWEEN)
            title = title_of(each.bounds, pole)
            sheet.write(left + _POLE / 2, top + 0.28, title, ha="center", fontsize=TEXT_PT - 1)
            panel = sheet.panel(left, top - _POLE, width=_POLE, height=_POLE)
            draw_pole(panel, colours, values=each.values, bounds=each.bounds, pole=pole)
        height = 1.2 if poles else 2.6
        axes = sheet.panel(right, top - _MAP[1] - 0.2, width=2 * _POLE + _BETWEEN, height=height)
        draw_histogram_panel(
            axes, each.curves, name=each.quantity, units=each.units, marks=each.marks
        )
    return _save(sheet, text, maps, folder)


def draw_two_columns(
    maps: Sequence[GlobalMap], text: FigureText, *, folder: Path, simulated: bool
) -> Illustration:
    """Maps in two columns, each with its histogram below; PNG and SVG.

    Parameters
    ----------
    maps : sequence of GlobalMap
    text : FigureText
    folder : Path
        Where the files go; it must exist.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    across, down = _TWO_PITCH
    rows = -(-len(maps) // 2)
    sheet = Sheet(_LEFT + 2 * across - 0.6 + _RIGHT, _TOP + down * rows)
    sheet.head(text.title, (text.line,), left=_LEFT, simulated=simulated)
    for place, each in enumerate(maps):
        left = _LEFT + (place % 2) * across
        top = sheet.height - _TOP - (place // 2) * down
        _draw_map(sheet, each, each.colours, corner=(left, top - _TWO_MAP[1]), size=_TWO_MAP)
        bottom = top - _TWO_MAP[1] - 0.78 - _TWO_HISTOGRAM
        axes = sheet.panel(left, bottom, width=_TWO_MAP[0], height=_TWO_HISTOGRAM)
        draw_histogram_panel(
            axes, each.curves, name=each.quantity, units=each.units, marks=each.marks
        )
    return _save(sheet, text, maps, folder)


def _draw_map(
    sheet: Sheet,
    each: GlobalMap,
    colours: ScalarMappable,
    *,
    corner: tuple[float, float],
    size: tuple[float, float],
) -> None:
    left, bottom = corner
    axes = sheet.panel(left, bottom, width=size[0], height=size[1])
    draw_small_map(axes, each.values, each.bounds, shown=colours, latitudes=True)
    axes.set_title(each.title, fontsize=TEXT_PT + 1, loc="left", parse_math=False)
    bar = sheet.panel(left + 0.5, bottom - 0.36, width=size[0] - 1.1, height=0.1)
    draw_small_bar(sheet, bar, colours, units=each.units, both=True)


def _save(sheet: Sheet, text: FigureText, maps: Sequence[GlobalMap], folder: Path) -> Illustration:
    path = folder / f"{text.name}.png"
    size, vector = sheet.save(path, title=text.title)
    alt = "Global maps and histograms of " + ", ".join(pretty_name(each.quantity) for each in maps)
    return Illustration(path, text.name, text.caption, alt, *size, vector)
