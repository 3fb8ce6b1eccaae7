"""From values to integers: half to even, nothing wraps, reasons survive."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, REASON_MASK, MapReason
from lunarscale.models.quantise import quantise


def one(value, flag=0, quantum=0.005):
    counts, flags = quantise(np.float32([value]), np.uint8([flag]), quantum)
    assert counts.dtype == np.int16
    assert flags.dtype == np.uint8
    return int(counts[0]), int(flags[0])


@pytest.mark.parametrize(
    ("value", "count"),
    [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (0.49, 0), (3.51, 4), (-2.2, -2)],
)
def test_half_to_even(value, count):
    assert one(value, quantum=1.0) == (count, 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (32767.0, (32767, 0)),
        (32767.49, (32767, 0)),
        (32767.5, (NO_DATA, MapReason.BEYOND_RANGE)),
        (-32767.0, (-32767, 0)),
        (-32768.0, (NO_DATA, MapReason.BEYOND_RANGE)),
        (65536.0 + 5, (NO_DATA, MapReason.BEYOND_RANGE)),
        (3e38, (NO_DATA, MapReason.BEYOND_RANGE)),
        (np.inf, (NO_DATA, MapReason.BEYOND_RANGE)),
        (-np.inf, (NO_DATA, MapReason.BEYOND_RANGE)),
        (np.nan, (NO_DATA, MapReason.BEYOND_RANGE)),
    ],
)
def test_what_does_not_fit_is_no_data_with_its_reason(value, expected):
    assert one(value, quantum=1.0) == expected


@pytest.mark.parametrize("size", [1, 7, 8, 1000])  # rests and whole vectors
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 1e12])
def test_what_is_voided_raises_no_warning(value, size):
    """Networks leave NaN where a band is missing; warnings are errors here."""
    with np.errstate(all="warn"):
        for flag in (0, MapReason.NO_INPUT):
            given = np.full(size, value, np.float32), np.full(size, flag, np.uint8)
            counts, flags = quantise(*given, 0.005)
            assert (counts == NO_DATA).all()
            assert (flags == (flag or MapReason.BEYOND_RANGE)).all()


def test_rounding_has_its_own_mathematics():
    """In a process whose first loop knows no NaN one is voided all the same."""
    program = (
        "import numpy as np\n"
        "from lunarscale.models.laws import Plane\n"
        "from lunarscale.models.loops import counts_loop\n"
        "from lunarscale.models.quantise import quantise\n"
        "counts_loop((Plane(1.0, 1.0, 1.0, 0.0), (0.05, 0.4), 1e-4), 0.005)\n"
        "values, flags = np.full(9, np.nan, np.float32), np.zeros(9, np.uint8)\n"
        "counts, flags = quantise(values, flags, 0.005)\n"
        "print(set(counts.tolist()), set(flags.tolist()))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert told.stdout.decode().split() == [f"{{{NO_DATA}}}", f"{{{int(MapReason.BEYOND_RANGE)}}}"]


def test_a_reason_voids_the_value_and_survives():
    for reason in list(MapReason)[1:]:
        assert one(7.0, reason) == (NO_DATA, reason)
        assert one(np.nan, reason) == (NO_DATA, reason)
        assert one(1e9, reason) == (NO_DATA, reason)


def test_qualifiers_stay_with_a_value_and_go_with_it():
    assert one(-1.0, NEGATIVE | EXTRAPOLATED) == (-200, NEGATIVE | EXTRAPOLATED)
    assert one(-1e4, NEGATIVE | EXTRAPOLATED) == (NO_DATA, MapReason.BEYOND_RANGE)


@settings(deadline=None)
@given(
    values=arrays(np.float32, st.integers(1, 70), elements=st.floats(-200, 200, width=32)),
    quantum=st.sampled_from([0.005, 1e-4]),
)
def test_against_numpy(values, quantum):
    flags = (np.arange(values.size) % 8).astype(np.uint8)
    counts, after = quantise(values, flags, quantum)
    steps = np.rint(values * np.float32(1.0 / quantum))
    has_value = (flags & REASON_MASK) == 0
    fits = np.abs(steps) <= 32767
    np.testing.assert_array_equal(counts, np.where(has_value & fits, steps, NO_DATA))
    beyond = np.where(has_value & ~fits, MapReason.BEYOND_RANGE, flags)
    np.testing.assert_array_equal(after, beyond)
    kept = has_value & fits
    assert (np.abs(counts[kept] * quantum - values[kept]) <= 0.501 * quantum).all()


def test_shape_is_kept():
    counts, flags = quantise(np.zeros((1, 5), np.float32), np.zeros((1, 5), np.uint8), 0.005)
    assert counts.shape == flags.shape == (1, 5)
