"""Sums of cells against a brute-force twin in Python's integers, and against float64."""

import functools
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import BandedCells, equal_area_cells
from lunarscale.grid.raster import SPHERE_WEIGHT, RasterGrid, Window
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.cell_moments import CellMoments
from lunarscale.reduce.cell_sums import CELL_BYTES, CELL_LAYER_BYTES, CellSums
from lunarscale.reduce.sums import Chunk

LAYERS = ("FeO", "OMAT")
GRID = RasterGrid.whole(0.2)
#: neither begins at a column's edge; the second leaves both poles out
CELLS = (
    equal_area_cells(500_000.0),
    BandedCells("belt", (-65.0, -20.0, 1.0, 65.0), (7, 5, 90), west_deg=-171.3),
)


def made(seed, grid=GRID):
    """Counts with extremes and no-data, ``(layer, row, col)``; one corner has no data at all."""
    rng = np.random.default_rng(seed)
    counts = rng.normal(500, 9000, (len(LAYERS), grid.height, grid.width))
    counts = counts.clip(-32767, 32767).astype(np.int16)
    counts[0, 0, :3] = [32767, -32767, NO_DATA]
    counts[rng.random(counts.shape) < 0.2] = NO_DATA
    counts[:, -grid.height // 3 :, : grid.width // 2] = NO_DATA
    return counts


def tallied(cells, window, *, counts, chunk=11, grid=GRID):
    tally = CellMoments(cells).tally(LAYERS, grid=grid, window=window)
    for part in window.split(chunk):
        own = counts[(slice(None), *part.slices)]
        tally.add(Chunk(part, own, np.zeros(own.shape, np.uint8)))
    return tally.partial()


def written(sums):
    """Every bit of some sums."""
    own = sums.sums
    arrays = (sums.numbers, sums.weights, sums.pixels, own.weights, own.pixels, own.first.low,
              own.first.high, own.second.low, own.second.high, own.lowest, own.highest)  # fmt: skip
    return [(array.shape, array.dtype.str, array.tobytes()) for array in arrays]


@pytest.mark.parametrize("cells", CELLS, ids=["whole", "belt"])
@pytest.mark.parametrize(
    "grid", [GRID, GRID.crop(150.0, -90.0, -100.0, 50.0)], ids=["moon", "seam"]
)
def test_every_cell_agrees_with_a_brute_force_sum(cells, grid):
    counts = made(1, grid)
    found = tallied(cells, grid.window, counts=counts, grid=grid)
    numbers = cells.numbers(grid, grid.window)
    weights = np.repeat(grid.row_weights()[:, None], grid.width, axis=1)
    assert found.numbers.tolist() == [n for n in np.unique(numbers).tolist() if n >= 0]
    for place, number in enumerate(found.numbers.tolist()):
        here = numbers == number
        assert found.weights[place] == sum(weights[here].tolist())
        assert found.pixels[place] == here.sum()
        for layer in range(len(LAYERS)):
            valid = here & (counts[layer] != NO_DATA)
            pairs = list(zip(counts[layer][valid].tolist(), weights[valid].tolist(), strict=True))
            own = found.sums
            assert own.weights[layer, place] == sum(w for _, w in pairs)
            assert own.pixels[layer, place] == len(pairs)
            assert own.first[layer, place].to_ints() == [sum(x * w for x, w in pairs)]
            assert own.second[layer, place].to_ints() == [sum(x * x * w for x, w in pairs)]
            if pairs:
                ends = min(x for x, _ in pairs), max(x for x, _ in pairs)
                assert (own.lowest[layer, place], own.highest[layer, place]) == ends


@settings(max_examples=25, deadline=None)
@given(shard=st.integers(5, 40), chunk=st.integers(2, 40), seed=st.integers(0, 99), data=st.data())
def test_any_split_merged_in_any_order_is_the_whole_bit_for_bit(shard, chunk, seed, data):
    counts, cells = made(seed), CELLS[seed % 2]
    whole = tallied(cells, GRID.window, counts=counts, chunk=100)
    parts = [tallied(cells, w, counts=counts, chunk=chunk) for w in GRID.window.split(shard)]
    parts = data.draw(st.permutations(parts))
    assert written(functools.reduce(CellSums.merge, parts)) == written(whole)
    assert written(CellSums.sum(parts)) == written(whole)
    assert written(pickle.loads(pickle.dumps(whole))) == written(whole)


@pytest.mark.parametrize("layer", [0, 1])
def test_figures_agree_with_float64(layer):
    counts, cells, quantity = made(2), CELLS[0], QUANTITIES[LAYERS[layer]]
    found = tallied(cells, GRID.window, counts=counts).figures(layer, quantity)
    numbers = cells.numbers(GRID, GRID.window)
    areas = np.repeat(GRID.pixel_areas_m2()[:, None] / 1e6, GRID.width, axis=1)
    empty = 0
    for place, number in enumerate(found.numbers.tolist()):
        here = numbers == number
        valid = here & (counts[layer] != NO_DATA)
        assert found.area_km2[place] == pytest.approx(areas[here].sum(), rel=1e-9)
        assert found.valid_area_km2[place] == pytest.approx(areas[valid].sum(), rel=1e-9)
        assert found.valid_share[place] == pytest.approx(areas[valid].sum() / areas[here].sum())
        assert found.valid_pixels[place] == valid.sum()
        figures = found.mean[place], found.std[place], found.min[place], found.max[place]
        if not valid.any():
            assert np.isnan(figures).all()
            empty += 1
            continue
        values = counts[layer][valid] * quantity.quantum
        mean = np.average(values, weights=areas[valid])
        std = np.sqrt(np.average((values - mean) ** 2, weights=areas[valid]))
        assert figures == pytest.approx(
            (mean, std, values.min(), values.max()), rel=1e-9, abs=1e-12
        )
    assert empty


def test_a_deviation_is_right_where_float64_would_lose_it():
    # one pixel in 72 differs by one quantum from 32,000: naive moments cancel all their digits
    counts = np.full((2, GRID.height, GRID.width), 32000, dtype=np.int16)
    counts[:, 18, 0] += 1
    belt = BandedCells("belt", (-5.0, 0.0, 90.0), (1, 1))
    found = tallied(belt, GRID.window, counts=counts).figures(0, QUANTITIES["FeO"])
    share = 1 / 72
    assert found.mean[0] == pytest.approx((32000 + share) * 0.005, rel=1e-15)
    assert found.std[0] == pytest.approx(np.sqrt(share * (1 - share)) * 0.005, rel=1e-13)
    assert found.std[1] == 0.0


def test_sums_of_the_whole_moon_do_not_overflow():
    moon = BandedCells("moon", (-90.0, 90.0), (1,))
    counts = np.full((2, GRID.height, GRID.width), -32767, dtype=np.int16)
    found = tallied(moon, GRID.window, counts=counts)
    assert abs(int(found.weights[0]) - SPHERE_WEIGHT) <= 2**9
    assert found.sums.second[0].to_ints() == [int(found.weights[0]) * 32767**2]
    assert found.figures(0, QUANTITIES["FeO"]).std[0] == 0.0


def test_other_cells_or_layers_do_not_merge():
    counts = made(3)
    one, other = (tallied(cells, GRID.window, counts=counts) for cells in CELLS)
    with pytest.raises(ParametersError, match="do not add"):
        one.merge(other)


def test_a_chunk_of_another_shape_is_refused():
    tally = CellMoments(CELLS[0]).tally(LAYERS, grid=GRID, window=GRID.window)
    square = np.zeros((2, 4, 4), np.int16)
    with pytest.raises(ValueError, match="layers"):
        tally.add(Chunk(Window(0, 0, 4, 5), square, square.astype(np.uint8)))


@pytest.mark.parametrize("around", [None, 720])
def test_memory_stays_within_the_plan(around):
    grid, cells = RasterGrid.whole(2.0), equal_area_cells(400.0)
    window = Window(120, 100, 128, 128)
    measure = CellMoments(cells, around)
    tallied(cells, window, counts=made(4, grid), grid=grid)  # compiled before it is measured
    tracemalloc.start()
    tally = measure.tally(LAYERS, grid=grid, window=window)
    zeros = np.zeros((2, 128, 128), np.int16)
    tally.add(Chunk(window, zeros, zeros.astype(np.uint8)))
    part = tally.partial()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    slots = measure.bytes(2, shard=128, chunk=64)
    assert part.numbers.size * (CELL_BYTES + 2 * CELL_LAYER_BYTES) < peak
    assert slots > 1_000_000  # so that the next is no idle word
    assert peak < slots + 200_000  # and what any tally of a few rows takes


@settings(max_examples=20, deadline=None)
@given(number=st.integers(-1, 80))
def test_both_sides_of_a_split_are_the_whole(number):
    whole = tallied(CELLS[0], GRID.window, counts=_counts())
    below, rest = whole.split(number)
    assert (below.numbers < number).all()
    assert (rest.numbers >= number).all()
    assert written(rest.merge(below)) == written(whole)
    if rest.numbers.size:
        assert not np.shares_memory(rest.sums.second.low, whole.sums.second.low)


@functools.cache
def _counts():
    return made(5)
