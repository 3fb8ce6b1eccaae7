"""Cells of equal area: the paper's figures, and one pixel and one cell for every place."""

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lunarscale.errors import RegionError
from lunarscale.grid.cells import BandedCells, equal_area_cells, qiu_2025_cells
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.moon import AREA_KM2

#: Uneven bands over a part of the Moon, counted from an odd longitude.
UNEVEN = BandedCells("uneven", (-70.0, -61.5, 0.0, 33.0), (1, 7, 4), west_deg=-171.25)
SMALL = equal_area_cells(40_000.0)
FINE = equal_area_cells(900.0)


@pytest.fixture(scope="module")
def qiu():
    return qiu_2025_cells()


def test_the_cells_of_the_paper_are_counted_as_stated(qiu) -> None:
    assert (qiu.bands, qiu.count) == (1200, 16_858_820)
    assert qiu.west_deg == -180.0
    np.testing.assert_allclose(np.diff(qiu.edges_deg), 0.15, rtol=0, atol=1e-12)
    assert (qiu.edges_deg[0], qiu.edges_deg[-1]) == (-90.0, 90.0)


def test_each_band_follows_equation_8(qiu) -> None:
    for band in (0, 1, 166, 600, 1199):
        phi = math.radians(-90.0 + 0.15 * (band + 0.5))
        dlon = math.degrees(2.25 / (1737.4**2 * math.radians(0.15) * math.cos(phi)))
        assert qiu.per_band[band] == round(360.0 / dlon)
    assert qiu.per_band == qiu.per_band[::-1]


def test_areas_spread_by_less_than_half_a_percent_and_add_up_to_the_sphere(qiu) -> None:
    areas = qiu.band_areas_km2()
    south, north = np.radians(qiu.edges_deg[:-1]), np.radians(qiu.edges_deg[1:])
    by_sines = 2 * np.pi * 1737.4**2 * (np.sin(north) - np.sin(south)) / qiu.per_band
    np.testing.assert_allclose(areas, by_sines, rtol=1e-8)
    away = np.abs(areas / 2.25 - 1)
    assert away.max() < 0.004
    assert away[7:-7].max() < 0.001
    assert areas @ qiu.per_band == pytest.approx(AREA_KM2, rel=1e-12)
    assert qiu.areas_km2().sum() == pytest.approx(37.93e6, rel=1e-4)


def test_coverage_south_of_65_is_as_stated(qiu) -> None:
    _, lats = qiu.centres()
    southern = lats < -65.0
    assert southern.sum() == pytest.approx(792_800, rel=2e-4)
    # the band whose edges are 65.1 and 64.95 S goes with its centre: a little more than the cap
    cap_km2 = AREA_KM2 * (1 - math.sin(math.radians(65.0))) / 2
    assert cap_km2 == pytest.approx(1.777e6, rel=3e-4)
    assert 0 < qiu.areas_km2()[southern].sum() - cap_km2 < 2 * math.pi * 1737.4**2 * 0.0012
    covered_km2 = 633_949 * 2.25
    assert covered_km2 == pytest.approx(1_426_385, abs=1)
    assert 1 - 633_949 / southern.sum() == pytest.approx(0.2, abs=0.005)


@settings(max_examples=50, deadline=None)
@given(area=st.floats(30.0, 1e6))
def test_cells_of_any_area_are_about_that_area(area) -> None:
    cells = equal_area_cells(area)
    assert cells.band_areas_km2() @ cells.per_band == pytest.approx(AREA_KM2, rel=1e-12)
    assert cells.per_band == cells.per_band[::-1]
    # each band rounds by half a cell at most; cos of a band's middle exceeds the band's mean cos
    rounding = 0.5 * cells.bands / cells.count + (math.pi / cells.bands) ** 2 / 20
    assert AREA_KM2 / cells.count == pytest.approx(area, rel=rounding)


