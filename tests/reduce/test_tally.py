"""Exact sums: any split, any order, any writing down gives the same bits."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import ParametersError, TornError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import Seas, WholeMoon
from lunarscale.grid.masks import Maria, MaskGrouping
from lunarscale.grid.raster import SPHERE_WEIGHT, RasterGrid, Window
from lunarscale.moon import Sea
from lunarscale.reduce import kernels
from lunarscale.reduce.atoms import atoms_of
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.sums import Chunk
from lunarscale.reduce.tables import SLOTS
from lunarscale.reduce.tally import Histograms

GROUPINGS = (
    WholeMoon(),
    Maria.from_seas(),
    Seas((Sea("a", 179.0, 5.0, 1500.0), Sea("b", -170.0, -20.0, 1200.0), Sea("c", 0, 89, 900.0))),
)
LAYERS = ("FeO", "TiO2")
GRID = RasterGrid.whole(0.2)


def made(seed, grid=GRID):
    """Counts with extremes and no-data, and flags in runs: ``(layer, row, col)``."""
    rng = np.random.default_rng(seed)
    shape = (len(LAYERS), grid.height, grid.width)
    counts = rng.normal(500, 300, shape).astype(np.int16)
    counts[0, 0, :3] = [32767, -32767, NO_DATA]
    flags = (np.cumsum(rng.random(shape) < 0.2, axis=-1) % 3 * 8).astype(np.uint8)
    empty = rng.random(shape) < 0.2
    counts[empty], flags[empty] = NO_DATA, 1
    return counts, flags


def tallied(window, chunk, *, counts, flags, groupings=GROUPINGS):
    tally = Histograms(groupings).tally(LAYERS, grid=GRID, window=window)
    for part in window.split(chunk):
        inside = (slice(None), *part.slices)
        tally.add(Chunk(part, counts[inside], flags[inside]))
    return tally.partial()


def test_every_group_agrees_with_a_brute_force_sum():
    counts, flags = made(1)
    found = tallied(GRID.window, 7, counts=counts, flags=flags)
    weights = np.repeat(GRID.row_weights()[:, None], GRID.width, axis=1)
    for position, grouping in enumerate(GROUPINGS):
        numbers = grouping.numbers(GRID, GRID.window)
        for number in range(len(grouping.groups) + 1):
            cell, here = found.group(position, number), numbers == number
            assert cell.weight == sum(weights[here].tolist())
            assert cell.pixels == here.sum()
            for layer in range(len(LAYERS)):
                _agrees(cell.layers[layer], counts[layer][here], flags[layer][here], weights[here])


def test_seas_that_meet_are_one_atom_where_only_maria_are_asked_for():
    """Runs are then several a row though their atoms are one."""
    counts, flags = made(5)
    maria = Maria.from_seas(Seas((Sea("a", 5.0, 0.0, 3000.0), Sea("b", -5.0, 0.0, 3000.0))))
    window = Window(GRID.height // 2 - 3, GRID.width // 2 - 4, 6, 8)
    inside = (slice(None), *window.slices)
    tally = Histograms((maria,)).tally(LAYERS, grid=GRID, window=window)
    tally.add(Chunk(window, counts[inside], flags[inside]))
    (cell,) = tally.partial().cells.values()
    weights = np.repeat(GRID.row_weights(window)[:, None], window.width, axis=1)
    assert len(atoms_of((maria,), GRID, window).runs.atoms) > window.height
    assert (cell.pixels, cell.weight) == (48, weights.sum())
    for layer, sums in enumerate(cell.layers):
        here = counts[layer][window.slices], flags[layer][window.slices]
        _agrees(sums, *here, weights)


def _agrees(sums, counts, flags, weights):
    valid = counts != NO_DATA
    for histogram, values, areas in (
        (sums.counts, counts[valid], weights[valid]),
        (sums.flags, flags, weights),
    ):
        expected = {int(v): sum(areas[values == v].tolist()) for v in np.unique(values)}
        assert dict(zip(histogram.values.tolist(), histogram.weights.tolist(), strict=True)) == (
            expected
        )
    assert sums.counts.pixels == valid.sum()


@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_runs_of_any_lengths_add_up_to_their_pixels(data, seed):
    """Rows longer than what is looked at at once, atoms alike in a row, rows that weigh nothing."""
    rng = np.random.default_rng(seed)
    width = data.draw(st.sampled_from([5, 37, 900, kernels.STRETCH + 9]))
    rows = 12
    breaks = rng.choice(np.arange(1, width), min(data.draw(st.integers(0, 9)), width - 1), False)
    starts = np.unique(np.add.outer(np.arange(rows) * width, np.append(0, breaks)))
    starts = np.append(starts, rows * width)
    atoms = rng.integers(0, data.draw(st.integers(1, 3)), starts.size - 1)
    counts = rng.integers(-32767, 32768, rows * width).astype(np.int16)
    for share in rng.random((data.draw(st.integers(0, 3)), 2)):  # no-data lies together
        counts[slice(*np.sort((share * counts.size).astype(int)))] = NO_DATA
    flags = rng.integers(0, data.draw(st.integers(1, 4)), counts.size).astype(np.uint8)
    flags[: flags.size // 2] = 8
    weights = rng.integers(0, 3, rows)
    slots = np.array([1, -1, 0])
    areas, flag_areas = np.zeros((2, 65536), np.int64), np.zeros((2, 256), np.int64)
    valid = np.zeros(2, np.int64)
    words = counts[: counts.size // 4 * 4].view(np.uint64)
    sums = areas, flag_areas, valid
    bits = counts.view(np.uint16)
    low, high = kernels.add_runs()(
        bits, words, flags, (starts, atoms), slots, weights, width, *sums
    )
    of = np.repeat(slots[atoms], np.diff(starts))
    heavy = np.repeat(weights, width)
    seen = counts[(of >= 0) & (counts != NO_DATA)].astype(int) + 32768
    assert (low > high) if not seen.size else (low, high) == (seen.min(), seen.max())
    for slot in range(2):
        here, known = of == slot, (of == slot) & (counts != NO_DATA)
        expected = np.bincount(counts[known].astype(int) + 32768, heavy[known], 65536)
        np.testing.assert_array_equal(areas[slot, 1:], expected[1:])
        np.testing.assert_array_equal(flag_areas[slot], np.bincount(flags[here], heavy[here], 256))
        assert valid[slot] == known.sum()


@settings(max_examples=25, deadline=None)
@given(shard=st.integers(8, 40), chunk=st.integers(3, 40), seed=st.integers(0, 99), data=st.data())
def test_any_split_merged_in_any_order_is_the_whole_bit_for_bit(shard, chunk, seed, data):
    counts, flags = made(seed)
    whole = tallied(GRID.window, 100, counts=counts, flags=flags)
    parts = [tallied(w, chunk, counts=counts, flags=flags) for w in GRID.window.split(shard)]
    parts = data.draw(st.permutations(parts))
    folded = functools.reduce(Statistics.merge, parts)
    half = len(parts) // 2
    sides = [Statistics.sum(side) for side in (parts[:half], parts[half:]) if side]
    assert folded.to_bytes() == whole.to_bytes()
    assert Statistics.sum(reversed(sides)).to_bytes() == whole.to_bytes()


def test_the_whole_moon_weighs_what_the_sphere_weighs():
    counts, flags = made(3)
    cell = tallied(GRID.window, 9, counts=counts, flags=flags).group(0, 1)
    assert abs(cell.weight - SPHERE_WEIGHT) <= 2**9  # half a unit in the last place of a float64
    assert cell.pixels == GRID.width * GRID.height
    assert all(sums.flags.weight == cell.weight for sums in cell.layers)


def test_one_grouping_or_many_give_a_group_the_same_sums():
    counts, flags = made(4)
    many = tallied(GRID.window, 20, counts=counts, flags=flags)
    for position, grouping in enumerate(GROUPINGS):
        one = tallied(GRID.window, 20, counts=counts, flags=flags, groupings=(grouping,))
        for number in range(len(grouping.groups) + 1):
            a, b = many.group(position, number), one.group(0, number)
            assert (a.weight, a.pixels) == (b.weight, b.pixels)
            for left, right in zip(a.layers, b.layers, strict=True):
                np.testing.assert_array_equal(left.counts.values, right.counts.values)
                np.testing.assert_array_equal(left.counts.weights, right.counts.weights)


def test_a_layer_of_nothing_but_no_data_leaves_area_without_values():
    counts, flags = made(8)
    counts[1] = NO_DATA
    cell = tallied(GRID.window, 20, counts=counts, flags=flags).group(0, 1)
    assert cell.pixels == GRID.width * GRID.height
    assert cell.layers[1].counts.weight == 0
    assert cell.layers[1].counts.pixels == 0
    assert cell.layers[1].flags.weight == cell.weight


def test_a_group_that_lies_elsewhere_is_empty():
    far = tallied(Window(30, 30, 2, 2), 2, counts=made(5)[0], flags=made(5)[1]).group(2, 1)
    assert (far.weight, far.pixels) == (0, 0)
    assert far.layers[1].counts.weight == 0


def test_bytes_read_back_and_merge_on():
    counts, flags = made(6)
    north, south = Window(0, 0, 18, 72), Window(18, 0, 18, 72)
    parts = [tallied(window, 9, counts=counts, flags=flags) for window in (north, south)]
    again = [Statistics.from_bytes(part.to_bytes()) for part in parts]
    assert again[0].layers == LAYERS
    assert again[0].groupings == parts[0].groupings
    assert Statistics.sum(again).to_bytes() == Statistics.sum(parts).to_bytes()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_torn_bytes_are_found(data):
    written = _written()
    place = data.draw(st.integers(0, len(written) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(written)
    flipped[place] ^= 1 << bit
    for torn in (bytes(flipped), written[:place], written + b"\0"):
        with pytest.raises(TornError, match="not what was written"):
            Statistics.from_bytes(torn)


@functools.cache
def _written():
    counts, flags = made(7)
    return tallied(Window(0, 0, 5, 5), 5, counts=counts, flags=flags).to_bytes()


def test_other_layers_or_groupings_do_not_merge():
    window = Window(0, 0, 2, 2)
    parts = [
        Histograms(groupings).tally(layers, grid=GRID, window=window).partial()
        for groupings, layers in (
            ((WholeMoon(),), ("FeO",)),
            ((WholeMoon(),), ("TiO2",)),
            ((Seas(),), ("FeO",)),
        )
    ]
    for other in parts[1:]:
        with pytest.raises(ParametersError, match="do not add"):
            parts[0].merge(other)


def test_a_chunk_of_another_place_or_shape_is_refused():
    measure = Histograms((WholeMoon(),))
    tally = measure.tally(("FeO",), grid=GRID, window=Window(4, 4, 8, 8))
    square, flags = np.zeros((1, 4, 4), np.int16), np.zeros((1, 4, 4), np.uint8)
    for chunk in (Window(3, 4, 4, 4), Window(4, 9, 4, 4), Window(4, 4, 4, 5)):
        with pytest.raises(ValueError, match="Window"):
            tally.add(Chunk(chunk, square, flags))


@pytest.mark.parametrize("chunk", [5, 36, 72])
def test_more_groups_than_the_tables_hold_add_up_all_the_same(chunk):
    """Fifty bands of longitude by three groupings: atoms leave the tables and come back."""
    counts, flags = made(9)
    stripes = MaskGrouping.of_raster(
        "stripes", np.tile(np.arange(60) % 50 + 1, (30, 1)), west=-180, north=90, pixel_deg=6.0
    )
    many = (*GROUPINGS, stripes)
    assert len(atoms_of(many, GRID, GRID.window).keys) > 3 * SLOTS
    found = tallied(GRID.window, chunk, counts=counts, flags=flags, groupings=many)
    weights = np.repeat(GRID.row_weights()[:, None], GRID.width, axis=1)
    numbers = stripes.numbers(GRID, GRID.window)
    for number in range(51):
        here, cell = numbers == number, found.group(3, number)
        assert cell.weight == sum(weights[here].tolist())
        assert cell.pixels == here.sum()
        for layer in range(len(LAYERS)):
            _agrees(cell.layers[layer], counts[layer][here], flags[layer][here], weights[here])
