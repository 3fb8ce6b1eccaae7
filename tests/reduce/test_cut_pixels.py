"""Pixels cut by a border: divided by area, none of which is lost, in any split to the same bits."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import WHOLE_PIXEL, Covering, Grouping, Pieces, WholeMoon
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.products import Products
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.sums import Chunk
from lunarscale.reduce.tally import Histograms

GRID = RasterGrid.whole(0.2)
LAYERS = ("FeO", "TiO2")
GROUPS = ("none", "a", "b", "c")


Whole = tuple[NDArray[np.uint16], NDArray[np.bool_], NDArray[np.int64]]


@cache
def table(seed: int) -> Whole:
    """Groups, which pixels are cut, and the shares of each group, ``(row, col, 4)``."""
    rng = np.random.default_rng(seed)
    shape = (GRID.height, GRID.width)
    cut, numbers = rng.random(shape) < 0.2, rng.integers(0, 4, shape).astype(np.uint16)
    parts = rng.random((*shape, 4)) * (rng.random((*shape, 4)) < 0.6)
    parts[..., 0] += parts.sum(axis=-1) == 0
    shares = np.floor(parts / parts.sum(axis=-1, keepdims=True) * WHOLE_PIXEL).astype(np.int64)
    np.put_along_axis(
        shares,
        (first := shares.argmax(axis=-1)[..., None]),
        np.take_along_axis(shares, first, -1) + WHOLE_PIXEL - shares.sum(-1, keepdims=True),
        -1,
    )
    numbers[cut] = 0
    return numbers, cut, shares


@dataclass(frozen=True)
class Cuts:
    """Every fifth pixel or so is cut, in up to four parts, by what a table of the whole says."""

    seed: int
    name: str = "cuts"
    groups: tuple[str, ...] = GROUPS[1:]
    digest: str = "cuts"
    kept_bytes: int = 0

    @property
    def centred(self) -> Grouping:
        """Never asked."""
        return WholeMoon()

    def whole(self) -> Whole:
        """What the table says."""
        return table(self.seed)

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Of the pixels that are whole."""
        return self.whole()[0][window.slices]

    def pieces(self, grid: RasterGrid, window: Window) -> Pieces:
        """All parts above zero."""
        _, cut, shares = (array[window.slices] for array in self.whole())
        rows, cols, groups = np.nonzero((shares > 0) & cut[..., None])
        pieces = Pieces(rows, cols, groups.astype(np.uint16), shares[rows, cols, groups])
        for array in pieces:
            array.setflags(write=False)
        return pieces


