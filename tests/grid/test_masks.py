"""Masks sampled pixel by pixel, and the maria that they draw."""

import math
import pickle

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import RegionError
from lunarscale.grid.masks import Maria, MaskGrouping
from lunarscale.grid.raster import RasterGrid, weight_to_km2


def mask(raster, **place):
    return MaskGrouping.of_raster("m", np.asarray(raster), **place)


QUARTERS = mask([[0, 7, 7, 0], [7, 0, 9, 9]], west=-180.0, north=60.0, pixel_deg=90.0, no_data=None)


def test_a_mask_is_sampled_at_centres_and_has_a_group_for_every_value():
    grid = RasterGrid.whole(1 / 30)
    assert QUARTERS.groups == ("m = 0", "m = 7", "m = 9")
    rows = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1],
        [1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1],
        [1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1],
        [2, 2, 2, 1, 1, 1, 3, 3, 3, 3, 3, 3],
        [2, 2, 2, 1, 1, 1, 3, 3, 3, 3, 3, 3],
    ]
    np.testing.assert_array_equal(QUARTERS.numbers(grid, grid.window), rows)


def test_maria_of_a_mask_say_nothing_where_it_has_no_value():
    grid = RasterGrid.whole(1 / 30)
    maria = Maria.from_mask(QUARTERS)
    numbers = maria.numbers(grid, grid.window)
    assert maria.groups == ("maria", "non-maria")
    assert (numbers[0] == 0).all()
    np.testing.assert_array_equal(numbers[1], [2, 2, 2, 1, 1, 1, 1, 1, 1, 2, 2, 2])


@settings(deadline=None)
@given(
    west=st.floats(-180, 180),
    north=st.floats(-20, 90),
    pixel=st.sampled_from([3.0, 7.5, 11.1]),
    seed=st.integers(0, 99),
    span=st.sampled_from([(0, 300), (-400, 9), (-(10**9), 10**9)]),
)
def test_a_mask_anywhere_agrees_with_pixel_by_pixel_sampling(west, north, pixel, seed, span):
    rng = np.random.default_rng(seed)
    raster = rng.choice(rng.integers(*span, 20), (6, 9)).astype(np.int32)
    grouping = mask(raster, west=west, north=north, pixel_deg=pixel, no_data=int(raster[0, 0]))
    grid = RasterGrid.whole(0.2).crop(100, -90, 80, 90)
    found = grouping.numbers(grid, grid.window)
    for row, lat in enumerate(grid.lats()):
        for col, lon in enumerate(grid.lons()):
            down, across = (north - lat) / pixel, ((lon - west) % 360) / pixel
            edges = (down, across, (360 - (lon - west) % 360) / pixel)
            if any(abs(place - round(place)) < 1e-9 for place in edges):
                continue  # on an edge but for rounding: either side is right
            line, sample = math.floor(down), math.floor(across)
            value = None
            if 0 <= line < 6 and 0 <= sample < 9 and raster[line, sample] != raster[0, 0]:
                value = int(raster[line, sample])
            number = int(found[row, col])
            assert (grouping.values[number - 1] if number else None) == value


def test_a_mask_pickles_to_the_same_grouping():
    again = pickle.loads(pickle.dumps(QUARTERS))
    assert again.digest == QUARTERS.digest


@pytest.mark.parametrize(
    ("raster", "place", "match"),
    [
        (np.zeros((100, 10), int), {"north": 90.0, "pixel_deg": 2.0}, "latitudes -110 to 90"),
        (np.zeros((10, 100), int), {"north": 50.0, "pixel_deg": 4.0}, "400 x 40 degrees"),
        (
            np.arange(2000).reshape(20, 100),
            {"north": 50.0, "pixel_deg": 1.0},
            "found over 1,000 different values",
        ),
        (np.zeros((1, 1), int), {"north": 5.0, "pixel_deg": 1.0, "no_data": 0}, "found no value"),
    ],
)
def test_a_raster_that_is_no_mask_of_the_moon_is_refused(raster, place, match):
    with pytest.raises(RegionError, match=match):
        MaskGrouping.of_raster("m", raster, west=-180.0, **place)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_real_mare_mask_has_the_published_area(test_data):
    with rasterio.open(test_data("mare/mare_mask_76ppd_70S70N.png")) as image:
        # every fourth line and sample is enough for the area, and quick
        raster = image.read(1, out_shape=(image.height // 4, image.width // 4))
    grouping = mask(raster, west=-180.0, north=70.0, pixel_deg=4 / 76)
    grid = RasterGrid.whole(8)
    numbers = grouping.numbers(grid, grid.window)
    areas = ((numbers == 2).sum(axis=1) * grid.row_weights()).sum()
    assert weight_to_km2(int(areas)) == pytest.approx(6.23e6, rel=0.01)
