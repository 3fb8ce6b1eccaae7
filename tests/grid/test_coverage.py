"""Shares of pixels within polygons against shapely's exact intersections, and their laws."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lunarscale.grid.coverage import CoveredMaria, CoveredPolygons
from lunarscale.grid.groupings import WHOLE_PIXEL, Covering, by_centres
from lunarscale.grid.masks import Maria
from lunarscale.grid.polygons import Polygon, PolygonGrouping
from lunarscale.grid.raster import RasterGrid, weight_to_km2
from lunarscale.moon import AREA_KM2


def ring(*places):
    return np.array([*places, places[0]], dtype=float)


def box(west, south, east, north):
    return ring((west, south), (east, south), (east, north), (west, north))


def star(seed, corners, reach=40.0):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(2, reach, corners)
    lon, lat = rng.uniform(-180, 180), rng.uniform(-45, 45)
    return ring(*zip(lon + radius * np.cos(angle), lat + radius * np.sin(angle), strict=True))


def covered(*outlines, numbers=None):
    numbers = numbers or range(1, len(outlines) + 1)
    polygons = tuple(Polygon.of_rings(n, rings) for n, rings in zip(numbers, outlines, strict=True))
    return CoveredPolygons("g", tuple(f"r{n}" for n in sorted(set(numbers))), polygons)


def shares(of, grid, group, window=None):
    """Every pixel's share of a group, in 1 / WHOLE_PIXEL."""
    window = window or grid.window
    out = np.where(of.numbers(grid, window) == group, WHOLE_PIXEL, 0)
    pieces = of.pieces(grid, window)
    if group == 0:
        out[pieces.rows, pieces.cols] = 0
    of_group = pieces.groups == group
    out[pieces.rows[of_group], pieces.cols[of_group]] = pieces.shares[of_group]
    return out


def intersected(shape, grid):
    """The twin: shapely's intersection of the polygon with every pixel, as a share of it."""
    d = grid.pixel_deg
    left, top = np.meshgrid(
        grid.bounds()[0] + d * np.arange(grid.width), 90 - d * np.arange(grid.height)
    )
    west, south, east, north = shape.bounds
    found = np.zeros(left.shape)
    for turn in (-360.0, 0.0, 360.0):
        x = left + turn
        near = (x + d > west) & (x < east) & (top > south) & (top - d < north)
        pixels = shapely.box(x[near], top[near] - d, x[near] + d, top[near])
        found[near] += shapely.area(shapely.intersection(pixels, shape)) / d**2
    return found


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), corners=st.integers(3, 12), ppd=st.sampled_from([0.2, 0.35, 0.5])
)
def test_shares_are_shapely_s(seed, corners, ppd):
    outline = star(seed, corners)
    hole = 0.3 * (outline - outline[:-1].mean(0)) + outline[:-1].mean(0)
    shape = shapely.Polygon(outline, [hole])
    assume(shape.is_valid)
    grid = RasterGrid.whole(ppd)
    found = shares(covered([outline, hole]), grid, 1) / WHOLE_PIXEL
    # every edge in a pixel is rounded once, to a unit
    np.testing.assert_allclose(found, intersected(shape, grid), rtol=0, atol=1e-8)


def test_shares_are_those_of_exactextract():
    exactextract = pytest.importorskip("exactextract", reason="exactextract is not installed")
    grid = RasterGrid.whole(0.5)
    outline = star(7, 9)
    source = exactextract.raster.NumPyRasterSource(
        np.zeros((grid.height, grid.width)), xmin=-180, ymin=-90, xmax=180, ymax=90
    )
    geometry = {"type": "Polygon", "coordinates": [outline.tolist()]}
    feature = exactextract.feature.JSONFeatureSource(
        {"type": "Feature", "properties": {}, "geometry": geometry}
    )
    (answer,) = exactextract.exact_extract(source, feature, ["cell_id", "coverage"])
    expected = np.zeros(grid.height * grid.width)
    expected[answer["properties"]["cell_id"]] = answer["properties"]["coverage"]
    found = shares(covered([outline]), grid, 1) / WHOLE_PIXEL
    # theirs are float32
    np.testing.assert_allclose(found.ravel(), expected, rtol=0, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(5, 150), past=st.booleans())
