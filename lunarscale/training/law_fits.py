"""Least-squares fits of the two laws at many origins at once.

Each takes angles (origin, station) and measured values (station,), and gives the two coefficients
and the sum of squared residuals, in the values' units, at every origin.

*Which least squares.* A power law can be fitted to the values, or as a line to their logarithms;
the two give different coefficients, and papers seldom say which was meant. Here it is the values,
in wt %: maps are read, and errors quoted, in wt %, while logarithms would give 0.1 wt % at a
highland station the weight of 2 wt % at a titanium-rich mare. `fit_powers_to_logarithms` is the
other reading.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import StationError

Floats = NDArray[np.float64]

#: Powers between which the fit searches; a fit at either end is no power law.
LOWEST_POWER, HIGHEST_POWER = 0.05, 100.0

_MOST_STEPS, _TOLERANCE = 60, 1e-10


class Fits(NamedTuple):
    """Fits at some origins: ``a`` with ``b`` or ``p``, and the sum of squared residuals."""

    first: Floats
    second: Floats
    sse: Floats


def fit_lines(angle: Floats, measured: Floats) -> Fits:
    """``measured = a angle + b`` by ordinary least squares at every origin."""
    mean = angle.mean(axis=1, keepdims=True)
    centred = angle - mean
    spread = np.einsum("os,os->o", centred, centred)
    a = (centred @ measured) / np.where(spread > 0.0, spread, np.inf)
    b = measured.mean() - a * mean[:, 0]
    residual = measured - (a[:, None] * angle + b[:, None])
    return Fits(a, b, np.einsum("os,os->o", residual, residual))


def fit_powers(angle: Floats, measured: Floats) -> Fits:
    """``measured = a angle^p`` by least squares on the values themselves, at every origin.

    At any power the best factor is known, so what remains is one unknown (variable projection,
    Golub & Pereyra 1973, SIAM J. Numer. Anal. 10, 413): the power that maximises
    ``(sum m u)^2 / sum u^2`` with ``u = angle^p``. Newton's method on its logarithm finds it, from
    the power of the line through the logarithms, at all origins together.
    """
    log, top = _scaled_logarithm(angle)
    if measured.min() > 0.0:
        power = np.clip(_slopes(log, np.log(measured)), 1.0, 20.0)
    else:
        power = np.full(len(log), 4.0)
    for _ in range(_MOST_STEPS):
        step = _newton_step(log, measured, power)
        moved = np.clip(power + step, LOWEST_POWER, HIGHEST_POWER)
        still = np.abs(moved - power) <= _TOLERANCE * power
        power = moved
        if still.all():
            break
    u = np.exp(power[:, None] * log)
    factor = (u @ measured) / np.einsum("os,os->o", u, u)
    return _in_values(factor, power, u=u, top=top, measured=measured)


def fit_powers_to_logarithms(angle: Floats, measured: Floats) -> Fits:
    """``log measured = log a + p log angle`` by ordinary least squares at every origin.

    The sum of squared residuals is that of the values, so that fits can be compared.

    Raises
    ------
    StationError
        If a measured value is not positive.
    """
    if measured.min() <= 0.0:
        raise StationError(
            f"a fit of logarithms needs positive values but one is {measured.min():g} wt %; "
            "fit the values themselves"
        )
    log, top = _scaled_logarithm(angle)
    power = _slopes(log, np.log(measured))
    factor = np.exp(np.log(measured).mean() - power * log.mean(axis=1))
    u = np.exp(power[:, None] * log)
    return _in_values(factor, power, u=u, top=top, measured=measured)


def _scaled_logarithm(angle: Floats) -> tuple[Floats, Floats]:
    """Logarithms less the greatest of each origin, so that no power overflows, and the greatest."""
    log = np.log(angle)
    top = log.max(axis=1)
    return log - top[:, None], top


def _slopes(x: Floats, y: Floats) -> Floats:
    centred = x - x.mean(axis=1, keepdims=True)
    spread = np.einsum("os,os->o", centred, centred)
    slopes: Floats = (centred @ y) / np.where(spread > 0.0, spread, np.inf)
    return slopes


def _newton_step(log: Floats, measured: Floats, power: Floats) -> Floats:
    """Newton's step up ``2 log sum(m u) - log sum(u^2)``, at most half the power.

    Where the function is not concave, uphill by that half.
    """
    u = np.exp(power[:, None] * log)
    ul = u * log
    b, b1, b2 = u @ measured, ul @ measured, (ul * log) @ measured
    c, c1, c2 = (
        factor * np.einsum("os,os->o", left, right)
        for factor, left, right in ((1.0, u, u), (2.0, u, ul), (4.0, ul, ul))
    )
    slope = 2.0 * b1 / b - c1 / c
    bend = 2.0 * (b2 / b - (b1 / b) ** 2) - (c2 / c - (c1 / c) ** 2)
    half = 0.5 * power
    step = np.where(bend < 0.0, -slope / np.where(bend < 0.0, bend, 1.0), np.sign(slope) * half)
    limited: Floats = np.clip(step, -half, half)
    return limited


def _in_values(factor: Floats, power: Floats, *, u: Floats, top: Floats, measured: Floats) -> Fits:
    residual = measured - factor[:, None] * u
    return Fits(factor * np.exp(-power * top), power, np.einsum("os,os->o", residual, residual))
