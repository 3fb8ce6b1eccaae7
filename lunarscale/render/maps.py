"""The figure of one map: simple cylindrical, both poles, colour bar, range in words."""

import math
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
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
from lunarscale.render.graticule import (
    KM_PER_DEG,
    draw_graticule,
    frame_of,
    map_inches,
    scale_bar_km,
    true_parallel,
)
from lunarscale.render.labels import (
    degrees_east,
    degrees_north,
    digits_of,
    number,
    pretty_name,
    round_number,
    with_units,
)
from lunarscale.render.palettes import NO_DATA_COLOUR, palette_of, quantity_of
from lunarscale.render.poles import Pole, covers_pole, draw_pole, title_of
from lunarscale.render.ranges import colour_range


@dataclass(frozen=True)
class MapPicture:
    """An overview of one layer, ready to be drawn.

    Parameters
    ----------
    name : str
        Layer, ``FeO`` or ``FeO_lucey_2000``.
    long_name, units : str
        As ``lunarscale.quantities`` has them.
    values : ndarray of float32, (row, col)
        Simple cylindrical, row 0 north, at most about 2000 columns; area means of the layer's
        pixels, NaN where none has a value.
    bounds : tuple of float
        West, south, east and north edge in degrees; east exceeds 180 past the seam. Where the
        last row or column stands for less than its size, they go on past the pole or the
        full turn.
    model, formula, source : str
        Which model made it, how, and where that is published.
    valid_min, valid_max : float
        Extremes of the full map, not of the overview; NaN where it has no value at all.
    """

    name: str
    long_name: str
    units: str
    values: NDArray[np.float32]
    bounds: tuple[float, float, float, float]
    model: str
    formula: str
    source: str
    valid_min: float
    valid_max: float

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """The bounds without what lies past the pole or the full turn."""
        return frame_of(self.bounds)


#: Inches: width of a figure, its margins, the largest map in it, and the strip below the map.
_WIDTH, _LEFT, _RIGHT, _TOP = 10.0, 0.62, 0.42, 0.82
_MAP_WIDTH, _MAP_HEIGHT, _STRIP, _POLE_STRIP, _FOOT = _WIDTH - _LEFT - _RIGHT, 6.4, 1.35, 3.2, 0.7

#: Inches: a polar panel, and from one to the next.
_POLE, _POLE_PITCH = 2.5, 3.25


def draw_map(picture: MapPicture, *, path: Path, simulated: bool = False) -> Illustration:
    """Draw a map as PNG.

    Parameters
    ----------
    picture : MapPicture
    path : Path
        PNG to write; its folder must exist.
    simulated : bool
        Whether to mark the figure as simulated data.

    Returns
    -------
    Illustration
        The figure with its caption.
    """
    poles: list[Pole] = [p for p in ("north", "south") if covers_pole(picture.bounds, p)]
    width, height = map_inches(picture.frame, (_MAP_WIDTH, _MAP_HEIGHT))
    strip = _POLE_STRIP if poles else _STRIP
    sheet = Sheet(_WIDTH, _TOP + height + _FOOT + strip)
    limits = colour_range(picture.values, picture.bounds)
    colours = ScalarMappable(Normalize(*(limits or (0.0, 1.0))), palette_of(picture.name))

    _write_title(sheet, picture, simulated=simulated)
    left = _LEFT + (_MAP_WIDTH - width) / 2.0
    axes = sheet.panel(left, strip + _FOOT, width=width, height=height)
    _draw_cylindrical(axes, colours, picture=picture, inches=(width, height))
    _draw_scale_bar(sheet, picture.frame, left=left, bottom=strip + _FOOT - 0.45, width=width)
    for place, pole in enumerate(poles):
        start = _LEFT + 0.12 + place * _POLE_PITCH
        sheet.write(
            start + _POLE / 2.0, strip, title_of(picture.bounds, pole), ha="center", va="top"
        )
        panel = sheet.panel(start, 0.32, width=_POLE, height=_POLE)
        draw_pole(panel, colours, values=picture.values, bounds=picture.bounds, pole=pole)
    start = _LEFT + _POLE_PITCH * len(poles)
    if limits is not None:
        room = min(4.2, _WIDTH - _RIGHT - start)
        _draw_colour_bar(sheet, picture, colours=colours, box=(start, strip - 0.2, room))
    corner = (start, strip - 0.8) if poles else (start + 4.7, strip)
    _write_legend(sheet, picture, limits=limits, corner=corner)
    size = sheet.save_png(path, title=f"{picture.name}: {picture.long_name} ({picture.model})")
    return Illustration(path, picture.name, _caption(picture, limits), _alt(picture), *size)


def _write_title(sheet: Sheet, picture: MapPicture, *, simulated: bool) -> None:
    name = f"{pretty_name(picture.name)}: {picture.long_name}"
    parallel = true_parallel(picture.frame)
    projection = (
        "simple cylindrical projection"
        if parallel == 0.0
        else (f"equidistant cylindrical projection, true to scale at {degrees_north(parallel)}")
    )
    line = f"{picture.model} · {projection}"
    sheet.head(name, (line,), left=_LEFT, simulated=simulated)


