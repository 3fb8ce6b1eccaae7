"""Figures of global maps: every map, histogram and mark is on them, as PNG and as SVG."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lunarscale.render.global_maps import (
    FigureText,
    GlobalMap,
    draw_two_columns,
    draw_with_poles,
)
from lunarscale.render.histogram_panel import Marks, curve_rows, draw_histogram_panel
from lunarscale.render.plots import HistogramCurve

EDGES = np.arange(0.0, 20.5, 0.5)
TEXT = FigureText("figure_1", "Figure 1", "line", "caption")


def curve(group: str, centre: float, area: float) -> HistogramCurve:
    shape = np.exp(-0.5 * ((EDGES[:-1] + 0.25 - centre) / 1.5) ** 2)
    return HistogramCurve(group, EDGES, area * shape / shape.sum(), centre)


def curves() -> tuple[HistogramCurve, ...]:
    low, high = curve("non-maria", 5.0, 80.0), curve("maria", 16.0, 20.0)
    return (HistogramCurve("Moon", EDGES, low.areas + high.areas, 7.0), high, low)


def a_map(quantity: str, bounds: tuple[float, float, float, float]) -> GlobalMap:
    values = np.linspace(0.0, 18.0, 90 * 45, dtype=np.float32).reshape(45, 90)
    values[:2, :9] = np.nan
    return GlobalMap(quantity, "some-model", values, bounds, curves(), Marks((5.1,), (4.5, 18.8)))


def texts(axes: object) -> list[str]:
    return [text.get_text() for text in axes.findobj(lambda part: hasattr(part, "get_text"))]  # type: ignore[attr-defined]


def test_shares_are_of_all_the_area_and_modes_are_marked() -> None:
    axes = Figure().add_subplot()
    draw_histogram_panel(
        axes, curves(), name="FeO", units="wt %", marks=Marks((5.1,), (4.5, 18.8, 99.0))
    )
    told = texts(axes)
    assert {"5.10", "4.50", "18.80"} <= set(told)
    assert "99.00" not in told  # off the axis
    assert {"Moon", "maria", "non-maria"} <= set(told)
    steps = {p.get_label(): p.get_data().values for p in axes.patches if p.get_label()}
    assert steps["Moon"].sum() == pytest.approx(100.0, abs=0.5)
    assert steps["maria"].sum() == pytest.approx(20.0, abs=0.2)
    assert steps["non-maria"].sum() == pytest.approx(80.0, abs=0.4)


def test_without_values_the_panel_says_so() -> None:
    axes = Figure().add_subplot()
    empty = HistogramCurve("Moon", np.array([0.0, 1.0]), np.zeros(1), np.nan)
    draw_histogram_panel(axes, [empty], name="FeO", units="wt %", marks=Marks())
    assert "no values" in texts(axes)


@pytest.mark.parametrize("simulated", [False, True])
def test_maps_with_poles_are_written_twice(tmp_path: Path, simulated: bool) -> None:
    maps = [a_map("FeO", (-180.0, -90.0, 180.0, 90.0)), a_map("OMAT", (-60.0, -30.0, 60.0, 30.0))]
    made = draw_with_poles(maps, TEXT, folder=tmp_path, simulated=simulated)
    with Image.open(made.path) as png:
        assert png.size == (made.width_px, made.height_px)
    assert made.vector is not None
    vector = made.vector.read_text("utf-8")
    assert vector.count("data:image/png;base64") >= 4  # two maps, two poles of the whole one
    assert (made.alt, made.caption) == ("Global maps and histograms of FeO, OMAT", "caption")


def test_maps_in_two_columns_have_a_row_for_two(tmp_path: Path) -> None:
    maps = [a_map(name, (-180.0, -90.0, 180.0, 90.0)) for name in ("FeO", "TiO2", "Mg_number")]
    three = draw_two_columns(maps, TEXT, folder=tmp_path, simulated=False)
    two = draw_two_columns(maps[:2], TEXT, folder=tmp_path, simulated=False)
    assert three.width_px == two.width_px
    assert three.height_px > 1.7 * two.height_px


def test_the_numbers_behind_the_curves() -> None:
    rows = curve_rows(curves())
    assert len(rows) == 3 * (len(EDGES) - 1)
    assert sum(area for group, _, _, area in rows if group == "Moon") == pytest.approx(100.0)
    assert rows[0] == ("Moon", 0.0, 0.5, pytest.approx(curves()[0].areas[0]))
