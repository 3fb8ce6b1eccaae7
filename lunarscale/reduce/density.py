"""Highest-density regions: the smallest set of bins that holds a share of a population."""

import math

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError

#: Bandwidths beyond which a Gaussian is cut off.
REACH = 4.0


def smoothed(areas: NDArray[np.int64], bandwidths: tuple[float, float]) -> NDArray[np.float64]:
    """Areas by pairs of bins, smoothed with a Gaussian along both axes.

    Each bin is the mean of its surroundings, weighted by exp(-d^2 / 2 h^2) at the distance d in
    bins, out to four bandwidths h. Where bins end there the weights of those that are left add up
    to one.

    Parameters
    ----------
    areas : ndarray of int64, (bin of the first, bin of the second)
    bandwidths : (float, float)
        Standard deviations in bins; 0 leaves an axis as it is.
    """
    first, second = (
        _means(bins, width) for bins, width in zip(areas.shape, bandwidths, strict=True)
    )
    return np.asarray(first @ areas.astype(np.float64) @ second.T)


def _means(bins: int, bandwidth: float) -> NDArray[np.float64]:
    """The matrix that makes a Gaussian mean of every bin; its rows add up to one."""
    if not (math.isfinite(bandwidth) and bandwidth >= 0.0):
        raise ParametersError(
            f"a density cannot be smoothed over {bandwidth:g} bins; give 0 or a positive bandwidth"
        )
    if bandwidth == 0.0:
        return np.eye(bins)
    apart = np.abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    weights = np.where(apart <= REACH * bandwidth, np.exp(-0.5 * (apart / bandwidth) ** 2), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def held_at(areas: NDArray[np.int64], density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a population that lies where its density is at least that of each bin.

    A bin belongs to the highest-density region of a share if what lies in the *denser* bins is
    less than the share (Hyndman 1996, Am. Stat. 50, 120): the region of a share s is
    ``region(held, s)``. It holds at least s, and without its least dense bins less than s. Bins
    of equal density are in it together, so that it does not hang on their order.

    Parameters
    ----------
    areas : ndarray of int64, (bin of the first, bin of the second)
        The population.
    density : ndarray of float64, of the same shape
        What the bins are ranked by: the areas themselves, or smoothed.

    Returns
    -------
    ndarray of float64, of the same shape
        Share, 0-1, of the population in denser bins; 1 where the density is zero.

    Raises
    ------
    ParametersError
        If there is no population.
    """
    total = int(areas.sum())
    if total <= 0:
        raise ParametersError("a population without area has no density; give one that has some")
    order = np.argsort(-density, axis=None, kind="stable")
    ranked = density.ravel()[order]
    before = np.cumsum(areas.ravel()[order]) - areas.ravel()[order]
    first_of_equals = np.searchsorted(-ranked, -ranked, side="left")
    held = np.empty(areas.size)
    held[order] = before[first_of_equals] / total
    held[density.ravel() <= 0.0] = 1.0
    return held.reshape(areas.shape)


def region(held: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """The bins of the highest-density region of a share.

    Parameters
    ----------
    held : ndarray of float64, (bin of the first, bin of the second)
        From ``held_at``.
    share : float
        Above 0 and at most 1, at which the region holds all of the population.

    Raises
    ------
    ParametersError
        If the share is none.
    """
    if not 0.0 < share <= 1.0:
        raise ParametersError(
            f"a density region of {share:g} of a population: give a share above 0 and at most 1, "
            "as 0.95"
        )
    return np.asarray(held < share)
