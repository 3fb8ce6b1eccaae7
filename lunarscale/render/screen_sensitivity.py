"""How much passes a screening, by the density share and by the thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cmcrameri import cm
from matplotlib.axes import Axes
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
from lunarscale.render.labels import number

#: Lines of what is within the region and of what passes (Okabe & Ito 2008).
OVERLAP, PASSING = "#0072b2", "#b34700"

#: From this ratio of what is like the maria to what passes on, areas have a logarithmic axis.
_MUCH_MORE = 10.0

#: Inches: a panel, the room between, the margins.
_PANEL, _GAP, _LEFT, _BOTTOM, _TOP = 3.4, 1.05, 0.85, 1.0, 1.25
_WIDTH = _LEFT + 2 * _PANEL + _GAP + 1.25


@dataclass(frozen=True, eq=False)
class ScreenSensitivity:
    """Areas in km2 by what was chosen.

    Parameters
    ----------
    title : str
    lines : tuple of str
        Below the title.
    shares : ndarray of float64, (share,)
        Shares of the maria that are compared, rising.
    thresholds : (ndarray of float64, ndarray of float64)
        Of FeO and Mg#, rising.
    overlap_km2 : mapping
        By way of weighing (cells, pixels): area within the region, ``(share,)``.
    passing_km2 : ndarray of float64, (share, threshold of FeO, threshold of Mg#)
        Area of pixels.
    passing_cells_km2 : ndarray of float64, of the same shape
        Area by cells.
    at : (float, float, float)
        The share and thresholds that were asked for.
    """

    title: str
    lines: tuple[str, ...]
    shares: NDArray[np.float64]
    thresholds: tuple[NDArray[np.float64], NDArray[np.float64]]
    overlap_km2: NDArray[np.float64]
    overlap_cells_km2: NDArray[np.float64]
    passing_km2: NDArray[np.float64]
    passing_cells_km2: NDArray[np.float64]
    at: tuple[float, float, float]

    @property
    def asked(self) -> tuple[int, int, int]:
        """Positions of what was asked for."""
        of = (self.shares, *self.thresholds)
        first, second, third = (
            int(np.flatnonzero(values == at)[0]) for values, at in zip(of, self.at, strict=True)
        )
        return first, second, third


def draw_screen_sensitivity(
    picture: ScreenSensitivity, *, path: Path, simulated: bool = False
) -> Illustration:
    """Draw areas by share and by thresholds as PNG and, beside it, as SVG.

    Parameters
    ----------
    picture : ScreenSensitivity
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_WIDTH, _BOTTOM + _PANEL + _TOP)
    sheet.head(picture.title, picture.lines, left=_LEFT, simulated=simulated)
    boxes = [(_LEFT + place * (_PANEL + _GAP), _BOTTOM, _PANEL, _PANEL) for place in range(2)]
    draw_choices(sheet, picture, boxes)
    size, vector = sheet.save(path, title=picture.title)
    caption = f"{picture.title}. Dashed line and cross: what was asked for."
    alt = "Area that passes by the share of the maria's density, and by the thresholds"
    return Illustration(path, "screen_pole", caption, alt, *size, vector)


def draw_choices(
    sheet: Sheet, picture: ScreenSensitivity, boxes: Sequence[tuple[float, float, float, float]]
) -> None:
    """Draw both panels onto a sheet.

    Parameters
    ----------
    sheet : Sheet
    picture : ScreenSensitivity
    boxes : sequence of (left, bottom, width, height)
        Of areas by share and by thresholds, in inches; the second's bar stands to its right.
    """
    left, bottom, width, height = boxes[0]
    _by_share(sheet.panel(left, bottom, width=width, height=height), picture)
    _by_thresholds(sheet, picture, boxes[1])


def _by_share(axes: Axes, picture: ScreenSensitivity) -> None:
    _, feo, mg = picture.asked
    shares = 100.0 * picture.shares
    drawn = (
        ("like the maria", OVERLAP, 2.4, (picture.overlap_km2, picture.overlap_cells_km2)),
        (
            "and beyond both thresholds",
            PASSING,
            1.2,
            (picture.passing_km2[:, feo, mg], picture.passing_cells_km2[:, feo, mg]),
        ),
    )
    # where all that is like them passes too, the wider line shows behind the other
    for name, colour, width, (pixels, cells) in drawn:
        axes.plot(shares, pixels, color=colour, linewidth=width, label=f"{name}: pixels, exact")
        axes.plot(
            shares, cells, color=colour, linestyle="none", marker="o", markersize=2.5 + width,
            mfc="white", label=f"{name}: cells",
        )  # fmt: skip
    axes.axvline(100.0 * picture.at[0], color=INK, linewidth=0.8, dashes=(5, 3))
    _scale(axes, drawn[0][3][0], drawn[1][3][0])
    axes.set_xlabel("share of the maria's area within their region (%)", fontsize=TEXT_PT)
    axes.set_ylabel("area (km²)", fontsize=TEXT_PT)
    axes.legend(loc="upper left", fontsize=SMALL_PT, frameon=False)
    axes.set_title("By the density share", fontsize=TEXT_PT, fontweight="bold", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    bare_ticks(axes)


def _scale(axes: Axes, overlap: NDArray[np.float64], passing: NDArray[np.float64]) -> None:
    """From zero; on a logarithmic axis where what passes would lie on the floor. Room on top."""
    if passing.min() > 0.0 and overlap.max() > _MUCH_MORE * passing.max():
        axes.set_yscale("log")
        low, high = float(passing.min()), float(overlap.max())
        axes.set_ylim(low / 2.0, high * (high / low) ** 0.6)
    else:
        axes.set_ylim(0.0, max(1.45 * float(overlap.max(initial=0.0)), 1.0))
        axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(lambda value, _: number(value, 0))


def _by_thresholds(
    sheet: Sheet, picture: ScreenSensitivity, box: tuple[float, float, float, float]
) -> None:
    left, bottom, width, height = box
    axes = sheet.panel(left, bottom, width=width, height=height)
    share, feo, mg = picture.asked
    areas = picture.passing_km2[share]
    first, second = picture.thresholds
    most = float(areas.max(initial=0.0))
    levels = MaxNLocator(9).tick_values(0.0, most if most > 0.0 else 1.0)
    shown = axes.contourf(first, second, areas.T, levels=levels, cmap=cm.lapaz_r)
    if most > 0.0:
        axes.contour(first, second, areas.T, levels=levels, colors="white", linewidths=0.4)
    for marker, colour, line in ((11, INK, 2.2), (9, "white", 1.0)):
        axes.plot(first[feo], second[mg], marker="+", color=colour, markersize=marker, mew=line)
    axes.set_xlabel("FeO above (wt %)", fontsize=TEXT_PT, parse_math=False)
    axes.set_ylabel("Mg# below", fontsize=TEXT_PT, parse_math=False)
    title = f"By the thresholds, within {100 * picture.at[0]:g} % of the maria"
    axes.set_title(title, fontsize=TEXT_PT, fontweight="bold", color=INK, parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    bare_ticks(axes)
    bar = sheet.figure.colorbar(
        shown, cax=sheet.panel(left + width + 0.12, bottom, width=0.13, height=height)
    )
    bar.outline.set_linewidth(0.6)
    bar.ax.yaxis.set_major_formatter(lambda value, _: number(value, 0))
    bar.ax.tick_params(labelsize=SMALL_PT, width=0.5, length=2.0)
    bar.set_label("area that passes (km²), pixels", fontsize=TEXT_PT)
