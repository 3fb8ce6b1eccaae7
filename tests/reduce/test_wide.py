"""Wide integers against Python's."""

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lunarscale.reduce.wide import Wide, minus, nearest, plus, product

INT64 = st.integers(-(2**63), 2**63 - 1)
WIDE = st.integers(-(2**126), 2**126 - 1)


def limbs(number):
    return np.uint64(number % 2**64), np.int64(number >> 64)


def whole(pair):
    return (int(pair[1]) << 64) + int(pair[0])


@settings(max_examples=300, deadline=None)
@given(a=INT64, b=INT64)
@example(a=-(2**63), b=-(2**63))
@example(a=2**62, b=-(2**47))
@example(a=-1, b=1)
def test_products_are_pythons(a, b):
    assert whole(product(np.int64(a), np.int64(b))) == a * b


@settings(max_examples=300, deadline=None)
@given(a=WIDE, b=WIDE)
@example(a=-1, b=1)
@example(a=2**64, b=-1)
def test_sums_and_differences_are_pythons(a, b):
    assert whole(plus(limbs(a), limbs(b))) == a + b
    assert whole(minus(limbs(a), limbs(b))) == a - b


@settings(max_examples=300, deadline=None)
@given(a=WIDE)
@example(a=-5)
@example(a=-(2**64))
@example(a=0)
def test_the_nearest_float_is_near(a):
    assert nearest(limbs(a)) == pytest.approx(float(a), rel=5e-16)


@settings(max_examples=50, deadline=None)
@given(terms=st.lists(st.tuples(st.integers(0, 2**62), INT64), max_size=50))
def test_a_kernels_sum_of_products_is_exact(terms):
    weights, sums = (np.array([t[k] for t in terms], dtype=np.int64) for k in (0, 1))
    assert whole(_dot(weights, sums)) == sum(weight * total for weight, total in terms)


@numba.njit
def _dot(weights, sums):
    total = np.uint64(0), np.int64(0)
    for place in range(weights.size):
        total = plus(total, product(weights[place], sums[place]))
    return total


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(WIDE, WIDE), min_size=1, max_size=20))
def test_arrays_add_with_their_carries(pairs):
    one, other = (_wide([pair[k] for pair in pairs]) for k in (0, 1))
    total = Wide.zeros((len(pairs) + 1,))
    place = np.arange(len(pairs)) + 1
    total.add_at(place, one)
    total.add_at(place, other)
    assert total.to_ints() == [0, *(a + b for a, b in pairs)]
    assert total[1:][:1].to_ints() == [sum(pairs[0])]


def _wide(numbers):
    low, high = zip(*map(limbs, numbers), strict=True)
    return Wide(np.array(low), np.array(high))