def test_height_follows_the_stated_rule() -> None:
    bands = {area: equal_area_cells(area).bands for area in (0.25, 1.0, 2.25, 9.0, 20.6, 900.0)}
    # 0.05, 0.1, 0.15, 0.15, 0.15 degrees, then the side of a square of 30 km
    side = math.degrees(30.0 / 1737.4)
    assert bands == {
        0.25: 3600, 1.0: 1800, 2.25: 1200, 9.0: 1200, 20.6: 1200, 900.0: round(180 / side)
    }  # fmt: skip


@pytest.mark.parametrize("area", [20.0, 100.0, 900.0, 10_000.0])
def test_squares_spread_as_stated(area) -> None:
    away = np.abs(equal_area_cells(area).band_areas_km2() / area - 1)
    assert away.max() < 0.084
    assert away[2:-2].max() < 0.03


@pytest.mark.parametrize("cells", [SMALL, UNEVEN, FINE])
def test_a_centre_lies_in_its_own_cell_and_no_other(cells) -> None:
    lon, lat = cells.centres()
    assert (lon >= -180).all()
    assert (lon < 180).all()
    np.testing.assert_array_equal(cells.numbers_at(lon, lat), np.arange(cells.count))
    np.testing.assert_array_equal(cells.numbers_at(lon + 360, lat), np.arange(cells.count))
    some = np.arange(cells.count)[::3]
    np.testing.assert_array_equal(cells.centres(some), (lon[::3], lat[::3]))


def test_edges_go_south_and_east_and_outside_is_no_cell() -> None:
    cells = BandedCells("b", (-30.0, 0.0, 60.0), (4, 2))
    lon = [-180.0, 180.0, -90.0, -90.00001, 179.99, 0.0, 0.0, 0.0]
    lat = [0.0, 0.0, -30.0, 0.0, 60.0, 0.00001, 60.001, -30.001]
    assert cells.numbers_at(lon, lat).tolist() == [0, 0, 1, 0, 5, 5, -1, -1]
    assert cells.numbers_at(360.0 * 7 - 45.0, -1.0) == 1
    assert cells.band_of([[-30.0, 0.0], [90.0, -90.0]]).tolist() == [[0, 0], [-1, -1]]


def grids():
    """Whole grids and crops of them, over the seam too."""
    ppd = st.sampled_from([0.2, 0.5, 1.0, 2.3])
    boxes = st.sampled_from(
        [(-180, -90, 180, 90), (150, -90, -140, 40), (-60, 20, 40, 90), (10, -90, 5, -50)]
    )
    return st.builds(lambda p, box: RasterGrid.whole(p).crop(*box), ppd, boxes)


def numbers_by_fractions(cells: BandedCells, grid: RasterGrid):
    """The definition, pixel by pixel, in exact arithmetic; edges to south and east."""
    edges = [Fraction(str(round(edge, 9))) for edge in cells.edges_deg]
    west, around = Fraction(str(cells.west_deg)), grid.around
    out = np.full((grid.height, grid.width), -1)
    for row in range(grid.height):
        lat = 90 - Fraction(180 * (2 * (row + grid.row) + 1), around)
        bands = [b for b in range(cells.bands) if edges[b] < lat <= edges[b + 1]]
        for col in range(grid.width if bands else 0):
            lon = Fraction(180 * (2 * (col + grid.col) + 1), around) - 180
            turn = (lon - west) / 360 % 1
            count = cells.per_band[bands[0]]
            out[row, col] = sum(cells.per_band[: bands[0]]) + math.floor(turn * count)
    return out


@pytest.mark.parametrize("cells", [SMALL, UNEVEN, BandedCells("halves", (-90, 0, 90), (8, 24))])
@pytest.mark.parametrize("box", [(-180, -90, 180, 90), (150, -90, -140, 40)])
@pytest.mark.parametrize("ppd", [0.1, 0.2, 1 / 3])
def test_numbers_are_what_exact_arithmetic_says(cells, box, ppd) -> None:
    grid = RasterGrid.whole(ppd).crop(*box)
    found = cells.numbers(grid, grid.window)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, numbers_by_fractions(cells, grid))