def made(seed: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Counts of few values, a tenth without, and flags."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(-3, 4, (2, GRID.height, GRID.width)).astype(np.int16)
    counts[rng.random(counts.shape) < 0.1] = NO_DATA
    return counts, rng.integers(0, 3, counts.shape).astype(np.uint8)


def tallied(window: Window, chunk: int, *, seed: int, groupings=None) -> Statistics:  # type: ignore[no-untyped-def]
    counts, flags = made(seed)
    measure = Histograms(groupings or (WholeMoon(), Cuts(seed), Maria.from_seas()))
    tally = measure.tally(LAYERS, grid=GRID, window=window)
    for part in window.split(chunk):
        inside = (slice(None), *part.slices)
        tally.add(Chunk(part, counts[inside], flags[inside]))
    return tally.partial()


def test_every_group_has_its_part_of_every_pixel() -> None:
    """Against areas in float64 and shares as fractions."""
    found = tallied(GRID.window, 11, seed=3)
    counts, flags = made(3)
    numbers, cut, shares = Cuts(3).whole()
    weights = np.repeat(GRID.row_weights()[:, None], GRID.width, axis=1).astype(np.float64)
    for group in range(4):
        part = np.where(cut, shares[..., group] / WHOLE_PIXEL, numbers == group)
        cell = found.group(1, group)
        assert cell.weight == pytest.approx((weights * part).sum(), rel=1e-9)
        for layer in range(2):
            _agrees(cell.layers[layer].counts, counts[layer], weights * part)
            _agrees(cell.layers[layer].flags, flags[layer], weights * part)


def _agrees(histogram, values, weights):  # type: ignore[no-untyped-def]
    """The same area of every value, those without left out."""
    here = (weights > 0) & (values != NO_DATA)
    expected = {int(v): weights[here & (values == v)].sum() for v in np.unique(values[here])}
    found = dict(zip(histogram.values.tolist(), histogram.weights.tolist(), strict=True))
    assert found == pytest.approx(expected, rel=1e-9)


def test_no_area_and_no_pixel_is_lost_or_made() -> None:
    """Exactly: the parts of all groups are the whole, as without the borders."""
    with_cuts = tallied(GRID.window, 20, seed=4)
    without = tallied(GRID.window, 20, seed=4, groupings=(WholeMoon(), Maria.from_seas()))
    for number in (1, 2):
        mine, other = with_cuts.group(2, number), without.group(1, number)
        assert (mine.weight, mine.pixels) == (other.weight, other.pixels)
        for left, right in zip(mine.layers, other.layers, strict=True):
            for a, b in zip(left, right, strict=True):
                np.testing.assert_array_equal(a.values, b.values)
                np.testing.assert_array_equal(a.weights, b.weights)
                assert a.pixels == b.pixels


@settings(max_examples=20, deadline=None)
@given(shard=st.integers(9, 40), chunk=st.integers(4, 40), seed=st.integers(0, 99), data=st.data())
def test_any_split_in_any_order_is_the_whole_bit_for_bit(shard, chunk, seed, data):  # type: ignore[no-untyped-def]
    whole = tallied(GRID.window, 100, seed=seed)
    parts = [tallied(window, chunk, seed=seed) for window in GRID.window.split(shard)]
    merged = Statistics.sum(data.draw(st.permutations(parts)))
    assert merged.to_bytes() == whole.to_bytes()


def multiplied(window: Window, chunk: int, *, seed: int, grouping=None) -> Covariances:  # type: ignore[no-untyped-def]
    counts, flags = made(seed)
    tally = Products(grouping or Cuts(seed)).tally(LAYERS, grid=GRID, window=window)
    for part in window.split(chunk):
        inside = (slice(None), *part.slices)
        tally.add(Chunk(part, counts[inside], flags[inside]))
    return tally.partial()


def test_products_count_a_cut_pixel_by_its_shares() -> None:
    """Against areas in float64; all groups together are the whole without borders, exactly."""
    found, whole = (
        multiplied(GRID.window, 11, seed=3),
        multiplied(GRID.window, 11, seed=3, grouping=WholeMoon()).common(1, (0, 1)),
    )
    counts, _ = made(3)
    numbers, cut, shares = Cuts(3).whole()
    weights = np.repeat(GRID.row_weights()[:, None], GRID.width, axis=1).astype(np.float64)
    both = (counts != NO_DATA).all(axis=0)
    x, y = np.where(both, counts, 0).astype(np.float64)
    groups = [found.common(group, (0, 1)) for group in range(4)]
    for group, sums in enumerate(groups):
        part = weights * both * np.where(cut, shares[..., group] / WHOLE_PIXEL, numbers == group)
        assert sums.weight == pytest.approx(part.sum(), rel=1e-9)
        assert sums.first[0] == pytest.approx((part * x).sum(), rel=1e-9)
        assert sums.second[0, 1] == pytest.approx((part * x * y).sum(), rel=1e-8)
    assert sum(sums.weight for sums in groups) == whole.weight
    assert sum(sums.first[1] for sums in groups) == whole.first[1]
    assert sum(sums.second[0, 1] for sums in groups) == whole.second[0, 1]


def test_products_and_histograms_have_the_same_areas() -> None:
    areas, products = tallied(GRID.window, 30, seed=5), multiplied(GRID.window, 30, seed=5)
    for group in range(1, 4):
        for layer in range(2):
            histogram = areas.group(1, group).layers[layer].counts
            assert products.common(group, [layer]).weight == histogram.weight


@settings(max_examples=10, deadline=None)
@given(shard=st.integers(9, 40), chunk=st.integers(4, 40), seed=st.integers(0, 99))
def test_products_of_any_split_are_the_whole(shard, chunk, seed):  # type: ignore[no-untyped-def]
    whole = multiplied(GRID.window, 100, seed=seed)
    parts = [multiplied(window, chunk, seed=seed) for window in GRID.window.split(shard)]
    assert Covariances.sum(reversed(parts)).sums == whole.sums


def test_two_borders_in_one_pixel_are_refused() -> None:
    assert isinstance(Cuts(1), Covering)
    with pytest.raises(RegionError, match="cuts and other would both divide pixels"):
        Histograms((Cuts(1), WholeMoon(), Cuts(2, name="other")))
