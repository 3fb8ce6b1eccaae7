"""A small histogram: the whole and its parts by area, with modes, ours and the paper's, marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lunarscale.render.figure import FAINT, INK, SMALL_PT, bare_ticks
from lunarscale.render.labels import digits_of, number, pretty_name, round_number, with_units
from lunarscale.render.panels import TICK_PT
from lunarscale.render.plots import COLOURS, HistogramCurve, shared_bins

#: Room above the highest bin, as a share of it, that the marks of modes take.
_ROOM = 0.42

#: Heights of the two rows of marks, as shares of the panel.
_OURS, _THEIRS = 0.93, 0.83


@dataclass(frozen=True)
class Marks:
    """Modes that a histogram marks.

    Parameters
    ----------
    ours, published : tuple of float
        In the layer's units.
    paper : str
        How the other source is called.
    """

    ours: tuple[float, ...] = ()
    published: tuple[float, ...] = ()
    paper: str = ""


def draw_histogram_panel(
    axes: Axes, curves: Sequence[HistogramCurve], *, name: str, units: str, marks: Marks
) -> None:
    """Draw shares of the first curve's area by value: itself filled, its parts as lines.

    Parameters
    ----------
    axes : Axes
    curves : sequence of HistogramCurve
        The whole first.
    name, units : str
        Quantity and its units.
    marks : Marks
    """
    bare_ticks(axes)
    axes.tick_params(labelsize=TICK_PT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(
        with_units(pretty_name(name), units, brackets=True), fontsize=SMALL_PT, parse_math=False
    )
    axes.xaxis.labelpad = 2.0
    bins = shared_bins(curves)
    if bins is None:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=FAINT)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    whole = float(curves[0].areas.sum())
    highest = 0.0
    # the whole first: where a part is all there is, its line shows on the whole's fill
    for place, (curve, shares) in enumerate(zip(curves, bins.shares, strict=True)):
        if shares is None:
            continue
        of_all = shares * float(curve.areas.sum()) / whole
        highest = max(highest, float(of_all.max()))
        colour = COLOURS[place]
        if place == 0:
            axes.stairs(of_all, bins.edges, fill=True, color="#e3e3e3", zorder=0)
        axes.stairs(of_all, bins.edges, color=colour, linewidth=0.9, label=curve.group)
    axes.set_xlim(float(bins.edges[0]), float(bins.edges[-1]))
    axes.set_ylim(0.0, highest * (1.0 + _ROOM))
    width = with_units(round_number(float(bins.edges[1] - bins.edges[0])), units)
    axes.set_ylabel(f"% of all area per {width}", fontsize=SMALL_PT, labelpad=2.0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    _mark(axes, marks.ours, height=_OURS, filled=True, name=name)
    _mark(axes, marks.published, height=_THEIRS, filled=False, name=name)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles, labels, fontsize=TICK_PT, frameon=False, loc="lower right",
        bbox_to_anchor=(1.02, 0.96), handlelength=1.2, ncols=len(labels), columnspacing=1.2,
    )  # fmt: skip


def _mark(axes: Axes, modes: Sequence[float], *, height: float, filled: bool, name: str) -> None:
    """Triangles over the modes, filled ours, hollow the paper's, with numbers where they fit."""
    low, high = axes.get_xlim()
    shown = [mode for mode in modes if low <= mode <= high]
    ink = INK if filled else FAINT
    axes.plot(
        shown, [height] * len(shown), marker="v", markersize=4.0, color=ink,
        markerfacecolor=ink if filled else "white", markeredgewidth=0.8,
        transform=axes.get_xaxis_transform(), clip_on=False, linestyle="none",
    )  # fmt: skip
    digits = max(digits_of(name) - 1, 2)
    words = [number(mode, digits) for mode in shown]
    sides = _sides([(mode - low) / (high - low) for mode in shown], words, axes)
    for mode, text, side in zip(shown, words, sides, strict=True):
        if side:
            axes.annotate(
                text, (mode, height), xycoords=axes.get_xaxis_transform(),
                xytext=(5.0 * side, 0.0), textcoords="offset points",
                ha="left" if side > 0 else "right", va="center", fontsize=TICK_PT, color=ink,
            )  # fmt: skip
    if filled and shown:
        reach = axes.get_ylim()[1] * (_THEIRS - 0.05)
        axes.vlines(shown, 0.0, reach, color=INK, linewidth=0.5, linestyles=(0, (2, 2)))


def _sides(places: Sequence[float], words: Sequence[str], axes: Axes) -> list[int]:
    """Side of each mark on which its number fits: 1 right, -1 left, 0 neither.

    Parameters
    ----------
    places : sequence of float
        Of the marks along the axis, 0-1.
    words : sequence of str
    axes : Axes
    """
    inches = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    mark = 0.07 / inches
    taken = [(place - mark, place + mark) for place in places]
    sides = []
    for place, text in zip(places, words, strict=True):
        width = (0.05 * len(text) + 0.04) / inches
        room = {1: (place + mark, place + mark + width), -1: (place - mark - width, place - mark)}
        fits = [
            side
            for side, (start, end) in room.items()
            if end <= 1.02 and all(end <= a + 1e-9 or start >= b - 1e-9 for a, b in taken)
        ]
        sides.append(fits[0] if fits else 0)
        if fits:
            taken.append(room[fits[0]])
    return sides


def curve_rows(curves: Sequence[HistogramCurve]) -> list[tuple[str, float, float, float]]:
    """The numbers behind the curves: group, both edges of a bin, its area as given.

    Parameters
    ----------
    curves : sequence of HistogramCurve
    """
    return [
        (curve.group, float(low), float(high), float(area))
        for curve in curves
        for low, high, area in zip(curve.edges[:-1], curve.edges[1:], curve.areas, strict=True)
        if np.isfinite(area)
    ]
