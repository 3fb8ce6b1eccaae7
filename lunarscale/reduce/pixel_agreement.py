"""Two sets of values of the same equal-area pixels: how they agree, and whether normally."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

#: Pixels below which the test of normality says nothing (its kurtosis part needs 20).
FEWEST = 20

#: The test: D'Agostino & Pearson 1973, Biometrika 60, 613, on skewness and kurtosis together.
TEST = "D'Agostino-Pearson K²"


@dataclass(frozen=True, kw_only=True)
class Normality:
    """Whether differences look drawn from a normal distribution.

    ``skewness`` and ``excess_kurtosis`` are area-weighted and of the population, 0 for a normal
    distribution. ``k2`` and ``p`` are the test's, on unweighted pixels as if they were
    independent; ``neighbours`` is the correlation of differences of neighbours in a band. Where
    neighbours are alike, there is less to learn from them than from as many independent pixels,
    and p is too small. ``independent`` is about how many there would be, n ((1 - r) / (1 + r))^2
    for r above 0 along both axes (the variance of a mean in a first-order autoregressive field),
    and ``p_of_independent`` what the same K2 a pixel gives for so many: rough, but on the safe
    side. None where there are too few pixels or no spread.
    """

    skewness: float | None
    excess_kurtosis: float | None
    k2: float | None
    p: float | None
    neighbours: float | None
    independent: float | None
    p_of_independent: float | None


@dataclass(frozen=True, kw_only=True)
class PixelAgreement:
    """Values y against values x over some pixels, weighted by their areas.

    The line is of y on x by least squares, the ``rma`` one of the reduced major axis; ``bias`` is
    the mean and ``rmse`` the root mean square of y - x, between whose ``low`` and ``high`` lies
    the middle 95 % of the area. None where there is nothing to tell.
    """

    pixels: int
    x_mean: float
    y_mean: float
    bias: float
    rmse: float
    std: float
    low: float
    high: float
    correlation: float | None
    slope: float | None
    intercept: float | None
    rma_slope: float | None
    rma_intercept: float | None
    normality: Normality


def pixel_agreement(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    areas: NDArray[np.float64],
    neighbours: NDArray[np.int64],
) -> PixelAgreement:
    """Compare two values of every pixel.

    Parameters
    ----------
    x, y : ndarray of float64, (pixel,)
        In one unit; NaN where there is none, and then the pixel is left out.
    areas : ndarray of float64, (pixel,)
        In any unit.
    neighbours : ndarray of int64, (pixel,)
        Index of the pixel to the east.

    Raises
    ------
    ValueError
        If no pixel has both values.
    """
    both = np.isfinite(x) & np.isfinite(y)
    if not both.any():
        raise ValueError("no pixel has both values")
    weights = np.where(both, areas, 0.0) / areas[both].sum()
    a, b = np.where(both, x, 0.0), np.where(both, y, 0.0)
    x_mean, y_mean = float(weights @ a), float(weights @ b)
    x_var, y_var = float(weights @ (a - x_mean) ** 2), float(weights @ (b - y_mean) ** 2)
    shared = float(weights @ ((a - x_mean) * (b - y_mean)))
    difference = np.where(both, y - x, np.nan)
    bias = y_mean - x_mean
    spread = float(weights @ (b - a - bias) ** 2)
    low, high = _quantiles(difference[both], weights[both])
    slope = shared / x_var if x_var > 0 else None
    rma = math.copysign(math.sqrt(y_var / x_var), shared) if x_var > 0 and y_var > 0 else None
    return PixelAgreement(
        pixels=int(both.sum()),
        x_mean=x_mean,
        y_mean=y_mean,
        bias=bias,
        rmse=math.sqrt(bias**2 + spread),
        std=math.sqrt(spread),
        low=low,
        high=high,
        correlation=None if rma is None else shared / math.sqrt(x_var * y_var),
        slope=slope,
        intercept=None if slope is None else y_mean - slope * x_mean,
        rma_slope=rma,
        rma_intercept=None if rma is None else y_mean - rma * x_mean,
        normality=normality(difference, weights=weights, neighbours=neighbours),
    )


def _quantiles(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """The smallest values with 2.5 and 97.5 % of the weight at or below them."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.array([0.025, 0.975]) * reached[-1])
    low, high = values[order[np.minimum(places, len(order) - 1)]]
    return float(low), float(high)


def normality(
    difference: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    neighbours: NDArray[np.int64],
) -> Normality:
    """Test differences for normality.

    Parameters
    ----------
    difference : ndarray of float64, (pixel,)
        NaN where there is none.
    weights : ndarray of float64, (pixel,)
        They sum to 1; 0 where there is no difference.
    neighbours : ndarray of int64, (pixel,)
        Index of the pixel to the east.
    """
    has = np.isfinite(difference)
    found = difference[has]
    centred = np.where(has, difference, 0.0) - float(weights[has] @ found)
    m2 = float(weights @ centred**2)
    # a field of one value is told from spread by what its own rounding leaves
    if m2 <= (1e-12 * max(1.0, float(np.abs(found).max()))) ** 2:
        return Normality(
            skewness=None, excess_kurtosis=None, k2=None, p=None, neighbours=None,
            independent=None, p_of_independent=None,
        )  # fmt: skip
    skewness = float(weights @ centred**3) / m2**1.5
    kurtosis = float(weights @ centred**4) / m2**2 - 3.0
    alike = _correlation_of_neighbours(difference, neighbours)
    if found.size < FEWEST:
        return Normality(
            skewness=skewness, excess_kurtosis=kurtosis, k2=None, p=None, neighbours=alike,
            independent=None, p_of_independent=None,
        )  # fmt: skip
    k2, p = (float(value) for value in stats.normaltest(found))
    independent = fewer = None
    if alike is not None:
        r = min(max(alike, 0.0), 0.999)
        independent = found.size * ((1.0 - r) / (1.0 + r)) ** 2
        fewer = float(stats.chi2.sf(k2 * independent / found.size, 2))
    return Normality(
        skewness=skewness, excess_kurtosis=kurtosis, k2=k2, p=p, neighbours=alike,
        independent=independent, p_of_independent=fewer,
    )  # fmt: skip


def _correlation_of_neighbours(
    difference: NDArray[np.float64], neighbours: NDArray[np.int64]
) -> float | None:
    """Pearson's correlation of each pixel's difference with its eastern neighbour's."""
    east = difference[neighbours]
    pairs = np.isfinite(difference) & np.isfinite(east) & (neighbours != np.arange(len(difference)))
    if pairs.sum() < 3:
        return None
    here, there = difference[pairs], east[pairs]
    here, there = here - here.mean(), there - there.mean()
    size = math.sqrt(float(here @ here) * float(there @ there))
    return float(here @ there) / size if size > 0 else None
