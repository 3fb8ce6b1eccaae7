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
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.labels import digits_of, number, pretty_name, round_number, with_units
from lunarscale.render.palettes import quantity_of

#: Lines of the groups in their order: colour-blind safe and parted in lightness (Okabe & Ito
#: 2008), the first, the whole, in ink.
COLOURS = (INK, "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")

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
        In the layer's units: successive multiples of one width, the same for all curves of a
        plot (``lunarscale.reduce.table.histogram``).
    areas : ndarray of float64, (bin,)
        Area with values in each bin, in any unit; empty where the group has no value.
    mean : float
        The group's exact mean; NaN where it has no value.
    """

    group: str
    edges: NDArray[np.float64]
    areas: NDArray[np.float64]
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
    sheet.head(pretty_name(name), (f"{long_name} · {model}",), left=0.7, simulated=simulated)
    axes = sheet.panel(0.7, 0.6, width=_WIDTH - 1.6, height=_HEIGHT - 1.4)
    bins = shared_bins(curves)
    if bins is None:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=FAINT)
        axes.set_xticks([])
        axes.set_yticks([])
    else:
        _draw_curves(axes, curves, bins=bins, name=name, units=units)
    bare_ticks(axes)
    axes.spines[["top", "right"]].set_visible(False)
    label = with_units(pretty_name(quantity_of(name)), units, brackets=True)
    axes.set_xlabel(label, fontsize=TEXT_PT, parse_math=False)
    title = f"{name}: histograms ({model})"
    size, vector = sheet.save(path, title=title)
    groups = ", ".join(curve.group for curve in curves)
    caption = f"{pretty_name(name)}: share of each group's area by value. Dashed lines: means."
    return Illustration(path, name, caption, f"Histograms of {long_name}: {groups}", *size, vector)


@dataclass(frozen=True)
class SharedBins:
    """Bins that all curves of a plot share."""

    edges: NDArray[np.float64]
    shares: tuple[NDArray[np.float64] | None, ...]


def shared_bins(curves: Sequence[HistogramCurve]) -> SharedBins | None:
    """Curves brought to common, readable bins over the middle of the area; None without values."""
    filled = [curve for curve in curves if curve.areas.sum() > 0]
    if not filled:
        return None
    step = min(float(curve.edges[1] - curve.edges[0]) for curve in filled)
    spans = [_middle(curve) for curve in filled]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    merge = max(1, round(_round_up((high - low) / _BINS, step) / step))
    first = math.floor(low / (merge * step)) - 1
    count = math.ceil(high / (merge * step)) + 1 - first
    edges: NDArray[np.float64] = np.arange(first, first + count + 1, dtype=np.float64)
    edges *= merge * step
    shares = tuple(_shares(curve, edges) if curve.areas.sum() > 0 else None for curve in curves)
    return SharedBins(edges, shares)


def _middle(curve: HistogramCurve) -> tuple[float, float]:
    """Values between which all of a curve's area lies but for the tails."""
    reached = np.cumsum(curve.areas) / curve.areas.sum()
    first, last = np.searchsorted(reached, (_TAIL, 1.0 - _TAIL))
    return float(curve.edges[first]), float(curve.edges[min(last, len(reached) - 1) + 1])


def _shares(curve: HistogramCurve, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percent of the curve's area in each of the wider bins."""
    centres = (curve.edges[:-1] + curve.edges[1:]) / 2.0
    sums, _ = np.histogram(centres, edges, weights=curve.areas)
    shares: NDArray[np.float64] = sums / curve.areas.sum() * 100.0
    return shares


def _round_up(width: float, step: float) -> float:
    """The next 1, 2 or 5 times a power of ten at or above a width, at least one fine bin."""
    width = max(width, step)
    power = 10.0 ** math.floor(math.log10(width))
    return next(k * power for k in (1.0, 2.0, 5.0, 10.0) if k * power >= width * (1 - 1e-9))


def _draw_curves(
    axes: Axes, curves: Sequence[HistogramCurve], *, bins: SharedBins, name: str, units: str
) -> None:
    # the whole last: it lies on top of its parts
    for place, shares in reversed(list(enumerate(bins.shares))):
        if shares is not None:
            colour = COLOURS[place % len(COLOURS)]
            axes.stairs(shares, bins.edges, color=colour, linewidth=1.3)
    highest = max(float(shares.max()) for shares in bins.shares if shares is not None)
    axes.set_xlim(float(bins.edges[0]), float(bins.edges[-1]))
    axes.set_ylim(0.0, highest * (1.1 + 0.09 * len(curves)))
    width = with_units(round_number(float(bins.edges[1] - bins.edges[0])), units)
    axes.set_ylabel(f"share of the group's area per {width} (%)", fontsize=TEXT_PT)
    _label_means(axes, curves, name=name, units=units)


def _label_means(axes: Axes, curves: Sequence[HistogramCurve], *, name: str, units: str) -> None:
    """Name every curve at its mean, the lowest mean on top, so that no line crosses a label."""
    order = sorted(range(len(curves)), key=lambda i: (math.isnan(curves[i].mean), curves[i].mean))
    low, high = axes.get_xlim()
    for rank, place in enumerate(order):
        mean, colour = curves[place].mean, COLOURS[place % len(COLOURS)]
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