def _draw_cylindrical(
    axes: Axes, colours: ScalarMappable, *, picture: MapPicture, inches: tuple[float, float]
) -> None:
    west, south, east, north = picture.bounds
    norm = Normalize(*colours.get_clim())
    axes.imshow(
        np.ma.masked_invalid(picture.values),
        extent=(west, east, south, north),
        aspect="auto",
        norm=norm,
        cmap=colours.cmap,
        interpolation="antialiased",
        interpolation_stage="rgba",
    )
    draw_graticule(axes, picture.frame, inches=inches)
    west, south, east, north = picture.frame
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    bare_ticks(axes)


def _draw_scale_bar(
    sheet: Sheet,
    bounds: tuple[float, float, float, float],
    *,
    left: float,
    bottom: float,
    width: float,
) -> None:
    west, _, east, _ = bounds
    parallel = true_parallel(bounds)
    km_per_inch = (east - west) * KM_PER_DEG * math.cos(math.radians(parallel)) / width
    length = scale_bar_km(1.6 * km_per_inch)
    inches = length / km_per_inch
    end = left + width
    bar = sheet.panel(end - inches, bottom, width=inches, height=0.05)
    bar.set_axis_off()
    bar.add_patch(_box(bar, 1.0, "white"))
    bar.add_patch(_box(bar, 0.5, "black"))
    where = "at the equator" if parallel == 0.0 else f"at {degrees_north(parallel)}"
    text = f"{round_number(length)} km {where}"
    sheet.write(
        end - inches - 0.08, bottom + 0.025, text, ha="right", va="center", fontsize=SMALL_PT
    )


def _box(axes: Axes, width: float, colour: str | tuple[float, float, float]) -> Rectangle:
    """A framed rectangle over the left part of bare axes."""
    place = axes.transAxes
    return Rectangle((0.0, 0.0), width, 1.0, transform=place, fc=colour, ec="black", lw=0.6)


def _write_legend(
    sheet: Sheet,
    picture: MapPicture,
    *,
    limits: tuple[float, float] | None,
    corner: tuple[float, float],
) -> None:
    left, y = corner
    letters = max(20, round((_WIDTH - _RIGHT - left) / 0.062))
    ranges = [(line, INK) for line in _range_in_words(picture, limits)]
    for text, ink in [*ranges, (picture.formula, FAINT), (picture.source, FAINT)]:
        for line in textwrap.wrap(text, letters, max_lines=5):
            sheet.write(left, y, line, va="top", color=ink, fontsize=SMALL_PT + 0.5)
            y -= 0.145
        y -= 0.05
    swatch = sheet.panel(left, y - 0.12, width=0.22, height=0.12)
    swatch.set_axis_off()
    swatch.add_patch(_box(swatch, 1.0, NO_DATA_COLOUR))
    sheet.write(left + 0.3, y - 0.06, "no value", va="center", fontsize=SMALL_PT + 0.5)


def _draw_colour_bar(
    sheet: Sheet, picture: MapPicture, *, colours: ScalarMappable, box: tuple[float, float, float]
) -> None:
    left, bottom, width = box
    low, high = colours.get_clim()
    ends = (picture.valid_min < low, picture.valid_max > high)
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}
    axes = sheet.panel(left, bottom, width=width, height=0.15)
    bar = sheet.figure.colorbar(
        colours,
        cax=axes,
        orientation="horizontal",
        extend=extend.get(ends, "neither"),
        extendfrac=0.04,
        ticks=MaxNLocator(6),
    )
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: round_number(value)))
    bar.outline.set_linewidth(0.6)
    label = with_units(pretty_name(quantity_of(picture.name)), picture.units, brackets=True)
    bar.set_label(label, fontsize=TEXT_PT, parse_math=False)
    bar.ax.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5)


def _range_in_words(picture: MapPicture, limits: tuple[float, float] | None) -> tuple[str, ...]:
    if limits is None:
        return ("No pixel of this map has a value.",)
    digits = digits_of(picture.name)
    if picture.valid_min == picture.valid_max:
        value = with_units(number(picture.valid_min, digits), picture.units)
        return (f"Every pixel that has a value has {value}.",)
    colours = " to ".join(round_number(value) for value in limits)
    full = " to ".join(number(v, digits) for v in (picture.valid_min, picture.valid_max))
    return (
        with_units(f"Colours: {colours}", picture.units)
        + " (middle 98\N{NO-BREAK SPACE}% of the area)",
        with_units(f"Full range: {full}", picture.units),
    )


def _caption(picture: MapPicture, limits: tuple[float, float] | None) -> str:
    words = ". ".join(_range_in_words(picture, limits)).rstrip(".")
    name = f"{pretty_name(picture.name)}, {picture.long_name}, after {picture.model}"
    return f"{name}. {words}. Grey: no value."


def _alt(picture: MapPicture) -> str:
    west, south, east, north = picture.frame
    across = (
        "around the Moon"
        if east - west >= 360.0
        else (f"{degrees_east(west)} to {degrees_east(east)}")
    )
    return f"Map of {picture.long_name}, {across}, {degrees_north(south)} to {degrees_north(north)}"
