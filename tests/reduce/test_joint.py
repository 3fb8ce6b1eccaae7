"""Joint areas of two maps: against brute force, and the same bits for any split and order."""

import functools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import ParametersError
from lunarscale.flags import EXTRAPOLATED, NO_DATA
from lunarscale.grid.groupings import WholeMoon
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import SPHERE_WEIGHT, RasterGrid, Window
from lunarscale.grid.sides import Sides, sides_of_maria
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.joint import Axis, Joint, Joints
from lunarscale.reduce.sums import Chunk

GRID = RasterGrid.whole(0.2)
GROUPING = sides_of_maria(Maria.from_seas())
AXES = (Axis("Al2O3", (-32767, 0, 4000, 5000, 5340)), Axis("Mg_number", (6000, 7000, 7001)))


def made(seed):
    """Counts with extremes and no-data, and which are qualified."""
    rng = np.random.default_rng(seed)
    shape = (GRID.height, GRID.width)
    counts = (
        rng.normal(4800, 500, shape).astype(np.int16),
        rng.normal(6900, 300, shape).astype(np.int16),
    )
    counts[0][0, :4] = [32767, -32767, NO_DATA, -32767]
    counts[1][0, :4] = [32767, 7000, 7000, 6999]
    for layer in counts:
        layer[rng.random(shape) < 0.1] = NO_DATA
    return counts, rng.random(shape) < 0.3


def tallied(window, chunk, *, counts, qualified, axes=AXES, grouping=GROUPING):
    """Among three layers, the second of which is of no concern; either may be the stretched one."""
    layers = ("Mg_number", "other", "Al2O3")
    tally = Joints(*axes, grouping).tally(layers, grid=GRID, window=window)
    order = [("Al2O3", "Mg_number").index(name) for name in ("Mg_number", "Al2O3")]
    stack = np.stack([counts[order[0]], np.zeros_like(counts[0]), counts[order[1]]])
    flags = np.full(stack.shape, EXTRAPOLATED, np.uint8)
    flags[0] = qualified * np.uint8(EXTRAPOLATED | 8)
    flags[2] = (qualified & (counts[0] % 2 == 0)) * np.uint8(EXTRAPOLATED)
    for part in window.split(chunk):
        inside = (slice(None), *part.slices)
        tally.add(Chunk(part, stack[inside], flags[inside]))
    return tally.partial()


def same(mine: Joint, other: Joint) -> bool:
    """The same bits."""
    return (mine.areas.tobytes(), mine.whole.tobytes()) == (
        other.areas.tobytes(),
        other.whole.tobytes(),
    )


def test_thresholds_cut_as_brute_force_cuts():
    counts, qualified = made(1)
    found = tallied(GRID.window, 13, counts=counts, qualified=qualified)
    numbers = GROUPING.numbers(GRID, GRID.window)
    weights = np.repeat(GRID.row_weights()[:, None], GRID.width, axis=1)
    both = (counts[0] != NO_DATA) & (counts[1] != NO_DATA)
    above = found.at_or_above()
    assert above.shape == (5, 2, 5, 3)
    for group in range(5):
        here = numbers == group
        assert found.whole[group] == sum(weights[here].tolist())
        assert found.with_values()[group] == sum(weights[here & both].tolist())
        for stretched in (0, 1):
            for i, low in enumerate(AXES[0].edges):
                for j, least in enumerate(AXES[1].edges):
                    hit = here & both & (qualified == bool(stretched))
                    hit &= (counts[0] >= low) & (counts[1] >= least)
                    assert above[group, stretched, i, j] == sum(weights[hit].tolist())


