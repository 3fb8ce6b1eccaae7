"""The map of a screened polar cap: FeO beside what is like the maria and what passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from lunarscale.grid.cells import BandedCells
from lunarscale.grid.projections import inverse_polar_stereographic, polar_stereographic
from lunarscale.moon import RADIUS_M
from lunarscale.render.figure import (
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
)
from lunarscale.render.palettes import NO_DATA_COLOUR, palette_of
from lunarscale.render.placing import Cost, Place, place_labels
from lunarscale.render.poles import Pole, draw_polar_graticule

#: What a cell is, in the order of their numbers: no value, a value, like the maria, passing too.
NO_VALUE, VALUE, OVERLAP, CANDIDATE = range(4)

#: Their colours: grey, paper, and two of Okabe & Ito 2008 that part in lightness too.
COLOURS = (NO_DATA_COLOUR, (0.965, 0.96, 0.945), to_rgb("#56b4e9"), to_rgb("#b34700"))

#: Inches: a panel, the room between and around panels, the head and the foot.
_PANEL, _GAP, _LEFT, _RIGHT, _TOP, _FOOT = 4.7, 0.85, 0.6, 0.6, 1.5, 1.45

#: Inches: width of both panels, and their height with what stands above and below them.
CAP_WIDTH = _LEFT + 2 * _PANEL + _GAP + _RIGHT
CAP_HEIGHT = _FOOT + _PANEL + 0.5

_HEADINGS = ("FeO", "Like the maria, and what passes")

#: Pixels across a panel, and places of each that are looked up along both axes.
_PX, _SAMPLES = 1000, 2


@dataclass(frozen=True)
class Marked:
    """A named circle on the map: degrees, and kilometres across."""

    name: str
    lon: float
    lat: float
    diameter_km: float


@dataclass(frozen=True, eq=False)
class ScreenMap:
    """What became of every cell of a cap.

    Parameters
    ----------
    title : str
    lines : tuple of str
        Below the title.
    pole : {"north", "south"}
    latitude_deg : float
        Of the cap's edge, from the equator.
    cells : BandedCells
        Of the cap.
    feo_wt_pct : ndarray of float32, (cell,)
        NaN where there is no value.
    kinds : ndarray of uint8, (cell,)
        ``NO_VALUE``, ``VALUE``, ``OVERLAP`` or ``CANDIDATE``.
    labels : (str, str)
        What the two colours stand for, overlap first.
    places : sequence of Marked
        Circles to draw and name, the most important first.
    """

    title: str
    lines: tuple[str, ...]
    pole: Pole
    latitude_deg: float
    cells: BandedCells
    feo_wt_pct: NDArray[np.float32]
    kinds: NDArray[np.uint8]
    labels: tuple[str, str]
    places: Sequence[Marked] = ()

    @property
    def rim_m(self) -> float:
        """Distance of the cap's edge from the pole on the projection plane, in metres."""
        x, _ = polar_stereographic(90.0, self._sign * self.latitude_deg, pole=self.pole)
        return float(x)

    @property
    def _sign(self) -> float:
        return 1.0 if self.pole == "north" else -1.0

    @property
    def rim_lat(self) -> float:
        """Latitude of the cap's edge in degrees north."""
        return self._sign * self.latitude_deg

    def cells_of_panel(self) -> NDArray[np.int64]:
        """Cell at every place that is looked up, -1 outside the cap; row 0 at the largest y."""
        fine = _PX * _SAMPLES
        along = ((np.arange(fine) + 0.5) / fine * 2.0 - 1.0) * self.rim_m
        lon, lat = inverse_polar_stereographic(along[None, :], -along[:, None], pole=self.pole)
        numbers = self.cells.numbers_at(lon, lat)
        return np.where(self._sign * lat >= self.latitude_deg, numbers, -1)


