"""Outlines drawn on projected maps, at the poles and edges of the map, are points in polygons."""

import numpy as np
import pyproj
import pytest
import shapely

from lunarscale.errors import RegionError
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import RADIUS_M
from lunarscale.readers.lunar_crs import lunar_crs
from lunarscale.readers.outlines import Drawn, grouping_of

GRID = RasterGrid.whole(1.3)
SOUTH, CYLINDRICAL, SINUSOIDAL = "IAU_2015:30135", "IAU_2015:30110", "IAU_2015:30120"
MOLLWEIDE = f"+proj=moll +lon_0=90 +R={RADIUS_M} +type=crs"
AT_180 = f"+proj=eqc +lon_0=180 +R={RADIUS_M} +type=crs"
HALF, QUARTER = np.pi * RADIUS_M, np.pi * RADIUS_M / 2  # of the Moon's circumference

#: Where ring, map and pole meet in a special way: CRS, outline, holes.
SPECIAL = {
    "a corner at the pole": (SOUTH, [(0, 0), (9e5, 1e5), (5e5, 8e5)]),
    "an edge through the pole": (SOUTH, [(-8e5, -4e5), (8e5, 4e5), (1e5, 9e5)]),
    "an edge 30 cm from the pole": (SOUTH, [(-8e5, -4e5 + 0.3), (8e5, 4e5 + 0.3), (1e5, 9e5)]),
    "an edge 30 cm beyond it": (SOUTH, [(-8e5, -4e5 - 0.3), (8e5, 4e5 - 0.3), (1e5, 9e5)]),
    "an edge along two meridians": (SOUTH, [(-8e5, 0), (8e5, 0), (8e5, 8e5), (-8e5, 8e5)]),
    "more than half the Moon": (
        SOUTH,
        [(5e6 * np.cos(a), 5e6 * np.sin(a)) for a in np.arange(0.0, 6.28, 0.3)],
    ),
    "a wedge to the pole": (
        SINUSOIDAL,
        [(0, QUARTER), (7.8e5, np.radians(50) * RADIUS_M), (-3e5, np.radians(50) * RADIUS_M)],
    ),
    "a cap as wide as the map": (
        CYLINDRICAL,
        [(-HALF, -QUARTER), (HALF, -QUARTER), (HALF, -HALF / 2.7), (-HALF, -HALF / 2.7)],
    ),
    "a band as wide as the map": (
        CYLINDRICAL,
        [(-HALF, -5e5), (HALF, -5e5), (HALF, 6e5), (-HALF, 6e5)],
    ),
    "the seam in the middle of the map": (AT_180, [(-5e5, -5e5), (9e5, -5e5), (1e5, 6e5)]),
    "another map of equal areas": (MOLLWEIDE, [(-2e6, -5e5), (2e6, -5e5), (1e5, 1.6e6)]),
}


def closed(places):
    return np.array([*places, places[0]], dtype=float)


@pytest.mark.parametrize("case", SPECIAL)
def test_what_lies_within_on_the_map_is_in_the_region(case):
    named, places = SPECIAL[case]
    crs = lunar_crs("here", named)
    to = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    x, y = to.transform(*np.meshgrid(GRID.lons(), GRID.lats()))
    expected = shapely.contains_xy(shapely.Polygon(places), x, y)
    grouping = grouping_of("here", [Drawn("r", [closed(places)])], crs=crs)
    found = grouping.numbers(GRID, GRID.window) > 0
    assert 500 < expected.sum() < expected.size
    np.testing.assert_array_equal(found, expected)


def test_a_hole_round_the_pole_within_a_ring_round_it():
    outline = [(-8e5, -8e5), (8e5, -8e5), (8e5, 8e5), (-8e5, 8e5)]
    hole = [(-2e5, -2e5), (2e5, -2e5), (2e5, 3e5), (-2e5, 2e5)]
    crs = lunar_crs("here", SOUTH)
    grouping = grouping_of("here", [Drawn("r", [closed(outline), closed(hole)])], crs=crs)
    to = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    x, y = to.transform(*np.meshgrid(GRID.lons(), GRID.lats()))
    expected = shapely.contains_xy(shapely.Polygon(outline, [hole]), x, y)
    np.testing.assert_array_equal(grouping.numbers(GRID, GRID.window) > 0, expected)


def test_an_edge_over_the_seam_goes_the_short_way_and_a_full_turn_all_round():
    over = closed([(175.2, -10), (-175.2, -10), (-175.2, 10), (175.2, 10)])
    all_round = closed([(-180, -10), (180, -10), (180, 10), (-180, 10)])
    numbers = [
        grouping_of("here", [Drawn("r", [ring])]).numbers(GRID, GRID.window)
        for ring in (over, all_round)
    ]
    lons, lats = np.meshgrid(GRID.lons(), GRID.lats())
    np.testing.assert_array_equal(numbers[0] > 0, (np.abs(lats) < 10) & (np.abs(lons) > 175.2))
    np.testing.assert_array_equal(numbers[1] > 0, np.abs(lats) < 10)


@pytest.mark.parametrize("east", [90.1, 100, 174.9])
def test_an_edge_that_could_go_either_way_is_refused(east):
    # the nearside and its limb, or the farside but for it: nobody can tell
    ring = closed([(-east, -10), (east, -10), (east, 10), (-east, 10)])
    with pytest.raises(RegionError, match="could go either way round the Moon"):
        grouping_of("here", [Drawn("r", [ring])])
    between = closed([(-east, -10), (0, -10), (east, -10), (east, 10), (0, 10), (-east, 10)])
    numbers = grouping_of("here", [Drawn("r", [between])]).numbers(GRID, GRID.window)
    lons, lats = np.meshgrid(GRID.lons(), GRID.lats())
    np.testing.assert_array_equal(numbers > 0, (np.abs(lats) < 10) & (np.abs(lons) < east))


def test_a_ring_that_goes_round_twice_is_refused():
    lons = np.arange(0.0, 721.0, 10.0)
    ring = np.stack([lons, -60 - lons / 50], axis=1)
    ring[:, 0] = (ring[:, 0] + 180) % 360 - 180
    ring[-1] = ring[0]
    with pytest.raises(RegionError, match="goes round the Moon 2 times"):
        grouping_of("here", [Drawn("r", [ring])])


@pytest.mark.parametrize(
    ("crs", "match"),
    [
        ("IAU_2015:99999", "CRS IAU_2015:99999, which is not understood"),
        ("+proj=longlat +R=3396190 +type=crs", "radius of 3,396,190 m"),
        ("+proj=geocent +R=1737400 +type=crs", "neither projected nor longitude and latitude"),
    ],
)
def test_a_crs_that_cannot_be_used_is_named(crs, match):
    with pytest.raises(RegionError, match=match):
        lunar_crs("here", crs)
