"""Area-weighted histograms of one layer, whole Moon and groups in one plot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
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

_AXES_WIDTH = _WIDTH - 1.6

#: Share of the axes' width by which a label may reach into the figure's right margin.
_MARGIN = 0.8 / _AXES_WIDTH

#: Points between a line and its label.
_GAP_PT = 4.0


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
    axes = sheet.panel(0.7, 0.6, width=_AXES_WIDTH, height=_HEIGHT - 1.4)
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


@dataclass(frozen=True)
class MeanLabel:
    """A curve's name: where on the axes, and how wide, both as shares of their width."""

    text: str
    colour: str
    at: float
    width: float
    has_line: bool


def _label_means(axes: Axes, curves: Sequence[HistogramCurve], *, name: str, units: str) -> None:
    """Name every curve at its mean, each label above the lines that it reaches over."""
    low, high = axes.get_xlim()
    labels = []
    for place, curve in enumerate(curves):
        has_line = math.isfinite(curve.mean)
        words = with_units(number(curve.mean, digits_of(name) - 1), units) if has_line else ""
        text = f"{curve.group}, mean {words}" if has_line else f"{curve.group}: no values"
        at = (min(max(curve.mean, low), high) - low) / (high - low) if has_line else 1.0
        labels.append(MeanLabel(text, COLOURS[place % len(COLOURS)], at, _width(text), has_line))
    for rank, (label, is_left) in enumerate(placed(labels)):
        height = 0.97 - 0.075 * rank
        if label.has_line:
            axes.plot(
                [label.at, label.at],
                [0.0, height],
                transform=axes.transAxes,
                color=label.colour,
                linewidth=0.8,
                dashes=(4, 3),
            )
        axes.annotate(
            label.text,
            (label.at, height),
            xycoords="axes fraction",
            xytext=(-_GAP_PT if is_left else _GAP_PT, 0),
            textcoords="offset points",
            annotation_clip=False,
            ha="right" if is_left else "left",
            va="center",
            parse_math=False,
            color=label.colour,
            fontsize=TEXT_PT,
            fontweight="bold",
        )


def placed(labels: Sequence[MeanLabel]) -> list[tuple[MeanLabel, bool]]:
    """The labels from the top downwards, and whether each stands on the left of its line.

    A line ends at its label's height. So no line crosses a label if those that stand on the right
    go down with rising means, those on the left with falling ones, and below the former none of the
    latter reaches as far as their lines. What has no line stands on top, above all lines.
    """
    bare = [label for label in labels if not label.has_line]
    lined = sorted((label for label in labels if label.has_line), key=lambda label: label.at)
    for count in range(len(lined), -1, -1):
        right, left = lined[:count], lined[count:]
        fits = all(label.at + label.width <= 1.0 + _MARGIN for label in right)
        reach = min((label.at - label.width for label in left), default=1.0)
        if fits and reach >= (right[-1].at if right else 0.0):
            break
    return [
        *((label, True) for label in bare),
        *((label, False) for label in right),
        *((label, True) for label in reversed(left)),
    ]


def _width(text: str) -> float:
    """Share of the axes' width that a label takes, with its gap."""
    plain = text.replace("$", "S")  # as wide; no formula
    path = TextPath((0.0, 0.0), plain, size=TEXT_PT, prop=FontProperties(weight="bold"))
    return float(path.get_extents().width + _GAP_PT) / (72.0 * _AXES_WIDTH)
