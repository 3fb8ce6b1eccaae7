"""Bands of latitude: their names, their areas, and one number for a place in every window."""

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import RegionError
from lunarscale.grid.latitudes import LatitudeBands
from lunarscale.grid.raster import RasterGrid, Window, weight_to_km2
from lunarscale.moon import AREA_KM2

STEPS = st.sampled_from([0.1, 0.6, 1.0, 2.5, 5.0, 7.5, 20.0, 36.0, 60.0, 90.0, 180.0])


@pytest.mark.parametrize(
    ("step", "names"),
    [
        (5.0, {1: "90 S to 85 S", 2: "85 S to 80 S", 18: "5 S to 0", 19: "0 to 5 N"}),
        (7.5, {1: "90 S to 82.5 S", 24: "82.5 N to 90 N"}),
        (60.0, {1: "90 S to 30 S", 2: "30 S to 30 N", 3: "30 N to 90 N"}),
        (0.1, {1: "90 S to 89.9 S", 1800: "89.9 N to 90 N"}),
        (180.0, {1: "90 S to 90 N"}),
    ],
)
def test_bands_are_named_from_south_to_north(step, names) -> None:
    groups = LatitudeBands(step).groups
    assert len(groups) == len(set(groups)) == round(180 / step)
    assert {number: groups[number - 1] for number in names} == names


@settings(max_examples=40, deadline=None)
@given(step=STEPS, around=st.integers(1, 200).map(lambda k: 2 * k))
def test_numbers_are_what_exact_arithmetic_says(step, around) -> None:
    grid = RasterGrid(around, 0, 0, around // 2, around)
    bands = LatitudeBands(step)
    numbers = bands.numbers(grid, grid.window)
    assert numbers.shape == (grid.height, grid.width)
    assert (numbers == numbers[:, :1]).all()
    for row, number in enumerate(numbers[:, 0].tolist()):
        lat = 90 - Fraction(180 * (2 * row + 1), around)
        south = (number - 1) * Fraction(str(step)) - 90
        # an edge belongs to the band south of it
        assert south < lat <= south + Fraction(str(step))


@given(step=STEPS, size=st.integers(1, 50), row=st.integers(0, 80))
def test_any_window_of_any_crop_has_the_numbers_of_the_whole(step, size, row) -> None:
    grid = RasterGrid.whole(1)
    crop = grid.crop(150, 60 - row, -150, 90 - row)
    bands = LatitudeBands(step)
    whole = bands.numbers(grid, grid.window)
    for window in crop.window.split(size):
        expected = whole[crop.row + window.row :, :1][: window.height]
        found = bands.numbers(crop, window)
        assert (found == expected).all()


def test_a_band_has_the_area_between_its_parallels() -> None:
    grid = RasterGrid.whole(4)
    numbers = LatitudeBands(15.0).numbers(grid, grid.window)
    areas = [((numbers == g).sum(axis=1) * grid.row_weights()).sum() for g in range(1, 13)]
    edges = np.sin(np.radians(np.arange(-90, 91, 15)))
    expected = AREA_KM2 / 2 * np.diff(edges)
    assert [weight_to_km2(int(area)) for area in areas] == pytest.approx(expected, rel=1e-9)


def test_what_is_one_number_takes_no_memory() -> None:
    grid = RasterGrid.whole(303.23349)
    row, col = grid.locate(0.0, -62.0)
    numbers = LatitudeBands(5.0).numbers(grid, Window(row, col, 512, 512))
    assert numbers.strides == (0, 0)
    assert (numbers == 6).all()
    assert numbers.dtype == np.uint16


def test_bands_pickle_and_their_digest_tells_them_apart() -> None:
    assert pickle.loads(pickle.dumps(LatitudeBands(5.0))) == LatitudeBands(5.0)
    assert LatitudeBands(5.0).digest == LatitudeBands(5).digest != LatitudeBands(10.0).digest


@pytest.mark.parametrize(
    ("step", "match"),
    [
        (7.0, "7 degrees: the step must divide 180, as 6 or 9 does"),
        (0.0, "0 degrees: the step must divide 180, as 5 or 10 does"),
        (-5.0, "-5 degrees: the step must divide 180"),
        (270.0, "270 degrees: the step must divide 180"),
        (math.nan, "nan degrees: the step must divide 180"),
        (math.inf, "inf degrees"),
        (0.001, "180,000 bands are more than the 65,535"),
    ],
)
def test_steps_that_make_no_bands_are_refused(step, match) -> None:
    with pytest.raises(RegionError, match=match):
        LatitudeBands(step)