def draw_screen_map(picture: ScreenMap, *, path: Path, simulated: bool = False) -> Illustration:
    """Draw both panels as PNG.

    Parameters
    ----------
    picture : ScreenMap
    path : Path
        PNG to write; its folder must exist.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(CAP_WIDTH, _FOOT + _PANEL + _TOP)
    sheet.head(picture.title, picture.lines, left=_LEFT, simulated=simulated)
    left_out = draw_cap(sheet, picture)
    size = sheet.save_png(path, title=picture.title)
    caption = (
        f"{picture.title}. Left: FeO at the centres of the cells. Right: {picture.labels[0]}; "
        f"{picture.labels[1]}. Grey: no value. Circles: named features.{without_labels(left_out)}"
    )
    alt = f"Polar stereographic maps about the {picture.pole} pole: FeO, and the cells that pass"
    return Illustration(path, "screen_pole", caption, alt, *size)


def draw_cap(sheet: Sheet, picture: ScreenMap, *, bottom: float = 0.0) -> list[str]:
    """Draw both maps with their bar and legend, ``CAP_HEIGHT`` high from ``bottom`` inches.

    Returns
    -------
    list of str
        Places that found no room for a label.
    """
    numbers = picture.cells_of_panel()
    panels = [
        sheet.panel(_LEFT + place * (_PANEL + _GAP), bottom + _FOOT, width=_PANEL, height=_PANEL)
        for place in range(2)
    ]
    colours = _feo_colours(picture)
    values = np.append(picture.feo_wt_pct, np.float32(np.nan))
    paint = colours.to_rgba(np.ma.masked_invalid(values))[:, :3]
    _paint(panels[0], picture, numbers=numbers, paint=paint)
    _paint(panels[1], picture, numbers=numbers, paint=np.array(COLOURS)[_kinds(picture)])
    _rule(panels[0], picture)
    labels = _rule(panels[1], picture, colour=INK, alpha=0.3)
    places = [Place(place.name, *on_plane(place, picture.pole)) for place in picture.places]
    cost = _covered(picture, numbers, places)
    left_out = place_labels(panels[1], places, obstacles=labels, cost=cost)
    for place, words in enumerate(_HEADINGS):
        middle = _LEFT + place * (_PANEL + _GAP) + _PANEL / 2
        above = bottom + _FOOT + _PANEL + 0.32
        sheet.write(middle, above, words, ha="center", va="top", fontweight="bold")
    _feo_bar(sheet, colours, bottom=bottom)
    _legend(sheet, picture, bottom=bottom)
    return left_out


def without_labels(left_out: Sequence[str]) -> str:
    """A caption's sentence on places whose names found no room; none where all did."""
    return f" Without a label, for want of room: {', '.join(left_out)}." if left_out else ""


def _kinds(picture: ScreenMap) -> NDArray[np.uint8]:
    """Kinds of the cells and, at the end, of places without one."""
    return np.append(picture.kinds, np.uint8(NO_VALUE))


def _feo_colours(picture: ScreenMap) -> ScalarMappable:
    """The palette over the middle 99 % of the cells."""
    values = picture.feo_wt_pct[np.isfinite(picture.feo_wt_pct)]
    low, high = np.percentile(values, (0.5, 99.5)) if values.size else (0.0, 1.0)
    low, high = np.floor(low), max(np.ceil(high), np.floor(low) + 1.0)
    return ScalarMappable(Normalize(float(low), float(high)), palette_of("FeO"))


def _paint(
    axes: Axes, picture: ScreenMap, *, numbers: NDArray[np.int64], paint: NDArray[np.float64]
) -> None:
    """Paint every pixel with the mean colour of its places, and cut the disc out."""
    rim = picture.rim_m
    blocks = (_PX, _SAMPLES, _PX, _SAMPLES)
    image = np.stack(
        [paint[numbers, part].reshape(blocks).mean(axis=(1, 3)) for part in range(3)], axis=-1
    )
    shown = axes.imshow(image, extent=(-rim, rim, -rim, rim), interpolation="antialiased")
    disc = Circle((0.0, 0.0), rim, transform=axes.transData, facecolor="none", edgecolor=INK)
    disc.set_linewidth(0.8)
    axes.add_patch(disc)
    shown.set_clip_path(disc)
    axes.set_axis_off()
    axes.set_xlim(-1.01 * rim, 1.01 * rim)
    axes.set_ylim(-1.01 * rim, 1.01 * rim)


