"""Area means on a coarser grid, against float64 sums over every pixel."""

import numpy as np
import pytest

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, MapReason
from lunarscale.grid import coarsening
from lunarscale.grid.coarsening import Coarsening
from lunarscale.grid.raster import RasterGrid, Window


def means(counts, flags, target, window, *, strip=None):
    """Counts and flags of a window, from a whole finer map."""
    made = Coarsening(target, window, counts.shape[1])
    cols = np.arange(made.col_edges[0], made.col_edges[-1]) % counts.shape[1]
    rows = [strip] * 1000 if strip else None
    first, last = int(made.row_edges[0]), int(made.row_edges[-1])
    cuts = (
        made.strips()
        if rows is None
        else ((r, min(strip, last - r)) for r in range(first, last, strip))
    )
    for row, height in cuts:
        part = np.ix_(range(row, row + height), cols)
        made.add(row, np.ascontiguousarray(counts[part]), np.ascontiguousarray(flags[part]))
    out = (
        np.empty((window.height, window.width), np.int16),
        np.empty((window.height, window.width), np.uint8),
    )
    made.finish(*out)
    return out


def brute_force(counts, target, window):
    """Area-weighted means and valid shares in float64, one coarser pixel at a time."""
    fine = RasterGrid.whole(counts.shape[1] / 360)
    areas = fine.pixel_areas_m2()
    lats, lons = fine.lats(), fine.lons()
    mean, share = np.full((2, window.height, window.width), np.nan)
    for row in range(window.height):
        for col in range(window.width):
            at = Window(window.row + row, window.col + col, 1, 1)
            west, south, east, north = target.bounds(at)
            within = ((lons - west + 1e-9) % 360) < east - west - 1e-10
            rows = (lats <= north - 1e-10) & (lats > south - 1e-10)
            values = counts[np.ix_(rows, within)]
            weights = np.broadcast_to(areas[rows, None], values.shape)
            valid = values != NO_DATA
            share[row, col] = weights[valid].sum() / weights.sum()
            if valid.any():
                mean[row, col] = np.average(values[valid], weights=weights[valid])
    return mean, share


@pytest.fixture(scope="module")
def finer():
    rng = np.random.default_rng(11)
    counts = rng.integers(-3000, 3000, (60, 120)).astype(np.int16)
    counts[rng.random(counts.shape) < 0.35] = NO_DATA
    flags = np.where(counts == NO_DATA, int(MapReason.NO_INPUT), 0).astype(np.uint8)
    return counts, flags


@pytest.mark.parametrize("around", [36, 26, 44])
@pytest.mark.parametrize("window", [None, Window(3, 5, 7, 20)])
def test_means_are_those_of_brute_force(finer, around, window):
    target = RasterGrid.whole(around / 360)
    window = window or target.window
    counts, flags = means(*finer, target, window)
    mean, share = brute_force(finer[0], target, window)
    stands = counts != NO_DATA
    clear = np.abs(share - 0.5) > 1e-3
    np.testing.assert_array_equal(stands[clear], (share > 0.5)[clear])
    # rounding to a count, and weights to 1/65,536
    assert np.abs(counts - mean)[stands].max() < 0.5 + 0.1
    assert (flags[~stands] == MapReason.NO_INPUT).all()
    assert stands.any()
    assert not stands.all()


def test_any_cut_gives_the_same_bits(finer, monkeypatch):
    target = RasterGrid.whole(26 / 360)
    whole = means(*finer, target, target.window)
    for strip in (1, 3, 7):
        again = means(*finer, target, target.window, strip=strip)
        np.testing.assert_array_equal(whole, again)
    parts = [means(*finer, target, window) for window in target.window.split(5)]
    made = np.empty_like(whole[0])
    for window, part in zip(target.window.split(5), parts, strict=True):
        made[window.slices] = part[0]
    np.testing.assert_array_equal(made, whole[0])


def test_half_of_the_area_is_enough(finer):
    counts = np.full((20, 40), 100, np.int16)
    counts[:, ::2] = NO_DATA  # every other column: half of each coarser pixel
    flags = np.where(counts == NO_DATA, int(MapReason.SATURATED_INPUT), 0).astype(np.uint8)
    target = RasterGrid.whole(20 / 360)
    made, _ = means(counts, flags, target, target.window)
    assert (made == 100).all()
    counts[0, 1] = NO_DATA  # and one less in the first
    flags[0, 1] = MapReason.OFF_SCALE_INPUT
    made, reasons = means(counts, flags, target, target.window)
    assert made[0, 0] == NO_DATA
    assert reasons[0, 0] == MapReason.OFF_SCALE_INPUT  # the worst of them
    assert (made.ravel()[1:] == 100).all()


def test_a_mean_is_qualified_where_one_of_its_pixels_is():
    counts = np.full((20, 40), -4, np.int16)
    flags = np.full((20, 40), NEGATIVE, np.uint8)
    flags[7, 9] |= EXTRAPOLATED
    counts[7, 8], flags[7, 8] = NO_DATA, MapReason.NO_INPUT
    target = RasterGrid.whole(20 / 360)
    _, made = means(counts, flags, target, target.window)
    assert made[3, 4] == EXTRAPOLATED
    assert np.count_nonzero(made & EXTRAPOLATED) == 1


def test_largest_counts_do_not_overflow():
    counts = np.full((512, 1024), 32767, np.int16)
    target = RasterGrid.whole(2 / 360)
    made, _ = means(counts, np.zeros(counts.shape, np.uint8), target, target.window)
    assert (made == 32767).all()
    assert coarsening.FULL_WEIGHT * 32767 * 2**30 < 2**63
