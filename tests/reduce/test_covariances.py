"""Products of maps against brute force: exact sums in Python's integers, figures in float64."""

import functools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import Seas, WholeMoon
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.moon import Sea
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.components import NOWHERE_TOGETHER, SEVERAL_UNITS, components
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.products import MOST_LAYERS, Products
from lunarscale.reduce.relations import NOWHERE_BOTH, relations
from lunarscale.reduce.sums import Chunk

LAYERS = ("FeO", "TiO2", "MgO", "OMAT", "SiO2")
SHOWN = tuple(QUANTITIES[name] for name in LAYERS)
SEAS = Seas((Sea("wide", 30.0, 10.0, 3000.0), Sea("missed", 0.0, 0.0, 1.0)))
GRID = RasterGrid.whole(0.2)
AREAS = np.repeat(GRID.pixel_areas_m2()[:, None], GRID.width, axis=1)


def made(seed):
    """Layers that go together, each with gaps of its own; the last has no value."""
    rng = np.random.default_rng(seed)
    shape = (GRID.height, GRID.width)
    iron, other = rng.normal(size=(2, *shape))
    counts = np.empty((len(LAYERS), *shape), dtype=np.int16)
    counts[0] = 2000 + 900 * iron
    counts[1] = 300 + 200 * iron + 100 * other
    counts[2] = 1500 - 300 * iron + 200 * other
    counts[3] = 2200 + 50 * other
    counts[rng.random(counts.shape) < 0.1] = NO_DATA
    counts[:, 20:25, 10:40] = NO_DATA
    counts[0, 0, :2] = [32767, -32767]
    counts[4] = NO_DATA
    return counts


def tallied(window, *, counts, grouping=SEAS, chunk=11, layers=LAYERS):
    tally = Products(grouping).tally(layers, grid=GRID, window=window)
    for part in window.split(chunk):
        own = counts[(slice(None), *part.slices)]
        tally.add(Chunk(part, own, np.zeros(own.shape, np.uint8)))
    return tally.partial()


def test_sums_agree_with_brute_force():
    counts = made(1)
    found = tallied(GRID.window, counts=counts)
    weights = np.repeat(GRID.row_weights()[:, None], GRID.width, axis=1)
    numbers = SEAS.numbers(GRID, GRID.window)
    for group in range(3):
        for asked in ((), (0,), (3,), (0, 1), (2, 3), (1, 0), (0, 1, 2, 3), (0, 4)):
            here = (numbers == group) & (counts[list(asked)] != NO_DATA).all(axis=0)
            w = weights[here].tolist()
            x = {i: counts[i][here].tolist() for i in asked}
            common = found.common(group, asked)
            assert common.weight == sum(w)
            assert common.first == {i: sum(map(int.__mul__, w, x[i])) for i in asked}
            assert common.second == {
                (i, j): sum(a * b * c for a, b, c in zip(w, x[i], x[j], strict=True))
                for i in asked
                for j in asked
                if i <= j
            }


@settings(max_examples=20, deadline=None)
@given(shard=st.integers(7, 40), chunk=st.integers(3, 40), seed=st.integers(0, 99), data=st.data())
def test_any_split_merged_in_any_order_is_the_whole(shard, chunk, seed, data):
    counts = made(seed)
    whole = tallied(GRID.window, counts=counts, chunk=100)
    parts = [tallied(w, counts=counts, chunk=chunk) for w in GRID.window.split(shard)]
    parts = data.draw(st.permutations(parts))
    merged = functools.reduce(Covariances.merge, parts)
    assert merged.sums == whole.sums == Covariances.sum(parts).sums
    assert list(merged.sums) == list(whole.sums)
    assert pickle.loads(pickle.dumps(whole)).sums == whole.sums


def test_relations_agree_with_numpy():
    counts = made(2)
    # two maps of one quantity, whose difference means something
    shown = (*SHOWN[:2], SHOWN[0], *SHOWN[3:])
    found = relations(tallied(GRID.window, counts=counts, grouping=WholeMoon()), shown)
    assert len(found) == 10
    for row in found:
        i, j = LAYERS.index(row.x), LAYERS.index(row.y)
        both = (counts[i] != NO_DATA) & (counts[j] != NO_DATA)
        assert row.area_km2 == pytest.approx(AREAS[both].sum() / 1e6, rel=1e-9)
        assert row.area_share == pytest.approx(AREAS[both].sum() / AREAS.sum(), rel=1e-9)
        if row.y == "SiO2":
            assert (row.note, row.correlation, row.rmse, row.area_km2) == (
                NOWHERE_BOTH,
                None,
                None,
                0,
            )
            continue
        x, y = (counts[k][both] * shown[k].quantum for k in (i, j))
        weight = AREAS[both]
        table = np.cov(x, y, aweights=weight, ddof=0)
        means = np.average(x, weights=weight), np.average(y, weights=weight)
        slope, intercept = np.polyfit(x, y, 1, w=np.sqrt(weight))
        r = table[0, 1] / np.sqrt(table[0, 0] * table[1, 1])
        assert (row.x_mean, row.y_mean) == pytest.approx(means, rel=1e-9)
        assert (row.x_std, row.y_std) == pytest.approx(np.sqrt(np.diag(table)), rel=1e-9)
        assert (row.covariance, row.correlation) == pytest.approx((table[0, 1], r), rel=1e-7)
        assert (row.slope, row.intercept) == pytest.approx((slope, intercept), rel=1e-7)
        axis = np.sign(r) * row.y_std / row.x_std
        assert row.rma_slope == pytest.approx(axis)
        assert row.rma_intercept == pytest.approx(means[1] - axis * means[0], rel=1e-7)
        if (row.x, row.y) == ("FeO", "MgO"):
            rmse = np.sqrt(np.average((y - x) ** 2, weights=weight))
            assert (row.bias, row.rmse) == pytest.approx((means[1] - means[0], rmse), rel=1e-9)
        else:
            assert (row.bias, row.rmse) == (None, None)


