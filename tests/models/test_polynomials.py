"""The float32 functions against NumPy in float64, over their whole ranges."""

import numpy as np
import pytest
from numba import vectorize

from lunarscale.models.polynomials import FAST, exp2, inclination, log2


@vectorize(["float32(float32, float32)"], fastmath=FAST)
def arctan_ratios(numerator, denominator):
    return inclination(numerator, denominator)


@vectorize(["float32(float32)"], fastmath=FAST)
def log2s(x):
    return log2(x)


@vectorize(["float32(float32)"], fastmath=FAST)
def exp2s(x):
    return exp2(x)


def test_arctangent_is_good_to_float32_everywhere():
    size = np.float32(np.geomspace(1e-12, 1e12, 400_001))
    for numerator in (size, -size):
        exact = np.arctan(numerator.astype(np.float64))
        error = np.abs(arctan_ratios(numerator, np.ones_like(size)) / exact - 1.0)
        assert error.max() < 2.5e-7


@pytest.mark.parametrize(("numerator", "angle"), [(0, 0.0), (3, np.pi / 4), (-3, -np.pi / 4)])
def test_arctangent_at_the_joints(numerator, angle):
    assert arctan_ratios(np.float32(numerator), np.float32(3)) == pytest.approx(angle, abs=1e-7)


def test_logarithm():
    x = np.float32(np.geomspace(1e-30, 1e30, 400_001))
    exact = np.log2(x.astype(np.float64))
    assert (np.abs(log2s(x) - exact) / np.maximum(np.abs(exact), 1.0)).max() < 2e-7
    assert log2s(np.float32(1)) == 0.0


def test_exponential():
    x = np.float32(np.linspace(-125, 127, 400_001))
    exact = np.exp2(x.astype(np.float64))
    assert np.abs(exp2s(x) / exact - 1.0).max() < 3e-7
