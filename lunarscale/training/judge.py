"""How good predictions of held-out stations are, and whether one set is better than another.

R2 is pooled, 1 - SSE / SST. Intervals are percentiles of a seeded bootstrap: over rows, or over
landing sites, whose stations resemble each other. A difference between two models counts only as
a paired bootstrap: both are scored on the same resamples of the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lunarscale.models.scores import r2, rmse
from lunarscale.training.folds import partition
from lunarscale.training.samples import Floats

#: Resamples of a bootstrap, and the level of its intervals.
RESAMPLES, LEVEL, SEED = 2000, 0.95, 20250


@dataclass(frozen=True)
class Interval:
    """The two ends of an interval."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Score:
    """How well one model predicts stations that it has not seen.

    Parameters
    ----------
    n : int
        Rows.
    r2 : float
    rmse, bias : float
        wt %; the bias is the mean of predicted less measured.
    r2_over_rows, r2_over_sites : Interval
        95 % bootstrap intervals of R2, resampling rows or landing sites. Where there are few
        sites the second is wide, and honest.
    """

    n: int
    r2: float
    rmse: float
    bias: float
    r2_over_rows: Interval
    r2_over_sites: Interval

    def interval(self, scheme: str) -> Interval:
        """Of R2 over what the scheme held out: landing sites for ``LOMO``, else rows."""
        return self.r2_over_sites if scheme == "LOMO" else self.r2_over_rows


@dataclass(frozen=True)
class Difference:
    """R2 of one model less that of another, on equal rows.

    Parameters
    ----------
    value : float
    interval : Interval
        95 %, by paired bootstrap.
    better : float
        Share of the resamples in which the first is better.
    """

    value: float
    interval: Interval
    better: float

    @property
    def falls_below(self) -> bool:
        """Whether the first is worse beyond doubt: the whole interval lies below zero."""
        return self.interval.high < 0.0


def score(measured: Floats, predicted: Floats, sites: Sequence[str]) -> Score:
    """The score of predictions.

    Parameters
    ----------
    measured, predicted : ndarray of float64, (n,)
        wt %.
    sites : sequence of str, (n,)
        Landing sites.
    """
    over_rows, over_sites = (
        _percentiles(resampled_r2(measured, predicted[None], weights)[:, 0])
        for weights in (row_resamples(measured.size), site_resamples(tuple(sites)))
    )
    bias = float(np.mean(predicted - measured))
    r_squared, error = r2(measured, predicted), rmse(measured, predicted)
    return Score(measured.size, r_squared, error, bias, over_rows, over_sites)


def difference(
    measured: Floats, one: Floats, other: Floats, *, sites: Sequence[str] | None = None
) -> Difference:
    """How much better one set of predictions is than another.

    Parameters
    ----------
    measured, one, other : ndarray of float64, (n,)
        wt %.
    sites : sequence of str, (n,), optional
        Resample landing sites instead of rows.
    """
    weights = row_resamples(measured.size) if sites is None else site_resamples(tuple(sites))
    both = resampled_r2(measured, np.stack([one, other]), weights)
    less = both[:, 0] - both[:, 1]
    better = float(np.mean(less[~np.isnan(less)] > 0.0))
    value = r2(measured, one) - r2(measured, other)
    return Difference(value, _percentiles(less), better)


def resampled_r2(measured: Floats, predicted: Floats, weights: Floats) -> Floats:
    """R2 of each model in each resample.

    Parameters
    ----------
    measured : ndarray of float64, (n,)
    predicted : ndarray of float64, (model, n)
    weights : ndarray of float64, (resample, n)
        How often each resample holds each row.

    Returns
    -------
    ndarray of float64, (resample, model)
        NaN where a resample holds one value only.
    """
    count = weights.sum(axis=1)
    mean = weights @ measured / count
    total = weights @ measured**2 - count * mean**2
    total[total <= 1e-9 * count * (mean**2 + 1e-30)] = np.nan
    errors = weights @ ((predicted - measured) ** 2).T
    return np.asarray(1.0 - errors / total[:, None])


@lru_cache(maxsize=256)
def row_resamples(rows: int) -> Floats:
    """How often each row is drawn, (resample, row), for n draws of n rows."""
    random = np.random.default_rng([SEED, rows])
    drawn = random.multinomial(rows, np.full(rows, 1.0 / rows), size=RESAMPLES)
    return _sealed(drawn.astype(np.float64))


@lru_cache(maxsize=256)
def site_resamples(sites: tuple[str, ...]) -> Floats:
    """How often each row is drawn, (resample, row), where whole landing sites are drawn."""
    groups = partition(sites)
    random = np.random.default_rng([SEED, len(groups)])
    drawn = random.multinomial(len(groups), np.full(len(groups), 1.0 / len(groups)), RESAMPLES)
    weights = np.empty((RESAMPLES, len(sites)))
    for index, group in enumerate(groups):
        weights[:, group] = drawn[:, [index]]
    return _sealed(weights)


def _percentiles(values: Floats) -> Interval:
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.nanquantile(values, [tail, 1.0 - tail])
    return Interval(float(low), float(high))


def _sealed(array: NDArray[np.float64]) -> Floats:
    array.setflags(write=False)  # cached, and handed to everyone
    return array
