"""The published equations: reference vectors, digests, what they say of themselves."""

import dataclasses
import pickle

import numpy as np
import pytest

from lunarscale.errors import ModelError
from lunarscale.flags import EXTRAPOLATED, NEGATIVE, MapReason
from lunarscale.models.equations import (
    LUCEY_2000_TIO2,
    OTAKE_2012_THETA_FE,
    OTAKE_2012_THETA_TI,
    QIU_2025_FEO,
    QIU_2025_TIO2,
    WILCOX_2005_FEO,
)
from lunarscale.models.laws import AngleLine
from lunarscale.models.registry import BUILT_IN

SCALE = 1.35e-4


def counts(*reflectances):
    return np.int16(np.rint(np.array(reflectances)[:, np.newaxis] / SCALE))


@pytest.mark.parametrize(
    ("model", "reflectance", "value"),
    [
        # worked by hand from the papers' equations
        (QIU_2025_FEO, {750: 0.30, 950: 0.30 * 1.12}, -2.19198),
        (QIU_2025_TIO2, {750: 0.10, 415: 0.0681}, 10.7341),
        (QIU_2025_TIO2, {750: 1e-9, 415: 1e-9}, 7.128 * (np.pi / 2) ** 4.022),
        # the first two rows of the published Kaguya table: theta_Fe and theta_Ti
        (OTAKE_2012_THETA_FE, {749: 0.0722, 950: 0.0794}, 1.340710306),
        (OTAKE_2012_THETA_TI, {749: 0.0722, 414: 0.04112}, 1.108398732),
        (OTAKE_2012_THETA_FE, {749: 0.07006, 950: 0.07732}, 1.348664468),
        (OTAKE_2012_THETA_TI, {749: 0.07006, 414: 0.03948}, 1.106470483),
    ],
)
def test_reference_vectors(model, reflectance, value):
    tolerance = 1e-9 if model.camera == "kaguya-mi" else 1e-4
    assert float(model.exact(reflectance)) == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize(
    ("column", "model"), [("thetaFe", OTAKE_2012_THETA_FE), ("thetaTi", OTAKE_2012_THETA_TI)]
)
def test_angles_reproduce_the_published_columns(test_data, column, model):
    table = np.genfromtxt(
        test_data("stations/kaguya_mi_60_as_published.csv"),
        delimiter=",",
        names=True,
        encoding="utf-8",
        deletechars="",
        usecols=range(11),
    )
    bands = {wavelength: table[f"{wavelength}nm"] for wavelength in model.bands_nm}
    assert np.abs(model.exact(bands) - table[column]).max() < 1e-9


def test_titanium_without_its_power_would_be_wrong():
    angle = np.arctan((0.0607 / 0.0918 - 0.42) / 0.0918)
    exact = float(LUCEY_2000_TIO2.exact({415: 0.0607, 750: 0.0918}))
    assert exact == pytest.approx(3.708 * angle**5.979)
    assert abs(exact - 3.708 * angle) > 6


def test_flags_of_stretched_and_missing_values():
    flag = QIU_2025_FEO.predict(counts(0.30, 0.336), SCALE).flags[0, 0]
    assert flag == NEGATIVE
    flag = QIU_2025_FEO.predict(counts(0.45, 0.40), SCALE).flags[0, 0]
    assert flag == EXTRAPOLATED
    flag = QIU_2025_FEO.predict(counts(0.015, 0.016), SCALE).flags[0, 0]
    assert flag == MapReason.OUTSIDE_DOMAIN
    flag = QIU_2025_TIO2.predict(counts(0.20, 0.08), SCALE).flags[0, 0]
    assert flag == MapReason.ANGLE_NOT_POSITIVE
    tie = np.array([[1000], [481]], dtype=np.int16)  # the ratio is the origin's, exactly
    assert QIU_2025_TIO2.predict(tie, SCALE).flags[0, 0] == MapReason.ANGLE_NOT_POSITIVE


def test_wilcox_is_a_mare_equation():
    assert [m.name for m in BUILT_IN.values() if m.mare_only] == ["wilcox-2005-feo"]
    bright_highland_soil = {750: 0.2626, 950: 0.2729}
    assert float(WILCOX_2005_FEO.exact(bright_highland_soil)) < -4


@pytest.mark.parametrize("model", BUILT_IN.values(), ids=BUILT_IN)
def test_each_says_what_it_is(model):
    base, other = model.bands_nm
    assert f"R{other}/R{base}" in model.formula
    assert model.formula.startswith(f"{model.quantity.name} = ")
    for name, coefficient in dataclasses.asdict(model.law).items():
        if name != "sign" and coefficient not in (0.0, 1.0):
            assert f"{abs(coefficient):g}" in model.formula
    assert f"R{base} > " in model.validity
    assert ("maria only" in model.validity) == model.mare_only
    assert model.source
    assert model.quantities == (model.quantity,)
    assert pickle.loads(pickle.dumps(model)) == model


def test_digest_knows_everything_that_determines_a_result():
    changes = [
        {"name": "other"},
        {"law": AngleLine(0.018, 1.188, -1, 24.770, -8.054)},
        {"law": AngleLine(0.018, 1.188, 1, 24.770, -8.053)},
        {"bands_nm": (750, 1000)},
        {"fitted_range": (0.05, 0.41)},
        {"mare_only": True},
        {"camera": "other"},
    ]
    changed = [dataclasses.replace(QIU_2025_FEO, **change).digest for change in changes]
    digests = [*changed, *(model.digest for model in BUILT_IN.values())]
    assert len(set(digests)) == len(digests)
    assert dataclasses.replace(QIU_2025_FEO).digest == QIU_2025_FEO.digest
    assert dataclasses.replace(QIU_2025_FEO, source="elsewhere").digest == QIU_2025_FEO.digest


@pytest.mark.parametrize(
    "block",
    [
        np.zeros((5, 3), np.int16),
        np.zeros((2, 3), np.int32),
        np.zeros((2, 3), np.float32),
        np.zeros(3, np.int16),
    ],
)
def test_what_is_not_two_rows_of_counts_is_refused(block):
    with pytest.raises(ModelError, match=r"qiu-2025-feo takes two rows .*750, 950 nm"):
        QIU_2025_FEO.predict(block, SCALE)


def test_a_missing_band_is_named():
    with pytest.raises(ModelError, match=r"needs the bands 750, 415 nm but was given 750, 950 nm"):
        QIU_2025_TIO2.exact({750: 0.1, 950: 0.1})
