"""The float32 functions against NumPy in float64, over their whole ranges."""

import numpy as np
import pytest
from numba import vectorize

from lunarscale.errors import ModelError
from lunarscale.models.polynomials import (
    FAST,
    POWER_ERROR,
    inclination,
    power_coefficients,
)


@vectorize(["float32(float32, float32)"], fastmath=FAST)
def arctan_ratios(numerator, denominator):
    return inclination(numerator, denominator)


def test_arctangent_is_good_to_float32_everywhere():
    size = np.float32(np.geomspace(1e-12, 1e12, 400_001))
    for numerator in (size, -size):
        exact = np.arctan(numerator.astype(np.float64))
        error = np.abs(arctan_ratios(numerator, np.ones_like(size)) / exact - 1.0)
        assert error.max() < 2.5e-7


@pytest.mark.parametrize(("numerator", "angle"), [(0, 0.0), (3, np.pi / 4), (-3, -np.pi / 4)])
def test_arctangent_at_the_joints(numerator, angle):
    assert arctan_ratios(np.float32(numerator), np.float32(3)) == pytest.approx(angle, abs=1e-7)


@pytest.mark.parametrize(
    ("factor", "power"), [(7.128, 4.022), (3.708, 5.979), (6.183, 4.412), (5.0, 4.0), (1.0, 8.0)]
)
def test_a_power_is_its_polynomial(factor, power):
    angle = np.linspace(0.0, np.pi / 2, 100_001)
    coefficients = power_coefficients(factor, power)
    assert coefficients.dtype == np.float32
    polynomial = np.polynomial.polynomial.polyval(angle, coefficients.astype(np.float64))
    assert np.abs(polynomial - factor * angle**power).max() < POWER_ERROR


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 2.5, 12.5, np.nan])
def test_a_power_that_is_no_polynomial_is_refused(power):
    with pytest.raises(ModelError, match=r"powers from about 3\.5 to 8"):
        power_coefficients(5.0, power)
