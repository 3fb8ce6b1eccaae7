"""Polar caps by place, from any window; the rest of a grouping."""

import pickle

import numpy as np
import pytest

from lunarscale.errors import RegionError
from lunarscale.grid.caps import PolarCap, WithRest, cells_of_cap, within_km
from lunarscale.grid.cells import equal_area_cells, qiu_2025_cells
from lunarscale.grid.groupings import Seas
from lunarscale.grid.raster import RasterGrid, Window, weight_to_km2
from lunarscale.grid.sides import Crossed, Sides
from lunarscale.moon import AREA_KM2

GRID = RasterGrid.whole(1)


@pytest.mark.parametrize("pole", ["north", "south"])
def test_a_cap_has_the_area_of_a_cap(pole: str) -> None:
    cap = PolarCap(pole, 65.0)
    numbers = cap.numbers(GRID, GRID.window)
    weights = np.broadcast_to(GRID.row_weights(GRID.window)[:, None], numbers.shape)
    area = weight_to_km2(int(weights[numbers == 1].sum()))
    assert area == pytest.approx(AREA_KM2 * (1 - np.sin(np.radians(65))) / 2, rel=1e-9)
    assert area == pytest.approx(1.777e6, rel=1e-3)  # SCIENCE 5
    assert set(np.unique(numbers)) == {1, 2}


def test_it_holds_its_own_parallel_and_its_own_pole() -> None:
    lats = np.array([-90.0, -65.0, -64.999, 0.0, 64.999, 65.0, 90.0])
    assert PolarCap("south").holds(lats).tolist() == [True, True, *[False] * 5]
    assert PolarCap("north").holds(lats).tolist() == [*[False] * 5, True, True]
    assert PolarCap("south").title == "south of 65° S"
    assert PolarCap("north", 72.5).parallel == 72.5


def test_which_windows_a_cap_touches() -> None:
    cap = PolarCap("south", 65.0)
    assert [cap.touches(GRID, Window(row, 0, 5, 5)) for row in (0, 149, 150, 151, 175)] == [
        False,
        False,
        False,
        True,
        True,
    ]  # fmt: skip  (row 155 is the first whose centre lies south of 65 S)


def test_any_window_has_the_numbers_of_the_whole() -> None:
    crossed = Crossed("both", PolarCap("south", 60.0), WithRest(Seas(), "no sea"))
    again = pickle.loads(pickle.dumps(crossed))
    whole = crossed.numbers(GRID, GRID.window)
    assert (whole > 0).all()
    for window in GRID.window.split(67):
        np.testing.assert_array_equal(again.numbers(GRID, window), whole[window.slices])


def test_the_rest_is_what_had_no_group() -> None:
    full = WithRest(Seas(), "no sea")
    assert full.groups[-1] == "no sea"
    had, has = Seas().numbers(GRID, GRID.window), full.numbers(GRID, GRID.window)
    np.testing.assert_array_equal(has == len(full.groups), had == 0)
    np.testing.assert_array_equal(has[had > 0], had[had > 0])
    sides = WithRest(Sides(), "never")
    assert sides.digest != Sides().digest
    assert (sides.numbers(GRID, GRID.window) < 3).all()


@pytest.mark.parametrize("pole", ["north", "south"])
def test_the_papers_cells_of_a_cap(pole: str) -> None:
    cap, cells = PolarCap(pole, 65.0), qiu_2025_cells()
    inside, first = cells_of_cap(cells, cap)
    assert inside.count == pytest.approx(792_800, abs=100)  # SCIENCE 5
    lon, lat = cells.centres(np.arange(first, first + inside.count))
    for mine, theirs in zip(inside.centres(), (lon, lat), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert cap.holds(lat).all()
    beyond = first - 1 if pole == "north" else inside.count
    assert not cap.holds(cells.centres(np.array([beyond]))[1]).any()


@pytest.mark.parametrize(("lon", "lat"), [(132.9, -74.7), (180.0, -89.0), (-179.9, -70.0)])
def test_cells_within_a_circle(lon: float, lat: float) -> None:
    cells, _ = cells_of_cap(qiu_2025_cells(), PolarCap("south", 60.0))
    inside = within_km(cells, (lon, lat), radius_km=150.0)
    lons, lats = cells.centres()
    # the chord between unit vectors, another way to the same distance
    one, other = (
        np.stack([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)])
        for a, b in (np.radians([lons, lats]), np.radians([lon, lat]))
    )
    chord = np.linalg.norm(one - other.reshape(3, 1), axis=0)
    expected = 2 * 1737.4 * np.arcsin(chord / 2) <= 150.0
    np.testing.assert_array_equal(inside, expected)
    area = 2 * np.pi * 1737.4**2 * (1 - np.cos(150.0 / 1737.4))
    assert inside.sum() * 2.25 == pytest.approx(area, rel=0.03)


def test_a_cap_within_the_last_cells_has_none() -> None:
    with pytest.raises(RegionError, match="none of the 2 bands has its centre south of 89"):
        cells_of_cap(equal_area_cells(AREA_KM2 / 4.0), PolarCap("south", 89.0))


@pytest.mark.parametrize(
    ("pole", "latitude", "said"),
    [
        ("east", 65.0, "--pole east: .* name one"),
        ("south", -65.0, "--latitude -65: .* without a sign"),
        ("south", 90.0, "between 0 and 90"),
        ("north", float("nan"), "--latitude nan"),
    ],
)
def test_caps_that_there_are_not(pole: str, latitude: float, said: str) -> None:
    with pytest.raises(RegionError, match=said):
        PolarCap(pole, latitude)
