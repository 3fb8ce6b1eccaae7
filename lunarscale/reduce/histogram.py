"""The area of every count: the one accumulator that all statistics are read off."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lunarscale.reduce.powers import power_sums


@dataclass(frozen=True, eq=False)
class Histogram:
    """Integer areas of integer values, sparse.

    Areas are in units of which the whole sphere has 2**62 (``RasterGrid.row_weights``), so
    those of any part of the Moon add up in int64 without overflow, exactly, in any order.

    Parameters
    ----------
    values : ndarray of int16, (bin,)
        Ascending, each once.
    weights : ndarray of int64, (bin,)
        Area of each value, above zero.
    pixels : int
        Number of pixels that these areas are of.
    """

    values: NDArray[np.int16]
    weights: NDArray[np.int64]
    pixels: int

    @classmethod
    def of_dense(
        cls, first: int, dense: NDArray[np.int64], *, pixels: int | None = None
    ) -> "Histogram":
        """The histogram of areas listed value by value from ``first`` on."""
        found = np.flatnonzero(dense)
        values = (found + first).astype(np.int16)
        return cls(values, dense[found], int(pixels or 0))

    @classmethod
    def sum(cls, parts: Iterable["Histogram"]) -> "Histogram":
        """All parts in one; the order does not matter."""
        parts = list(parts)
        if len(parts) == 1:
            return parts[0]
        values = np.concatenate([EMPTY.values, *(part.values for part in parts)])
        weights = np.concatenate([EMPTY.weights, *(part.weights for part in parts)])
        order = np.argsort(values, kind="stable")
        values, weights = values[order], weights[order]
        starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
        total = np.add.reduceat(weights, starts) if starts.size else weights
        return cls(values[starts], total, sum(part.pixels for part in parts))

    @property
    def weight(self) -> int:
        """Area of all values together."""
        return int(self.weights.sum())

    @property
    def minimum(self) -> int:
        """Smallest value."""
        return int(self.values[0])

    @property
    def maximum(self) -> int:
        """Largest value."""
        return int(self.values[-1])

    def moments(self) -> tuple[Fraction, Fraction]:
        """Area-weighted mean and population variance of the values, as exact fractions."""
        zeroth, first, second, *_ = self.power_sums()
        return Fraction(first, zeroth), Fraction(second * zeroth - first * first, zeroth**2)

    def power_sums(self) -> tuple[int, ...]:
        """Sums of area times value to the powers 0 to 4, exactly."""
        return power_sums(self.values, self.weights)

    def quantile(self, share: Fraction) -> int:
        """Smallest value with at least this share of the area at or below it."""
        target = -((-share.numerator * self.weight) // share.denominator)
        return int(self.values[np.searchsorted(np.cumsum(self.weights), max(target, 1))])

    def binned(self, width: int) -> tuple[int, NDArray[np.int64]]:
        """Areas in bins of ``width`` values each, bin k holding ``k * width`` and on.

        Returns
        -------
        first : int
            Number k of the first bin.
        areas : ndarray of int64
            Area in each bin from there to the last, zero in those between that hold none.
        """
        bins = self.values.astype(np.int64) // width
        areas = np.zeros(int(bins[-1] - bins[0]) + 1, dtype=np.int64)
        np.add.at(areas, bins - bins[0], self.weights)
        return int(bins[0]), areas


EMPTY = Histogram(np.empty(0, dtype=np.int16), np.empty(0, dtype=np.int64), 0)
