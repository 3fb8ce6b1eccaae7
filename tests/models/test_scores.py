"""R2 and RMSE against figures worked by hand."""

import math

import numpy as np
import pytest

from lunarscale.models.scores import r2, rmse


def test_by_hand():
    measured, predicted = [1.0, 2.0, 3.0, 6.0], [1.0, 3.0, 3.0, 5.0]
    assert r2(measured, predicted) == pytest.approx(1 - 2 / 14)
    assert rmse(measured, predicted) == pytest.approx(math.sqrt(0.5))


def test_the_mean_scores_zero_and_worse_is_negative():
    measured = np.array([1.0, 2.0, 6.0])
    assert r2(measured, np.full(3, 3.0)) == pytest.approx(0.0)
    assert r2(measured, np.full(3, 9.0)) < 0.0
    assert r2(measured, measured) == 1.0
    assert rmse(measured, measured) == 0.0


def test_a_constant_has_no_r2():
    assert math.isnan(r2([2.0, 2.0], [2.0, 2.1]))


@pytest.mark.parametrize("score", [r2, rmse])
def test_unpaired_values_are_refused(score):
    for measured, predicted in [([1.0, 2.0], [1.0]), ([], [])]:
        with pytest.raises(ValueError, match="pair measurements with predictions"):
            score(measured, predicted)
