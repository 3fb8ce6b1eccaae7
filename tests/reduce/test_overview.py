"""Overviews against a plain loop over blocks."""

import numpy as np
import pytest

from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.reduce.overview import Overview


def by_hand(grid: RasterGrid, counts: np.ndarray, factor: int) -> np.ndarray:
    areas = np.broadcast_to(grid.pixel_areas_m2()[:, None], counts.shape)
    rows, cols = -(-grid.height // factor), -(-grid.width // factor)
    made = np.full((rows, cols), np.nan)
    for row in range(rows):
        for col in range(cols):
            block = np.s_[row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
            valid = counts[block] != NO_DATA
            if valid.any():
                made[row, col] = np.average(counts[block][valid], weights=areas[block][valid])
    return made


@pytest.mark.parametrize("factor", [1, 3, 4, 50])
@pytest.mark.parametrize("split", [7, 16, 64])
def test_any_split_gives_the_area_means(factor: int, split: int) -> None:
    grid = RasterGrid(96, 3, 90, 37, 53)
    random = np.random.default_rng(5)
    counts = random.integers(-500, 9000, (37, 53)).astype(np.int16)
    counts[random.random(counts.shape) < 0.3] = NO_DATA
    counts[:8, :8] = NO_DATA
    overview = Overview(grid, factor)
    for window in grid.window.split(split):
        overview.add(window, counts[window.slices])
    expected = by_hand(grid, counts, factor) * 0.005
    np.testing.assert_allclose(overview.finish(0.005), expected, rtol=1e-6)


def test_the_factor_keeps_both_edges_within_the_longest() -> None:
    grid = RasterGrid.whole(303.23349)
    factor = Overview.factor_for(grid, 2048)
    assert -(-grid.width // factor) <= 2048 < -(-grid.width // (factor - 1))
    assert Overview.factor_for(RasterGrid.whole(2.0), 2048) == 1


def test_bounds_reach_the_edge_of_the_last_block() -> None:
    grid = RasterGrid.whole(10.0)
    west, south, east, north = Overview(grid, 7).bounds
    assert (west, north) == (-180.0, 90.0)
    assert 180.0 <= east < 180.7 + 1e-9
    assert -90.7 - 1e-9 < south <= -90.0
