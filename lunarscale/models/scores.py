"""How well predictions meet measurements, pooled over all of them."""

import math

import numpy as np
from numpy.typing import ArrayLike


def _paired(measured: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    m, p = (np.asarray(values, dtype=np.float64) for values in (measured, predicted))
    if m.shape != p.shape or m.size == 0:
        raise ValueError(f"scores pair measurements with predictions: {m.shape} with {p.shape}")
    return m, p


def r2(measured: ArrayLike, predicted: ArrayLike) -> float:
    """Pooled coefficient of determination, 1 - SSE / SST about the measured mean.

    Negative where the predictions are worse than the mean; NaN if any value is.

    Raises
    ------
    ValueError
        If the two are not of the same, non-zero size.
    """
    m, p = _paired(measured, predicted)
    total = float(np.sum((m - m.mean()) ** 2))
    return 1.0 - float(np.sum((m - p) ** 2)) / total if total > 0.0 else math.nan


def rmse(measured: ArrayLike, predicted: ArrayLike) -> float:
    """Root of the mean squared residual (divided by n), in the units of the values.

    Raises
    ------
    ValueError
        If the two are not of the same, non-zero size.
    """
    m, p = _paired(measured, predicted)
    return math.sqrt(float(np.mean((p - m) ** 2)))
