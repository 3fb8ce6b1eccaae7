"""Features by name: each against its formula, and the angles against published columns."""

import csv

import numpy as np
import pytest

from lunarscale.errors import TrainingError
from lunarscale.models.equations import QIU_2025_FEO, QIU_2025_OMAT, QIU_2025_TIO2
from lunarscale.training.features import Form, feature, feature_matrix, read_feature

CLEMENTINE = (415, 750, 900, 950, 1000)
KAGUYA = (414, 749, 901, 950, 1001, 1049, 1248, 1548)
SPECTRA = np.array([[0.0607, 0.0918, 0.0957, 0.0971, 0.0996], [0.1779, 0.2626, 0.27, 0.277, 0.284]])


def test_reflectances_and_ratios_are_what_their_names_say() -> None:
    r415, r750, _, r950, _ = SPECTRA.T
    for name, expected in {
        "R750": r750,
        "log R415": np.log(r415),
        "log R750 squared": np.log(r750) ** 2,
        "R950/R750": r950 / r750,
        "log R950/R750": np.log(r950) - np.log(r750),
        "OMAT": np.sqrt((r750 - 0.018) ** 2 + (r950 / r750 - 1.188) ** 2),
        "theta_Fe": -np.arctan((r950 / r750 - 1.188) / (r750 - 0.018)),
        "theta_Ti": np.arctan((r415 / r750 - 0.481) / r750),
    }.items():
        np.testing.assert_allclose(feature(name, SPECTRA, CLEMENTINE), expected, rtol=1e-12)


def test_angles_carry_the_published_equations() -> None:
    spectra = dict(zip(CLEMENTINE, SPECTRA.T, strict=True))
    iron, titanium, maturity = feature_matrix(
        ["theta_Fe", "theta_Ti", "OMAT"], SPECTRA, CLEMENTINE
    ).T
    np.testing.assert_allclose(24.770 * iron - 8.053, QIU_2025_FEO.exact(spectra))
    np.testing.assert_allclose(7.128 * titanium**4.022, QIU_2025_TIO2.exact(spectra))
    np.testing.assert_allclose(maturity, QIU_2025_OMAT.exact(spectra))


def test_kaguya_angles_reproduce_the_published_columns(test_data) -> None:
    with test_data("stations/kaguya_mi_60_realigned.csv").open() as file:
        rows = list(csv.DictReader(file))
    spectra = np.array([[float(row[f"{w}nm"]) for w in KAGUYA] for row in rows])
    for name, column in {"theta_Fe": "thetaFe", "theta_Ti": "thetaTi"}.items():
        published = np.array([float(row[column]) for row in rows])
        np.testing.assert_allclose(feature(name, spectra, KAGUYA), published, atol=1e-9)


def test_the_order_of_the_bands_is_the_callers() -> None:
    names = ["log R950/R750", "theta_Fe", "R415"]
    backwards = feature_matrix(names, SPECTRA[:, ::-1], CLEMENTINE[::-1])
    np.testing.assert_array_equal(backwards, feature_matrix(names, SPECTRA, CLEMENTINE))


def test_a_feature_is_a_value() -> None:
    read = read_feature("log R950/R750", CLEMENTINE)
    assert (read.form, read.bands, read.law) == (Form.LOG_RATIO, (3, 1), None)
    assert read == read_feature("log R950/R750", CLEMENTINE)


@pytest.mark.parametrize("name", ["", "R", "750", "log", "R750 squared", "log R950/R750 squared"])
def test_what_is_no_feature_is_said(name: str) -> None:
    with pytest.raises(TrainingError, match="is no feature"):
        read_feature(name, CLEMENTINE)


@pytest.mark.parametrize(
    ("name", "bands", "missing"),
    [("log R749", CLEMENTINE, 749), ("OMAT", KAGUYA, 750), ("theta_Ti", (750, 950), 415)],
)
def test_a_missing_band_is_named(name: str, bands: tuple[int, ...], missing: int) -> None:
    with pytest.raises(TrainingError, match=f"needs the band {missing} nm"):
        read_feature(name, bands)


def test_a_logarithm_of_nothing_is_no_number() -> None:
    assert not np.isfinite(feature("log R750", np.array([[0.0], [-1.0]]), [750])).any()
