"""Agreement of a map with the truth: by hand, and against repeating pixels by their weight."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.models.scores import r2, rmse
from lunarscale.reduce.agreement import agreement


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 6))
def test_an_area_of_n_counts_as_n_pixels(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 3, (rows, 9))
    found = truth + rng.normal(0.5, 1, truth.shape)
    found[rng.random(truth.shape) < 0.2] = np.nan
    found[0, 0] = 9.0
    times = rng.integers(1, 5, rows)
    scored = agreement(truth, found, areas=times.astype(float))
    repeated = np.repeat(truth, times, axis=0).ravel(), np.repeat(found, times, axis=0).ravel()
    valid = np.isfinite(repeated[1])
    measured, predicted = repeated[0][valid], repeated[1][valid]
    assert scored.pixels == np.isfinite(found).sum()
    assert scored.without_value == pytest.approx(1 - valid.mean(), abs=1e-12)
    assert scored.bias == pytest.approx((predicted - measured).mean(), abs=1e-12)
    assert scored.rmse == pytest.approx(rmse(measured, predicted))
    assert scored.r2 == pytest.approx(r2(measured, predicted))
    exact = np.quantile(predicted - measured, [0.025, 0.975], method="inverted_cdf")
    assert (scored.low, scored.high) == pytest.approx(tuple(exact))
    assert scored.coverage is None


def test_coverage_is_of_the_area_that_has_an_interval() -> None:
    truth = np.array([[1.0, 2.0], [3.0, 4.0]])
    lower = np.array([[0.0, 2.1], [2.0, np.nan]])
    upper = np.array([[2.0, 3.0], [3.0, 5.0]])
    scored = agreement(truth, truth, areas=np.array([1.0, 3.0]), interval=(lower, upper))
    assert scored.coverage == pytest.approx((1 + 3) / (1 + 1 + 3))
    nowhere = np.full((2, 2), np.nan)
    none = agreement(truth, truth, areas=np.ones(2), interval=(nowhere, upper))
    assert none.coverage is None


def test_one_truth_everywhere_has_no_r2_and_no_value_cannot_be_compared() -> None:
    flat = np.ones((2, 2))
    assert math.isnan(agreement(flat, flat + 1, areas=np.ones(2)).r2)
    with pytest.raises(ValueError, match="no pixel has a value"):
        agreement(flat, np.full((2, 2), np.nan), areas=np.ones(2))