def test_a_planted_line_is_found_and_is_exact():
    counts = made(3)[:2]
    counts[1] = np.where(counts[0] == NO_DATA, NO_DATA, (counts[0] // 4) * 2 - 100)
    counts[0] = np.where(counts[0] == NO_DATA, NO_DATA, counts[0] // 4 * 4)
    sums = tallied(GRID.window, counts=counts, grouping=WholeMoon(), layers=LAYERS[:2])
    row = relations(sums, SHOWN)[0]
    assert (row.slope, row.rma_slope, row.correlation) == (0.5, 0.5, 1.0)
    assert row.intercept == row.rma_intercept == -0.5


def test_a_map_of_one_value_has_no_correlation_and_says_so():
    counts = made(4)[:2]
    counts[1] = 700
    sums = tallied(GRID.window, counts=counts, grouping=WholeMoon(), layers=LAYERS[:2])
    row = relations(sums, SHOWN)[0]
    assert (row.correlation, row.rma_slope, row.slope, row.y_std) == (None, None, 0.0, 0.0)
    assert row.note == "TiO2: one value all over, so there is no correlation"


@pytest.mark.parametrize("matrix", ["correlation", "covariance"])
def test_components_agree_with_numpy(matrix):
    counts = made(5)
    sums = tallied(GRID.window, counts=counts)
    wide, missed = components(sums, SHOWN, matrix=matrix)
    here = (SEAS.numbers(GRID, GRID.window) == 1) & (counts[:4] != NO_DATA).all(axis=0)
    values = counts[:4, here] * np.array([[q.quantum] for q in SHOWN[:4]])
    table = np.cov(values, aweights=AREAS[here], ddof=0)
    if matrix == "correlation":
        table /= np.sqrt(np.outer(np.diag(table), np.diag(table)))
    assert wide.layers == LAYERS[:4]
    several = f"; {SEVERAL_UNITS}" if matrix == "covariance" else ""
    assert wide.note == f"left out, without a value: SiO2{several}"
    assert wide.area_km2 == pytest.approx(AREAS[here].sum() / 1e6, rel=1e-9)
    np.testing.assert_allclose(wide.loadings.T @ np.diag(wide.variances) @ wide.loadings, table,
                               rtol=1e-6, atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(wide.loadings @ wide.loadings.T, np.eye(4), atol=1e-12)
    assert (np.diff(wide.variances) <= 0).all()
    np.testing.assert_allclose(wide.shares, wide.variances / np.trace(table), rtol=1e-7)
    largest = np.abs(wide.loadings).argmax(axis=1)
    assert (wide.loadings[np.arange(4), largest] > 0).all()
    assert (missed.layers, missed.note) == ((), NOWHERE_TOGETHER)


def test_of_loadings_of_one_size_the_first_is_positive():
    counts = made(6)[:2]
    counts[1] = np.where(counts[0] == NO_DATA, NO_DATA, 3000 - counts[0].astype(int) // 2)
    sums = tallied(GRID.window, counts=counts, grouping=WholeMoon(), layers=LAYERS[:2])
    only = components(sums, SHOWN)[0]
    np.testing.assert_allclose(only.loadings, np.array([[1, -1], [1, 1]]) / np.sqrt(2), rtol=1e-9)


def test_a_layer_of_one_value_is_left_out_and_named():
    counts = made(7)[:3]
    counts[1] = 700
    sums = tallied(GRID.window, counts=counts, grouping=WholeMoon(), layers=LAYERS[:3])
    only = components(sums, SHOWN)[0]
    assert only.layers == ("FeO", "MgO")
    assert only.note == "left out, one value all over: TiO2"


def test_other_layers_do_not_merge_and_too_many_are_refused():
    counts = made(8)
    one = tallied(GRID.window, counts=counts[:2], layers=LAYERS[:2])
    other = tallied(GRID.window, counts=counts[:2], layers=LAYERS[1:3])
    with pytest.raises(ParametersError, match="do not add"):
        one.merge(other)
    many = tuple(map(str, range(MOST_LAYERS + 1)))
    with pytest.raises(ParametersError, match="at most 62 layers but 63"):
        Products(SEAS).tally(many, grid=GRID, window=GRID.window)


def test_more_sets_of_layers_than_expected_are_counted_all_the_same():
    rng = np.random.default_rng(9)
    layers = tuple("abcdefghij")
    counts = np.where(rng.random((10, GRID.height, GRID.width)) < 0.5, NO_DATA, 1).astype(np.int16)
    sums = tallied(GRID.window, counts=counts, grouping=WholeMoon(), layers=layers)
    assert len(sums.sums) > 500
    weights = np.repeat(GRID.row_weights()[:, None], GRID.width, axis=1)
    for i in range(10):
        valid = counts[i] != NO_DATA
        assert sums.common(1, [i]).second[i, i] == sum(weights[valid].tolist())


def test_a_chunk_of_another_shape_is_refused():
    tally = Products(SEAS).tally(LAYERS, grid=GRID, window=GRID.window)
    square = np.zeros((2, 4, 4), np.int16)
    with pytest.raises(ValueError, match="layers"):
        tally.add(Chunk(Window(0, 0, 4, 4), square, square.astype(np.uint8)))