def test_shares_agree_with_float64_areas():
    """Against areas in square metres and values in units: nothing of the integers is trusted."""
    counts, qualified = made(2)
    axes = tuple(
        Axis.of(name, QUANTITIES[name], [threshold])
        for name, threshold in (("Al2O3", 24.0), ("Mg_number", 0.7))
    )
    found = tallied(GRID.window, 64, counts=counts, qualified=qualified, axes=axes)
    al2o3, mg = (
        np.where(layer == NO_DATA, np.nan, layer * QUANTITIES[axis.layer].quantum)
        for layer, axis in zip(counts, axes, strict=True)
    )
    areas = np.repeat(GRID.pixel_areas_m2()[:, None], GRID.width, axis=1)
    hit = (al2o3 >= 24.0 - 1e-9) & (mg >= 0.7 - 1e-9)
    expected = areas[hit].sum() / areas[np.isfinite(al2o3) & np.isfinite(mg)].sum()
    share = found.at_or_above()[:, :, 0, 0].sum() / found.with_values().sum()
    assert share == pytest.approx(expected, rel=1e-10)
    assert 0.01 < share < 0.99


@settings(max_examples=25, deadline=None)
@given(shard=st.integers(5, 40), chunk=st.integers(2, 40), seed=st.integers(0, 99), data=st.data())
def test_any_split_merged_in_any_order_is_the_whole_bit_for_bit(shard, chunk, seed, data):
    counts, qualified = made(seed)
    whole = tallied(GRID.window, 100, counts=counts, qualified=qualified)
    parts = [
        tallied(w, chunk, counts=counts, qualified=qualified) for w in GRID.window.split(shard)
    ]
    merged = functools.reduce(Joint.merge, data.draw(st.permutations(parts)))
    assert same(merged, whole)


def test_the_whole_sphere_is_the_whole_area():
    counts, qualified = made(3)
    found = tallied(GRID.window, 100, counts=counts, qualified=qualified)
    assert int(found.whole.sum()) == pytest.approx(SPHERE_WEIGHT, rel=1e-12)
    assert found.areas[:, :, 0, :].sum() == 0  # nothing lies below the least count


@given(st.floats(0.0, 40.0), st.integers(-32767, 32767))
def test_an_edge_in_units_is_the_first_count_at_or_above_it(value, count):
    axis = Axis.of("Al2O3", QUANTITIES["Al2O3"], [value])
    bin_ = axis.lookup()[np.int16(count).view(np.uint16)]
    # exactly: a count is 1/200 wt %, and the value is what its shortest decimals say
    assert bool(bin_) == (Fraction(count, 200) >= Fraction(str(value)))


def test_no_data_is_in_no_bin():
    for axis in AXES:
        lookup = axis.lookup()
        assert lookup[0x8000] == 0xFFFF
        assert (np.delete(lookup, 0x8000) < axis.bins).all()


def test_other_bins_maps_or_groups_do_not_add():
    counts, qualified = made(4)
    mine = tallied(GRID.window, 50, counts=counts, qualified=qualified)
    other = tallied(GRID.window, 50, counts=counts, qualified=qualified, axes=AXES[::-1])
    elsewhere = tallied(GRID.window, 50, counts=counts, qualified=qualified, grouping=Sides())
    for wrong in (other, elsewhere):
        with pytest.raises(ParametersError, match="do not add"):
            mine.merge(wrong)


@pytest.mark.parametrize("edges", [(), (1, 1), (2, 1)])
def test_edges_that_do_not_rise_are_refused(edges):
    with pytest.raises(ParametersError, match="bins of FeO need rising edges"):
        Axis("FeO", edges)


def test_arrays_of_another_shape_are_refused():
    tally = Joints(*AXES, WholeMoon()).tally(("Al2O3", "Mg_number"), grid=GRID, window=GRID.window)
    counts, flags = np.zeros((2, 4, 4), np.int16), np.zeros((2, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="has counts of"):
        tally.add(Chunk(Window(0, 0, 4, 4), counts, flags))


def test_a_layer_that_is_not_read_is_named():
    with pytest.raises(ParametersError, match=r"Mg_number is to be counted .* are Al2O3, FeO"):
        Joints(*AXES, WholeMoon()).tally(("Al2O3", "FeO"), grid=GRID, window=GRID.window)
