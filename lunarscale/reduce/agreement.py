"""How well a map meets a known truth, every pixel weighted by its area."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Agreement:
    """A map against the truth, over the pixels where it has a value.

    Parameters
    ----------
    pixels : int
        Number of pixels compared.
    without_value : float
        Share of the area where the map has no value.
    bias : float
        Mean of map less truth, in the map's units like the next three.
    rmse : float
        Root of the mean squared difference.
    low, high : float
        Differences between which the middle 95 % of the area lies.
    r2 : float
        1 - SSE / SST about the mean of the truth; NaN where the truth is one value.
    coverage : float or None
        Share of the area whose interval holds the truth; None without intervals.
    """

    pixels: int
    without_value: float
    bias: float
    rmse: float
    low: float
    high: float
    r2: float
    coverage: float | None


def agreement(
    truth: NDArray[np.float64],
    found: NDArray[np.float64],
    *,
    areas: NDArray[np.float64],
    interval: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Agreement:
    """Compare a map with the truth.

    Parameters
    ----------
    truth, found : ndarray of float64, (row, col)
        In the same units; NaN in ``found`` where the map has no value.
    areas : ndarray of float64, (row,)
        Area of a pixel of each row, in any unit.
    interval : (ndarray, ndarray) of float64, (row, col), optional
        Lower and upper end; NaN where there is none, and such pixels are left out.

    Raises
    ------
    ValueError
        If the map has no value at all.
    """
    weights = np.broadcast_to(areas[:, None], truth.shape)
    valid = np.isfinite(found) & np.isfinite(truth)
    if not valid.any():
        raise ValueError("no pixel has a value to compare")
    measured, weight = truth[valid], weights[valid]
    difference = found[valid] - measured
    total = weight.sum()
    sse = float((weight * difference**2).sum())
    centred = measured - (weight * measured).sum() / total
    sst = float((weight * centred**2).sum())
    low, high = _quantiles(difference, weight, (0.025, 0.975))
    return Agreement(
        pixels=int(valid.sum()),
        without_value=float(weights[~valid].sum() / weights.sum()),
        bias=float((weight * difference).sum() / total),
        rmse=math.sqrt(sse / total),
        low=low,
        high=high,
        r2=1.0 - sse / sst if sst > 0.0 else math.nan,
        coverage=None if interval is None else _coverage(truth, interval, weights),
    )


def _quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], shares: tuple[float, float]
) -> tuple[float, float]:
    """Smallest values with at least these shares of the weight at or below them."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1])
    low, high = (float(values[order[min(place, len(order) - 1)]]) for place in places)
    return low, high


def _coverage(
    truth: NDArray[np.float64],
    interval: tuple[NDArray[np.float64], NDArray[np.float64]],
    weights: NDArray[np.float64],
) -> float | None:
    lower, upper = interval
    has = np.isfinite(lower) & np.isfinite(upper)
    if not has.any():
        return None
    inside = has & (lower <= truth) & (truth <= upper)
    return float(weights[inside].sum() / weights[has].sum())
