"""How firm a searched origin is: intervals by bootstrap, and residuals of stations held out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import StationError
from lunarscale.models.scores import r2, rmse
from lunarscale.training.origin import (
    PARAMETERS,
    OriginSearch,
    Points,
    Searched,
    Shape,
    search_origins,
)

Floats = NDArray[np.float64]

#: The bootstrap's search: every fifth origin of the grid, then every one within 0.01 of the best.
COARSE, FINE_REACH = 5, 0.01


@dataclass(frozen=True, eq=False)
class OriginIntervals:
    """Percentile intervals of a search's result over resampled stations.

    Parameters
    ----------
    draws : ndarray of float64, (draw, 5)
        ``x0``, ``y0``, ``a``, ``b`` or ``p``, and R2 of each.
    confidence : float
        Of the intervals, 0.95.
    """

    draws: Floats
    confidence: float

    @property
    def low(self) -> Floats:
        """Lower ends, (5,)."""
        return self._end(0.5 - self.confidence / 2.0)

    @property
    def high(self) -> Floats:
        """Upper ends, (5,)."""
        return self._end(0.5 + self.confidence / 2.0)

    def _end(self, level: float) -> Floats:
        ends: Floats = np.quantile(self.draws, level, axis=0)
        return ends


def bootstrap_origin(
    points: Points, shape: Shape, *, draws: int = 1000, seed: int = 0, confidence: float = 0.95,
    searched: Searched = lambda: None,
) -> OriginIntervals:  # fmt: skip
    """Search the origin again for stations drawn with repetition.

    Each draw is searched on every fifth origin of the grid, then on every origin within 0.01 of
    the best of those; origins must be admissible for all stations, drawn or not. An estimated
    spectrum is drawn anew each time from its covariance, so its uncertainty is in the intervals.
    A draw of too few different stations to fit is drawn again.

    Parameters
    ----------
    points : Points
    shape : Shape
    draws : int
    seed : int
        The same seed gives the same intervals.
    confidence : float
    searched : callable, optional
        Told after each draw.

    Raises
    ------
    StationError
        As `search_origins`.
    """
    rng = np.random.default_rng(seed)
    results = []
    for _ in range(draws):
        results.append(_search_drawn(_drawn(points, rng), points, shape))
        searched()
    return OriginIntervals(np.array(results).reshape(draws, 5), confidence)


def _drawn(points: Points, rng: np.random.Generator) -> Points:
    while True:
        rows = rng.integers(0, len(points), len(points))
        if np.unique(rows).size > PARAMETERS and np.ptp(points.measured[rows]) > 0.0:
            return _with_errors(points.rows(rows), rng)


def _with_errors(points: Points, rng: np.random.Generator) -> Points:
    """The points with estimated spectra moved by errors of their covariance."""
    if points.covariance is None:
        return points
    base, other = points.base.copy(), points.base * points.ratio
    for row in np.flatnonzero(points.covariance.any(axis=(1, 2))):
        error = rng.multivariate_normal(np.zeros(2), points.covariance[row], method="cholesky")
        base[row] += error[0]
        other[row] += error[1]
    return Points(base, other / base, points.measured)


def search_quickly(points: Points, shape: Shape, also: Points | None = None) -> OriginSearch:
    """Every ``COARSE``-th origin, then every one around the best of those."""
    coarse = search_origins(points, shape, shape.grid.coarse(COARSE), also=also)
    near = shape.grid.around(coarse.law.x0, coarse.law.y0, FINE_REACH)
    return search_origins(points, shape, near, also=also)


def _search_drawn(points: Points, table: Points, shape: Shape) -> tuple[float, ...]:
    found = search_quickly(points, shape, table)
    return (*found.coefficients, found.r2)


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Each station predicted by a law that did not see it.

    Parameters
    ----------
    measured, predicted : ndarray of float64, (station,)
        wt %; a prediction is NaN where that law has no value.
    laws : ndarray of float64, (station, 4)
        ``x0``, ``y0``, ``a``, and ``b`` or ``p`` without each.
    """

    measured: Floats
    predicted: Floats
    laws: Floats

    @property
    def residual(self) -> Floats:
        """Predicted minus measured, wt %."""
        return self.predicted - self.measured

    @property
    def without_value(self) -> int:
        """How many stations the law of the others gives no value for."""
        return int(np.count_nonzero(np.isnan(self.predicted)))

    @property
    def r2(self) -> float:
        """Pooled R2 over the stations with a value."""
        has_value = ~np.isnan(self.predicted)
        return r2(self.measured[has_value], self.predicted[has_value])

    @property
    def rmse(self) -> float:
        """Pooled RMSE in wt % over the stations with a value."""
        has_value = ~np.isnan(self.predicted)
        return rmse(self.measured[has_value], self.predicted[has_value])


def leave_one_out(points: Points, shape: Shape, *, searched: Searched = lambda: None) -> LeftOut:
    """Leave each station out in turn, search the whole grid without it, predict it.

    Parameters
    ----------
    points : Points
    shape : Shape
    searched : callable, optional
        Told after each station.

    Raises
    ------
    StationError
        If what remains is too few, or as `search_origins`.
    """
    if len(points) <= PARAMETERS + 1:
        raise StationError(
            f"{shape.quantity}: {len(points)} stations are too few to leave one out of a law of "
            f"{PARAMETERS} parameters; more than {PARAMETERS + 1} are needed"
        )
    searches = []
    for row in range(len(points)):
        searches.append(_search_without(points, shape, row))
        searched()
    predicted = [
        float(search.predict(points.base[row], points.ratio[row]))
        for row, search in enumerate(searches)
    ]
    laws = np.array([search.coefficients for search in searches])
    return LeftOut(points.measured, np.array(predicted), laws)


def _search_without(points: Points, shape: Shape, row: int) -> OriginSearch:
    others = np.delete(np.arange(len(points)), row)
    return search_origins(points.rows(others), shape)
