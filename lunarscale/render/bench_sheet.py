"""Figures of a bench: horizontal bars, a row a setting, beside what limits or plans them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import ColorType

from lunarscale.render.figure import (
    FAINT,
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)

#: Rows that a figure has at the most.
MOST_ROWS = 30

#: Inches: the sheet, its margins, a row, and what stands above and below the rows.
_WIDTH, _LEFT, _RIGHT, _ROW, _TOP, _BOTTOM = 5.6, 2.1, 0.25, 0.26, 0.75, 0.45

#: A bar, one that is recommended, and the mark of the limit or plan.
_BAR, _CHOSEN, _MARK = "#8ba6c1", "#0b4f8a", "#9b1c1c"


@dataclass(frozen=True)
class Bar:
    """A row of a figure.

    Parameters
    ----------
    label : str
    value : float
    least, most : float
        Of its repeats; the same as the value where it has none.
    mark : float or None
        The limit, or the plan.
    chosen : bool
        Whether it is recommended.
    """

    label: str
    value: float
    least: float
    most: float
    mark: float | None = None
    chosen: bool = False


@dataclass(frozen=True)
class Words:
    """What a figure says.

    Parameters
    ----------
    name : str
        Of the files.
    layer : str
        The section of the page that it stands in.
    title, axis : str
    lines : tuple of str
        Below the title.
    caption, alt : str
    """

    name: str
    layer: str
    title: str
    axis: str
    lines: tuple[str, ...]
    caption: str
    alt: str


def draw_bars(folder: Path, bars: Sequence[Bar], words: Words, *, mark: str) -> Illustration:
    """One bar a setting, whiskers from the least to the most repeat, and a mark each.

    Parameters
    ----------
    folder : Path
    bars : sequence of Bar
        From the top; the first ``MOST_ROWS`` are drawn.
    words : Words
    mark : str
        What the marks are.
    """
    bars = list(bars)[:MOST_ROWS]
    sheet, axes = _rows([bar.label for bar in bars], words)
    for row, bar in enumerate(bars):
        axes.barh(row, bar.value, height=0.62, color=_CHOSEN if bar.chosen else _BAR)
        if bar.most > bar.least:
            axes.plot([bar.least, bar.most], [row, row], color=INK, linewidth=1.0)
        if bar.mark is not None:
            axes.plot([bar.mark, bar.mark], [row - 0.38, row + 0.38], color=_MARK, linewidth=1.6)
    _legend(axes, [
        Patch(color=_CHOSEN, label="recommended"), Patch(color=_BAR, label="other settings"),
        Patch(color=_MARK, label=mark),
    ])  # fmt: skip
    return _finished(sheet, folder, words)


def draw_stacks(
    folder: Path, stacks: Mapping[str, Mapping[str, float]], words: Words
) -> Illustration:
    """One stack a setting, its parts in the same order and colours.

    Parameters
    ----------
    folder : Path
    stacks : mapping of label to mapping of part to float
        The last two parts are no work: they are grey.
    words : Words
    """
    labels = list(stacks)[:MOST_ROWS]
    sheet, axes = _rows(labels, words)
    parts = [part for part in stacks[labels[0]] if any(stacks[label][part] for label in labels)]
    colours = _colours(list(stacks[labels[0]]))
    for row, label in enumerate(labels):
        start = 0.0
        for part in parts:
            length = stacks[label][part]
            axes.barh(row, length, left=start, height=0.68, color=colours[part])
            start += length
    _legend(axes, [Patch(color=colours[part], label=part) for part in parts])
    return _finished(sheet, folder, words)


def _colours(parts: Sequence[str]) -> dict[str, ColorType]:
    """A colour a part, whichever of them are drawn; what is no work is grey."""
    work = list(parts)[:-2]
    shades: dict[str, ColorType] = {
        part: cm.batlow(0.05 + 0.9 * place / max(len(work) - 1, 1))
        for place, part in enumerate(work)
    }
    return {**shades, parts[-2]: "#b4b4b4", parts[-1]: "#dedede"}


def draw_scaling(
    folder: Path, lines: Mapping[str, Sequence[tuple[int, float]]], words: Words
) -> Illustration:
    """Rates by threads, a line a setting, beside what they would be if nothing was lost.

    Parameters
    ----------
    folder : Path
    lines : mapping of label to sequence of (threads, rate)
    words : Words
        ``axis`` is the rate's.
    """
    sheet = Sheet(_WIDTH, 3.9)
    sheet.head(words.title, words.lines, left=0.15)
    axes = sheet.panel(0.75, _BOTTOM, width=_WIDTH - 1.1, height=3.9 - _BOTTOM - _TOP - 0.1)
    most = max(threads for points in lines.values() for threads, _ in points)
    for place, (label, points) in enumerate(lines.items()):
        colour = cm.batlow(0.05 + 0.8 * place / max(len(lines) - 1, 1))
        ordered = sorted(points)
        (first, rate) = ordered[0]
        axes.plot(*zip(*ordered, strict=True), "o-", color=colour, label=label, markersize=4)
        axes.plot([first, most], [rate, rate * most / first], ":", color=colour, linewidth=1.0)
    axes.set_xlabel("threads of all workers; dotted: nothing lost", fontsize=TEXT_PT)
    axes.set_ylabel(words.axis, fontsize=TEXT_PT)
    axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=SMALL_PT, frameon=False, loc="upper left")
    bare_ticks(axes)
    return _finished(sheet, folder, words)


def _rows(labels: Sequence[str], words: Words) -> tuple[Sheet, Axes]:
    """A sheet with a panel of labelled rows, the first at the top."""
    legend = 0.32
    height = _TOP + len(labels) * _ROW + _BOTTOM + legend
    sheet = Sheet(_WIDTH, height)
    sheet.head(words.title, words.lines, left=0.15)
    axes = sheet.panel(
        _LEFT, _BOTTOM + legend, width=_WIDTH - _LEFT - _RIGHT, height=len(labels) * _ROW
    )
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel(words.axis, fontsize=TEXT_PT)
    bare_ticks(axes)
    axes.tick_params(axis="y", length=0.0, labelsize=TEXT_PT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    return sheet, axes


def _legend(axes: Axes, handles: Sequence[Patch]) -> None:
    """Below the axis, in as many columns as fit."""
    axes.figure.legend(
        handles=list(handles), loc="lower center", ncols=min(len(handles), 5), frameon=False,
        fontsize=SMALL_PT, labelcolor=FAINT, handlelength=1.0, columnspacing=1.2,
        borderaxespad=0.15,
    )  # fmt: skip


def _finished(sheet: Sheet, folder: Path, words: Words) -> Illustration:
    path = folder / f"{words.name}.png"
    (width, height), vector = sheet.save(path, title=words.title)
    return Illustration(path, words.layer, words.caption, words.alt, width, height, vector)
