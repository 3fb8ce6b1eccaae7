"""Area means on all coarser grids at once are those of brute force, however the work is cut."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from area_mean_twin import area_means, assert_true
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, OUTSIDE_MARE
from lunarscale.grid.area_means import Means, Pieces
from lunarscale.grid.halving import Cut, columns_of, halved, lattices, rows_of
from lunarscale.grid.raster import RasterGrid

Pixels = tuple[NDArray[np.int16], NDArray[np.uint8]]

#: Grids whose pixels lie in the first coarser one's without a cut, and with cuts.
ROUNDS = (512, 1030)


def means_of(
    counts: NDArray[np.int16], flags: NDArray[np.uint8], around: int,
    *, row: int = 0, height: int | None = None, at_a_time: int = 10_000,
) -> list[Pixels]:  # fmt: skip
    """All levels of some rows of the first coarser grid, from a map of the whole Moon."""
    cut, rounds = Cut.of(around), lattices(around)
    height = rounds[0] // 2 - row if height is None else height
    rows = rows_of(cut, row, height)
    made = Means(columns_of(cut, 0, rounds[0]), heights=[height >> n for n in range(len(rounds))])
    pieces = in_pieces(counts, flags, around // 3)
    for start in range(0, len(rows.lines), at_a_time):
        made.add(pieces, rows.part(start, min(start + at_a_time, len(rows.lines)), 0))
    return [tuple(np.copy(each) for each in made.take(level)) for level in range(len(rounds))]


def in_pieces(counts: NDArray[np.int16], flags: NDArray[np.uint8], width: int) -> Pieces:
    """The same cut into columns of a width, which lie the wrong way round, as chunks would."""
    lefts = range(0, counts.shape[1], width)
    rest = [(0, 0), (0, -counts.shape[1] % width)]
    cut = [np.split(np.pad(each, rest), len(lefts), axis=1)[::-1] for each in (counts, flags)]
    runs = [
        (len(lefts) - 1 - n, 0, min(width, counts.shape[1] - at), at) for n, at in enumerate(lefts)
    ]
    return Pieces(np.stack(cut[0]), np.stack(cut[1]), np.array(runs))


def a_moon(around: int, seed: int, *, missing: float = 0.0, qualified: float = 0.0) -> Pixels:
    """Noise with holes and qualifiers, in spots of several pixels and in single ones."""
    rng = np.random.default_rng(seed)
    shape = (around // 2, around)
    counts = rng.integers(-3000, 30_000, shape).astype(np.int16)

    def spots(share: float) -> NDArray[np.bool_]:
        coarse = rng.random((shape[0] // 5 + 1, shape[1] // 5 + 1)) < share
        large = np.kron(coarse, np.ones((5, 5), bool))[: shape[0], : shape[1]]
        return np.asarray(large | (rng.random(shape) < share))

    flags = np.zeros(shape, np.uint8)
    for bit in (NEGATIVE, EXTRAPOLATED, OUTSIDE_MARE):
        flags[spots(qualified)] |= bit
    holes = spots(missing)
    counts[holes] = NO_DATA
    reasons = np.kron(rng.integers(1, 7, (shape[0] // 7 + 1, shape[1] // 9 + 1)), np.ones((7, 9)))
    flags[holes] = reasons[: shape[0], : shape[1]][holes]
    return counts, flags


@pytest.mark.parametrize(
    ("around", "missing", "qualified"),
    [(512, 0.25, 0.3), (1030, 0.0, 0.0), (1030, 0.25, 0.3), (1030, 0.0, 1.0), (1538, 0.25, 0.3)],
)
def test_levels_are_area_means(around: int, missing: float, qualified: float) -> None:
    """Of the whole Moon, the poles and both sides of 180 degrees among it."""
    counts, flags = a_moon(around, 1, missing=missing, qualified=qualified)
    base = RasterGrid.whole(around / 360)
    levels = means_of(counts, flags, around)
    for level, grid in zip(levels, halved(base, len(levels)), strict=True):
        assert_true(*level, area_means(counts, flags, base, grid))


def test_nothing_is_nothing_and_a_constant_is_itself() -> None:
    """For the reason that it has; the largest counts come out whole."""
    for count, flag in ((NO_DATA, 5), (32_767, 0), (-32_767, NEGATIVE), (0, OUTSIDE_MARE)):
        counts = np.full((515, 1030), count, np.int16)
        flags = np.full(counts.shape, flag, np.uint8)
        for level in means_of(counts, flags, 1030):
            assert (level[0] == count).all()
            assert (level[1] == flag).all()


def test_no_value_without_a_reason_is_no_input() -> None:
    """Of a store that is not ours: a fill is never taken for a value."""
    counts, flags = np.full((256, 512), NO_DATA, np.int16), np.zeros((256, 512), np.uint8)
    for level in means_of(counts, flags, 512):
        assert (level[0] == NO_DATA).all()
        assert (level[1] == 1).all()


def test_half_of_the_area_is_enough() -> None:
    """One of two columns: a value; the reason of the larger part, and of equals the larger one."""
    counts, flags = np.full((256, 512), 100, np.int16), np.zeros((256, 512), np.uint8)
    counts[:, ::2], flags[:, ::2] = NO_DATA, 3
    level = means_of(counts, flags, 512)[0]
    assert (level[0] == 100).all()
    assert (level[1] == 0).all()
    counts[:, 1::2], flags[:, 1::2] = NO_DATA, 2
    level = means_of(counts, flags, 512)[0]
    assert (level[1] == 3).all()
    flags[::2, ::2] = 2  # in the north three of four quarters, nearly, are for the other reason
    assert (means_of(counts, flags, 512)[0][1] == 2).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(ROUNDS), st.data())
def test_any_split_of_rows_is_the_whole(seed: int, around: int, data: Any) -> None:
    """Strips of any height, and squares that begin further south, give the same bits."""
    counts, flags = a_moon(around, seed, missing=0.1, qualified=0.2)
    whole = means_of(counts, flags, around)
    strips = means_of(counts, flags, around, at_a_time=data.draw(st.integers(1, 300)))
    step = 1 << (len(whole) - 1)
    start = data.draw(st.integers(0, lattices(around)[0] // 2 // step - 2)) * step
    part = means_of(counts, flags, around, row=start, height=2 * step)
    for level, (one, other, some) in enumerate(zip(whole, strips, part, strict=True)):
        rows = slice(start >> level, (start + 2 * step) >> level)
        for each in (0, 1):
            assert np.array_equal(one[each], other[each])
            assert np.array_equal(one[each][rows], some[each])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_a_coarser_mean_is_the_mean_of_finer_ones(seed: int) -> None:
    """But for their rounding: four pixels weigh by their area."""
    counts, flags = a_moon(1030, seed)
    fine, coarse = (level[0].astype(np.float64) for level in means_of(counts, flags, 1030))
    edges = np.sin(np.pi * np.arange(len(fine) + 1) / (2 * len(fine))) ** 2
    weight = np.diff(edges)[:, None]
    sums = (fine * weight).reshape(len(coarse), 2, -1, 2).sum(axis=(1, 3))
    areas = 2 * np.diff(edges).reshape(-1, 2).sum(axis=1)[:, None]
    assert np.abs(coarse - sums / areas).max() <= 1.0 + 1e-6


def test_means_are_rounded_once_and_half_to_even() -> None:
    """Exactly, by fractions of the very weights: many means lie on a half."""
    around = 512
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 2, (256, 512)).astype(np.int16) * np.int16(2) + np.int16(1)
    counts[1::2] = counts[::2]  # both rows of a pair alike: no latitude is in the mean
    (level,) = means_of(counts, np.zeros(counts.shape, np.uint8), around)
    pairs = counts[::2].reshape(128, 256, 2).sum(axis=2)
    rounded = [round(Fraction(int(total), 2)) for total in pairs.ravel()]
    assert np.array_equal(level[0].ravel(), rounded)
    shifted = counts - np.int16(1)
    shifted[:, 1::2] += 1  # sums that are odd: every mean is a half
    (level,) = means_of(shifted, np.zeros(counts.shape, np.uint8), around)
    pairs = shifted[::2].reshape(128, 256, 2).sum(axis=2)
    assert (pairs % 2 == 1).all()
    assert (level[0] % 2 == 0).all()
    assert np.abs(2 * level[0] - pairs).max() == 1
