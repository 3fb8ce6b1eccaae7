"""Stripes are what their pixels are, in every form that numbers come in."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.grid.groupings import REGION, Seas
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.stripes import Stripes
from lunarscale.moon import RADIUS_M, Sea


def require_stripes(stripes, numbers):
    """They give the numbers, are ordered, and none reaches into the next row unless it is all."""
    np.testing.assert_array_equal(stripes.drawn(numbers.shape), numbers)
    if len(stripes.starts) > 1:
        ends = np.append(stripes.starts[1:], numbers.size) - 1
        assert (stripes.starts <= ends).all()
        np.testing.assert_array_equal(stripes.starts // numbers.shape[1], ends // numbers.shape[1])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), groups=st.integers(1, 4))
def test_stripes_of_any_numbers_draw_them(data, groups):
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    drawn = data.draw(st.lists(st.integers(0, groups - 1), min_size=81, max_size=81))
    numbers = np.resize(np.array(drawn, np.uint16), shape)
    by_rows = np.broadcast_to(numbers[:, :1], shape)
    one = np.broadcast_to(numbers[:1, :1], shape)
    for form in (numbers, by_rows, one, numbers[::-1], numbers.T):
        require_stripes(Stripes.of_numbers(form), form)
    assert len(Stripes.of_numbers(one).starts) == 1
    assert len(Stripes.of_numbers(np.full(shape, 3, np.uint16)).starts) == 1


@settings(max_examples=15, deadline=None)
@given(row=st.integers(1, 239), col=st.integers(1, 239), pixels=st.floats(20, 150))
def test_seas_have_the_same_stripes_where_what_is_settled_at_once_ends(row, col, pixels):
    """Windows on both sides of a region's corner are cut out of the window over it."""
    grid = RasterGrid.whole(40)
    lats, lons = grid.lats()[REGION + np.array([0, 30])], grid.lons()[REGION + np.array([0, -90])]
    sizes = pixels * np.array([1.0, 0.5]) * grid.pixel_deg * np.pi / 180 * RADIUS_M / 500
    seas = Seas(tuple(map(Sea, "ab", lons.tolist(), lats.tolist(), sizes.tolist())))
    over = Window(REGION - row, REGION - col, 240, 240)
    whole = seas.numbers(grid, over)
    assert {0, 1} <= set(np.unique(whole))
    for rows in (slice(0, row), slice(row, 240)):
        for cols in (slice(0, col), slice(col, 240)):
            size = rows.stop - rows.start, cols.stop - cols.start
            part = Window(over.row + rows.start, over.col + cols.start, *size)
            require_stripes(seas.stripes(grid, part), whole[rows, cols])
