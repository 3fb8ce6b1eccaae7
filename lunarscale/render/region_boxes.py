"""Box plots by region: both maps side by side, and their difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lunarscale.render.density_panel import OLS_COLOUR, RMA_COLOUR
from lunarscale.render.difference_plots import Heading, write_heading
from lunarscale.render.figure import FAINT, INK, TEXT_PT, Illustration, Sheet, bare_ticks

#: Inches: a region's height, the panels, the labels left of them, and margins.
_PITCH, _MAPS, _DIFFERENCE, _LABELS, _GAP = 0.3, 4.1, 2.9, 1.95, 0.35
_TOP, _BOTTOM, _RIGHT = 1.25, 0.85, 0.3

#: Colours of the first map, the second, and the difference.
FIRST_COLOUR, SECOND_COLOUR, DIFFERENCE_COLOUR = OLS_COLOUR, RMA_COLOUR, "#5a5a5a"


@dataclass(frozen=True)
class BoxFigures:
    """A box plot's figures: whiskers to the last values within 1.5 box widths (Tukey 1977)."""

    low: float
    p25: float
    median: float
    p75: float
    high: float


@dataclass(frozen=True)
class RegionBoxes:
    """The box plots of one region: of the first map, the second, and their difference."""

    region: str
    first: BoxFigures
    second: BoxFigures
    difference: BoxFigures


def draw_region_boxes(
    regions: Sequence[RegionBoxes],
    *,
    heading: Heading,
    labels: tuple[str, str],
    titles: tuple[str, str],
    path: Path,
    simulated: bool = False,
) -> Illustration:
    """Draw both maps' and the difference's box plots, a region a line; PNG and SVG.

    Parameters
    ----------
    regions : sequence of RegionBoxes
        From the top down.
    heading : Heading
    labels : (str, str)
        Of the values and of the differences, with units.
    titles : (str, str)
        What the maps are called.
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    height = max(len(regions), 2) * _PITCH
    width = _LABELS + _MAPS + _GAP + _DIFFERENCE + _RIGHT
    sheet = Sheet(width, _TOP + height + _BOTTOM)
    write_heading(sheet, heading, simulated=simulated)
    maps = sheet.panel(_LABELS, _BOTTOM, width=_MAPS, height=height)
    apart = sheet.panel(_LABELS + _MAPS + _GAP, _BOTTOM, width=_DIFFERENCE, height=height)
    for line, boxes in enumerate(regions):
        _draw_box(maps, boxes.first, line - 0.17, height=0.26, colour=FIRST_COLOUR)
        _draw_box(maps, boxes.second, line + 0.17, height=0.26, colour=SECOND_COLOUR)
        _draw_box(apart, boxes.difference, line, height=0.36, colour=DIFFERENCE_COLOUR)
    apart.axvline(0.0, color=INK, linewidth=0.7, zorder=0)
    for axes, label in ((maps, labels[0]), (apart, labels[1])):
        axes.set_ylim(len(regions) - 0.5, -0.5)
        axes.autoscale(axis="x")
        axes.margins(x=0.03)
        axes.set_yticks(range(len(regions)), [boxes.region for boxes in regions], parse_math=False)
        axes.grid(axis="x", color="#e0e0e0", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlabel(label, fontsize=TEXT_PT, parse_math=False)
        bare_ticks(axes)
        axes.tick_params(axis="y", length=0.0)
    apart.tick_params(labelleft=False)
    for place, (title, colour) in enumerate(
        zip(titles, (FIRST_COLOUR, SECOND_COLOUR), strict=True)
    ):
        sheet.write(_LABELS + place * _MAPS / 2, 0.2, f"■ {title}", color=colour, fontweight="bold")
    sheet.write(_LABELS + _MAPS + _GAP, 0.2, f"■ {titles[0]} less {titles[1]}", color=FAINT)
    size, vector = sheet.save(path, title=heading.title)
    caption = (
        f"{heading.title}: {heading.line}. Box: the middle half of the area; line: the median; "
        "whiskers: the last values within 1.5 times the box."
    )
    return Illustration(path, heading.name, caption, heading.title, *size, vector)


def _draw_box(axes: Axes, box: BoxFigures, y: float, *, height: float, colour: str) -> None:
    axes.hlines(y, box.low, box.high, color=colour, linewidth=0.8)
    ends = [box.low, box.high]
    axes.vlines(ends, y - height / 4, y + height / 4, color=colour, linewidth=0.8)
    axes.add_patch(
        Rectangle(
            (box.p25, y - height / 2), box.p75 - box.p25, height, facecolor="white",
            edgecolor=colour, linewidth=1.0, zorder=2,
        )
    )  # fmt: skip
    axes.vlines(box.median, y - height / 2, y + height / 2, color=colour, linewidth=2.0, zorder=3)
