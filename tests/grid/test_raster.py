"""The grid's laws: it tiles the sphere, and every place has one pixel."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import RegionError
from lunarscale.grid.raster import SPHERE_WEIGHT, RasterGrid, Window, weight_to_km2
from lunarscale.moon import AREA_KM2, normalise_longitude

PPDS = st.sampled_from([1 / 3, 1.0, 1.5, 4.0, 7.3])
LONS = st.floats(-180, 180)
LATS = st.floats(-90, 90)


def test_the_archive_s_resolution_gives_the_published_size():
    grid = RasterGrid.whole(303.2334900)
    assert (grid.width, grid.height) == (109_164, 54_582)
    assert len(list(grid.window.split(2048))) == 54 * 27


@settings(deadline=None)
@given(ppd=PPDS)
def test_areas_sum_to_the_sphere(ppd):
    grid = RasterGrid.whole(ppd)
    total = int(grid.row_weights().sum()) * grid.width
    # a unit a column, or on coarse grids half a unit in the last place of a float64
    assert abs(total - SPHERE_WEIGHT) <= max(grid.around, 2**9)
    assert weight_to_km2(total) == pytest.approx(AREA_KM2, rel=1e-14)
    assert grid.pixel_areas_m2().sum() * grid.width == pytest.approx(AREA_KM2 * 1e6, rel=1e-12)


@settings(deadline=None)
@given(ppd=PPDS)
def test_integer_and_real_areas_agree_row_by_row(ppd):
    grid = RasterGrid.whole(ppd)
    km2 = [weight_to_km2(int(weight)) for weight in grid.row_weights()]
    np.testing.assert_allclose(km2, grid.pixel_areas_m2() / 1e6, rtol=1e-9)


@settings(deadline=None)
@given(ppd=PPDS, size=st.integers(1, 9))
def test_a_window_weighs_what_its_rows_weigh_in_the_whole(ppd, size):
    grid = RasterGrid.whole(ppd)
    whole = grid.row_weights()
    for window in Window(0, 0, grid.height, 1).split(size):
        np.testing.assert_array_equal(grid.row_weights(window), whole[window.slices[0]])


@settings(deadline=None)
@given(ppd=PPDS)
def test_every_centre_is_located_in_its_own_pixel(ppd):
    grid = RasterGrid.whole(ppd)
    lats, lons = grid.lats(), grid.lons()
    for row in {0, 1, grid.height // 2, grid.height - 1}:
        for col in {0, 1, grid.width // 2, grid.width - 1}:
            assert grid.locate(lons[col], lats[row]) == (row, col)


@settings(deadline=None)
@given(ppd=PPDS, lon=LONS, lat=LATS)
def test_every_place_lies_within_the_bounds_of_its_pixel(ppd, lon, lat):
    grid = RasterGrid.whole(ppd)
    row, col = grid.locate(lon, lat)
    west, south, east, north = grid.bounds(Window(row, col, 1, 1))
    slack = 1e-9
    assert west - slack <= normalise_longitude(lon) <= east + slack
    assert south - slack <= lat <= north + slack


@pytest.mark.parametrize(
    ("lon", "lat", "pixel"),
    [
        (-180.0, 90.0, (0, 0)),
        (180.0, 90.0, (0, 0)),
        (179.999, -90.0, (179, 359)),
        (-0.5, 0.0, (90, 179)),
        (540.0, 0.0, (90, 0)),
        (math.nextafter(-180.0, -200.0), 0.0, (90, 359)),
    ],
)
def test_poles_seam_and_edges(lon, lat, pixel):
    assert RasterGrid.whole(1).locate(lon, lat) == pixel


@settings(deadline=None)
@given(ppd=PPDS, west=LONS, east=LONS, south=LATS, north=LATS)
def test_a_crop_covers_its_box_and_no_whole_pixel_more(ppd, west, east, south, north):
    south, north = sorted((south, north))
    if west == east or north - south < 1e-3 or abs(east - west) in (0, 360):
        return
    if (east - west) % 360 < 1e-3:
        return
    crop = RasterGrid.whole(ppd).crop(west, south, east, north)
    c_west, c_south, c_east, c_north = crop.bounds()
    slack = 2e-6 * crop.pixel_deg + 1e-9
    turn = c_west + (west - c_west + slack) % 360 - slack
    assert c_west - slack <= turn < c_west + crop.pixel_deg + slack
    span = (east - west) % 360
    assert c_east >= turn + span - slack or crop.width == crop.around
    assert c_east <= turn + span + crop.pixel_deg + slack
    assert c_south - slack <= south < c_south + crop.pixel_deg + slack
    assert c_north - crop.pixel_deg - slack < north <= c_north + slack


def test_a_crop_over_the_seam_goes_on_past_180_and_finds_places_on_both_sides():
    crop = RasterGrid.whole(2).crop(170, -10, -170, 10)
    assert crop.bounds() == (170.0, -10.0, 190.0, 10.0)
    assert (crop.height, crop.width) == (40, 40)
    assert crop.lons()[[0, -1]].tolist() == [170.25, 189.75]
    assert crop.locate(-179.9, 9.9) == (0, 20)
    assert crop.locate(179.9, 9.9) == (0, 19)
    assert crop.locate(0, 0) is None


@pytest.mark.parametrize("box", [(-180, -90, 180, 90), (0, -90, 360, 90)])
def test_a_crop_of_everything_is_everything(box):
    grid = RasterGrid.whole(3)
    crop = grid.crop(*box)
    assert crop.width == grid.width
    assert crop.height == grid.height
    assert int(crop.row_weights().sum()) == int(grid.row_weights().sum())


@pytest.mark.parametrize(
    "box",
    [
        (0, 10, 5, 10),
        (0, 10, 5, 5),
        (3, 0, 3, 1),
        (-200, 0, 0, 1),
        (0, 0, 1, 91),
        (0, 0, 1, math.nan),
    ],
)
def test_a_box_that_is_empty_or_off_the_moon_is_refused(box):
    with pytest.raises(RegionError, match="bounding box"):
        RasterGrid.whole(1).crop(*box)


@pytest.mark.parametrize("ppd", [0, -1, math.nan, math.inf])
def test_a_resolution_without_pixels_is_refused(ppd):
    with pytest.raises(RegionError, match="resolution"):
        RasterGrid.whole(ppd)


@settings(deadline=None)
@given(height=st.integers(1, 30), width=st.integers(1, 30), size=st.integers(1, 11))
def test_split_windows_tile_the_window(height, width, size):
    window = Window(5, 7, height, width)
    seen = np.zeros((40, 40), dtype=int)
    for part in window.split(size):
        assert 0 < part.height <= size
        assert 0 < part.width <= size
        seen[part.slices] += 1
    expected = np.zeros_like(seen)
    expected[window.slices] = 1
    np.testing.assert_array_equal(seen, expected)
