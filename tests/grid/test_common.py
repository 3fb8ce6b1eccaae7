"""What two grids have in common, against brute force over every pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.grid.common import common_grid, first_inside, holding
from lunarscale.grid.raster import RasterGrid


@st.composite
def grids(draw, around=None):
    around = draw(st.sampled_from([8, 12, 20, 26])) if around is None else around
    row = draw(st.integers(0, around // 2 - 1))
    height = draw(st.integers(1, around // 2 - row))
    width = draw(st.integers(1, around))
    return RasterGrid(around, row, draw(st.integers(0, around - 1)), height, width)


def pixels(grid):
    """Rows and columns of the whole grid's pixels that a grid has."""
    cols = {(grid.col + k) % grid.around for k in range(grid.width)}
    return {(row, col) for row in range(grid.row, grid.row + grid.height) for col in cols}


@given(grids(around=14), grids(around=14))
def test_same_pixels(first, second):
    both, common = pixels(first) & pixels(second), common_grid(first, second)
    if common is None:
        assert not both
        return
    assert pixels(common) >= both
    # it is no larger than it must be: its first and last rows and columns hold common pixels
    rows, cols = {row for row, _ in both}, {col for _, col in both}
    assert {common.row, common.row + common.height - 1} <= rows
    ends = {common.col, (common.col + common.width - 1) % common.around}
    assert ends <= cols
    assert pixels(common) <= pixels(first)


@given(grids(), grids())
def test_holds_every_coarser_pixel_that_both_reach(first, second):
    coarser, finer = sorted((first, second), key=lambda grid: grid.around)
    reached = set()
    for row, col in pixels(finer):
        # exact edges: twice the pixel's centre in coarser pixels, over 2 x finer
        place = [(2 * k + 1) * coarser.around // (2 * finer.around) for k in (row, col)]
        reached.add(tuple(place))
    common = common_grid(first, second)
    found = set() if common is None else pixels(common)
    assert found >= reached & pixels(coarser)
    assert (common is None) == (not reached & pixels(coarser))


@given(st.integers(1, 40), st.integers(0, 60))
def test_finer_pixels_part_the_coarser(half, more):
    coarser, finer = 2 * half, 2 * (half + more)
    starts = first_inside(np.arange(coarser + 1), coarser, finer)
    assert starts[0] == 0
    assert starts[-1] == finer
    assert (np.diff(starts) >= 1).all()
    fine = np.arange(finer)
    np.testing.assert_array_equal(
        np.searchsorted(starts, fine, side="right") - 1, holding(fine, finer, coarser)
    )


@pytest.mark.parametrize(("coarser", "finer"), [(36, 36), (36, 108), (20, 46)])
def test_pixel_at_a_centre_is_where_locate_finds_it(coarser, finer):
    small, large = RasterGrid.whole(coarser / 360), RasterGrid.whole(finer / 360)
    rows = holding(np.arange(small.height), coarser, finer)
    cols = holding(np.arange(small.width), coarser, finer)
    for row, lat in zip(rows, small.lats(), strict=True):
        for col, lon in zip(cols, small.lons(), strict=True):
            found = large.locate(lon, lat)
            # degrees as floats may miss by one where a centre is on an edge
            west, _, _, north = large.bounds()
            steps = np.array([lon - west, north - lat]) * finer / 360
            on_edge = (np.abs(steps - np.rint(steps)) < 1e-9).any()
            assert found == (row, col) or on_edge
