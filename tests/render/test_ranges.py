"""The range of a map's colours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lunarscale.render.ranges import area_quantiles, colour_range, rounded_outward, row_cosines

WHOLE = (-180.0, -90.0, 180.0, 90.0)

pictures = arrays(np.float32, (6, 8), elements=st.floats(-50, 50, width=32) | st.just(float("nan")))


def share_between(values: np.ndarray, low: float, high: float) -> float:
    """Share of the valid area with values in [low, high], by brute force."""
    inside = total = 0.0
    for row, line in enumerate(values):
        top, bottom = 90.0 - 30.0 * row, 60.0 - 30.0 * row
        weight = np.sin(np.radians(top)) - np.sin(np.radians(bottom))
        for value in line[np.isfinite(line)]:
            total += weight
            inside += weight * (low <= value <= high)
    return inside / total


@given(pictures)
def test_colours_span_the_middle_of_the_area(values: np.ndarray) -> None:
    found = colour_range(values, WHOLE)
    if not np.isfinite(values).any():
        assert found is None
        return
    low, high = found
    assert low < high
    assert share_between(values, low - 1e-5, high + 1e-5) >= 0.98 - 1e-6
    spread = float(np.nanmax(values) - np.nanmin(values))
    assert high - low <= max(1.2 * spread, 1.02, abs(2 * low))


def test_quantiles_weigh_by_area() -> None:
    values = np.repeat(np.float32([[1], [2], [3]]), 4, axis=1)
    weights = row_cosines(WHOLE, 3)
    assert weights / weights.sum() == pytest.approx([0.25, 0.5, 0.25])
    assert area_quantiles(values, weights, (0.2, 0.5, 0.74, 0.76)) == (1.0, 2.0, 2.0, 3.0)


def test_outliers_do_not_stretch_the_colours() -> None:
    values = np.tile(np.linspace(2, 18, 400, dtype=np.float32), (200, 1))
    values[100, :3] = 500.0
    assert colour_range(values, WHOLE) == pytest.approx((2.0, 18.0))


def test_a_constant_map_has_a_narrow_range_about_its_value() -> None:
    low, high = colour_range(np.full((4, 8), 4.5, np.float32), WHOLE)
    assert low < 4.5 < high
    assert high - low < 0.1


def test_a_last_row_past_the_pole_weighs_what_lies_on_the_moon() -> None:
    weights = row_cosines((-180.0, -96.0, 180.0, 90.0), 31)
    assert weights == pytest.approx([*row_cosines(WHOLE, 30).tolist(), 0.0])


def test_a_range_is_rounded_outward_to_numbers_that_people_write() -> None:
    assert rounded_outward(0.32, 6.66) == (0.3, 6.7)
    assert rounded_outward(-0.00071, 0.00122) == (-0.0008, 0.0013)
    assert rounded_outward(-1234.0, 8765.0) == (-1300.0, 8800.0)
