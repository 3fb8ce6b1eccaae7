"""What is read off a histogram, against float64 and the definitions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.grid.raster import SPHERE_WEIGHT
from lunarscale.reduce.histogram import EMPTY, Histogram

AREAS = st.dictionaries(
    st.integers(-32767, 32767), st.integers(1, SPHERE_WEIGHT // 64), min_size=1, max_size=32
)


def of(areas):
    values = np.array(sorted(areas), dtype=np.int16)
    weights = np.array([areas[int(v)] for v in values], dtype=np.int64)
    return Histogram(values, weights, len(areas))


@settings(deadline=None)
@given(areas=AREAS)
def test_moments_agree_with_float64(areas):
    mean, variance = of(areas).moments()
    values, weights = list(areas), np.array(list(areas.values()), dtype=float)
    expected = np.average(values, weights=weights)
    assert float(mean) == pytest.approx(expected, rel=1e-10, abs=1e-8)
    assert float(variance) == pytest.approx(
        np.average((np.array(values) - expected) ** 2, weights=weights), rel=1e-9, abs=1e-6
    )


def test_moments_are_exact_where_float64_is_not():
    # one unit of area in 2**61 moves the mean by less than float64 could add up
    tiny = of({1000: 2**61, 1001: 1})
    assert tiny.moments()[0] == 1000 + Fraction(1, 2**61 + 1)


@settings(deadline=None)
@given(areas=AREAS, share=st.fractions(0, 1))
def test_a_quantile_is_the_first_value_with_its_share_at_or_below(areas, share):
    found = of(areas).quantile(share)
    total = sum(areas.values())
    below = sum(w for v, w in areas.items() if v < found)
    assert found in areas
    assert below + areas[found] >= share * total
    assert below < share * total or found == min(areas)


@settings(deadline=None)
@given(areas=AREAS, width=st.integers(1, 5000))
def test_bins_hold_their_lower_edge_and_everything(areas, width):
    first, binned = of(areas).binned(width)
    assert int(binned.sum()) == sum(areas.values())
    expected = np.zeros(len(binned), dtype=np.int64)
    for value, weight in areas.items():
        expected[value // width - first] += weight
    np.testing.assert_array_equal(binned, expected)
    assert binned[0] > 0
    assert binned[-1] > 0


@settings(deadline=None)
@given(parts=st.lists(AREAS, max_size=4))
def test_sums_are_those_of_the_dictionaries(parts):
    total = Histogram.sum(of(part) for part in parts)
    expected: dict[int, int] = {}
    for part in parts:
        for value, weight in part.items():
            expected[value] = expected.get(value, 0) + weight
    assert dict(zip(total.values.tolist(), total.weights.tolist(), strict=True)) == expected
    assert total.values.tolist() == sorted(expected)
    assert total.pixels == sum(map(len, parts))


def test_nothing_added_to_nothing_is_nothing():
    assert Histogram.sum([EMPTY, EMPTY]).weight == 0
    assert Histogram.sum([]).pixels == 0