def test_parts_are_the_same_bits_in_every_window_and_crop(seed, size, past):
    of = covered([star(seed, 7)], [star(seed + 1, 5)], [box(-180, -90, 180, -61.3)])
    whole = RasterGrid.whole(0.5)
    grid = whole.crop(100, -80, -100, 70) if past else whole
    for group in range(4):
        expected = shares(of, whole, group)
        expected = np.roll(expected, -grid.col, axis=1)[grid.row :][: grid.height, : grid.width]
        for window in grid.window.split(size):
            found = shares(of, grid, group, window)
            np.testing.assert_array_equal(found, expected[window.slices])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), ppd=st.sampled_from([0.3, 0.5, 4 / 3]))
def test_neighbours_share_out_the_moon_to_the_last_unit(seed, ppd):
    # a crooked net of quadrangles all round the Moon, from pole to pole
    rng = np.random.default_rng(seed)
    rows, cols = 5, 7
    lat = np.linspace(-90, 90, rows + 1)[:, None] + rng.uniform(-15, 15, (rows + 1, cols))
    lat[0], lat[-1] = -90, 90
    lon = np.linspace(-180, 180, cols, endpoint=False) + rng.uniform(-20, 20, (rows + 1, cols))
    lon, lat = np.hstack([lon, lon[:, :1] + 360]), np.hstack([lat, lat[:, :1]])
    net = np.stack([lon, lat], axis=2)
    quads = [
        [ring(net[r, c], net[r, c + 1], net[r + 1, c + 1], net[r + 1, c])]
        for r in range(rows)
        for c in range(cols)
    ]
    assume(all(shapely.Polygon(rings[0]).is_valid for rings in quads))
    grid = RasterGrid.whole(ppd)
    of = covered(*quads)
    assert len(of.pieces(grid, grid.window).rows) > 100
    assert not shares(of, grid, 0).any()
    total = sum(shares(of, grid, group) for group in range(1, len(quads) + 1))
    assert (total == WHOLE_PIXEL).all()


def sphere_area_km2(outline):
    """Area on the sphere within edges that are straight in longitude and latitude.

    Along an edge, the integral of sin(lat) over the longitude is its length in longitude times
    the mean of sin(lat), (cos lat0 - cos lat1) / (lat1 - lat0).
    """
    lon, lat = np.radians(outline).T
    rise = np.diff(lat)
    level = np.abs(rise) < 1e-12
    mean = -np.diff(np.cos(lat)) / np.where(level, 1.0, rise)
    mean = np.where(level, np.sin(lat[:-1]), mean)
    return abs((mean * np.diff(lon)).sum()) * AREA_KM2 / (4 * np.pi)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), corners=st.integers(3, 12))
def test_the_areas_of_polygons_are_kept(seed, corners):
    outline = star(seed, corners)
    shape = shapely.Polygon(outline)
    assume(shape.is_valid)
    grid = RasterGrid.whole(1)
    found = shares(covered([outline]), grid, 1) / WHOLE_PIXEL
    assert found.sum() * grid.pixel_deg**2 == pytest.approx(shape.area, rel=1e-9)
    # on the sphere every cut pixel may be off by the stated bound, and no other
    pixel_km2 = np.array([weight_to_km2(int(w)) for w in grid.row_weights()])
    d, tangent = np.radians(grid.pixel_deg), np.abs(np.tan(np.radians(grid.lats())))
    bound = (found * (1 - found) * d / 2 * (tangent * pixel_km2)[:, None]).sum()
    off = abs((found.sum(axis=1) * pixel_km2).sum() - sphere_area_km2(outline))
    assert off <= 1.01 * bound + 1e-3


