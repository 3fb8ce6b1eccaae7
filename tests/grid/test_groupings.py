"""Groupings against brute force, and their numbers in every window and crop alike."""

import functools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.grid.groupings import Seas, WholeMoon, wrapped_lons
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid, Window, weight_to_km2
from lunarscale.moon import RADIUS_M, SEAS, Sea

POLAR = (Sea("cap", 10.0, -85.0, 800.0), Sea("north", 0.0, 90.0, 500.0))
SEAM = (Sea("west", 179.0, 5.0, 700.0), Sea("east", -172.0, 0.0, 600.0))


def unit_vectors(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)


def seas_by_vectors(seas, grid):
    """The definition, by the angle between unit vectors."""
    lon, lat = np.meshgrid(grid.lons(), grid.lats())
    places = unit_vectors(lon, lat)
    scores = []
    for sea in seas:
        cosine = places @ unit_vectors(sea.lon, sea.lat)
        scores.append((1 - cosine) / (1 - np.cos(sea.diameter_km * 500 / RADIUS_M)))
    scores = np.array(scores)
    return np.where(scores.min(0) < 1, scores.argmin(0) + 1, 0)


@pytest.mark.parametrize("seas", [SEAS, POLAR, SEAM])
@pytest.mark.parametrize("box", [(-180, -90, 180, 90), (150, -90, -140, 40), (-60, 20, 40, 90)])
def test_seas_are_what_their_definition_says(seas, box):
    grid = RasterGrid.whole(2.3).crop(*box)
    found = Seas(seas).numbers(grid, grid.window)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, seas_by_vectors(seas, grid))


@settings(max_examples=15, deadline=None)
@given(size=st.integers(3, 90))
def test_numbers_are_the_same_in_every_window(size):
    grid = RasterGrid.whole(1)
    for grouping in (WholeMoon(), Seas(), Seas(SEAM), Maria.from_seas()):
        whole = grouping.numbers(grid, grid.window)
        for window in Window(0, 0, 180, 90).split(size):
            np.testing.assert_array_equal(grouping.numbers(grid, window), whole[window.slices])


@pytest.mark.parametrize("grouping", [Seas(), Seas(SEAM), Seas(POLAR)])
def test_numbers_are_the_same_in_a_crop_over_the_seam(grouping):
    grid = RasterGrid.whole(3)
    crop = grid.crop(120, -90, -120, 90)
    whole = grouping.numbers(grid, grid.window)
    np.testing.assert_array_equal(
        grouping.numbers(crop, crop.window), np.roll(whole, -crop.col, axis=1)[:, : crop.width]
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_blocks_settled_at_once_are_what_their_pixels_are(data):
    """Small and large circles, on fine and coarse grids, at the poles and over the seam."""
    real = functools.partial(st.floats, allow_nan=False)
    place = st.tuples(real(-180, 180), real(-90, 90), real(1, 5400))
    circles = data.draw(st.lists(place, min_size=1, max_size=6))
    seas = tuple(Sea(str(number), *circle) for number, circle in enumerate(circles))
    around = 2 * data.draw(st.integers(20, 2000))
    grid = RasterGrid(around, 0, 0, around // 2, around)
    row, col = (data.draw(st.integers(0, size - 1)) for size in (grid.height, grid.width))
    window = Window(row, col, min(100, grid.height - row), min(90, grid.width - col))
    found = Seas(seas).numbers(grid, window)
    lats, lons = np.radians(grid.lats(window)), np.radians(wrapped_lons(grid, window))
    best, expected = np.ones(found.shape), np.zeros(found.shape, np.uint16)
    for number, sea in enumerate(seas, start=1):
        lon, lat = np.radians([sea.lon, sea.lat])
        level = (np.cos(lats) * np.cos(lat))[:, None] * np.cos(lons - lon)
        cosine = level + (np.sin(lats) * np.sin(lat))[:, None]
        depth = 1.0 / (1.0 - np.cos(sea.diameter_km * 500.0 / RADIUS_M))
        score = (1.0 - cosine) * depth
        expected[score < best] = number
        best = np.minimum(score, best)
    np.testing.assert_array_equal(found, expected)


def test_a_circle_has_the_area_of_its_cap():
    grid = RasterGrid.whole(4)
    for seas in (POLAR[:1], SEAM[:1], (SEAS[8],)):
        numbers = Seas(seas).numbers(grid, grid.window)
        area = int(((numbers == 1).sum(axis=1) * grid.row_weights()).sum())
        radius = seas[0].diameter_km * 500 / RADIUS_M
        cap_km2 = 2 * np.pi * (RADIUS_M / 1e3) ** 2 * (1 - np.cos(radius))
        assert weight_to_km2(area) == pytest.approx(cap_km2, rel=0.01)


def test_seas_are_quick_at_100_m():
    grid = RasterGrid.whole(303.23349)
    for lon, lat in ((100, 80), (25, 17)):
        row, col = grid.locate(lon, lat)
        window = Window(row, col, 2048, 2048)
        start = time.process_time()
        Seas().numbers(grid, window)
        # measured 1 and 23 ms of processor time, which a busy machine does not lengthen much
        assert time.process_time() - start < 1.0


def test_digests_tell_groupings_apart():
    groupings = [WholeMoon(), Seas(), Seas(SEAM), Maria.from_seas(), Maria.from_seas(Seas(SEAM))]
    assert len({grouping.digest for grouping in groupings}) == len(groupings)
    assert Seas(SEAM).digest == Seas(SEAM).digest
