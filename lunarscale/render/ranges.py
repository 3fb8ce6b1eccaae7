"""The range of values that a map's colours span."""

import math

import numpy as np
from numpy.typing import NDArray

#: Shares of the valid area below and above which colours saturate.
LOW_SHARE, HIGH_SHARE = 0.01, 0.99


def row_cosines(bounds: tuple[float, float, float, float], rows: int) -> NDArray[np.float64]:
    """Relative area of a pixel of each row of a simple cylindrical picture.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east and north edge in degrees.
    rows : int
        Rows of the picture, north first.
    """
    _, south, _, north = bounds
    lats = np.clip(np.linspace(north, south, rows + 1), -90.0, 90.0)
    edges = np.sin(np.radians(lats))
    return edges[:-1] - edges[1:]


def area_quantiles(
    values: NDArray[np.float32], weights: NDArray[np.float64], shares: tuple[float, ...]
) -> tuple[float, ...] | None:
    """Values below which the given shares of the valid area lie.

    Parameters
    ----------
    values : ndarray of float32, (row, col)
        NaN where there is no value.
    weights : ndarray of float64, (row,)
        Relative area of a pixel of each row.
    shares : tuple of float
        In 0-1.

    Returns
    -------
    tuple of float or None
        None where there is no value at all.
    """
    valid = np.isfinite(values)
    if not valid.any():
        return None
    order = np.argsort(values[valid], kind="stable")
    ordered = values[valid][order]
    reached = np.cumsum(np.broadcast_to(weights[:, None], values.shape)[valid][order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1])
    return tuple(float(ordered[min(place, ordered.size - 1)]) for place in places)


def colour_range(
    values: NDArray[np.float32], bounds: tuple[float, float, float, float]
) -> tuple[float, float] | None:
    """The middle 98 % of the area, rounded outward to two digits of its span.

    A constant map gets a narrow range about its value; a map without values has none.

    Parameters
    ----------
    values : ndarray of float32, (row, col)
        NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    """
    weights = row_cosines(bounds, values.shape[0])
    found = area_quantiles(values, weights, (LOW_SHARE, HIGH_SHARE))
    return None if found is None else rounded_outward(*found)


def rounded_outward(low: float, high: float) -> tuple[float, float]:
    """A range rounded outward to two digits of its span; of no span, a narrow one about it."""
    span = high - low
    if span <= 1e-6 * max(abs(low), abs(high)):
        half = max(abs(low) * 0.01, 1e-3)
        return low - half, high + half
    power = math.floor(math.log10(span) - 1.0)
    # by whole numbers either way, so that the ends are 0.3 and not 0.30000000000000004
    times, over = 10 ** max(power, 0), 10 ** max(-power, 0)
    ends = math.floor(low * over / times), math.ceil(high * over / times)
    return ends[0] * times / over, ends[1] * times / over