@settings(max_examples=25, deadline=None)
@given(grid=grids(), cells=st.sampled_from([SMALL, UNEVEN, FINE]), size=st.integers(5, 90))
def test_numbers_are_the_same_in_every_window_and_at_places(grid, cells, size) -> None:
    whole = cells.numbers(grid, grid.window)
    for window in grid.window.split(size):
        np.testing.assert_array_equal(cells.numbers(grid, window), whole[window.slices])
    places = cells.numbers_at(grid.lons()[None, :], grid.lats()[:, None])
    np.testing.assert_array_equal(whole, places)


@settings(max_examples=25, deadline=None)
@given(grid=grids(), cells=st.sampled_from([SMALL, UNEVEN]), size=st.integers(25, 200))
@example(grid=RasterGrid.whole(1 / 0.3), cells=SMALL, size=360)  # many centres on edges
def test_every_cell_is_in_one_pixel_whatever_the_windows(grid, cells, size) -> None:
    found = {}
    for window in grid.window.split(size):
        inside = cells.within(grid, window)
        assert (inside.rows >= 0).all()
        assert (inside.rows < window.height).all()
        rows, cols = inside.rows + window.row, inside.cols + window.col
        for cell, *place in zip(*(a.tolist() for a in (inside.cells, rows, cols)), strict=True):
            assert cell not in found
            found[cell] = tuple(place)
    lon, lat = cells.centres()
    expected = {
        cell: place
        for cell in range(cells.count)
        if (place := grid.locate(lon[cell], lat[cell])) is not None
    }
    assert found == expected


def test_the_papers_cells_are_each_in_one_pixel_of_a_real_grid(qiu) -> None:
    grid = RasterGrid.whole(303.23349)
    row, _ = grid.locate(0.0, -65.0)
    # a strip as the engine cuts it, both sides of the seam, and the pole
    for strip in (Window(row, 0, 512, grid.width), Window(grid.height - 512, 0, 512, grid.width)):
        parts = [qiu.within(grid, window).cells for window in strip.split(2048)]
        whole = qiu.within(grid, strip).cells
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.sort(whole))
        assert np.unique(whole).size == whole.size
    # the last strip holds whole bands down to the pole
    bottom = qiu.band_of(-90.0 + 512 * grid.pixel_deg - 0.15)
    assert set(range(int(qiu.firsts[bottom]))) <= set(whole.tolist())


def test_cells_pickle_and_their_digest_tells_them_apart() -> None:
    again = pickle.loads(pickle.dumps(SMALL))
    assert again == SMALL
    assert again.digest == SMALL.digest
    moved = BandedCells("uneven", UNEVEN.edges_deg, UNEVEN.per_band)
    assert len({SMALL.digest, UNEVEN.digest, FINE.digest, moved.digest}) == 4


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (((-10.0, -20.0), (3,)), "rise from south to north"),
        (((-91.0, 20.0), (3,)), "within -90..90, but were given as -91, 20"),
        (((0.0,), ()), "rise from south to north"),
        (((0.0, math.nan), (3,)), "rise from south to north"),
        (((0.0, 10.0, 20.0), (3,)), "2 bands need a count of cells each"),
        (((0.0, 10.0), (0,)), "1 or more, but were given 0"),
        (((0.0, 10.0, 20.0), (2**31 - 1, 1)), "more than the 2,147,483,647"),
        (((0.0, 10.0), (3,), 500.0), "begins at longitude 500"),
    ],
)
def test_what_are_no_cells_is_refused(given, match) -> None:
    with pytest.raises(RegionError, match=match):
        BandedCells("bad", *given)


@pytest.mark.parametrize("area", [0.0, -3.0, math.nan, math.inf, 1e7])
def test_an_area_that_does_not_divide_the_moon_is_refused(area) -> None:
    with pytest.raises(RegionError, match="do not divide the Moon"):
        equal_area_cells(area)


def test_cells_too_small_to_number_are_refused() -> None:
    with pytest.raises(RegionError, match=r"give at least 0\.018 km2"):
        equal_area_cells(0.01)
