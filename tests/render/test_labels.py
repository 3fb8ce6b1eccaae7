"""Names, numbers and degrees as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.render.labels import (
    NO_NUMBER,
    degrees_east,
    degrees_north,
    digits_of,
    number,
    pretty_name,
    round_number,
    signed,
    with_units,
)


@pytest.mark.parametrize(
    ("lon", "text"),
    [
        (0, "0°"), (30, "30° E"), (-30, "30° W"), (180, "180°"), (-180, "180°"), (190, "170° W"),
        (230, "130° W"), (360, "0°"), (-0.1, "0.1° W"), (-170, "170° W"),
    ],
)  # fmt: skip
def test_longitudes_are_east_and_west_of_the_prime_meridian(lon: float, text: str) -> None:
    assert degrees_east(lon) == text


def test_latitudes() -> None:
    assert [degrees_north(lat) for lat in (-90, 0, 7.5)] == ["90° S", "0°", "7.5° N"]


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_printed_number_reads_back(value: float, digits: int) -> None:
    text = number(value, digits).replace("−", "-").replace("\N{NARROW NO-BREAK SPACE}", "")
    assert float(text) == pytest.approx(value, abs=0.5001 * 10.0**-digits)
    assert math.copysign(1.0, float(text)) == 1.0 or float(text) < 0.0  # never a minus zero


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_number_is_a_dash(value: float | None) -> None:
    assert number(value, 3) == NO_NUMBER


def test_round_numbers_have_no_idle_zeros() -> None:
    values = (28.0, 0.25, 1000.0, -4.0, 0.1 + 0.2, 0.0)
    assert [round_number(v) for v in values] == ["28", "0.25", "1\u202f000", "−4", "0.3", "0"]


def test_digits_show_the_quantum() -> None:
    assert [digits_of(layer) for layer in ("FeO", "TiO2_lucey_2000", "OMAT", "other")] == [
        3,
        3,
        4,
        4,
    ]


def test_names_and_units() -> None:
    assert pretty_name("TiO2_lucey_2000") == "TiO₂ (Lucey 2000)"
    assert pretty_name("FeO_cnn_v2") == "FeO (cnn v2)"
    assert pretty_name("Mg_number") == "Mg#"
    assert with_units("3.5", "wt %") == "3.5\u00a0wt\u00a0%"
    assert with_units("OMAT", "1", brackets=True) == "OMAT"


def test_the_ends_of_an_interval_are_named_after_their_oxide() -> None:
    names = ("TiO2_lower", "FeO_upper_qiu_2025")
    assert [pretty_name(name) for name in names] == ["TiO₂ lower", "FeO upper (Qiu 2025)"]


def test_residuals_have_their_sign() -> None:
    given = (1.234, -1.234, 0.001, -0.001, 0.0)
    assert [signed(value, 2) for value in given] == ["+1.23", "−1.23", "+0.00", "0.00", "0.00"]
