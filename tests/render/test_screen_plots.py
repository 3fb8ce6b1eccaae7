"""The joint plot and the sensitivity of a screening: limits, what is drawn, what is empty."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lunarscale.grid.caps import PolarCap, cells_of_cap
from lunarscale.grid.cells import equal_area_cells
from lunarscale.render.joint_plot import JointPlot, draw_joint
from lunarscale.render.polar_screen import CANDIDATE, VALUE, ScreenMap
from lunarscale.render.screen_sensitivity import ScreenSensitivity, draw_screen_sensitivity
from lunarscale.render.screen_sheet import draw_screen_sheet

X, Y = np.linspace(0, 30, 61), np.linspace(0.2, 0.9, 71)
POPULATION = np.zeros((60, 70), np.int64)
POPULATION[30:40, 20:30] = 10**15
SAMPLES = np.zeros((60, 70), np.int64)
SAMPLES[8:20, 40:50] = 300
PICTURE = JointPlot(
    title="FeO and Mg#",
    lines=("a model", "a criterion"),
    labels=("FeO (wt %)", "Mg#"),
    edges=(X, Y),
    population=POPULATION,
    samples=SAMPLES,
    passing=np.zeros_like(SAMPLES),
    held=np.where(POPULATION > 0, 0.4, 1.0),
    names=("maria", "cells", "passing"),
    thresholds=(21.0, 0.6),
    share=0.95,
)


def test_the_axes_hold_both_populations_and_the_thresholds() -> None:
    for axis, (low, high) in enumerate(((4.0, 21.0), (0.4, 0.7))):
        found = PICTURE.limits(axis)
        assert found[0] == pytest.approx(low, abs=0.05 * (high - low))
        assert found[1] == pytest.approx(high, abs=0.05 * (high - low))
        assert found[0] < low < high < found[1]


def test_both_files_are_written_and_the_same_twice(tmp_path: Path) -> None:
    first = draw_joint(PICTURE, path=tmp_path / "a.png", simulated=True)
    again = draw_joint(PICTURE, path=tmp_path / "b.png", simulated=True)
    assert first.vector is not None
    assert again.vector is not None
    assert first.path.read_bytes() == again.path.read_bytes()
    assert first.vector.read_bytes() == again.vector.read_bytes()
    assert "SIMULATED DATA" in first.vector.read_text()  # as the comment beside its outlines


def test_no_samples_and_none_that_pass_are_drawn(tmp_path: Path) -> None:
    empty = replace(PICTURE, samples=np.zeros_like(SAMPLES))
    assert draw_joint(empty, path=tmp_path / "a.png").path.stat().st_size > 10_000


def sensitivity(passing: np.ndarray, overlap: np.ndarray) -> ScreenSensitivity:
    """Of three shares, four thresholds of FeO and five of Mg#."""
    return ScreenSensitivity(
        title="Choices",
        lines=("a line",),
        shares=np.array([0.5, 0.9, 0.95]),
        thresholds=(np.array([13.0, 14, 15, 16]), np.array([0.58, 0.59, 0.6, 0.61, 0.62])),
        overlap_km2=overlap,
        overlap_cells_km2=overlap,
        passing_km2=passing,
        passing_cells_km2=passing,
        at=(0.9, 15.0, 0.61),
    )


@pytest.mark.parametrize("most", [0.0, 5e3, 1e6])
def test_areas_are_drawn_whatever_their_size(most: float, tmp_path: Path) -> None:
    passing = np.linspace(1.0, 0.5, 60).reshape(3, 4, 5) * min(most, 1e4)
    picture = sensitivity(passing, np.array([0.5, 0.8, 1.0]) * most)
    assert picture.asked == (1, 2, 3)
    made = draw_screen_sensitivity(picture, path=tmp_path / "a.png")
    assert made.path.stat().st_size > 10_000
    assert made.vector is not None


def test_one_sheet_holds_all_panels(tmp_path: Path) -> None:
    cells, _ = cells_of_cap(equal_area_cells(20_000.0), PolarCap("south", 65.0))
    kinds = np.full(cells.count, VALUE, np.uint8)
    kinds[0] = CANDIDATE
    cap = ScreenMap(
        title="A cap",
        lines=("a model", "a criterion"),
        pole="south",
        latitude_deg=65.0,
        cells=cells,
        feo_wt_pct=np.linspace(3, 20, cells.count).astype(np.float32),
        kinds=kinds,
        labels=("like the maria", "of these, those with much"),
    )
    choices = sensitivity(np.full((3, 4, 5), 2e3), np.array([3e3, 4e3, 5e3]))
    made = draw_screen_sheet(
        cap, PICTURE, choices, path=tmp_path / "sheet.png", title="Figure 5. A cap", simulated=True
    )
    assert made.vector is not None
    drawn = made.vector.read_text()
    words = ("Figure 5. A cap", "FeO above (wt %)", "Mg# below", "cells per bin", "SIMULATED DATA")
    assert all(f"<!-- {text}" in drawn for text in words)
    assert all(f"<!-- {letter} -->" in drawn for letter in "abcde")
    assert all(f"({letter})" in made.caption for letter in "abcde")
    assert made.width_px == 2519
