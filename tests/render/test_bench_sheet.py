"""Figures of a bench: what they show is what they were given."""

from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lunarscale.render import bench_sheet
from lunarscale.render.bench_sheet import (
    MOST_ROWS,
    Bar,
    Words,
    draw_bars,
    draw_scaling,
    draw_stacks,
)
from lunarscale.render.figure import Sheet

WORDS = Words("rates", "equations", "Pixels a second", "Mpx/s", ("on a test",), "caption", "alt")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Sheet]:
    """The sheets that are drawn."""
    sheets: list[Sheet] = []
    finished = bench_sheet._finished

    def keep(sheet: Sheet, *rest: object) -> object:
        sheets.append(sheet)
        return finished(sheet, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(bench_sheet, "_finished", keep)
    return sheets


def bars_of(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_bars_are_as_long_as_told_and_marked_where_told(tmp_path: Path, drawn: list[Sheet]) -> None:
    bars = [Bar("a", 30.0, 25.0, 31.0, 60.0, True), Bar("b", 20.0, 20.0, 20.0)]
    made = draw_bars(tmp_path, bars, WORDS, mark="the limit")
    (axes,) = drawn[0].figure.axes
    assert [bar.get_width() for bar in bars_of(axes)] == [30.0, 20.0]
    lines = [list(line.get_xdata()) for line in axes.lines]
    assert [25.0, 31.0] in lines
    assert [60.0, 60.0] in lines
    assert len(lines) == 2  # no repeats, no mark: no line
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    assert made.path.exists()
    assert made.vector is not None
    assert made.vector.exists()


def test_a_long_sweep_is_cut(tmp_path: Path, drawn: list[Sheet]) -> None:
    bars = [Bar(str(n), 100.0 - n, 1.0, 1.0) for n in range(MOST_ROWS + 5)]
    draw_bars(tmp_path, bars, WORDS, mark="the limit")
    assert len(bars_of(drawn[0].figure.axes[0])) == MOST_ROWS


def test_stacks_add_up_and_parts_keep_their_colours(tmp_path: Path, drawn: list[Sheet]) -> None:
    stacks = {
        "a": {"read": 1.0, "encode": 2.0, "waiting": 0.5, "idle": 4.0},
        "b": {"read": 0.0, "encode": 3.0, "waiting": 0.0, "idle": 1.0},
    }
    draw_stacks(tmp_path, stacks, WORDS)
    bars = bars_of(drawn[0].figure.axes[0])
    assert [(bar.get_x(), bar.get_width()) for bar in bars[:4]] == [
        (0.0, 1.0), (1.0, 2.0), (3.0, 0.5), (3.5, 4.0),
    ]  # fmt: skip
    assert bars[1].get_facecolor() == bars[5].get_facecolor()
    assert len({bar.get_facecolor() for bar in bars[:4]}) == 4


def test_scaling_is_held_against_no_loss(tmp_path: Path, drawn: list[Sheet]) -> None:
    draw_scaling(tmp_path, {"a": [(2, 18.0), (1, 10.0)]}, WORDS)
    measured, ideal = drawn[0].figure.axes[0].lines
    assert list(measured.get_ydata()) == [10.0, 18.0]
    assert list(ideal.get_ydata()) == [10.0, 20.0]
