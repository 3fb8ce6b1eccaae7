"""The map of a mask: which share of the ground meets a criterion, and where the maria lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid
from lunarscale.render.figure import (
    FAINT,
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.graticule import draw_graticule, frame_of
from lunarscale.render.palettes import NO_DATA_COLOUR
from lunarscale.render.poles import Bounds, Pole, covers_pole, draw_pole, title_of

#: Inches: width of the figure, its margins, the strip below the map, and a polar panel.
_WIDTH, _LEFT, _RIGHT, _TOP, _STRIP, _POLE = 10.0, 0.62, 0.42, 1.0, 3.75, 2.5
_MAP_WIDTH, _MOST_HEIGHT = _WIDTH - _LEFT - _RIGHT, 6.0

#: Columns at which the maria are outlined.
_OUTLINE_COLUMNS = 1080

#: Lines of the maria's outlines and of the limb.
_SHORE = "#3b3b3b"


@dataclass(frozen=True)
class ShareMap:
    """A mask reduced to look at, with the shares of the groups.

    Parameters
    ----------
    title : str
    values : ndarray of float32, (row, col)
        Share of each pixel's area that meets the criterion, 0-1; NaN where none has values.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    lines : tuple of str
        Below the title: the criterion, model and outlines in words.
    outlines : Grouping
        Its first group, the maria, is outlined.
    shares : mapping of str to float or None
        Share of each group that meets the criterion.
    """

    title: str
    values: NDArray[np.float32]
    bounds: Bounds
    lines: tuple[str, ...]
    outlines: Grouping
    shares: Mapping[str, float | None]

    @property
    def frame(self) -> Bounds:
        """The bounds without what lies past the pole or the full turn."""
        return frame_of(self.bounds)


def draw_share_map(picture: ShareMap, *, path: Path, simulated: bool = False) -> Illustration:
    """Draw a mask as PNG: cylindrical, both poles, and the groups' shares in words.

    Parameters
    ----------
    picture : ShareMap
    path : Path
        PNG to write; its folder must exist.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    west, south, east, north = picture.frame
    height = min(_MAP_WIDTH * (north - south) / (east - west), _MOST_HEIGHT)
    width = height * (east - west) / (north - south)
    sheet = Sheet(_WIDTH, _TOP + height + _STRIP)
    # the least share is still told from none: paper white ends where the colours begin
    colours = ScalarMappable(Normalize(0.0, 1.0), cm.lapaz_r.with_extremes(bad=NO_DATA_COLOUR))
    sheet.head(picture.title, picture.lines, left=_LEFT, simulated=simulated)
    axes = sheet.panel(_LEFT + (_MAP_WIDTH - width) / 2, _STRIP, width=width, height=height)
    _draw_map(axes, picture, colours=colours, inches=(width, height))
    start = _draw_poles(sheet, picture, colours)
    _write_shares(sheet, picture, colours=colours, left=start)
    size = sheet.save_png(path, title=picture.title)
    words = "; ".join(f"{group} {_percent(share)}" for group, share in picture.shares.items())
    caption = f"{picture.title}: {picture.lines[0]}. Share of the area: {words}. Grey: no value."
    return Illustration(path, "anorthosite", caption, f"Map of {picture.title.lower()}", *size)


def _draw_map(
    axes: Axes, picture: ShareMap, *, colours: ScalarMappable, inches: tuple[float, float]
) -> None:
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
    draw_graticule(axes, picture.frame, inches=inches)
    _outline(axes, picture)
    west, south, east, north = picture.frame
    for limb in (-90.0, 90.0, 270.0):
        if west < limb < east:
            axes.axvline(limb, color=_SHORE, linewidth=0.9, dashes=(5, 3))
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    bare_ticks(axes)


def _outline(axes: Axes, picture: ShareMap) -> None:
    """The maria's shores, where there are any in the frame."""
    west, south, east, north = picture.frame
    grid = RasterGrid.whole(_OUTLINE_COLUMNS / (east - west)).crop(west, south, east, north)
    inside = picture.outlines.numbers(grid, grid.window) == 1
    if inside.any() and not inside.all():
        axes.contour(
            grid.lons(), grid.lats(), inside.astype(np.float32), levels=[0.5], colors=_SHORE,
            linewidths=0.6,
        )  # fmt: skip


def _draw_poles(sheet: Sheet, picture: ShareMap, colours: ScalarMappable) -> float:
    """The poles that the map reaches; returns where they end, in inches."""
    poles: list[Pole] = [p for p in ("north", "south") if covers_pole(picture.bounds, p)]
    left = _LEFT + 0.12
    for pole in poles:
        title = title_of(picture.bounds, pole)
        sheet.write(left + _POLE / 2, _STRIP - 0.5, title, ha="center", va="top")
        panel = sheet.panel(left, 0.42, width=_POLE, height=_POLE)
        draw_pole(panel, colours, values=picture.values, bounds=picture.bounds, pole=pole)
        left += _POLE + 0.75
    return left


def _write_shares(sheet: Sheet, picture: ShareMap, *, colours: ScalarMappable, left: float) -> None:
    width = _WIDTH - _RIGHT - left
    bar = sheet.figure.colorbar(
        colours,
        cax=sheet.panel(left, _STRIP - 0.75, width=min(width, 2.9), height=0.15),
        orientation="horizontal",
    )
    bar.outline.set_linewidth(0.6)
    bar.set_label("share of a pixel's area that meets it", fontsize=TEXT_PT)
    bar.ax.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5)
    y = _STRIP - 1.5
    sheet.write(left, y, "Share of each group's area with values", va="top", fontweight="bold")
    for number, (group, share) in enumerate(picture.shares.items()):
        line = y - 0.22 - 0.18 * number
        sheet.write(left, line, group, va="top")
        sheet.write(left + 2.2, line, _percent(share), va="top", ha="right")
    y -= 0.22 + 0.18 * len(picture.shares) + 0.12
    swatch = sheet.panel(left, y - 0.12, width=0.22, height=0.12)
    swatch.set_axis_off()
    box = Rectangle(
        (0.0, 0.0), 1.0, 1.0, transform=swatch.transAxes, fc=NO_DATA_COLOUR, ec=INK, lw=0.6
    )
    swatch.add_patch(box)
    sheet.write(left + 0.3, y - 0.06, "no value", va="center", fontsize=SMALL_PT)
    words = "Lines: maria.\nDashed: the limb between the sides."
    sheet.write(left, y - 0.25, words, va="top", color=FAINT, fontsize=SMALL_PT)


def _percent(share: float | None) -> str:
    return "no values" if share is None else f"{100 * share:.2f} %"
