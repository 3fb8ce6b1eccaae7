"""Sides of the Moon and crossed groupings: the same number for a pixel in every window."""

import pickle

import numpy as np
import pytest

from lunarscale.errors import RegionError
from lunarscale.grid.groupings import WholeMoon
from lunarscale.grid.masks import Maria, MaskGrouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.sides import Crossed, Sides, sides_of_maria

GRID = RasterGrid.whole(0.5)

#: Mare north of the equator, land south of it, nothing beyond 60 degrees.
MASK = MaskGrouping.of_raster(
    "mask", np.array([[255] * 6] * 1 + [[0] * 6] * 1), west=-180.0, north=60.0, pixel_deg=60.0
)
MARIA = Maria.from_mask(MASK)


def test_each_side_is_half_of_the_moon() -> None:
    numbers = Sides().numbers(GRID, GRID.window)
    assert (numbers == 1).sum() == (numbers == 2).sum() == GRID.width * GRID.height / 2
    lons = np.broadcast_to(GRID.lons(), numbers.shape)
    assert (np.abs(lons[numbers == 1]) < 90).all()
    assert (np.abs(lons[numbers == 2]) > 90).all()


def test_past_the_seam_it_is_the_farside_still() -> None:
    over = GRID.crop(170.0, -10.0, -170.0, 10.0)
    assert (Sides().numbers(over, over.window) == 2).all()


@pytest.mark.parametrize(
    ("lon", "lat", "group"),
    [
        (0.0, 30.0, "nearside mare"),
        (0.0, -30.0, "nearside highlands"),
        (-150.0, 30.0, "farside mare"),
        (150.0, -30.0, "farside highlands"),
        (0.0, 80.0, None),
        (150.0, -80.0, None),
    ],
)
def test_sides_of_maria_by_place(lon: float, lat: float, group: str | None) -> None:
    grouping = sides_of_maria(MARIA)
    place = GRID.locate(lon, lat)
    assert place is not None
    number = int(grouping.numbers(GRID, GRID.window)[place])
    assert (grouping.groups[number - 1] if number else None) == group


def test_any_window_has_the_numbers_of_the_whole() -> None:
    grouping = sides_of_maria(Maria.from_seas())
    whole = grouping.numbers(GRID, GRID.window)
    for window in GRID.window.split(37):
        np.testing.assert_array_equal(grouping.numbers(GRID, window), whole[window.slices])


def test_it_pickles_and_crosses_with_what_has_one_group() -> None:
    crossed = Crossed("both", WholeMoon(), Sides())
    assert crossed.groups == ("Moon nearside", "Moon farside")
    again = pickle.loads(pickle.dumps(crossed))
    window = Window(3, 5, 7, 150)
    np.testing.assert_array_equal(again.numbers(GRID, window), Sides().numbers(GRID, window))
    assert again.digest == crossed.digest != Crossed("both", Sides(), WholeMoon()).digest


def test_titles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RegionError, match="make 2 groups, but 3 titles"):
        Crossed("both", WholeMoon(), Sides(), ("a", "b", "c"))
