"""Scores, bootstraps, paired differences: against loops, and against what is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.models.scores import r2
from lunarscale.training.judge import (
    RESAMPLES,
    difference,
    resampled_r2,
    row_resamples,
    score,
    site_resamples,
)

SITES = ("a",) * 12 + ("b",) * 6 + ("c", "d")
RANDOM = np.random.default_rng(0)
MEASURED = RANDOM.normal(10.0, 4.0, 20)
GOOD = MEASURED + RANDOM.normal(0.0, 1.0, 20)
POOR = MEASURED + RANDOM.normal(1.0, 3.0, 20)


def test_a_score_is_what_its_formulas_say() -> None:
    found = score(MEASURED, POOR, SITES)
    missed = POOR - MEASURED
    assert found.n == 20
    assert found.r2 == pytest.approx(
        1 - np.sum(missed**2) / np.sum((MEASURED - MEASURED.mean()) ** 2)
    )
    assert found.rmse == pytest.approx(np.sqrt(np.mean(missed**2)))
    assert found.bias == pytest.approx(missed.mean())
    assert found.r2 in found.r2_over_rows
    assert found.interval("LOO") is found.interval("leaky LOO") is found.r2_over_rows
    assert found.interval("LOMO") is found.r2_over_sites


def test_resampled_r2_is_that_of_rows_repeated() -> None:
    weights = row_resamples(20)[:40]
    found = resampled_r2(MEASURED, np.stack([GOOD, POOR]), weights)
    for index, counts in enumerate(weights.astype(int)):
        rows = np.repeat(np.arange(20), counts)
        np.testing.assert_allclose(
            found[index], [r2(MEASURED[rows], p[rows]) for p in (GOOD, POOR)], rtol=1e-10
        )


def test_sites_are_drawn_whole() -> None:
    weights = site_resamples(SITES)
    assert weights.shape == (RESAMPLES, 20)
    groups = [range(12), range(12, 18), [18], [19]]
    per_site = np.stack([weights[:, group[0]] for group in groups], axis=1)
    assert (per_site.sum(axis=1) == 4).all()
    for group in groups:
        assert (weights[:, group] == weights[:, [group[0]]]).all()
    assert row_resamples(20).sum(axis=1).tolist() == [20.0] * RESAMPLES


def test_a_resample_of_one_value_has_no_r2() -> None:
    measured = np.array([1.0, 2.0, 2.0])
    weights = np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]])
    found = resampled_r2(measured, measured[None] + 0.1, weights)[:, 0]
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1 - 0.03 / (2 / 3))


def test_pairing_sees_what_apart_cannot_be_seen() -> None:
    """A model that is a little better everywhere is better beyond doubt."""
    nearly = MEASURED + 1.05 * (GOOD - MEASURED)
    found = difference(MEASURED, nearly, GOOD)
    assert found.falls_below
    assert found.better == 0.0
    apart = score(MEASURED, GOOD, SITES).r2_over_rows
    assert score(MEASURED, nearly, SITES).r2 in apart


def test_a_difference_turns_its_sign_with_the_models() -> None:
    for sites in (None, SITES):
        one = difference(MEASURED, GOOD, POOR, sites=sites)
        other = difference(MEASURED, POOR, GOOD, sites=sites)
        assert one.value == pytest.approx(-other.value)
        assert one.interval.low == pytest.approx(-other.interval.high)
        assert not one.falls_below
    assert difference(MEASURED, GOOD, GOOD).value == 0.0


def test_intervals_are_remade_identically() -> None:
    assert score(MEASURED, GOOD, SITES) == score(MEASURED, GOOD, SITES)


@given(st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
@settings(max_examples=20)
def test_r2_does_not_know_the_unit(factor: float, offset: float) -> None:
    weights = row_resamples(20)[:50]
    plain = resampled_r2(MEASURED, POOR[None], weights)
    other = resampled_r2(factor * MEASURED + offset, factor * POOR[None] + offset, weights)
    np.testing.assert_allclose(other, plain, rtol=1e-6)
