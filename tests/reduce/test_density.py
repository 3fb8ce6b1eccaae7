"""Highest-density regions against their definition and against a Gaussian's known ellipse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lunarscale.errors import ParametersError
from lunarscale.reduce.density import held_at, region, smoothed

#: Areas as large as the sphere's: their sums must stay exact.
POPULATIONS = arrays(np.int64, (5, 4), elements=st.integers(0, 2**40) | st.integers(0, 3)).filter(
    lambda areas: areas.sum() > 0
)
SHARES = st.floats(0.01, 1.0)


def by_definition(areas: np.ndarray, share: float) -> np.ndarray:
    """Bins above the highest level at or above which at least the share of the area lies."""
    total = int(areas.sum())
    for level in sorted(set(areas.ravel().tolist()), reverse=True):
        inside = areas >= level
        # exact: the share is the float's own fraction
        numerator, denominator = share.as_integer_ratio()
        if int(areas[inside].sum()) * denominator >= numerator * total:
            return inside
    raise AssertionError("all of it is at least any share of it")


@given(areas=POPULATIONS, share=SHARES)
def test_it_is_the_smallest_set_by_level_that_holds_the_share(
    areas: np.ndarray, share: float
) -> None:
    found = region(held_at(areas, areas.astype(np.float64)), share)
    held = areas[found].sum() / areas.sum()
    assert held >= share - 1e-12
    expected = by_definition(areas, share)
    # a share within rounding of a level may fall on either side of it
    near = np.abs(held_at(areas, areas.astype(np.float64)) - share) < 1e-12
    np.testing.assert_array_equal(found[~near], expected[~near])


@given(areas=POPULATIONS, shares=st.tuples(SHARES, SHARES), seed=st.integers(0, 99))
def test_regions_nest_and_do_not_hang_on_the_order_of_bins(
    areas: np.ndarray, shares: tuple[float, float], seed: int
) -> None:
    held = held_at(areas, areas.astype(np.float64))
    small, large = (region(held, share) for share in sorted(shares))
    assert not (small & ~large).any()
    order = np.random.default_rng(seed).permutation(areas.size)
    mixed = areas.ravel()[order].reshape(areas.shape)
    again = held_at(mixed, mixed.astype(np.float64))
    np.testing.assert_array_equal(again.ravel(), held.ravel()[order])


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_gaussians_region_is_its_ellipse(share: float) -> None:
    first, second = np.arange(-120, 121) / 20.0, np.arange(-120, 121) / 20.0
    density = np.exp(-0.5 * (first[:, None] ** 2 / 1.0 + second**2 / 0.25))
    areas = np.rint(density * 2**40).astype(np.int64)
    bins = region(held_at(areas, density), share).sum()
    # area of the ellipse: pi s1 s2 chi2, and chi2 of two degrees of freedom is -2 ln(1 - share)
    assert bins * 0.0025 == pytest.approx(-2 * np.log(1 - share) * np.pi * 0.5, rel=0.01)


def test_smoothing_keeps_the_sum_and_widens_by_the_bandwidth() -> None:
    areas = np.zeros((81, 61), np.int64)
    areas[40, 30] = 10**9
    density = smoothed(areas, (3.0, 2.0))
    assert density.sum() == pytest.approx(1e9)
    rows, cols = (density.sum(axis=1 - axis) / 1e9 for axis in (0, 1))
    assert rows @ (np.arange(81) - 40) ** 2 == pytest.approx(9.0, rel=0.01)
    assert cols @ (np.arange(61) - 30) ** 2 == pytest.approx(4.0, rel=0.01)
    np.testing.assert_array_equal(smoothed(areas, (0.0, 0.0)), areas)


def test_a_level_population_stays_level_up_to_the_edges() -> None:
    np.testing.assert_allclose(smoothed(np.full((9, 7), 5, np.int64), (2.0, 3.0)), 5.0)


def test_bins_of_no_density_are_in_no_region() -> None:
    areas = np.array([[6, 0], [4, 0]])
    held = held_at(areas, areas.astype(np.float64))
    assert held.tolist() == [[0.0, 1.0], [0.6, 1.0]]
    assert region(held, 1.0).tolist() == [[True, False], [True, False]]


def test_what_has_no_region() -> None:
    nothing = np.zeros((2, 2), np.int64)
    with pytest.raises(ParametersError, match="without area"):
        held_at(nothing, nothing.astype(np.float64))
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(ParametersError, match="above 0 and at most 1"):
            region(np.zeros((2, 2)), share)
    with pytest.raises(ParametersError, match="-1 bins"):
        smoothed(nothing, (-1.0, 0.0))