def _rule(
    axes: Axes, picture: ScreenMap, *, colour: str = "white", alpha: float = 0.65
) -> list[Text]:
    """Graticule and circles; returns the labels of the parallels."""
    disc = Circle((0.0, 0.0), picture.rim_m, transform=axes.transData)
    for place in picture.places:
        # a circle on the sphere is a circle on the stereographic plane
        x, y, radius = on_plane(place, picture.pole)
        outline = Circle((x, y), radius, facecolor="none", edgecolor=colour, linewidth=0.7)
        axes.add_patch(outline)
        outline.set_clip_path(disc)
    return draw_polar_graticule(axes, picture.rim_lat, picture.pole, colour=colour, alpha=alpha)


def _covered(picture: ScreenMap, numbers: NDArray[np.int64], places: Sequence[Place]) -> Cost:
    """Counts, for a label's rectangle, pixels under it: cells that pass, circles, no map."""
    rim = picture.rim_m
    step = 2.0 * rim / _PX
    cells = _kinds(picture)[numbers[::_SAMPLES, ::_SAMPLES]]
    along = (np.arange(_PX) + 0.5) * step - rim
    outside = np.hypot(along[None, :], along[:, None]) > rim
    full = (cells == CANDIDATE) | outside
    for place in places:
        away = np.hypot(along[None, :] - place.x, -along[:, None] - place.y)
        full |= np.abs(away - place.radius) < 1.5 * step

    def cost(x0: float, x1: float, y0: float, y1: float) -> float:
        cols = slice(max(int((x0 + rim) / step), 0), max(int((x1 + rim) / step), 0))
        rows = slice(max(int((rim - y1) / step), 0), max(int((rim - y0) / step), 0))
        return float(full[rows, cols].sum())

    return cost


def on_plane(place: Marked, pole: Pole) -> tuple[float, float, float]:
    """Centre and radius in metres of a circle's image (Snyder 1987, section 21)."""
    sign = 1.0 if pole == "north" else -1.0
    half = np.degrees(place.diameter_km * 500.0 / RADIUS_M)
    # along the meridian through its centre the circle begins and ends at these latitudes; past
    # the pole the formula goes on along the opposite meridian
    ends = sign * (sign * place.lat + np.array([half, -half]))
    x, y = polar_stereographic(np.full(2, place.lon), ends, pole=pole)
    middle = float(x.mean()), float(y.mean())
    return *middle, float(np.hypot(x[1] - x[0], y[1] - y[0]) / 2.0)


def _feo_bar(sheet: Sheet, colours: ScalarMappable, *, bottom: float) -> None:
    room = sheet.panel(_LEFT + 0.6, bottom + 0.62, width=_PANEL - 1.2, height=0.14)
    bar = sheet.figure.colorbar(colours, cax=room, orientation="horizontal", extend="both")
    bar.outline.set_linewidth(0.6)
    bar.set_label("FeO (wt %)", fontsize=TEXT_PT, parse_math=False)
    bar.ax.tick_params(labelsize=SMALL_PT, width=0.6, length=2.5)


def _legend(sheet: Sheet, picture: ScreenMap, *, bottom: float) -> None:
    left, y = _LEFT + _PANEL + _GAP + 0.2, bottom + 0.88
    words = (
        (OVERLAP, picture.labels[0]),
        (CANDIDATE, picture.labels[1]),
        (VALUE, "other cells with values"),
        (NO_VALUE, "no value"),
    )
    for row, (kind, text) in enumerate(words):
        at = y - 0.2 * row
        swatch = sheet.panel(left, at - 0.06, width=0.24, height=0.12)
        swatch.set_axis_off()
        box = Rectangle((0.0, 0.0), 1.0, 1.0, transform=swatch.transAxes, fc=COLOURS[kind])
        box.set(edgecolor=INK, linewidth=0.6)
        swatch.add_patch(box)
        sheet.write(left + 0.34, at, text, va="center", fontsize=SMALL_PT)