@pytest.mark.parametrize("lat", [-84.6, -30.25, 0.4, 60.7, 85.5])
def test_a_border_along_the_parallel_reaches_the_stated_error(lat):
    grid = RasterGrid.whole(1)
    of = covered([box(-180, -90, 180, lat)])
    row = grid.locate(0.0, lat)[0]
    share = shares(of, grid, 1)[row, 0] / WHOLE_PIXEL
    south = np.radians(grid.lats()[row] - 0.5)
    north = np.radians(grid.lats()[row] + 0.5)
    true = (np.sin(np.radians(lat)) - np.sin(south)) / (np.sin(north) - np.sin(south))
    tangent = np.abs(np.tan(np.radians(grid.lats()[row])))
    bound = share * (1 - share) * np.radians(grid.pixel_deg) * tangent / 2
    # near the equator the next term, of d squared, shows
    assert 0.9 * bound <= abs(share - true) <= 1.03 * bound


def test_of_polygons_that_overlap_the_first_listed_wins():
    grid = RasterGrid.whole(1)
    of = covered([box(0, 0, 1.5, 1)], [box(0.25, 0, 2.5, 1)])
    first, second, rest = (shares(of, grid, n)[89, 180:184] / WHOLE_PIXEL for n in (1, 2, 0))
    assert first.tolist() == [1, 0.5, 0, 0]
    assert second.tolist() == [0, 0.5, 0.5, 0]
    assert rest.tolist() == [0, 0, 0.5, 1]


def test_a_pixel_that_two_parts_of_one_region_fill_is_whole():
    grid = RasterGrid.whole(1)
    of = covered([box(0, 0, 1.5, 1)], [box(1.5, 0, 3, 1)], numbers=(1, 1))
    assert of.numbers(grid, grid.window)[89, 179:184].tolist() == [0, 1, 1, 1, 0]
    assert not of.pieces(grid, grid.window).rows.size


def test_whole_pixels_are_those_that_centres_choose_and_cut_ones_have_all_their_parts():
    outlines = [star(3, 8)], [star(4, 8)]
    of = covered(*outlines)
    grid = RasterGrid.whole(1)
    centres = PolygonGrouping("g", of.groups, of.polygons).numbers(grid, grid.window)
    numbers, pieces = of.numbers(grid, grid.window), of.pieces(grid, grid.window)
    whole = numbers > 0
    np.testing.assert_array_equal(numbers[whole], centres[whole])
    pixel = pieces.rows * grid.width + pieces.cols
    assert (np.diff(pixel) >= 0).all()
    found, starts, parts = np.unique(pixel, return_index=True, return_counts=True)
    assert (parts >= 2).all()
    assert (np.add.reduceat(pieces.shares, starts) == WHOLE_PIXEL).all()
    assert not numbers.flat[found].any()
    assert (pieces.shares > 0).all()


def test_maria_have_the_shares_of_their_seas():
    seas = covered([box(0, 0, 1.5, 1)], [box(1.5, 0, 2.25, 1)])
    maria = CoveredMaria.from_outlines(seas)
    grid = RasterGrid.whole(1)
    # what two seas share between them is mare as a whole
    assert maria.numbers(grid, grid.window)[89, 179:184].tolist() == [2, 1, 1, 0, 2]
    pieces = maria.pieces(grid, grid.window)
    assert pieces.groups.tolist() == [1, 2]
    assert (pieces.shares / WHOLE_PIXEL).tolist() == [0.25, 0.75]
    assert isinstance(maria, Covering)
    assert maria.digest != CoveredMaria.from_outlines(covered([box(0, 0, 1, 1)])).digest


def test_by_shares_and_by_centres_are_two_groupings():
    of = covered([box(0, 0, 1.5, 1)])
    centres = PolygonGrouping(of.name, of.groups, of.polygons)
    assert isinstance(of, Covering)
    assert not isinstance(centres, Covering)
    assert of.digest != centres.digest
    assert of.centred.digest == centres.digest
    grid, maria, drawn = (
        RasterGrid.whole(1),
        CoveredMaria.from_outlines(of),
        Maria.from_outlines(centres),
    )
    assert maria.centred.digest == drawn.digest
    numbers = [g.numbers(grid, grid.window) for g in by_centres([maria, drawn, of, centres])]
    for mine, other in (numbers[:2], numbers[2:]):
        np.testing.assert_array_equal(mine, other)
