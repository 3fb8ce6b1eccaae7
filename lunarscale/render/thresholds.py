"""How the shares of two groups move with two thresholds, as contours."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lunarscale.render.figure import (
    INK,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.palettes import NO_DATA_COLOUR

#: Percent of a group's area at which the shares' colours change: even steps of their logarithm.
_LEVELS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

#: Ratios of the second group's share to the first's at which its colours change.
_RATIOS = (0.1, 0.2, 0.5, 0.8, 1.25, 2.0, 5.0, 10.0)

#: Inches: a panel, the way to the next, and the margins.
_PANEL, _PITCH, _LEFT, _BOTTOM, _TOP = 2.75, 3.15, 0.7, 1.15, 1.0
_WIDTH = _LEFT + 2 * _PITCH + _PANEL + 0.35


@dataclass(frozen=True)
class Sensitivity:
    """Shares of two groups by two thresholds.

    Parameters
    ----------
    title : str
    lines : tuple of str
        Below the title.
    thresholds : (tuple of float, tuple of float)
        Rising.
    labels : (str, str)
        What each threshold is of.
    shares : mapping of str to ndarray of float64, (first threshold, second threshold)
        Two groups' shares, 0-1; NaN where a group has no values.
    at : (float, float)
        The thresholds that are marked.
    """

    title: str
    lines: tuple[str, ...]
    thresholds: tuple[tuple[float, ...], tuple[float, ...]]
    labels: tuple[str, str]
    shares: Mapping[str, NDArray[np.float64]]
    at: tuple[float, float]


def draw_sensitivity(picture: Sensitivity, *, path: Path, simulated: bool = False) -> Illustration:
    """Draw both groups' shares and their ratio as PNG and, beside it, as SVG.

    Parameters
    ----------
    picture : Sensitivity
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_WIDTH, _BOTTOM + _PANEL + _TOP)
    sheet.head(picture.title, picture.lines, left=_LEFT, simulated=simulated)
    panels = [
        sheet.panel(_LEFT + place * _PITCH, _BOTTOM, width=_PANEL, height=_PANEL)
        for place in range(3)
    ]
    (first, near), (second, far) = picture.shares.items()
    for axes, group, share in ((panels[0], first, near), (panels[1], second, far)):
        label = group, "share of the area (%)"
        _colour(sheet, axes, (picture, 100.0 * share), levels=_LEVELS, label=label)
    ratio = np.full(near.shape, np.nan)
    np.divide(far, near, out=ratio, where=near > 0.0)
    _colour(
        sheet,
        panels[2],
        (picture, ratio),
        levels=_RATIOS,
        label=(f"{second} / {first}", "ratio of the shares"),
    )
    panels[0].set_ylabel(picture.labels[0], fontsize=TEXT_PT, parse_math=False)
    for axes in panels[1:]:
        axes.tick_params(labelleft=False)
    size, vector = sheet.save(path, title=picture.title)
    caption = f"{picture.title}. Cross: the thresholds of the table. Grey: no share to tell."
    alt = f"Contours of the share of {first} and {second} by thresholds, and their ratio"
    return Illustration(path, "anorthosite", caption, alt, *size, vector)


def _colour(
    sheet: Sheet,
    axes: Axes,
    of: tuple[Sensitivity, NDArray[np.float64]],
    *,
    levels: tuple[float, ...],
    label: tuple[str, str],
) -> None:
    """One panel with its title, and its colour bar below."""
    picture, values = of
    first, second = picture.thresholds
    is_ratio = levels is _RATIOS
    norm = BoundaryNorm(levels, 256, extend="both" if is_ratio else "neither")
    colours = ScalarMappable(norm, cm.vik if is_ratio else cm.lapaz_r)
    axes.set_facecolor(NO_DATA_COLOUR)
    if np.isfinite(values).any():
        shown = np.ma.masked_invalid(values)
        extend = "both" if is_ratio else "neither"
        # the colours are exact at the thresholds compared and straight between them
        axes.contourf(
            second, first, shown, levels=levels, norm=norm, cmap=colours.cmap, extend=extend
        )
    for marker, colour, width in ((11, INK, 2.2), (9, "white", 1.0)):
        at = picture.at[1], picture.at[0]
        axes.plot(*at, marker="+", color=colour, markersize=marker, mew=width, clip_on=False)
    axes.set_xlim(second[0], second[-1])
    axes.set_ylim(first[0], first[-1])
    axes.set_xlabel(picture.labels[1], fontsize=TEXT_PT, parse_math=False)
    axes.set_title(label[0], fontsize=TEXT_PT, fontweight="bold", color=INK, parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    bare_ticks(axes)
    left = axes.get_position().x0 * sheet.width
    room = sheet.panel(left, 0.5, width=_PANEL, height=0.12)
    bar = sheet.figure.colorbar(colours, cax=room, orientation="horizontal", ticks=levels)
    bar.ax.set_xticklabels([f"{level:g}" for level in levels])
    bar.ax.tick_params(labelsize=6.0, width=0.5, length=2.0)
    bar.outline.set_linewidth(0.6)
    bar.set_label(label[1], fontsize=TEXT_PT, parse_math=False)
