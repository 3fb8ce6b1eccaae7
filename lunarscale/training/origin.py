"""The origin search: fits at every origin of a grid, the highest R2 wins (Qiu et al. 2025).

An origin ``(x0, y0)``, a reflectance and a ratio, turns each station's spectrum into an angle
(`lunarscale.models.laws`). It is admissible only where every station has an angle: R750 above
``x0`` and, for titanium, a positive angle. Dropping the stations that have none instead would let
the search win by leaving out what it cannot fit: R2 0.972 on 17 of 49.

The surface of R2 is flat near its top: many origins are as good as the best within 1e-4
(`OriginSearch.as_good`), so an origin's third decimal is no result.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import StationError
from lunarscale.models.laws import AngleLine, AnglePower
from lunarscale.training.law_fits import (
    HIGHEST_POWER,
    LOWEST_POWER,
    Fits,
    fit_lines,
    fit_powers,
    fit_powers_to_logarithms,
)

Floats = NDArray[np.float64]

#: Told that one more search is done.
Searched = Callable[[], None]

#: Origins within this of the best R2 are as good.
AS_GOOD = 1e-4

#: Significant digits of fitted coefficients: 0.0001 wt %, and the same on every machine.
_DIGITS = 6

#: Origins fitted at once: with some fifty stations, arrays that stay in the cache.
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class OriginGrid:
    """Origins to try.

    Parameters
    ----------
    x0, y0 : ndarray of float64
        Reflectances and ratios, rising, each exactly a multiple of 0.001.
    """

    x0: Floats
    y0: Floats

    @classmethod
    def of(cls, x0: tuple[float, float], y0: tuple[float, float], step: int = 1) -> "OriginGrid":
        """Both ends included, every ``step`` thousandths."""
        axes = (
            np.arange(round(1000 * low), round(1000 * high) + 1, step) / 1000.0
            for low, high in (x0, y0)
        )
        return cls(*axes)

    def coarse(self, step: int) -> "OriginGrid":
        """Every ``step``-th origin in both directions."""
        return OriginGrid(self.x0[::step], self.y0[::step])

    def around(self, x0: float, y0: float, reach: float) -> "OriginGrid":
        """The origins within ``reach`` of one, in both directions."""
        near = (
            values[np.abs(values - centre) <= reach + 1e-9]
            for values, centre in ((self.x0, x0), (self.y0, y0))
        )
        return OriginGrid(*near)


@dataclass(frozen=True)
class Shape:
    """A law to be fitted, and the grid that its paper enumerates.

    Parameters
    ----------
    quantity : str
        What it gives, ``FeO``.
    sign : int
        Of the angle.
    positive : bool
        Whether the angle must be positive.
    fit : callable
        Angles (origin, station) and values (station,) to `Fits`.
    law : callable
        ``x0, y0`` and the two coefficients to the law.
    grid : OriginGrid
    least_squares : str
        In what, for people.
    """

    quantity: str
    sign: int
    positive: bool
    fit: Callable[[Floats, Floats], Fits]
    law: Callable[[float, float, float, float], AngleLine | AnglePower]
    grid: OriginGrid = field(compare=False)
    least_squares: str = "wt %"


def _line(x0: float, y0: float, a: float, b: float) -> AngleLine:
    return AngleLine(x0, y0, -1, a, b)


#: Qiu et al. 2025: 201 x 1001 lines for iron, 1001 x 1001 power laws for titanium.
IRON = Shape("FeO", -1, False, fit_lines, _line, OriginGrid.of((0.0, 0.2), (1.0, 2.0)))
TITANIUM = Shape("TiO2", 1, True, fit_powers, AnglePower, OriginGrid.of((0.0, 1.0), (0.0, 1.0)))
TITANIUM_LOG_LOG = Shape(
    "TiO2", 1, True, fit_powers_to_logarithms, AnglePower, TITANIUM.grid, "logarithms"
)

#: Origin and two coefficients; a fit to no more stations than that says nothing.
PARAMETERS = 4


@dataclass(frozen=True, eq=False)
class Points:
    """What the search sees of the stations.

    Parameters
    ----------
    base, ratio : ndarray of float64, (station,)
        R750, and the other band's ratio to it.
    measured : ndarray of float64, (station,)
        The oxide in wt %.
    covariance : ndarray of float64, (station, 2, 2), optional
        Of the errors of R750 and the other band, where spectra were estimated; else 0.
    """

    base: Floats
    ratio: Floats
    measured: Floats
    covariance: Floats | None = None

    def __len__(self) -> int:
        return len(self.base)

    def rows(self, chosen: NDArray[np.intp]) -> "Points":
        """Some of the stations, in the given order, with repetition."""
        covariance = None if self.covariance is None else self.covariance[chosen]
        return Points(self.base[chosen], self.ratio[chosen], self.measured[chosen], covariance)


@dataclass(frozen=True, eq=False)
class OriginSearch:
    """What a search found.

    Parameters
    ----------
    shape : Shape
    grid : OriginGrid
    points : Points
    surface : ndarray of float64, (x0, y0)
        R2, in wt %, of the best fit at each origin; NaN where the origin is not admissible.
    law : AngleLine or AnglePower
        The best, its coefficients rounded to six digits.
    """

    shape: Shape
    grid: OriginGrid
    points: Points
    surface: Floats
    law: AngleLine | AnglePower

    @property
    def r2(self) -> float:
        """The best R2, 1 - SSE / SST."""
        return float(np.nanmax(self.surface))

    @property
    def rmse(self) -> float:
        """Root of the mean squared residual of the best, in wt %."""
        return math.sqrt((1.0 - self.r2) * _sst(self.points.measured) / len(self.points))

    @property
    def admissible(self) -> int:
        """Number of origins at which every station has an angle."""
        return int(np.count_nonzero(~np.isnan(self.surface)))

    @property
    def as_good(self) -> int:
        """Number of origins whose R2 is within `AS_GOOD` of the best, itself included."""
        return int(np.count_nonzero(self.surface >= self.r2 - AS_GOOD))

    def require_a_power_law(self) -> None:
        """Refuse a power at an end of what is searched: the oxide does not rise with its angle.

        Raises
        ------
        StationError
        """
        law = self.law
        if isinstance(law, AnglePower) and not LOWEST_POWER < law.p < HIGHEST_POWER:
            raise StationError(
                f"{self.shape.quantity} does not rise with its angle as a power law (the best "
                f"power is {law.p:g}); check the table's {self.shape.quantity} and reflectances"
            )

    @property
    def edges(self) -> tuple[str, ...]:
        """Which of ``x0``, ``y0`` lies at an end of the grid, where a wider one might do better."""
        axes = (("x0", self.law.x0, self.grid.x0), ("y0", self.law.y0, self.grid.y0))
        return tuple(name for name, value, grid in axes if value in (grid[0], grid[-1]))

    @property
    def coefficients(self) -> tuple[float, float, float, float]:
        """``x0``, ``y0``, ``a``, and ``b`` or ``p``."""
        law = self.law
        return law.x0, law.y0, law.a, law.b if isinstance(law, AngleLine) else law.p

    def predict(self, base: Floats, ratio: Floats) -> Floats:
        """wt % of other spectra; NaN where the law has no value."""
        return self.law.exact(base, ratio)


def search_origins(
    points: Points, shape: Shape, grid: OriginGrid | None = None, *, also: Points | None = None
) -> OriginSearch:
    """Fit a law at every admissible origin of a grid, and take the best.

    Of equal ones the first: lowest ``x0``, then lowest ``y0``.

    Parameters
    ----------
    points : Points
        More than `PARAMETERS`, their values not all one.
    shape : Shape
        `IRON`, `TITANIUM` or `TITANIUM_LOG_LOG`.
    grid : OriginGrid, optional
        The shape's own if not given.
    also : Points, optional
        Stations that are not fitted but must have an angle too.

    Raises
    ------
    StationError
        If there are too few stations, their values are all one, or no origin is admissible.
    """
    grid = grid or shape.grid
    _refuse_useless(points, shape)
    lowest, flattest = points.base.min(), points.ratio.min()
    if also is not None:
        lowest, flattest = min(lowest, also.base.min()), min(flattest, also.ratio.min())
    x0 = grid.x0[grid.x0 < lowest]
    y0 = grid.y0[grid.y0 < flattest] if shape.positive else grid.y0
    if not (x0.size and y0.size):
        raise StationError(
            f"no origin of the {shape.quantity} grid is admissible: x0 starts at {grid.x0[0]:g} "
            f"and y0 at {grid.y0[0]:g}, but the darkest station has {lowest:g} and the lowest "
            f"ratio is {flattest:g}; check the reflectances"
        )
    sse = _squared_residuals(points, shape, np.repeat(x0, y0.size), np.tile(y0, x0.size))
    surface = np.full((grid.x0.size, grid.y0.size), np.nan)
    # admissible origins are the first of either axis
    surface[: x0.size, : y0.size] = 1.0 - sse.reshape(x0.size, y0.size) / _sst(points.measured)
    column, row = np.unravel_index(np.nanargmax(surface), surface.shape)
    law = _law_at(points, shape, float(grid.x0[column]), float(grid.y0[row]))
    return OriginSearch(shape, grid, points, surface, law)


def _squared_residuals(points: Points, shape: Shape, x0: Floats, y0: Floats) -> Floats:
    """Sums of squared residuals of the fits at origins, (origin,)."""
    sse = np.empty(x0.size)
    for start in range(0, x0.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        angles = _angles(points, shape, x0[block], y0[block])
        sse[block] = shape.fit(angles, points.measured).sse
    return sse


def _law_at(points: Points, shape: Shape, x0: float, y0: float) -> AngleLine | AnglePower:
    fits = shape.fit(_angles(points, shape, np.array([x0]), np.array([y0])), points.measured)
    first, second = (float(f"{value[0]:.{_DIGITS}g}") for value in (fits.first, fits.second))
    return shape.law(x0, y0, first, second)


def _angles(points: Points, shape: Shape, x0: Floats, y0: Floats) -> Floats:
    """Angles in radians, (origin, station)."""
    angles: Floats = np.arctan((points.ratio - y0[:, None]) / (points.base - x0[:, None]))
    return -angles if shape.sign < 0 else angles


def _sst(measured: Floats) -> float:
    return float(np.sum((measured - measured.mean()) ** 2))


def _refuse_useless(points: Points, shape: Shape) -> None:
    if len(points) <= PARAMETERS:
        raise StationError(
            f"{shape.quantity}: {len(points)} stations for a law of {PARAMETERS} parameters "
            f"(an origin and two coefficients); more than {PARAMETERS} are needed"
        )
    if np.ptp(points.measured) == 0.0:
        raise StationError(
            f"{shape.quantity} is {points.measured[0]:g} wt % at all of {len(points)} stations, "
            "which fits any origin; check its column"
        )
