"""Kaguya to Clementine: the published estimates, and their errors computed two ways."""

import dataclasses

import numpy as np
import pytest

from lunarscale.models.equations import QIU_2025_FEO, QIU_2025_TIO2
from lunarscale.stations import clementine_stations, kaguya_stations
from lunarscale.training.cross_calibration import (
    PAIRED_BANDS,
    CrossCalibration,
    cross_calibrated_stations,
    cross_calibration,
    propagated_sd,
)


def test_44_stations_are_named_by_both_tables():
    fit = cross_calibration()
    assert len(fit.names) == 44
    others = {s.name for s in clementine_stations()} - set(fit.names)
    assert others == {"Apollo 11", "Apollo 12", "Apollo 14 - Cone"}
    kaguya = {s.name: s for s in kaguya_stations()}
    row = fit.names.index("Apollo 16 - LM")
    assert fit.kaguya[row, 1] == kaguya["Apollo 16 - LM"].reflectance[749] == 0.1338
    assert fit.clementine[row, 1] == 0.2003


def test_the_levels_of_the_cameras():
    """Measured on the realigned 60: MI 749 over Clementine 750 is 0.585 +- 0.055."""
    fit = cross_calibration()
    ratio = fit.kaguya[:, 1] / fit.clementine[:, 1]
    assert (ratio.mean(), ratio.std()) == pytest.approx((0.585, 0.055), abs=5e-4)


@pytest.mark.parametrize(
    ("place", "name", "expected"),
    [
        (0, "Chang'e-5", (0.0696, 0.1114, 0.1133, 0.1129, 0.1151)),
        (1, "Chang'e-6", (0.0660, 0.1047, 0.1084, 0.1088, 0.1124)),
    ],
)
def test_published_estimates(place, name, expected):
    station = cross_calibrated_stations()[place]
    assert (station.name, station.site) == (name, name)
    assert tuple(station.reflectance) == (415, 750, 900, 950, 1000)
    assert tuple(station.reflectance.values()) == expected


def test_estimates_are_marked_wherever_one_looks():
    for station in cross_calibrated_stations():
        assert station.estimated
        assert "estimated" in station.note
        assert {station.sources[f"R{w}"] for w in PAIRED_BANDS} == {"cross-calibration"}
        assert station.sources["FeO_wt_pct"] == "rlcm-dl"
        assert len(station.oxides_wt_pct) == 6
    assert not any(s.estimated for s in clementine_stations())


def test_lines_are_numpy_s():
    fit = cross_calibration()
    for band in range(5):
        slope, intercept = np.polyfit(fit.kaguya[:, band], fit.clementine[:, band], 1)
        assert (fit.slope[band], fit.intercept[band]) == pytest.approx((slope, intercept))


def test_errors_of_the_bands_go_together():
    deviation = np.sqrt(np.diag(cross_calibration().residual_covariance))
    correlation = cross_calibration().residual_covariance / np.outer(deviation, deviation)
    assert correlation[0, 1:].min() > 0.955
    assert correlation[0, 1:].max() < 0.985
    assert np.linalg.eigvalsh(cross_calibrated_stations()[1].covariance).min() > 0.0


def test_one_band_s_variance_is_the_textbook_s():
    """s^2 (1 + 1/n + (x - mean)^2 / Sxx), of a line's prediction."""
    fit = cross_calibration()
    spectrum = np.array([0.03, 0.05, 0.06, 0.06, 0.06])
    x = fit.kaguya[:, 2]
    reach = 1 / 44 + (spectrum[2] - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
    expected = fit.residual_covariance[2, 2] * (1.0 + reach)
    assert fit.prediction_covariance(spectrum)[2, 2] == pytest.approx(expected, rel=1e-12)


def test_covariance_is_that_of_simulated_predictions():
    """Lines fitted again and again to made data, and what they then miss."""
    rng = np.random.default_rng(3)
    truth, spectrum = cross_calibration(), np.array([0.032, 0.055, 0.062, 0.062, 0.065])
    factor = np.linalg.cholesky(truth.residual_covariance)
    missed = []
    for _ in range(4000):
        errors = rng.standard_normal((45, 5)) @ factor.T
        made = truth.predict(truth.kaguya) + errors[:44]
        fit = CrossCalibration.fit(truth.names, kaguya=truth.kaguya, clementine=made)
        missed.append(truth.predict(spectrum) + errors[44] - fit.predict(spectrum))
    expected = truth.prediction_covariance(spectrum)
    np.testing.assert_allclose(np.cov(np.array(missed).T), expected, rtol=0.08)


def independent(station):
    covariance = np.diag(np.diag(station.covariance))
    return dataclasses.replace(station, covariance=tuple(map(tuple, covariance.tolist())))


def test_published_standard_deviations_at_change_6():
    station = cross_calibrated_stations()[1]
    assert propagated_sd(QIU_2025_FEO, station) == pytest.approx(1.4, abs=0.05)
    assert propagated_sd(QIU_2025_TIO2, station) == pytest.approx(1.2, abs=0.05)
    assert propagated_sd(QIU_2025_FEO, independent(station)) == pytest.approx(16.0, abs=0.6)
    assert propagated_sd(QIU_2025_TIO2, independent(station)) == pytest.approx(6.3, abs=0.1)


@pytest.mark.parametrize("equation", [QIU_2025_FEO, QIU_2025_TIO2])
def test_draws_agree_with_the_first_order(equation):
    """sqrt(g' C g), where the errors are small: a hundredth of the variance."""
    station = cross_calibrated_stations()[1]
    small = np.array(station.covariance) / 100.0
    narrow = dataclasses.replace(station, covariance=tuple(map(tuple, small.tolist())))
    step, r = 1e-6, station.reflectance
    gradient = [
        (equation.exact(r | {w: r[w] + step}) - equation.exact(r | {w: r[w] - step})) / (2 * step)
        for w in r
    ]
    expected = np.sqrt(np.array(gradient) @ small @ np.array(gradient))
    assert propagated_sd(equation, narrow) == pytest.approx(expected, rel=0.01)


def test_a_measured_spectrum_brings_no_error_that_is_known():
    assert propagated_sd(QIU_2025_FEO, clementine_stations()[0]) == 0.0
