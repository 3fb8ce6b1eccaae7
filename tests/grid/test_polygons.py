"""Filled polygons against GDAL's rasteriser, and their laws."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.features import rasterize

from lunarscale.grid.polygons import Polygon, PolygonGrouping
from lunarscale.grid.raster import RasterGrid, Window, weight_to_km2
from lunarscale.moon import AREA_KM2


def ring(*places):
    return np.array([*places, places[0]], dtype=float)


def box(west, south, east, north):
    return ring((west, south), (east, south), (east, north), (west, north))


def grouping(*outlines):
    polygons = tuple(Polygon.of_rings(n, rings) for n, rings in enumerate(outlines, start=1))
    return PolygonGrouping("g", tuple(f"r{n + 1}" for n in range(len(outlines))), polygons)


def whole(of, ppd=1.0):
    grid = RasterGrid.whole(ppd)
    return of.numbers(grid, grid.window)


# rasterio 1.4 multiplies affine transforms in a way that affine 3.1 is about to retire
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), corners=st.integers(3, 12))
def test_a_star_is_filled_as_gdal_fills_it(seed, corners):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(5, 60, corners)
    lons = 100 * rng.random() + radius * np.cos(angle)
    star = ring(*zip(lons, radius * np.sin(angle), strict=True))
    hole = 0.3 * (star - star[:-1].mean(0)) + star[:-1].mean(0)
    grid = RasterGrid.whole(0.77)
    place = Affine(grid.pixel_deg, 0, -180, 0, -grid.pixel_deg, 90)
    shape = {"type": "Polygon", "coordinates": [star.tolist(), hole.tolist()]}
    expected = np.zeros((grid.height, grid.width), dtype=np.int64)
    for turn in (0, 360):
        moved = [[[x - turn, y] for x, y in part] for part in shape["coordinates"]]
        expected |= rasterize(
            [{"type": "Polygon", "coordinates": moved}], (grid.height, grid.width), transform=place
        )
    found = grouping([star, hole]).numbers(grid, grid.window)
    np.testing.assert_array_equal(found, expected)


def test_a_box_over_the_seam_is_the_same_however_it_is_written():
    past = grouping([box(170, -20, 190, 20)])
    before = grouping([box(-190, -20, -170, 20)])
    split = PolygonGrouping(
        "g",
        ("r1",),
        tuple(
            Polygon.of_rings(1, [part])
            for part in (box(170, -20, 180, 20), box(-180, -20, -170, 20))
        ),
    )
    numbers = whole(past)
    assert numbers.sum() == 20 * 40
    assert numbers[80, [0, 9, 10, 349, 350, 359]].tolist() == [1, 1, 0, 0, 1, 1]
    np.testing.assert_array_equal(numbers, whole(before))
    np.testing.assert_array_equal(numbers, whole(split))
    crop = RasterGrid.whole(1).crop(160, -30, -160, 30)
    np.testing.assert_array_equal(
        past.numbers(crop, crop.window), np.roll(numbers, 20, axis=1)[60:120, :40]
    )


def test_a_cap_around_the_pole_reaches_the_last_row_all_around():
    grid = RasterGrid.whole(2)
    numbers = grouping([box(-180, -90, 180, -65)]).numbers(grid, grid.window)
    assert (numbers[-50:] == 1).all()
    assert (numbers[:-50] == 0).all()
    area = int((numbers.sum(axis=1) * grid.row_weights()).sum())
    assert weight_to_km2(area) == pytest.approx(AREA_KM2 * (1 - np.sin(np.radians(65))) / 2)


def test_the_first_listed_wins():
    numbers = whole(grouping([box(0, 0, 20, 20)], [box(10, 10, 30, 30)]))
    assert (numbers == 1).sum() == 400
    assert (numbers == 2).sum() == 300


@settings(max_examples=30, deadline=None)
@given(
    ppd=st.sampled_from([0.5, 1.0, 1.5, 4.5]),
    cut=st.lists(st.integers(-80, 80), min_size=1, max_size=4, unique=True),
    lean=st.integers(-30, 30),
)
def test_neighbours_share_no_pixel_and_leave_none_between(ppd, cut, lean):
    # centres of these grids fall on the borders: a pixel must go to one side, not both
    borders = sorted(cut)
    regions = [-180 - lean, *borders, 180 - lean]
    parts = [
        grouping([ring((w, -90), (e, -90), (e + lean, 90), (w + lean, 90))])
        for w, e in pairwise(regions)
    ]
    total = sum(whole(part, ppd).astype(int) for part in parts)
    assert (total == 1).all()


@settings(max_examples=20, deadline=None)
@given(size=st.integers(5, 70))
def test_numbers_are_the_same_in_every_window(size):
    of = grouping(
        [ring((150, -10), (200, 5), (170, 60))], [box(-180, -90, 180, -60)], [box(-40, 1, 3, 33)]
    )
    grid = RasterGrid.whole(0.5)
    numbers = of.numbers(grid, grid.window)
    for window in grid.window.split(size):
        np.testing.assert_array_equal(of.numbers(grid, Window(*window)), numbers[window.slices])
