"""Patches of cells against brute force on their edges; the seam, the pole, outlines."""

from functools import cache

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.grid.cells import BandedCells, equal_area_cells, qiu_2025_cells
from lunarscale.grid.patches import Patches
from lunarscale.grid.raster import RasterGrid

#: About a hundred cells over the whole sphere, in bands of different counts.
SMALL = equal_area_cells(400_000.0)
PAPER = qiu_2025_cells()


def share_an_edge(cells: BandedCells, one: int, other: int) -> bool:
    """Whether two cells touch along a line, from their edges in degrees."""
    spans = []
    for number in (one, other):
        band = int(np.searchsorted(cells.firsts, number, side="right")) - 1
        width = 360.0 / cells.per_band[band]
        west = cells.west_deg + (number - int(cells.firsts[band])) * width
        spans.append((band, west, west + width))
    (low, a, b), (high, c, d) = sorted(spans)
    if high - low > 1:
        return False
    if high == low:
        return any(abs(x - y + turn) < 1e-6 for x, y in ((b, c), (d, a)) for turn in (-360, 0, 360))
    return min(b, d) - max(a, c) > 1e-6


def by_brute_force(cells: BandedCells, chosen: list[int]) -> list[set[int]]:
    """Components, grown one neighbour after the other."""
    left, found = set(chosen), []
    while left:
        patch, edge = set(), [left.pop()]
        while edge:
            cell = edge.pop()
            patch.add(cell)
            near = {other for other in left if share_an_edge(cells, cell, other)}
            left -= near
            edge += near
        found.append(patch)
    return found


@settings(max_examples=60, deadline=None)
@given(chosen=st.sets(st.integers(0, SMALL.count - 1), max_size=60))
def test_patches_are_those_of_brute_force(chosen: set[int]) -> None:
    patches = Patches.of(SMALL, np.array(sorted(chosen), dtype=np.int64))
    mine = [
        set(patches.chosen[patches.patch_of == number].tolist())
        for number in range(1, patches.count + 1)
    ]
    others = by_brute_force(SMALL, sorted(chosen))
    assert sorted(map(sorted, mine)) == sorted(map(sorted, others))
    sizes = patches.sizes().tolist()
    assert sizes == [len(patch) for patch in mine] == sorted(sizes, reverse=True)


def test_no_cells_make_no_patches() -> None:
    none = Patches.of(SMALL, np.array([], dtype=np.int64))
    assert (none.count, none.groups, none.sizes().tolist()) == (0, (), [])
    assert all(part.size == 0 for part in none.centres())
    grid = RasterGrid.whole(0.1)
    assert not none.numbers(grid, grid.window).any()


def ring(cells: BandedCells, band: int) -> np.ndarray:
    """All cells of a band."""
    return np.arange(cells.firsts[band], cells.firsts[band + 1])


@cache
def places() -> tuple[np.ndarray, np.ndarray]:
    """Centres of the paper's cells in radians."""
    lons, lats = PAPER.centres()
    return np.radians(lons), np.radians(lats)


def around(lon: float, lat: float, radius_deg: float) -> np.ndarray:
    """The paper's cells whose centres lie within a circle."""
    lons, lats = places()
    to = np.radians([lon, lat])
    cosine = np.sin(lats) * np.sin(to[1]) + np.cos(lats) * np.cos(to[1]) * np.cos(lons - to[0])
    return np.flatnonzero(cosine >= np.cos(np.radians(radius_deg)))


@pytest.mark.parametrize(
    ("lon", "lat"), [(132.5, -75.0), (180.0, -70.0), (-179.99, 68.0), (20.0, -90.0), (0.0, 89.7)]
)
def test_a_disc_is_one_patch_with_its_centre_and_its_area(lon: float, lat: float) -> None:
    patches = Patches.of(PAPER, around(lon, lat, 1.95))
    assert patches.count == 1
    (found_lon,), (found_lat,) = patches.centres()
    off = np.cos(np.radians(lat)) * np.radians((found_lon - lon + 180) % 360 - 180)
    assert np.hypot(np.degrees(off), found_lat - lat) < 0.02
    area = 2 * np.pi * 1737.4**2 * (1 - np.cos(np.radians(1.95)))
    # about a pole whole bands are in or out: 1.95 degrees are thirteen of them
    assert patches.sizes()[0] * 2.25 == pytest.approx(area, rel=0.01)


def test_across_the_pole_cells_meet_in_a_point_only() -> None:
    first = ring(PAPER, 0)
    apart = Patches.of(PAPER, first[[0, first.size // 2]])
    assert apart.count == 2
    assert Patches.of(PAPER, first).count == 1
    # over the seam they share an edge
    assert Patches.of(PAPER, first[[0, -1]]).count == 1


def test_the_largest_comes_first_and_equals_from_the_south() -> None:
    band = ring(PAPER, 40)
    patches = Patches.of(PAPER, np.concatenate([band[10:12], band[40:45], band[20:22]]))
    assert patches.sizes().tolist() == [5, 2, 2]
    assert patches.patch_of.tolist() == [2, 2, 3, 3, 1, 1, 1, 1, 1]
    assert patches.groups == ("patch 1", "patch 2", "patch 3")
    values = np.array([1.0, 3.0, np.nan, np.nan, 5, 5, 5, 5, np.nan])
    np.testing.assert_array_equal(patches.means(values), [5.0, 2.0, np.nan])


def test_a_pixel_is_in_the_patch_of_its_cell_in_any_window() -> None:
    patches = Patches.of(PAPER, around(180.0, -80.0, 3.0))
    grid = RasterGrid.whole(4).crop(150.0, -90.0, -150.0, -70.0)
    whole = patches.numbers(grid, grid.window)
    lon, lat = np.meshgrid(grid.lons(), grid.lats())
    inside = np.isin(PAPER.numbers_at(lon, lat), patches.chosen)
    np.testing.assert_array_equal(whole, inside.astype(int))
    for window in grid.window.split(37):
        np.testing.assert_array_equal(patches.numbers(grid, window), whole[window.slices])


def test_an_outline_holds_its_cells_and_is_cut_at_the_seam() -> None:
    patches = Patches.of(PAPER, np.concatenate([around(180.0, -80.0, 1.0), ring(PAPER, 900)[:1]]))
    assert patches.count == 2
    outline = patches.outline(1)
    assert outline.is_valid
    west, _, east, _ = outline.bounds
    assert (west, east) == (-180.0, 180.0)
    assert len(outline.geoms) == 2
    lon, lat = PAPER.centres(patches.chosen)
    inside = shapely.contains_xy(outline, lon, lat)
    np.testing.assert_array_equal(inside, patches.patch_of == 1)


def test_a_ring_has_a_hole_and_a_disc_on_the_pole_has_none() -> None:
    disc = Patches.of(PAPER, np.concatenate([ring(PAPER, 0), ring(PAPER, 1)]))
    (whole,) = disc.outline(1).geoms
    assert whole.bounds == (-180.0, -90.0, 180.0, PAPER.edges_deg[2])
    assert not whole.interiors
    grid = SMALL
    band = grid.bands // 2
    ring_of_cells = Patches.of(grid, ring(grid, band))
    assert ring_of_cells.outline(1).area == pytest.approx(
        360.0 * (grid.edges_deg[band + 1] - grid.edges_deg[band])
    )
