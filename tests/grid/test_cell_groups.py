"""Cells as groups, and those above a threshold: by another road, and in every window alike."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import RegionError
from lunarscale.grid.cell_groups import CellGroups, CellThreshold, cell_groups, procellarum
from lunarscale.grid.cells import BandedCells, qiu_2025_cells
from lunarscale.grid.raster import RasterGrid, Window, weight_to_km2

#: A part of the Moon only: 4 cells and then 2.
PART = BandedCells("part", (-30.0, 0.0, 60.0), (4, 2))
THORIUM = np.array([1.0, 5.0, 3.5, math.nan, 8.0, 0.0])
BIG = cell_groups(40_000.0)


def test_a_group_a_cell_named_by_its_centre() -> None:
    groups = CellGroups(PART)
    assert groups.groups[:2] == ("15.00 S 135.00 W", "15.00 S 45.00 W")
    assert groups.groups[5] == "30.00 N 90.00 E"
    grid = RasterGrid.whole(0.5)
    found = groups.numbers(grid, grid.window)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, PART.numbers(grid, grid.window) + 1)
    assert (found[:15] == 0).all()


def test_the_names_of_many_cells_are_all_different() -> None:
    groups = cell_groups(600.0).groups
    assert 60_000 < len(groups) == len(set(groups)) <= 65_535


def test_cells_have_their_areas() -> None:
    grid = RasterGrid.whole(2)
    numbers = BIG.numbers(grid, grid.window)
    assert (numbers > 0).all()
    weights = np.broadcast_to(grid.row_weights()[:, None], numbers.shape)
    areas = np.bincount(numbers.ravel(), weights.ravel() / 2**62 * 37.932e6)[1:]
    # a pixel is 15 km, a cell 200: its edges are coarse
    np.testing.assert_allclose(areas, BIG.cells.areas_km2(), rtol=0.35)
    assert areas.sum() == pytest.approx(BIG.cells.areas_km2().sum(), rel=1e-4)


def test_above_a_threshold_and_not_above_and_without_a_value() -> None:
    threshold = CellThreshold(PART, THORIUM, 3.5, "th", ("high", "low"))
    grid = RasterGrid.whole(0.5)
    numbers = threshold.numbers(grid, grid.window)
    by_cell = {-1: 0, 0: 2, 1: 1, 2: 2, 3: 0, 4: 1, 5: 2}
    expected = np.vectorize(by_cell.get)(PART.numbers(grid, grid.window))
    np.testing.assert_array_equal(numbers, expected)


@settings(max_examples=20, deadline=None)
@given(
    size=st.integers(4, 100),
    box=st.sampled_from([(-180, -90, 180, 90), (120, -90, -120, 90), (-20, -40, 50, 70)]),
    grouping=st.sampled_from([BIG, CellGroups(PART), procellarum(PART, THORIUM)]),
)
def test_any_window_of_any_crop_has_the_numbers_of_the_whole(size, box, grouping) -> None:
    whole = RasterGrid.whole(1)
    grid = whole.crop(*box)
    numbers = grouping.numbers(grid, grid.window)
    for window in grid.window.split(size):
        np.testing.assert_array_equal(grouping.numbers(grid, window), numbers[window.slices])
    band = grouping.numbers(whole, Window(grid.row, 0, grid.height, whole.width))
    np.testing.assert_array_equal(numbers, np.roll(band, -grid.col, axis=1)[:, : grid.width])


def test_what_is_one_number_or_one_row_takes_no_memory() -> None:
    grid = RasterGrid.whole(303.23349)
    row, col = grid.locate(-45.0, -14.0)
    assert CellGroups(PART).numbers(grid, Window(row, col, 512, 512)).strides == (0, 0)
    row, col = grid.locate(-90.8, -14.0)
    over_an_edge = procellarum(PART, THORIUM).numbers(grid, Window(row, col, 512, 512))
    assert over_an_edge.strides == (0, 2)
    assert over_an_edge[0, [0, -1]].tolist() == [2, 1]


def test_procellarum_is_above_its_threshold() -> None:
    grouping = procellarum(PART, THORIUM, threshold_ppm=0.5)
    assert grouping.name == "pkt"
    assert grouping.groups == ("Th > 0.5 ppm", "Th <= 0.5 ppm")
    grid = RasterGrid.whole(1)
    high = (grouping.numbers(grid, grid.window) == 1).sum(axis=1)
    cells = PART.band_areas_km2()
    expected = 3 * cells[0] + cells[1]
    assert weight_to_km2(int((high * grid.row_weights()).sum())) == pytest.approx(expected)


def test_they_pickle_and_their_digests_tell_them_apart() -> None:
    ones = [CellGroups(PART), procellarum(PART, THORIUM), procellarum(PART, THORIUM, name="x")]
    ones.append(procellarum(PART, THORIUM, threshold_ppm=6.0))
    assert len({one.digest for one in ones}) == 4
    for one in ones:
        again = pickle.loads(pickle.dumps(one))
        assert (again.digest, again.groups) == (one.digest, one.groups)
    # a threshold that parts the same cells draws the same groups, but says so otherwise
    assert ones[1].groups != procellarum(PART, THORIUM, threshold_ppm=3.6).groups


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: CellGroups(qiu_2025_cells()), "16,858,820 are more than the 65,535"),
        (lambda: cell_groups(100.0), "give at least 580 km2"),
        (lambda: cell_groups(0.0), "cells of 0 km2 do not divide the Moon"),
        (lambda: procellarum(PART, THORIUM[:3]), "6 cells need a value each, but there are 3"),
        (lambda: procellarum(PART, THORIUM, threshold_ppm=0.0), "threshold of 0 ppm is not above"),
        (lambda: procellarum(PART, THORIUM, threshold_ppm=math.nan), "nan ppm is not above 0"),
        (lambda: CellThreshold(PART, THORIUM, math.inf, "n", ("a", "b")), "parts no values"),
    ],
)
def test_what_makes_no_groups_is_refused(make, match) -> None:
    with pytest.raises(RegionError, match=match):
        make()


def test_the_advised_area_is_enough() -> None:
    assert len(cell_groups(580.0).groups) <= 65_535
