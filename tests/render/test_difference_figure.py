"""Figures of differences: every panel shows the numbers that it was given."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lunarscale.render.difference_figure import ComparisonPanels, draw_comparisons
from lunarscale.render.difference_panels import (
    Box,
    Density,
    DifferenceHistogram,
    draw_boxes,
    draw_density,
    draw_difference_histogram,
)
from lunarscale.render.figure import Sheet
from lunarscale.render.global_maps import FigureText

EDGES = np.arange(-400, 401) * 0.005
AREAS = np.exp(-0.5 * ((EDGES[:-1] + 0.0025) / 0.2) ** 2)
HISTOGRAM = DifferenceHistogram(EDGES, AREAS, -0.39, 0.39, published=(-3.0, 0.3), paper="A 1999")
BOXES = (
    Box("Moon", -0.4, -0.1, 0.0, 0.1, 0.4, 0.01),
    Box("Mare Crisium", -0.9, -0.6, -0.5, -0.4, -0.1, -0.52),
)


def density(least: float = 0.0) -> Density:
    areas = np.zeros((100, 100), np.int64)
    for place in range(100):
        areas[place, max(place - 2, 0) : place + 3] = 7
    edges = 0.1 * np.arange(101)
    return Density(areas, edges, edges, ("x (wt %)", "y (wt %)"), least, (0.9, 0.2))


def texts(axes: object) -> set[str]:
    return {t.get_text() for t in axes.findobj(lambda part: hasattr(part, "get_text"))}  # type: ignore[attr-defined]


def test_the_histogram_fills_the_middle_and_shows_both_ranges() -> None:
    axes = Figure().add_subplot()
    draw_difference_histogram(axes, HISTOGRAM, label="difference (wt %)", units="wt %")
    told = texts(axes)
    assert {"middle 95 %: −0.39 to 0.39", "A 1999: −3.00 to 0.30"} <= told
    assert "% of the area per 0.01 wt %" in {t.replace("\N{NO-BREAK SPACE}", " ") for t in told}
    whole, middle, line = (patch.get_data() for patch in axes.patches)
    assert whole.values.sum() == pytest.approx(100.0, abs=0.5)
    assert 94.0 < middle.values.sum() < 97.5
    assert np.array_equal(whole.values, line.values)
    low, high = axes.get_xlim()
    assert low < -3.0
    assert high > 0.39


def test_a_density_is_a_probability_above_the_threshold() -> None:
    for least in (0.0, 1.0, 5.0):
        made = density(least).probability()
        assert made.sum() * 0.1 * 0.1 == pytest.approx(1.0)
        first = round(least / 0.1)
        assert not made[:first].any()
        assert not made[:, :first].any()
        assert made[first, first] > 0.0
    empty = Density(np.zeros((3, 3), np.int64), *[np.arange(4.0)] * 2, ("x", "y"))
    assert not empty.probability().any()


def test_a_density_without_values_says_so() -> None:
    sheet = Sheet(4.0, 4.0)
    axes = sheet.panel(0.5, 0.5, width=3.0, height=3.0)
    edges = np.arange(4.0)
    draw_density(sheet, axes, Density(np.zeros((3, 3), np.int64), edges, edges, ("x", "y")))
    assert "no values" in texts(axes)


def test_boxes_stand_in_their_order_with_their_figures() -> None:
    axes = Figure().add_subplot()
    draw_boxes(axes, BOXES, label="difference (wt %)")
    ticks = dict(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True))
    assert [ticks[y].get_text() for y in sorted(ticks, reverse=True)] == ["Moon", "Mare Crisium"]
    reach = [patch.get_path().get_extents() for patch in axes.patches]
    assert [(round(box.x0, 6), round(box.x1, 6)) for box in reach] == [(-0.1, 0.1), (-0.6, -0.4)]


def test_comparisons_are_written_twice(tmp_path: Path) -> None:
    made = np.random.default_rng(0).normal(0.0, 0.2, (45, 90)).astype(np.float32)
    made[:3, :9] = np.nan
    panels = ComparisonPanels(
        "FeO", "FeO: new less old", "wt %", made, (-180.0, -90.0, 180.0, 90.0), HISTOGRAM,
        density(1.0), BOXES, (("mean", "+0.01 wt %"),),
    )  # fmt: skip
    text = FigureText("figure_2", "Figure 2", "line", "caption")
    one = draw_comparisons([panels], text, folder=tmp_path, simulated=False)
    with Image.open(one.path) as png:
        assert png.size == (one.width_px, one.height_px)
        width, height = png.size
    assert one.vector is not None
    assert "data:image/png;base64" in one.vector.read_text("utf-8")
    two = draw_comparisons([panels, panels], text, folder=tmp_path, simulated=True)
    assert two.width_px == width
    assert two.height_px > 1.8 * height
