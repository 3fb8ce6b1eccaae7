"""The shape of a histogram: how lopsided and how heavy in its tails it is, and its box plot."""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from lunarscale.reduce.histogram import Histogram

#: How far whiskers may reach beyond the quartiles, in distances between these (Tukey 1977).
WHISKERS = Fraction(3, 2)


class Shape(NamedTuple):
    """Third and fourth standardised moments of the population, from exact integer sums.

    Either is right to a few units in the last place of a float64.

    Parameters
    ----------
    skewness : float
        m3 / m2^1.5, above zero where the tail to higher values is the longer one.
    excess_kurtosis : float
        m4 / m2^2 - 3, zero for a normal distribution.
    """

    skewness: float
    excess_kurtosis: float


def shape_of(histogram: Histogram) -> Shape | None:
    """The shape of a histogram; None where it has no spread, or nothing at all."""
    area, first, second, third, fourth = histogram.power_sums()
    m2 = second * area - first**2  # times area^2, and so on: central moments in integers
    if not (area and m2):
        return None
    m3 = third * area**2 - 3 * second * first * area + 2 * first**3
    m4 = (
        fourth * area**3 - 4 * third * first * area**2 + 6 * second * first**2 * area - 3 * first**4
    )
    skewness = math.copysign(math.sqrt(Fraction(m3**2, m2**3)), m3)
    return Shape(skewness, float(Fraction(m4, m2**2) - 3))


class Box(NamedTuple):
    """A box plot of values (Tukey 1977): quartiles, whiskers, and the area beyond them.

    Parameters
    ----------
    low, p25, median, p75, high : int
        ``low`` and ``high`` are the most extreme values within 1.5 times the distance of the
        quartiles from the nearer one.
    outside : Fraction
        Share of the area beyond the whiskers.
    """

    low: int
    p25: int
    median: int
    p75: int
    high: int
    outside: Fraction


def box_of(histogram: Histogram) -> Box:
    """The box plot of a histogram that holds something."""
    p25, median, p75 = (histogram.quantile(Fraction(share, 4)) for share in (1, 2, 3))
    reach = WHISKERS * (p75 - p25)
    first = int(np.searchsorted(histogram.values, math.ceil(p25 - reach)))
    last = int(np.searchsorted(histogram.values, math.floor(p75 + reach), side="right"))
    inside = int(histogram.weights[first:last].sum())
    return Box(
        low=int(histogram.values[first]),
        p25=p25,
        median=median,
        p75=p75,
        high=int(histogram.values[last - 1]),
        outside=1 - Fraction(inside, histogram.weight),
    )
