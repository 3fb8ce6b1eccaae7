"""A figure of comparisons: for each, difference map, boxes by region, histogram, density."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.render.difference_panels import (
    Box,
    Density,
    DifferenceHistogram,
    difference_label,
    draw_boxes,
    draw_density,
    draw_difference_histogram,
    draw_difference_map,
)
from lunarscale.render.figure import FAINT, TEXT_PT, Illustration, Sheet
from lunarscale.render.global_maps import FigureText
from lunarscale.render.labels import pretty_name
from lunarscale.render.poles import Bounds

#: Inches: margins, the map, the boxes beside it, histogram and density below, from one comparison
#: to the next.
_TOP, _LEFT, _RIGHT = 1.05, 0.6, 0.35
_MAP, _BOXES, _NAMES = (6.0, 3.0), 3.3, 1.75
_HISTOGRAM, _DENSITY, _PITCH = (5.2, 2.15), 2.5, 7.15
_WIDTH = _LEFT + _MAP[0] + _NAMES + _BOXES + _RIGHT


@dataclass(frozen=True, eq=False)
class ComparisonPanels:
    """One comparison.

    Parameters
    ----------
    quantity : str
        Name in ``lunarscale.quantities.QUANTITIES``.
    title : str
        The first map less the second, for people.
    units : str
    values : ndarray of float32, (row, col)
        Differences, row 0 north; NaN where there is none.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    histogram : DifferenceHistogram
    density : Density
    boxes : tuple of Box
        The first on top.
    words : tuple of (str, str)
        Figures and what they are, printed beside the density.
    """

    quantity: str
    title: str
    units: str
    values: NDArray[np.float32]
    bounds: Bounds
    histogram: DifferenceHistogram
    density: Density
    boxes: tuple[Box, ...]
    words: tuple[tuple[str, str], ...]


def draw_comparisons(
    comparisons: Sequence[ComparisonPanels], text: FigureText, *, folder: Path, simulated: bool
) -> Illustration:
    """Draw comparisons one below the other as PNG and SVG.

    Parameters
    ----------
    comparisons : sequence of ComparisonPanels
    text : FigureText
    folder : Path
        Where the files go; it must exist.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_WIDTH, _TOP + _PITCH * len(comparisons) - 0.3)
    sheet.head(text.title, (text.line,), left=_LEFT, simulated=simulated)
    for row, each in enumerate(comparisons):
        _draw(sheet, each, top=sheet.height - _TOP - _PITCH * row)
    path = folder / f"{text.name}.png"
    size, vector = sheet.save(path, title=text.title)
    names = ", ".join(pretty_name(each.quantity) for each in comparisons)
    alt = f"Difference maps, histograms, densities and box plots by region of {names}"
    return Illustration(path, text.name, text.caption, alt, *size, vector)


def _draw(sheet: Sheet, each: ComparisonPanels, *, top: float) -> None:
    bottom = top - _MAP[1]
    draw_difference_map(
        sheet, each.values, each.bounds, units=each.units, box=(_LEFT, bottom, *_MAP),
        title=each.title,
    )  # fmt: skip
    name = pretty_name(each.quantity)
    label = difference_label(name, each.units)
    left = _LEFT + _MAP[0] + _NAMES
    boxes = sheet.panel(left, bottom - 0.1, width=_BOXES, height=_MAP[1] + 0.1)
    draw_boxes(boxes, each.boxes, label=label)
    low = bottom - 1.0 - _HISTOGRAM[1]
    histogram = sheet.panel(_LEFT, low, width=_HISTOGRAM[0], height=_HISTOGRAM[1])
    draw_difference_histogram(histogram, each.histogram, label=label, units=each.units)
    start = _LEFT + _HISTOGRAM[0] + 0.85
    density = sheet.panel(start, low - 0.2, width=_DENSITY, height=_DENSITY)
    draw_density(sheet, density, each.density)
    _write_words(sheet, each.words, left=start + _DENSITY + 1.0, top=low + _HISTOGRAM[1])


def _write_words(
    sheet: Sheet, words: Sequence[tuple[str, str]], *, left: float, top: float
) -> None:
    for place, (name, value) in enumerate(words):
        y = top - 0.2 * place
        sheet.write(left, y, name, va="top", color=FAINT, fontsize=TEXT_PT - 0.5)
        right = sheet.width - 0.25
        sheet.write(right, y, value, va="top", ha="right", fontsize=TEXT_PT - 0.5)
