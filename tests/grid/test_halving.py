"""The grids of a pyramid close at 180 degrees, nest, and share the map's pixels without rest."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.grid.halving import (
    LEAST_AROUND,
    TAPS,
    Cut,
    columns_of,
    halved,
    lattices,
    rows_of,
)
from lunarscale.grid.raster import RasterGrid

#: Even numbers of pixels around the Moon that have a coarser grid.
ROUNDS = st.integers(LEAST_AROUND, 100_000).map(lambda half: 2 * half)


def test_the_moon_at_100_m_closes_and_kaguya_halves_exactly() -> None:
    """109,164 = 4 x 27,291 is no multiple of 8, so its grids begin at 54,528 instead of 54,582."""
    assert lattices(109_164) == (54_528, 27_264, 13_632, 6_816, 3_408, 1_704, 852, 426)
    assert lattices(184_320)[:3] == (92_160, 46_080, 23_040)
    assert lattices(510) == ()


@given(ROUNDS)
def test_each_grid_is_half_the_one_before(around: int) -> None:
    """And none is further from a power of two of the map's than one pixel in 256 of its own."""
    rounds = lattices(around)
    assert all(each % 2 == 0 for each in rounds)
    assert all(one == 2 * other for one, other in pairwise(rounds))
    assert LEAST_AROUND <= rounds[-1] <= 2 * LEAST_AROUND
    for level, each in enumerate(rounds, start=1):
        assert abs(each * 2**level / around - 1) <= 1 / LEAST_AROUND
    if around % (2 << len(rounds)) == 0:
        assert 2 * rounds[0] == around


@settings(deadline=None)
@given(ROUNDS, st.data())
def test_a_level_covers_the_map_and_hardly_more(around: int, data: st.DataObject) -> None:
    """All levels cover the same ground: the map's, out to whole pixels of the coarsest."""
    rounds = lattices(around)
    count = data.draw(st.integers(1, len(rounds)))
    row = data.draw(st.integers(0, around // 2 - 1))
    height = data.draw(st.integers(1, around // 2 - row))
    col, width = data.draw(st.integers(0, around - 1)), data.draw(st.integers(1, around))
    grid = RasterGrid(around, row, col, height, width)
    west, south, east, north = grid.bounds()
    for level in halved(grid, count):
        left, bottom, right, top = level.bounds()
        out = 360.0 / rounds[count - 1]
        beyond = [south - bottom, top - north, west - left]
        if level.width < level.around:
            beyond.append(right - east)
        assert all(-1e-9 <= each < out + 1e-9 for each in beyond)


@settings(deadline=None)
@given(ROUNDS, st.data())
def test_columns_are_shared_without_rest(around: int, data: st.DataObject) -> None:
    """Each coarser column is full, and each of the map's columns all given away."""
    cut = Cut.of(around)
    start = data.draw(st.integers(0, lattices(around)[0] - 50))
    columns = columns_of(cut, start, 50)
    given = np.zeros(int(columns.width) + TAPS, np.int64)
    for first, shares in zip(columns.first, columns.shares.T, strict=True):
        assert shares.sum() == cut.coarse
        assert np.all((shares >= 0) & (shares <= cut.fine))
        given[first : first + TAPS] += shares
    assert np.all(given[1 : columns.width - 1] == cut.fine)
    assert np.all((given[[0, columns.width - 1]] > 0) & (given[[0, columns.width - 1]] <= cut.fine))
    assert not given[columns.width :].any()
    assert columns.first[0] == 0
    assert columns.width == np.diff(cut.under(start, 50))[0]
    for begin, end in pairwise(columns.turns):
        assert np.all(np.diff(columns.first[begin:end]) == 2)
    assert (columns.turns[0], columns.turns[-1]) == (0, 50)


@settings(max_examples=30, deadline=None)
@given(ROUNDS.filter(lambda around: around < 20_000))
def test_rows_are_areas_of_the_sphere(around: int) -> None:
    """Each row of the coarsest grid has the same weight, shared by the sphere's areas."""
    cut, rounds = Cut.of(around), lattices(around)
    rows = rows_of(cut, 0, rounds[0] // 2)
    assert rows.lines[0] == 0
    assert rows.lines[-1] == around // 2 - 1
    assert rows.weights.min() > 0
    assert rows.weights.max() < 2**31
    assert rows.ends.sum() == rounds[0] // 2
    coarser = np.repeat(np.arange(rounds[0] // 2), np.diff([0, *(np.flatnonzero(rows.ends) + 1)]))
    band = coarser * rounds[-1] // rounds[0]
    (whole,) = set(np.bincount(band, weights=rows.weights).tolist())
    fine = np.arange(around // 2) * cut.fine
    edges = np.union1d(np.arange(rounds[0] // 2 + 1) * cut.coarse, fine)
    areas = np.diff(np.sin(np.pi * edges / (around * cut.fine)) ** 2)
    share = areas / np.bincount(band, weights=areas)[band]
    assert rows.weights == pytest.approx(share * whole, abs=1.01)


@settings(deadline=None)
@given(ROUNDS, st.data())
def test_a_rows_weight_is_the_same_in_every_window(around: int, data: st.DataObject) -> None:
    """So squares of a pyramid meet without a seam, and a map's part has the whole's pixels."""
    cut, height = Cut.of(around), lattices(around)[0] // 2
    start = data.draw(st.integers(0, height - 3))
    one, both = rows_of(cut, start + 1, 2), rows_of(cut, start, 3)
    number = len(both.lines) - len(one.lines)
    for mine, theirs in zip(one, both, strict=True):
        assert np.array_equal(mine, theirs[number:])


def test_sums_of_the_heaviest_pixel_fit_64_bits() -> None:
    """A pixel of the coarsest grid times the largest count, for any map."""
    for around in (*range(512, 1100, 2), 109_164, 184_320, 1_091_640):
        cut = Cut.of(around)
        weight = int(rows_of(cut, 0, cut.coarsest // cut.coarse).weights.sum())
        assert 2**44 < weight * cut.coarsest <= 2**48 or weight == 2**31 - 1
