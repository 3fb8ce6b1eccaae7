"""Two maps against each other: a population's density, samples, thresholds, margins."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lunarscale.render.figure import (
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)

#: Colours of the population, of the samples and of those that pass (Okabe & Ito 2008).
POPULATION, SAMPLES, PASSING = "#d55e00", "#3b6ea5", "#000000"

#: Shares of the population at which its density is drawn, beside the one that counts.
_SHARES = (0.5, 0.8, 0.99)

#: Share of either left out on each side of the axes, and least of the range kept free.
_TAIL, _ROOM = 0.0005, 0.04

#: Inches: the plot, its margins, the marginal plots and the gap to them, the foot.
_MAIN, _SIDE, _GAP, _LEFT, _FOOT, _TOP = 5.2, 1.3, 0.1, 0.75, 1.5, 0.95

#: Width of the samples' bar as a share of the plot's.
_BAR = 0.385

_WIDTH, _HEIGHT = _LEFT + _MAIN + _GAP + _SIDE + 0.6, _FOOT + _MAIN + _GAP + _SIDE + _TOP


@dataclass(frozen=True, eq=False)
class JointPlot:
    """What the plot shows; arrays are ``(bin of x, bin of y)`` between the edges.

    Parameters
    ----------
    title : str
    lines : tuple of str
        Below the title.
    labels : (str, str)
        Of the axes, with units.
    edges : (ndarray of float64, ndarray of float64)
        Of the bins, evenly spaced.
    population, samples, passing : ndarray
        Area of the population; number of samples, and of those that pass.
    held : ndarray of float64
        Share of the population in denser bins (``reduce.density.held_at``).
    names : (str, str, str)
        Of the population, the samples and those that pass.
    thresholds : (float, float)
        Of x and y.
    share : float
        Of the population within the region that counts.
    """

    title: str
    lines: tuple[str, ...]
    labels: tuple[str, str]
    edges: tuple[NDArray[np.float64], NDArray[np.float64]]
    population: NDArray[np.int64]
    samples: NDArray[np.int64]
    passing: NDArray[np.int64]
    held: NDArray[np.float64]
    names: tuple[str, str, str]
    thresholds: tuple[float, float]
    share: float

    def limits(self, axis: int) -> tuple[float, float]:
        """Values between which nearly all of both lies, and the threshold."""
        edges, ends = self.edges[axis], [self.thresholds[axis]]
        for areas in (self.population, self.samples):
            along = np.cumsum(areas.sum(axis=1 - axis, dtype=np.float64))
            if along[-1] > 0:
                first, last = np.searchsorted(along / along[-1], (_TAIL, 1.0 - _TAIL))
                ends += [float(edges[first]), float(edges[min(last, along.size - 1) + 1])]
        room = _ROOM * (max(ends) - min(ends)) or float(edges[1] - edges[0])
        return min(ends) - room, max(ends) + room


def draw_joint(picture: JointPlot, *, path: Path, simulated: bool = False) -> Illustration:
    """Draw the plot as PNG and, beside it, as SVG.

    Parameters
    ----------
    picture : JointPlot
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_WIDTH, _HEIGHT)
    sheet.head(picture.title, picture.lines, left=_LEFT, simulated=simulated)
    draw_joint_panels(sheet, picture, at=(_LEFT, _FOOT), edge=_MAIN)
    size, vector = sheet.save(path, title=picture.title)
    caption = (
        f"{picture.title}. Contours: {picture.names[0]}, by the share of its area within. Colours: "
        f"{picture.names[1]}. Dashed: the thresholds. Margins: share of each per bin."
    )
    alt = f"{picture.labels[0]} against {picture.labels[1]}: {' and '.join(picture.names[:2])}"
    return Illustration(path, "screen_pole", caption, alt, *size, vector)


def draw_joint_panels(
    sheet: Sheet, picture: JointPlot, *, at: tuple[float, float], edge: float
) -> None:
    """Draw plot, margins, bar and legend onto a sheet; inches.

    Parameters
    ----------
    sheet : Sheet
    picture : JointPlot
    at : (float, float)
        Lower left corner of the plot; bar and legend take ``_FOOT`` below it.
    edge : float
        Of the plot; margins take a quarter of it above and to the right.
    """
    left, bottom = at
    side = edge / 4.0
    main = sheet.panel(left, bottom, width=edge, height=edge)
    above = sheet.panel(left, bottom + edge + _GAP, width=edge, height=side)
    beside = sheet.panel(left + edge + _GAP, bottom, width=side, height=edge)
    main.set_xlim(*picture.limits(0))
    main.set_ylim(*picture.limits(1))
    bar = sheet.panel(
        left + edge - _BAR * edge, bottom - _FOOT + 0.62, width=_BAR * edge, height=0.12
    )
    _draw_samples(sheet, main, picture, bar=bar)
    _draw_population(main, picture)
    _draw_margin(above, picture, 0)
    _draw_margin(beside, picture, 1)
    above.set_xlim(main.get_xlim())
    beside.set_ylim(main.get_ylim())
    main.set_xlabel(picture.labels[0], fontsize=TEXT_PT, parse_math=False)
    main.set_ylabel(picture.labels[1], fontsize=TEXT_PT, parse_math=False)
    main.xaxis.set_major_locator(MaxNLocator(6))
    for axes in (main, above, beside):
        bare_ticks(axes)
    _legend(sheet, picture, left=left, top=bottom - _FOOT + 1.0)


