"""Histograms of several groups in one plot."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from lunarscale.render.figure import Illustration
from lunarscale.render.plots import (
    HistogramCurve,
    MeanLabel,
    draw_histograms,
    placed,
    shared_bins,
)


def curve(group: str, first: int, areas: list[float], width: float = 0.1) -> HistogramCurve:
    edges = (np.arange(len(areas) + 1.0) + first) * width
    weights = np.array(areas, dtype=np.float64)
    centres = (edges[1:] + edges[:-1]) / 2.0
    mean = float((centres * weights).sum() / weights.sum()) if weights.sum() > 0 else np.nan
    return HistogramCurve(group, edges, weights, mean)


NOTHING = HistogramCurve("Mare $x$ <b>", np.zeros(1), np.zeros(0), float("nan"))


def draw(curves: list[HistogramCurve], path: Path, *, simulated: bool = False) -> Illustration:
    return draw_histograms(
        curves, name="FeO", long_name="iron oxide abundance", units="wt %",
        model="qiu-2025-feo", path=path, simulated=simulated,
    )  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(-500, 500), st.lists(st.floats(0, 1e6), min_size=1, max_size=60)),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_shared_bins_lose_only_the_tails(groups: list[tuple[int, list[float]]]) -> None:
    curves = [curve(str(i), first, areas) for i, (first, areas) in enumerate(groups)]
    bins = shared_bins(curves)
    if bins is None:
        assert all(c.areas.sum() == 0 for c in curves)
        return
    assert len(bins.edges) <= 165
    for one, shares in zip(curves, bins.shares, strict=True):
        assert (shares is None) == (one.areas.sum() == 0)
        assert shares is None or 99.7 <= shares.sum() <= 100.0 + 1e-9


def test_shared_bins_keep_areas_in_their_place() -> None:
    bins = shared_bins([curve("a", 30, [1.0, 0.0, 3.0]), curve("b", -20, [2.0, 2.0])])
    assert bins is not None
    shares = dict(zip(np.round(bins.edges[:-1], 6), bins.shares[0], strict=True))
    assert (shares[3.0], shares[3.1], shares[3.2]) == pytest.approx((25.0, 0.0, 75.0))
    shares = dict(zip(np.round(bins.edges[:-1], 6), bins.shares[1], strict=True))
    assert (shares[-2.0], shares[-1.9]) == pytest.approx((50.0, 50.0))


def test_plots_name_their_groups_and_draw_lines(tmp_path: Path) -> None:
    moon, maria = curve("Whole Moon", 0, [1, 8, 3, 1, 1]), curve("Maria", 20, [1, 2, 1])
    shown = draw([moon, maria, NOTHING], tmp_path / "h.png")
    assert imread(shown.path).shape[:2] == (shown.height_px, shown.width_px)
    assert shown.vector is not None
    svg = shown.vector.read_text("utf-8")
    ElementTree.fromstring(svg)
    # text is drawn as outlines; matplotlib keeps each as a comment
    for words in ("Whole Moon, mean 0.2", "Maria, mean 2.15", "no values"):
        assert words in svg
    assert "<dc:date>" not in svg


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 0.35)), min_size=1, max_size=6),
    st.integers(0, 2),
)
def test_no_mean_s_line_crosses_a_label(lines: list[tuple[float, float]], bare: int) -> None:
    """A line runs from the axis up to its own label's row."""
    labels = [MeanLabel("a", "k", at, width, has_line=True) for at, width in lines]
    labels += [MeanLabel("no values", "k", 1.0, 0.2, has_line=False)] * bare
    rows = placed(labels)
    assert sorted(label.at for label, _ in rows) == sorted(label.at for label in labels)
    for row, (label, is_left) in enumerate(rows):
        first, last = sorted((label.at, label.at + (-label.width if is_left else label.width)))
        above = [other.at for other, _ in rows[:row] if other.has_line]
        assert not any(first < at < last for at in above)


def test_labels_keep_within_the_figure() -> None:
    """Those of the demo's Mg#: the rightmost stand on the right while the margin has room."""
    at = {"maria": 0.49, "Moon": 0.77, "non-maria": 0.83}
    labels = [MeanLabel(name, "k", x, 0.26, has_line=True) for name, x in at.items()]
    assert [(label.text, is_left) for label, is_left in placed(labels)] == [
        ("maria", False), ("Moon", False), ("non-maria", False),
    ]  # fmt: skip
    labels[2] = MeanLabel("non-maria", "k", 0.93, 0.26, has_line=True)
    assert [(label.text, is_left) for label, is_left in placed(labels)] == [
        ("maria", False), ("non-maria", True), ("Moon", True),
    ]  # fmt: skip


def test_a_layer_without_values_draws(tmp_path: Path) -> None:
    shown = draw([NOTHING], tmp_path / "h.png", simulated=True)
    assert "no values" in (shown.vector or tmp_path).read_text("utf-8")


def test_threads_draw_the_same_bytes(tmp_path: Path) -> None:
    curves = [curve("Whole Moon", 0, [1, 8, 3, 1, 1])]
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda i: draw(curves, tmp_path / f"{i}.png"), range(4)))
    assert len({s.path.read_bytes() for s in shown}) == 1
    assert len({s.vector.read_bytes() for s in shown if s.vector}) == 1
