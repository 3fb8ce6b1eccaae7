"""Higher moments and box plots against fractions, float64 and the definitions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lunarscale.grid.raster import SPHERE_WEIGHT
from lunarscale.reduce.histogram import EMPTY, Histogram
from lunarscale.reduce.powers import power_sums
from lunarscale.reduce.shape import box_of, shape_of

AREAS = st.dictionaries(
    st.integers(-32767, 32767), st.integers(1, SPHERE_WEIGHT // 64), min_size=1, max_size=32
)


def of(areas):
    values = np.array(sorted(areas), dtype=np.int16)
    weights = np.array([areas[int(v)] for v in values], dtype=np.int64)
    return Histogram(values, weights, len(areas))


@settings(deadline=None)
@given(areas=AREAS)
def test_power_sums_are_exact(areas):
    found = of(areas).power_sums()
    assert found == tuple(sum(w * v**k for v, w in areas.items()) for k in range(5))


def test_power_sums_of_the_whole_sphere_at_the_ends_fit():
    ends = np.array([-32767, 32767], dtype=np.int16)
    halves = np.array([SPHERE_WEIGHT // 2] * 2)
    assert power_sums(ends, halves)[4] == SPHERE_WEIGHT * 32767**4


@settings(deadline=None)
@given(areas=AREAS.filter(lambda areas: len(areas) > 1))
def test_the_shape_agrees_with_the_definition(areas):
    total = sum(areas.values())
    mean = Fraction(sum(v * w for v, w in areas.items()), total)
    m2, m3, m4 = (sum((v - mean) ** k * w for v, w in areas.items()) / total for k in (2, 3, 4))
    shape = shape_of(of(areas))
    assert shape.skewness == pytest.approx(float(m3) / float(m2) ** 1.5, rel=1e-12, abs=1e-300)
    assert shape.excess_kurtosis == pytest.approx(float(m4 / m2**2 - 3), rel=1e-15)


def test_the_shape_agrees_with_scipy():
    drawn = np.random.default_rng(1).gamma(4.0, 300.0, 50_000).astype(np.int16)
    values, pixels = np.unique(drawn, return_counts=True)
    shape = shape_of(Histogram(values, pixels.astype(np.int64), drawn.size))
    assert shape.skewness == pytest.approx(stats.skew(drawn.astype(float)), rel=1e-10)
    assert shape.excess_kurtosis == pytest.approx(stats.kurtosis(drawn.astype(float)), rel=1e-10)


def test_what_has_no_spread_has_no_shape():
    assert shape_of(of({7: 5})) is None
    assert shape_of(EMPTY) is None


@settings(deadline=None)
@given(areas=AREAS)
def test_whiskers_reach_as_far_as_they_may(areas):
    box = box_of(of(areas))
    reach = Fraction(3, 2) * (box.p75 - box.p25)
    inside = {v: w for v, w in areas.items() if box.p25 - reach <= v <= box.p75 + reach}
    assert (box.low, box.high) == (min(inside), max(inside))
    assert box.low <= box.p25 <= box.median <= box.p75 <= box.high
    assert box.outside == 1 - Fraction(sum(inside.values()), sum(areas.values()))


def test_an_outlier_lies_outside():
    box = box_of(of({0: 10, 1: 10, 2: 10, 3: 10, 100: 2}))
    assert (box.low, box.high, box.outside) == (0, 3, Fraction(2, 42))
