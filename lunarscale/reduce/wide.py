"""Integers of 128 bits, for exact sums that outgrow 64: areas times squares of counts.

The sphere's area is 2**62 and a count's square up to 2**30, so a second moment needs 93 bits.
A wide integer is two limbs, ``high * 2**64 + low`` in two's complement; sums of products are
exact, and so the same bits in any order.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.compiling import LOOP

_HALF = 32
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, eq=False)
class Wide:
    """An array of signed integers of 128 bits.

    Parameters
    ----------
    low : ndarray of uint64
        The lower limbs.
    high : ndarray of int64
        The upper limbs, in the same shape.
    """

    low: NDArray[np.uint64]
    high: NDArray[np.int64]

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> "Wide":
        """Zeros of a shape."""
        return cls(np.zeros(shape, dtype=np.uint64), np.zeros(shape, dtype=np.int64))

    def __getitem__(self, key: Any) -> "Wide":
        """The same elements of both limbs."""
        return Wide(self.low[key], self.high[key])

    def add_at(self, key: Any, other: "Wide") -> None:
        """Add to some elements, in place; ``key`` names each of them once."""
        low = self.low[key] + other.low
        self.high[key] += other.high + (low < other.low)
        self.low[key] = low

    def to_ints(self) -> list[int]:
        """All elements in their order as Python integers."""
        pairs = zip(self.high.ravel().tolist(), self.low.ravel().tolist(), strict=True)
        return [(high << 64) + low for high, low in pairs]


@numba.njit(**LOOP)
def product(a, b):  # type: ignore[no-untyped-def]
    """Limbs (low, high) of the product of two int64; for kernels.

    The upper limb is put together from products of halves (Warren 2012, Hacker's Delight, 8-2).
    """
    mask = np.int64(_MASK)
    a0, a1, b0, b1 = a & mask, a >> _HALF, b & mask, b >> _HALF
    lowest = np.int64(np.uint64(a0 * b0) >> np.uint64(_HALF))
    middle = a1 * b0 + lowest
    cross = a0 * b1 + (middle & mask)
    high = a1 * b1 + (middle >> _HALF) + (cross >> _HALF)
    return np.uint64(a * b), high


@numba.njit(**LOOP)
def plus(one, other):  # type: ignore[no-untyped-def]
    """Limbs (low, high) of the sum of two numbers given as limbs; for kernels."""
    low = one[0] + other[0]
    return low, one[1] + other[1] + np.int64(low < other[0])


@numba.njit(**LOOP)
def minus(one, other):  # type: ignore[no-untyped-def]
    """Limbs (low, high) of the difference of two numbers given as limbs; for kernels."""
    return one[0] - other[0], one[1] - other[1] - np.int64(one[0] < other[0])


@numba.njit(**LOOP)
def nearest(number):  # type: ignore[no-untyped-def]
    """The float64 nearest to a number given as limbs, to two units in its last place."""
    low, high = number
    sign = 1.0
    if high < 0:  # of a small negative number both limbs are huge
        low, high = minus((np.uint64(0), np.int64(0)), number)
        sign = -1.0
    return sign * (np.float64(high) * 2.0**64 + np.float64(low))
