"""Intervals and stations held out: against plain searches, and by what must hold."""

from dataclasses import replace

import numpy as np
import pytest

from lunarscale.errors import StationError
from lunarscale.stations import built_in_table
from lunarscale.training.bootstrap_origin import bootstrap_origin, leave_one_out
from lunarscale.training.calibration import points_of, with_cross_calibrated
from lunarscale.training.origin import IRON, TITANIUM, search_origins

TABLE = built_in_table("clementine-uvvis")
WITH_BOTH = with_cross_calibrated(TABLE)


def points(table, quantity):
    return points_of(table.stations, table.camera, quantity)


@pytest.mark.parametrize("shape", [IRON, TITANIUM])
def test_the_search_of_a_draw_is_the_full_one(shape):
    """Every fifth origin and then the near ones, against all of them."""
    data = points(TABLE, shape.quantity)
    rng = np.random.default_rng(7)  # the bootstrap's own draws, made again
    draws = bootstrap_origin(data, shape, draws=8, seed=7).draws
    for draw in draws:
        rows = rng.integers(0, 47, 47)
        full = search_origins(data.rows(rows), shape, also=data)
        np.testing.assert_array_equal(draw, (*full.coefficients, full.r2))


@pytest.mark.parametrize("shape", [IRON, TITANIUM])
def test_intervals_hold_the_fit_and_most_draws(shape):
    data = points(WITH_BOTH, shape.quantity)
    found = bootstrap_origin(data, shape, draws=100)
    best = search_origins(data, shape)
    values = np.array([*best.coefficients, best.r2])
    assert np.all((found.low <= values) & (values <= found.high))
    within = (found.draws >= found.low) & (found.draws <= found.high)
    np.testing.assert_allclose(within.mean(axis=0), 0.95, atol=0.03)
    assert np.all(found.low[1:] < found.high[1:])


def test_a_seed_is_repeated_and_another_is_not():
    data = points(WITH_BOTH, "FeO")
    one, same, other = (bootstrap_origin(data, IRON, draws=5, seed=s).draws for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)


def test_an_estimated_spectrum_s_uncertainty_is_in_the_intervals():
    """With all errors of Chang'e-5 and 6 a hundredfold, what is drawn scatters more."""
    data = points(WITH_BOTH, "FeO")
    assert data.covariance is not None
    assert np.flatnonzero(data.covariance.any(axis=(1, 2))).tolist() == [47, 48]
    measured = type(data)(data.base, data.ratio, data.measured)
    with_errors, without = (
        bootstrap_origin(d, IRON, draws=100, seed=3).draws[:, 4] for d in (data, measured)
    )
    assert np.any(with_errors != without)
    assert np.mean(with_errors) < np.mean(without)


def test_left_out_stations_are_predicted_by_a_search_without_them():
    data = points(WITH_BOTH, "FeO")
    shape = replace(IRON, grid=IRON.grid.coarse(7))
    found = leave_one_out(data, shape)
    without = search_origins(data.rows(np.arange(48)), shape)
    last = without.predict(data.base[48], data.ratio[48])
    assert found.predicted[48] == last
    np.testing.assert_array_equal(found.laws[48], without.coefficients)
    assert found.residual[48] == pytest.approx(last - 17.2)
    assert found.without_value == 0


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "r2"), [(IRON, 0.931), (TITANIUM, 0.729)])
def test_left_out_scores_are_worse_than_fitted_ones(shape, r2):
    data = points(WITH_BOTH, shape.quantity)
    fitted = search_origins(data, shape)
    found = leave_one_out(data, shape)
    assert found.r2 < fitted.r2
    assert found.rmse > fitted.rmse
    assert found.r2 == pytest.approx(r2, abs=0.002)


def test_a_law_without_a_value_at_the_station_left_out_is_counted():
    """One station far darker than the others: their origin may lie beyond it."""
    data = points(TABLE, "FeO")
    chosen = data.rows(np.flatnonzero(data.base > 0.13))
    base = np.append(chosen.base, 0.0004)
    dark = type(data)(base, np.append(chosen.ratio, 1.0), np.append(chosen.measured, 20.0))
    found = leave_one_out(dark, IRON)
    law = found.laws[-1]
    assert found.without_value == int(law[0] >= 0.0004) == 1
    assert np.isnan(found.residual[-1])
    assert np.isfinite(found.rmse)


def test_too_few_to_leave_one_out():
    data = points(TABLE, "FeO").rows(np.arange(5))
    with pytest.raises(StationError, match="5 stations are too few to leave one out"):
        leave_one_out(data, IRON)


def test_tiny_tables_are_drawn_until_they_can_be_fitted():
    data = points(TABLE, "FeO").rows(np.arange(0, 47, 7))
    assert len(data) == 7
    found = bootstrap_origin(data, IRON, draws=20)
    assert np.isfinite(found.draws).all()
