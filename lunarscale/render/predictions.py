"""Predicted against measured oxides at the stations: a panel an oxide, a mark a landing site."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
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
from lunarscale.render.labels import pretty_name

#: Colours (Okabe & Ito 2008) and marks: two sites share a colour only with another mark.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", INK)
_MARKS = ("o", "s", "^", "D", "v", "P", "X")

_PANEL, _GAP_X, _GAP_Y, _LEGEND = 2.35, 0.62, 0.85, 0.95

#: Width (inches) that the title needs where there is one panel only.
_LEAST_WIDTH = 5.3

#: Letters of the lines below it that fit into an inch.
_LETTERS_AN_INCH = 15


@dataclass(frozen=True)
class PredictionPanel:
    """One oxide at the stations.

    Parameters
    ----------
    oxide : str
        ``FeO``.
    measured : ndarray of float64, (station,)
        wt %.
    filled, hollow : ndarray of float64, (station,)
        Two predictions, wt %: by models that did not see the station, and that saw none of its
        landing site, say.
    sites : tuple of str
        Landing site of each station.
    told : str
        What is written into the panel.
    remark : str
        ``experimental``, or nothing.
    estimated : tuple of bool
        Which stations' spectra were estimated, not measured; empty for none.
    """

    oxide: str
    measured: NDArray[np.float64]
    filled: NDArray[np.float64]
    hollow: NDArray[np.float64]
    sites: tuple[str, ...]
    told: str = ""
    remark: str = ""
    estimated: tuple[bool, ...] = ()


def draw_predictions(
    panels: Sequence[PredictionPanel],
    *,
    model: str,
    path: Path,
    marks: tuple[str, str],
    columns: int = 3,
) -> Illustration:
    """Draw the panels as PNG and, beside it, as SVG.

    Parameters
    ----------
    panels : sequence of PredictionPanel
    model : str
        What predicted.
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    marks : (str, str)
        What filled and hollow marks are.
    columns : int
        Panels side by side.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    columns = -(-len(panels) // rows)  # four as two rows of two, not three and one
    width = max(0.6 + columns * (_PANEL + _GAP_X) + _LEGEND, _LEAST_WIDTH)
    starred = _starred(panels)
    star = "* spectra estimated, not measured" if starred else ""
    told = f"{model} · filled: {marks[0]} · hollow: {marks[1]}" + (f" · {star}" if star else "")
    told = textwrap.fill(told, int(_LETTERS_AN_INCH * (width - 0.8)))
    top = 0.78 + 0.17 * len(told.splitlines())
    height = top + rows * (_PANEL + _GAP_Y)
    sheet = Sheet(width, height)
    title = "Predicted against measured at the stations"
    sheet.head(title, (told,), left=0.6)
    looks = _looks([site for panel in panels for site in panel.sites])
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        left = 0.6 + column * (_PANEL + _GAP_X)
        bottom = height - top - row * (_PANEL + _GAP_Y) - _PANEL
        _draw_panel(sheet.panel(left, bottom, width=_PANEL, height=_PANEL), panel, looks)
    _legend(sheet, looks, starred, top=top - 0.1)
    name = f"Predicted against measured: {model}"
    size, vector = sheet.save(path, title=name)
    caption = (
        f"{model}: oxides predicted at the stations against what was measured there; filled: "
        f"{marks[0]}, hollow: {marks[1]}. The line is equality."
    ) + (f" {star}." if star else "")
    oxides = ", ".join(panel.oxide for panel in panels)
    alt = f"Scatter of predicted over measured wt % of {oxides}"
    return Illustration(path, "Predicted against measured", caption, alt, *size, vector)


def _starred(panels: Sequence[PredictionPanel]) -> set[str]:
    """Sites with a station whose spectrum was estimated."""
    return {
        site
        for panel in panels
        if panel.estimated
        for site, estimated in zip(panel.sites, panel.estimated, strict=True)
        if estimated
    }


def _looks(sites: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and mark of each site, in the order met."""
    return {
        site: (_COLOURS[i % len(_COLOURS)], _MARKS[(i + i // len(_COLOURS)) % len(_MARKS)])
        for i, site in enumerate(dict.fromkeys(sites))
    }


def _draw_panel(axes: Axes, panel: PredictionPanel, looks: dict[str, tuple[str, str]]) -> None:
    values = np.concatenate([panel.measured, panel.filled])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.07 * (high - low)
    low, high = low - margin, high + margin
    axes.plot([low, high], [low, high], color=FAINT, linewidth=0.7, zorder=1)
    style: dict[str, Any] = {"linestyle": "none", "markersize": 4.2, "clip_on": False}
    # a site held out can be missed by more than the panel spans: its mark is laid on the edge
    far = np.clip(panel.hollow, low, high)
    sites = np.array(panel.sites)
    for site, (colour, mark) in looks.items():
        here = sites == site
        axes.plot(
            panel.measured[here], far[here], mark, markeredgecolor=colour,
            markerfacecolor="none", markeredgewidth=0.7, zorder=2, **style,
        )  # fmt: skip
        axes.plot(
            panel.measured[here], panel.filled[here], mark, markerfacecolor=colour,
            markeredgecolor="white", markeredgewidth=0.4, zorder=3, **style,
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    bare_ticks(axes)
    heading = pretty_name(panel.oxide) + (f", {panel.remark}" if panel.remark else "")
    axes.set_title(heading, fontsize=TEXT_PT + 1, fontweight="bold", loc="left", parse_math=False)
    axes.text(0.04, 0.96, panel.told, transform=axes.transAxes, va="top", fontsize=SMALL_PT)
    axes.set_xlabel("measured (wt %)", fontsize=SMALL_PT)
    axes.set_ylabel("predicted (wt %)", fontsize=SMALL_PT)
    if outside := int(np.count_nonzero(far != panel.hollow)):
        axes.text(
            0.97, 0.03, f"{outside} on the edge: beyond it", transform=axes.transAxes,
            ha="right", fontsize=SMALL_PT - 1, color=FAINT,
        )  # fmt: skip


def _legend(
    sheet: Sheet, looks: dict[str, tuple[str, str]], starred: set[str], *, top: float
) -> None:
    handles = [
        Line2D(
            [], [], marker=mark, color=colour, linestyle="none", markersize=4.5,
            label=f"{site}*" if site in starred else site,
        )
        for site, (colour, mark) in looks.items()
    ]  # fmt: skip
    sheet.figure.legend(
        handles=handles, loc="upper right", frameon=False, fontsize=SMALL_PT + 0.5,
        bbox_to_anchor=(1.0 - 0.1 / sheet.width, 1.0 - top / sheet.height),
        title="landing site", title_fontsize=SMALL_PT + 0.5,
    )  # fmt: skip
