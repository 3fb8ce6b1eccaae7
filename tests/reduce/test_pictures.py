"""Pictures made shard by shard are those of the whole map."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.overview import Overview
from lunarscale.reduce.pictures import Pictures, Reduced
from lunarscale.reduce.sums import Chunk

LAYERS = ("FeO", "TiO2")


def counts_of(grid: RasterGrid, seed: int) -> np.ndarray:
    made = np.random.default_rng(seed)
    counts = made.integers(-300, 3000, (2, grid.height, grid.width)).astype(np.int16)
    counts[made.random(counts.shape) < 0.3] = NO_DATA
    return counts


def pictures(
    grid: RasterGrid, counts: np.ndarray, *, shard: int, chunk: int, factor: int, turn: int = 0
) -> Pictures:
    parts = []
    for window in grid.window.split(shard):
        tally = Reduced(factor, 0).tally(LAYERS, grid=grid, window=window)
        for inner in window.split(chunk):
            at = Window(window.row + inner.row - window.row, inner.col, inner.height, inner.width)
            values = counts[:, *at.slices]
            tally.add(Chunk(at, values, (values == NO_DATA).astype(np.uint8)))
        parts.append(tally.partial())
    parts = parts[turn % len(parts) :] + parts[: turn % len(parts)]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merge(part)
    return whole


def brute_force(grid: RasterGrid, counts: np.ndarray, factor: int) -> np.ndarray:
    areas = grid.pixel_areas_m2()
    rows, cols = -(-grid.height // factor), -(-grid.width // factor)
    made = np.full((rows, cols), np.nan)
    for row in range(rows):
        for col in range(cols):
            block = np.s_[row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
            values = counts[block].astype(float)
            weight = np.where(values == NO_DATA, 0.0, areas[block[0]][:, None])
            if weight.sum():
                made[row, col] = (values * weight).sum() / weight.sum()
    return made


@settings(max_examples=40, deadline=None)
@given(
    ppd=st.sampled_from([8 / 180, 14 / 180, 20 / 180]),
    shard_chunk_factor=st.sampled_from([(4, 2, 2), (6, 3, 2), (6, 6, 3), (8, 3, 4), (6, 2, 6)]),
    west=st.sampled_from([-180.0, 0.0, 150.0]),
    seed=st.integers(0, 99),
)
def test_any_split_gives_the_picture_of_the_whole(
    ppd: float, shard_chunk_factor: tuple[int, int, int], west: float, seed: int
) -> None:
    shard, chunk, factor = shard_chunk_factor
    whole = RasterGrid.whole(ppd)
    grid = whole if west == -180.0 else whole.crop(west, -60, west + 70, 30)
    counts = counts_of(grid, seed)
    found = pictures(grid, counts, shard=shard, chunk=chunk, factor=factor, turn=seed)
    overview = Overview(grid, factor)
    overview.add(grid.window, counts[1])
    made = found.picture("TiO2", grid, 0.005)
    np.testing.assert_allclose(made, overview.finish(0.005), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        made, 0.005 * brute_force(grid, counts[1], factor), rtol=1e-5, atol=1e-5
    )
    assert found.bounds(grid) == overview.bounds


def test_the_order_of_shards_is_of_no_account() -> None:
    grid = RasterGrid.whole(16 / 180)
    counts = counts_of(grid, 5)
    made = [
        pictures(grid, counts, shard=8, chunk=4, factor=4, turn=turn).picture("FeO", grid, 0.005)
        for turn in range(8)
    ]
    assert all(np.array_equal(made[0], other, equal_nan=True) for other in made)


def test_a_factor_divides_the_shard_and_fits() -> None:
    moon = RasterGrid.whole(54582 / 180)
    assert Reduced.to_fit(moon, shard=2048, longest=2048) == Reduced(64, 853 * 1706)
    assert Reduced.to_fit(RasterGrid.whole(1024 / 180), shard=256, longest=1440) == Reduced(
        2, 1024 * 512
    )
    assert Reduced.to_fit(RasterGrid.whole(32 / 180), shard=16, longest=2048) == Reduced(1, 64 * 32)
    assert Reduced.to_fit(moon, shard=10, longest=2048).factor == 10  # no smaller one fits
    with pytest.raises(ParametersError, match="does not begin with a block of 3 pixels"):
        Reduced(3, 0).tally(LAYERS, grid=moon, window=Window(2, 0, 4, 4))


def test_pictures_of_other_things_do_not_merge() -> None:
    grid = RasterGrid.whole(16 / 180)
    made = pictures(grid, counts_of(grid, 1), shard=8, chunk=4, factor=4)
    with pytest.raises(ParametersError, match="are in both"):
        made.merge(made)
    with pytest.raises(ParametersError, match="reduced 2 times"):
        made.merge(Pictures(LAYERS, 2, {}))
    assert pickle.loads(pickle.dumps(Reduced(4, 9))) == Reduced(4, 9)
    assert Reduced(4, 9).kept_bytes == 0


def test_the_plan_holds_what_a_tally_keeps() -> None:
    grid, window = RasterGrid.whole(64 / 180), Window(0, 0, 32, 32)
    measure = Reduced.to_fit(grid, shard=32, longest=64)
    assert measure.factor == 2
    tally = measure.tally(LAYERS, grid=grid, window=window)
    kept = sum(o._sum.nbytes + o._weight.nbytes for o in tally._overviews)
    piece = next(iter(tally.partial().pieces.values())).nbytes
    assert kept + piece <= measure.bytes(2, shard=32, chunk=8)
    assert measure.sum_bytes(2) == 8 * piece  # as many shards
