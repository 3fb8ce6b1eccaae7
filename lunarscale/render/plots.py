"""Area-weighted histograms of one layer, whole Moon and groups in one plot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lunarscale.render.figure import (
    FAINT,
    INK,
    TEXT_PT,
    TITLE_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.labels import digits_of, number, pretty_name, round_number, with_units
from lunarscale.render.palettes import quantity_of

#: Lines of the groups in their order: colour-blind safe and parted in lightness (Okabe & Ito
#: 2008), the first, the whole, in ink.
_COLOURS = (INK, "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")

#: Share of the area left out on either side of the axis, and bins at most across it.
_TAIL, _BINS = 0.001, 160

_WIDTH, _HEIGHT = 7.6, 4.4


@dataclass(frozen=True)
class HistogramCurve:
    """The histogram of one group.

    Parameters
    ----------
    group : str
        Name for people, ``Maria``.
    edges : ndarray of float64, (bin + 1,)
        Equal steps in the layer's units; the same for all curves of a plot.
    areas_km2 : ndarray of float64, (bin,)
        Area with values in each bin.
    mean : float
        The group's exact mean; NaN where it has no value.
    """

    group: str
    edges: NDArray[np.float64]
    areas_km2: NDArray[np.float64]
    mean: float


def draw_histograms(
    curves: Sequence[HistogramCurve],
    *,
    name: str,
    long_name: str,
    units: str,
    model: str,
    path: Path,
    simulated: bool = False,
) -> Illustration:
    """Draw the histograms of a layer as PNG and, beside it, as SVG.

    Parameters
    ----------
    curves : sequence of HistogramCurve
        The whole first; groups without values are named but have no line.
    name, long_name, units, model : str
        Layer, its quantity and units, and the model behind it.
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(_WIDTH, _HEIGHT)
    top = _HEIGHT - 0.2
    sheet.write(0.7, top, pretty_name(name), fontsize=TITLE_PT, fontweight="bold", va="top")
    sheet.write(0.7, top - 0.28, f"{long_name} · {model}", color=FAINT, va="top")
    if simulated:
        sheet.mark_simulated()
    axes = sheet.panel(0.7, 0.6, width=_WIDTH - 1.6, height=_HEIGHT - 1.4)
    span = _merged_bins(curves)
    if span is None:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=FAINT)
        axes.set_xticks([])
        axes.set_yticks([])
    else:
        _draw_curves(axes, curves, span=span, name=name, units=units)
    bare_ticks(axes)
    axes.spines[["top", "right"]].set_visible(False)
    label = with_units(pretty_name(quantity_of(name)), units, brackets=True)
    axes.set_xlabel(label, fontsize=TEXT_PT, parse_math=False)
    title = f"{name}: histograms ({model})"
    size = sheet.save_png(path, title=title)
    vector = path.with_suffix(".svg")
    sheet.save_svg(vector, title=title)
    groups = ", ".join(curve.group for curve in curves)
    caption = f"{pretty_name(name)}: share of each group's area by value. Thin lines: means."
    return Illustration(path, name, caption, f"Histograms of {long_name}: {groups}", *size, vector)


def _merged_bins(curves: Sequence[HistogramCurve]) -> tuple[int, int, int] | None:
    """First and last fine bin to show, and how many to merge; None without any value."""
    filled = [curve for curve in curves if curve.areas_km2.sum() > 0]
    if not filled:
        return None
    firsts, lasts = [], []
    for curve in filled:
        reached = np.cumsum(curve.areas_km2) / curve.areas_km2.sum()
        firsts.append(int(np.searchsorted(reached, _TAIL)))
        lasts.append(int(np.searchsorted(reached, 1.0 - _TAIL)))
    step = float(np.diff(filled[0].edges[:2])[0])
    width = _round_up((max(lasts) - min(firsts) + 1) * step / _BINS, step)
    merge = max(1, round(width / step))
    first = max(0, min(firsts) // merge - 2) * merge
    last = min(len(filled[0].areas_km2), (max(lasts) // merge + 3) * merge)
    return first, last, merge


def _round_up(width: float, step: float) -> float:
    """The next 1, 2 or 5 times a power of ten at or above a width, at least one fine bin."""
    width = max(width, step)
    power = 10.0 ** math.floor(math.log10(width))
    return next(k * power for k in (1.0, 2.0, 5.0, 10.0) if k * power >= width * (1 - 1e-9))


def _draw_curves(
    axes: Axes,
    curves: Sequence[HistogramCurve],
    *,
    span: tuple[int, int, int],
    name: str,
    units: str,
) -> None:
    first, last, merge = span
    starts = np.arange(first, last, merge)
    edges = np.append(curves[0].edges[starts], curves[0].edges[min(last, len(curves[0].edges) - 1)])
    highest = 0.0
    for place, curve in enumerate(curves):
        total = curve.areas_km2.sum()
        if total <= 0:
            continue
        shares = np.add.reduceat(curve.areas_km2[:last], starts) / total * 100.0
        highest = max(highest, float(shares.max()))
        colour = _COLOURS[place % len(_COLOURS)]
        axes.stairs(shares, edges, color=colour, linewidth=1.3 if place else 1.6)
    axes.set_xlim(float(edges[0]), float(edges[-1]))
    axes.set_ylim(0.0, highest * (1.1 + 0.09 * len(curves)))
    width = round_number(float(edges[1] - edges[0]))
    axes.set_ylabel(
        f"share of the group's area per {with_units(width, units)} (%)", fontsize=TEXT_PT
    )
    _label_means(axes, curves, name=name, units=units)


def _label_means(axes: Axes, curves: Sequence[HistogramCurve], *, name: str, units: str) -> None:
    """Name every curve at its mean, the lowest mean on top, so that no line crosses a label."""
    order = sorted(range(len(curves)), key=lambda i: (math.isnan(curves[i].mean), curves[i].mean))
    low, high = axes.get_xlim()
    for rank, place in enumerate(order):
        mean, colour = curves[place].mean, _COLOURS[place % len(_COLOURS)]
        height = 0.97 - 0.075 * rank
        if math.isfinite(mean):
            words = with_units(number(mean, digits_of(name) - 1), units)
            text = f"{curves[place].group}, mean {words}"
            axes.plot(
                [mean, mean],
                [0.0, height],
                transform=axes.get_xaxis_transform(),
                color=colour,
                linewidth=0.8,
                dashes=(4, 3),
            )
        else:
            text, mean = f"{curves[place].group}: no values", high
        left = mean > low + 0.75 * (high - low)  # no room to the right
        axes.annotate(
            text,
            (min(max(mean, low), high), height),
            xycoords=axes.get_xaxis_transform(),
            xytext=(-4 if left else 4, 0),
            textcoords="offset points",
            annotation_clip=False,
            ha="right" if left else "left",
            va="center",
            parse_math=False,
            color=colour,
            fontsize=TEXT_PT,
            fontweight="bold",
        )