def _draw_samples(sheet: Sheet, axes: Axes, picture: JointPlot, *, bar: Axes) -> None:
    """The samples as a density on a logarithmic scale, with its bar."""
    counts = np.ma.masked_equal(picture.samples.T, 0)
    most = max(float(picture.samples.max(initial=1)), 10.0)
    mesh = axes.pcolormesh(*picture.edges, counts, norm=LogNorm(1.0, most), cmap=cm.oslo_r)
    mesh.set_rasterized(True)
    for value, draw in zip(picture.thresholds, (axes.axvline, axes.axhline), strict=True):
        draw(value, color=INK, linewidth=0.9, dashes=(5, 3))
    scale = sheet.figure.colorbar(mesh, cax=bar, orientation="horizontal")
    scale.outline.set_linewidth(0.6)
    scale.set_label(f"{picture.names[1]} per bin", fontsize=SMALL_PT, parse_math=False)
    scale.ax.tick_params(labelsize=SMALL_PT - 1, width=0.5, length=2.0, which="major")
    scale.ax.minorticks_off()


def _draw_population(axes: Axes, picture: JointPlot) -> None:
    """Contours of the population's regions, the one that counts the boldest."""
    centres = [(edges[:-1] + edges[1:]) / 2.0 for edges in picture.edges]
    levels = sorted({*_SHARES, picture.share})
    lines = axes.contour(
        *centres,
        picture.held.T,
        levels=levels,
        colors=POPULATION,
        linewidths=[1.8 if level == picture.share else 0.8 for level in levels],
    )
    names = {level: f"{100 * level:g} %" for level in levels}
    axes.clabel(lines, fmt=names, fontsize=SMALL_PT - 1, inline_spacing=2)


def _draw_margin(axes: Axes, picture: JointPlot, axis: int) -> None:
    """Shares of population and samples by one of the maps, above or beside the plot."""
    edges, highest = picture.edges[axis], 0.0
    orientation: Literal["vertical", "horizontal"] = "vertical" if axis == 0 else "horizontal"
    drawn = (
        (picture.population, POPULATION, False),
        (picture.samples, SAMPLES, False),
        (picture.passing, PASSING, True),
    )
    whole = float(picture.samples.sum())
    for counts, colour, is_part in drawn:
        total = whole if is_part else float(counts.sum())
        if total <= 0 or not counts.any():
            continue
        shares = 100.0 * counts.sum(axis=1 - axis) / total
        # the open bins at either end are left out: they have no width
        axes.stairs(
            shares, edges, color=colour, linewidth=1.0, fill=is_part, orientation=orientation
        )
        highest = max(highest, float(shares.max()))
    mark = axes.axvline if axis == 0 else axes.axhline
    mark(picture.thresholds[axis], color=INK, linewidth=0.9, dashes=(5, 3))
    axes.spines[["top", "right"]].set_visible(False)
    label = "% per bin"
    if axis == 0:
        axes.set_ylim(0.0, 1.08 * highest or 1.0)
        axes.tick_params(labelbottom=False)
        axes.set_ylabel(label, fontsize=SMALL_PT)
    else:
        axes.set_xlim(0.0, 1.08 * highest or 1.0)
        axes.tick_params(labelleft=False)
        axes.set_xlabel(label, fontsize=SMALL_PT)


def _legend(sheet: Sheet, picture: JointPlot, *, left: float, top: float) -> None:
    population, samples, passing = picture.names
    handles = [
        Line2D([], [], color=POPULATION, linewidth=1.8),
        Line2D([], [], color=SAMPLES, linewidth=1.2),
        Patch(facecolor=PASSING),
        Line2D([], [], color=INK, linewidth=0.9, dashes=(5, 3)),
    ]
    names = [f"{population}; bold: {100 * picture.share:g} % of them", samples, passing]
    legend = sheet.figure.legend(
        handles,
        [*names, "thresholds"],
        loc="upper left",
        bbox_to_anchor=(left / sheet.width, top / sheet.height),
        bbox_transform=sheet.figure.transFigure,
        frameon=False,
        fontsize=SMALL_PT,
        handlelength=2.0,
        borderaxespad=0.0,
        labelspacing=0.35,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
