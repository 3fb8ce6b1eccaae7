"""What follows from oxides, against figures worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.errors import ModelError
from lunarscale.models.derived import (
    AL2O3_OF_PLAGIOCLASE,
    al2o3_of_plagioclase,
    mg_number,
    plagioclase_of_al2o3,
)

#: Station, MgO and FeO in wt %, and Mg# by hand: MgO / 40.304 over that plus FeO / 71.844.
BY_HAND = [
    ("Apollo 11", 7.88, 15.8, 0.47062),  # 0.195514 / (0.195514 + 0.219921)
    ("Apollo 16 LM", 6.25, 5.6, 0.66549),  # 0.155071 / (0.155071 + 0.077947)
    ("Luna 20", 9.15, 7.5, 0.68501),  # 0.227025 / (0.227025 + 0.104393)
    ("Luna 24", 10.2, 19.6, 0.48123),  # 0.253077 / (0.253077 + 0.272813)
]


@pytest.mark.parametrize(("_name", "mgo", "feo", "by_hand"), BY_HAND)
def test_mg_number_of_stations_by_hand(_name: str, mgo: float, feo: float, by_hand: float) -> None:
    assert mg_number(mgo, feo) == pytest.approx(by_hand, abs=1e-5)


def test_mg_number_of_the_end_members() -> None:
    assert mg_number(40.304, 71.844) == pytest.approx(0.5, abs=1e-15)  # a mole of each
    assert mg_number(1.0, 0.0) == 1.0
    assert mg_number(0.0, 1.0) == 0.0


def test_no_mg_number_where_an_oxide_is_missing_negative_or_both_are_zero() -> None:
    mgo = np.array([np.nan, 5.0, -0.1, 5.0, 0.0])
    feo = np.array([5.0, np.nan, 5.0, -0.1, 0.0])
    assert np.isnan(mg_number(mgo, feo)).all()


@given(st.floats(0.01, 50), st.floats(0.01, 50), st.floats(0.1, 10))
def test_mg_number_keeps_under_dilution(mgo: float, feo: float, times: float) -> None:
    assert mg_number(mgo * times, feo * times) == pytest.approx(mg_number(mgo, feo), abs=1e-12)


def test_pure_plagioclase_and_noritic_anorthosite() -> None:
    # An96: (0.96 + 0.02) x 101.961 / (0.96 x 278.204 + 0.04 x 262.219) = 99.922 / 277.565
    assert pytest.approx(35.9995, abs=1e-4) == AL2O3_OF_PLAGIOCLASE
    assert al2o3_of_plagioclase(1.0) == AL2O3_OF_PLAGIOCLASE
    assert al2o3_of_plagioclase(0.0) == 0.0
    # 77.5 % by volume: 2.13125 / (2.13125 + 0.7425) = 0.74163 by mass
    assert al2o3_of_plagioclase(0.775) == pytest.approx(26.70, abs=5e-3)


@given(st.floats(0, 1))
def test_plagioclase_of_al2o3_undoes_it(share: float) -> None:
    assert plagioclase_of_al2o3(al2o3_of_plagioclase(share)) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_no_share_is_refused(share: float) -> None:
    with pytest.raises(ModelError, match="0 to 1 of a rock's volume"):
        al2o3_of_plagioclase(share)


@pytest.mark.parametrize("al2o3", [-1.0, 36.7, math.nan])
def test_more_aluminium_than_plagioclase_has_is_refused(al2o3: float) -> None:
    with pytest.raises(ModelError, match=r"36\.0 wt % Al2O3"):
        plagioclase_of_al2o3(al2o3)
