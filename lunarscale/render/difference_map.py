"""The difference of two maps: a diverging palette about zero, graticule, both poles, figures."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cmcrameri import cm
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from lunarscale.render.figure import (
    FAINT,
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.graticule import draw_graticule, frame_of, map_inches
from lunarscale.render.labels import round_number
from lunarscale.render.palettes import NO_DATA_COLOUR
from lunarscale.render.poles import Bounds, Pole, covers_pole, draw_pole, title_of
from lunarscale.render.ranges import area_quantiles, row_cosines

#: Share of the area whose differences have colours of their own.
_MIDDLE = 0.99

#: Inches: width of the figure, margins, the largest map in it, and the strips below.
_WIDTH, _LEFT, _RIGHT, _TOP = 10.0, 0.62, 0.42, 0.98
_MAP_WIDTH, _MAP_HEIGHT, _FOOT, _STRIP, _POLE_STRIP = _WIDTH - _LEFT - _RIGHT, 6.4, 0.5, 1.9, 3.1

#: Inches: a polar panel, and from one to the next.
_POLE, _POLE_PITCH = 2.4, 3.15

#: Letters that a line below the title holds.
_LETTERS = 150


@dataclass(frozen=True)
class DifferencePicture:
    """A difference, ready to be drawn.

    Parameters
    ----------
    name : str
        Of the illustration.
    title : str
    lines : sequence of str
        Below the title.
    label : str
        What the colours show, with units.
    values : ndarray of float32, (row, col)
        Simple cylindrical, row 0 north; area means, NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    figures : sequence of (str, str)
        Name and value of what is told beside the colours.
    """

    name: str
    title: str
    lines: Sequence[str]
    label: str
    values: NDArray[np.float32]
    bounds: Bounds
    figures: Sequence[tuple[str, str]]

    @property
    def frame(self) -> Bounds:
        """The bounds without what lies past a pole or the full turn."""
        return frame_of(self.bounds)


def difference_colours(values: NDArray[np.float32], bounds: Bounds) -> ScalarMappable:
    """Blue below zero, red above, as far either way as the middle 99 % of the area needs."""
    weights = row_cosines(bounds, values.shape[0])
    spread = area_quantiles(np.abs(values), weights, (_MIDDLE,))
    reach = spread[0] if spread and spread[0] > 0 else _largest(values)
    step = 10.0 ** math.floor(math.log10(reach) - 1.0)
    reach = math.ceil(reach / step - 1e-5) * step  # values are float32
    return ScalarMappable(Normalize(-reach, reach), cm.vik.with_extremes(bad=NO_DATA_COLOUR))


def _largest(values: NDArray[np.float32]) -> float:
    """The largest size of a value, where most of the area is zero; 1 where all is."""
    finite = np.abs(values[np.isfinite(values)])
    most = float(finite.max()) if finite.size else 0.0
    return most if most > 0 else 1.0


def draw_difference_map(
    picture: DifferencePicture, *, path: Path, simulated: bool = False
) -> Illustration:
    """Draw a difference as PNG.

    Parameters
    ----------
    picture : DifferencePicture
    path : Path
        PNG to write; its folder must exist.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    poles: list[Pole] = [p for p in ("north", "south") if covers_pole(picture.bounds, p)]
    told = [part for line in picture.lines for part in textwrap.wrap(line, _LETTERS)]
    width, height = map_inches(picture.frame, (_MAP_WIDTH, _MAP_HEIGHT))
    strip = max(_POLE_STRIP if poles else _STRIP, 1.45 + 0.17 * len(picture.figures))
    head = _TOP + 0.17 * max(len(told) - 1, 0)
    sheet = Sheet(_WIDTH, head + height + _FOOT + strip)
    colours = difference_colours(picture.values, picture.bounds)
    sheet.head(picture.title, told, left=_LEFT, simulated=simulated)
    left = _LEFT + (_MAP_WIDTH - width) / 2.0
    axes = sheet.panel(left, strip + _FOOT, width=width, height=height)
    west, south, east, north = picture.bounds
    axes.imshow(
        np.ma.masked_invalid(picture.values),
        extent=(west, east, south, north),
        aspect="auto",
        norm=Normalize(*colours.get_clim()),
        cmap=colours.cmap,
        interpolation="antialiased",
        interpolation_stage="rgba",
    )
    draw_graticule(axes, picture.frame, inches=(width, height))
    axes.grid(color=FAINT, linewidth=0.4, alpha=0.35)  # white would not show about zero
    axes.set_xlim(picture.frame[0], picture.frame[2])
    axes.set_ylim(picture.frame[1], picture.frame[3])
    bare_ticks(axes)
    for place, pole in enumerate(poles):
        start = _LEFT + 0.12 + place * _POLE_PITCH
        centre = start + _POLE / 2.0
        sheet.write(centre, strip - 0.05, title_of(picture.bounds, pole), ha="center", va="top")
        panel = sheet.panel(start, 0.32, width=_POLE, height=_POLE)
        draw_pole(panel, colours, values=picture.values, bounds=picture.bounds, pole=pole)
    _draw_legend(sheet, picture, colours, corner=(_LEFT + _POLE_PITCH * len(poles), strip - 0.2))
    size = sheet.save_png(path, title=picture.title)
    caption = f"{picture.title}. {' '.join(picture.lines)} Grey: no value in one of the maps."
    return Illustration(path, picture.name, caption, f"Map of {picture.label}", *size)


def _draw_legend(
    sheet: Sheet, picture: DifferencePicture, colours: ScalarMappable, *,
    corner: tuple[float, float],
) -> None:  # fmt: skip
    """The colour bar, the figures and the swatch of no value below it."""
    left, top = corner
    room = min(_WIDTH - _RIGHT - left, 3.4)
    axes = sheet.panel(left, top - 0.15, width=room, height=0.15)
    bar = sheet.figure.colorbar(
        colours, cax=axes, orientation="horizontal", extend="both", extendfrac=0.04,
        ticks=MaxNLocator(6),
    )  # fmt: skip
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: round_number(value)))
    bar.outline.set_linewidth(0.6)
    bar.set_label(picture.label, fontsize=TEXT_PT, parse_math=False)
    bar.ax.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5)
    y = top - 0.75
    for name, value in picture.figures:
        sheet.write(left, y, name, va="top", color=FAINT)
        sheet.write(left + room, y, value, va="top", ha="right")
        y -= 0.17
    swatch = sheet.panel(left, y - 0.17, width=0.22, height=0.12)
    swatch.set_axis_off()
    swatch.add_patch(
        Rectangle((0, 0), 1, 1, transform=swatch.transAxes, fc=NO_DATA_COLOUR, ec=INK, lw=0.6)
    )
    sheet.write(left + 0.3, y - 0.11, "no value in one of the maps", va="center", fontsize=SMALL_PT)
