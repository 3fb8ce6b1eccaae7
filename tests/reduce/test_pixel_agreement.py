"""Agreement of pixels: weighted figures by other roads, and what the test of normality knows."""

import numpy as np
import pytest
from scipy import stats

from lunarscale.reduce.pixel_agreement import FEWEST, pixel_agreement


def around(count):
    return (np.arange(count) + 1) % count


def test_figures_are_numpys():
    rng = np.random.default_rng(2)
    x = rng.normal(8, 3, 400)
    y = 0.8 * x + rng.normal(1, 0.5, 400)
    areas = rng.uniform(0.5, 2.0, 400)
    found = pixel_agreement(x, y, areas=areas, neighbours=around(400))
    covariance = np.cov(x, y, aweights=areas, ddof=0)
    slope, intercept = np.polyfit(x, y, 1, w=np.sqrt(areas))
    assert found.slope == pytest.approx(slope)
    assert found.intercept == pytest.approx(intercept)
    assert found.rma_slope == pytest.approx(np.sqrt(covariance[1, 1] / covariance[0, 0]))
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found.correlation == pytest.approx(correlation)
    assert found.bias == pytest.approx(np.average(y - x, weights=areas))
    assert found.rmse == pytest.approx(np.sqrt(np.average((y - x) ** 2, weights=areas)))
    assert np.average((y - x <= found.high), weights=areas) == pytest.approx(0.975, abs=0.01)


def test_shape_is_scipys_where_weights_are_equal():
    rng = np.random.default_rng(4)
    difference = rng.gamma(2.0, 1.0, 300)
    found = pixel_agreement(
        np.zeros(300), difference, areas=np.full(300, 7.0), neighbours=around(300)
    ).normality
    assert found.skewness == pytest.approx(stats.skew(difference))
    assert found.excess_kurtosis == pytest.approx(stats.kurtosis(difference))
    assert found.p == pytest.approx(stats.normaltest(difference).pvalue)
    assert found.p < 1e-6


def test_normal_differences_are_not_refused():
    rng = np.random.default_rng(7)
    found = pixel_agreement(
        np.zeros(1790), rng.normal(0.3, 1.0, 1790), areas=np.ones(1790), neighbours=around(1790)
    ).normality
    assert found.p > 0.01
    assert abs(found.neighbours) < 0.1
    assert found.independent > 1000


def test_alike_neighbours_weaken_the_test():
    rng = np.random.default_rng(8)
    smooth = np.convolve(rng.normal(size=2010) ** 3, np.ones(21), mode="valid")[:1790]
    found = pixel_agreement(
        np.zeros(1790), smooth, areas=np.ones(1790), neighbours=around(1790)
    ).normality
    assert found.neighbours > 0.8
    assert found.independent < 100
    assert found.p_of_independent > found.p


def test_smooth_fields_that_are_normal_are_not_refused_by_the_second_p():
    # neighbours as alike as maps' are: the plain test refuses many normal fields, the other none
    rng = np.random.default_rng(9)
    rows, cols, fields = 40, 45, 40
    apart = np.abs(np.subtract.outer(np.arange(rows), np.arange(rows)))
    along = np.abs(np.subtract.outer(np.arange(cols), np.arange(cols)))
    smooth = [
        np.linalg.cholesky(np.exp(-0.5 * (d / 1.6) ** 2) + 1e-6 * np.eye(len(d)))
        for d in (apart, np.minimum(along, cols - along))
    ]
    east = (np.arange(rows)[:, None] * cols + (np.arange(cols) + 1) % cols).ravel()
    found = [
        pixel_agreement(
            np.zeros(rows * cols),
            (smooth[0] @ rng.normal(size=(rows, cols)) @ smooth[1].T).ravel(),
            areas=np.ones(rows * cols),
            neighbours=east,
        ).normality
        for _ in range(fields)
    ]
    assert sum(each.p < 0.05 for each in found) > 0.25 * fields
    assert sum(each.p_of_independent < 0.05 for each in found) == 0


def test_pixels_without_a_value_are_left_out():
    x, y = np.arange(50.0), np.arange(50.0) + 1.0
    y[::5] = np.nan
    x[3] = np.nan
    found = pixel_agreement(x, y, areas=np.ones(50), neighbours=around(50))
    assert found.pixels == 39
    assert found.bias == pytest.approx(1.0)
    assert found.normality.skewness is None  # the differences are all one


def test_too_few_pixels_are_not_tested():
    rng = np.random.default_rng(1)
    count = FEWEST - 1
    found = pixel_agreement(
        np.zeros(count), rng.normal(size=count), areas=np.ones(count), neighbours=around(count)
    )
    assert found.normality.p is None
    assert found.normality.skewness is not None
    assert found.slope is None
    nothing = np.full(3, np.nan)
    with pytest.raises(ValueError, match="no pixel"):
        pixel_agreement(nothing, nothing, areas=np.ones(3), neighbours=around(3))
