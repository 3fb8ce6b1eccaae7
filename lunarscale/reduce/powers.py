"""Exact sums of areas times powers of values, in one pass and without Python's integers."""

from functools import cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lunarscale.reduce.wide import Wide, plus, product

#: The highest power. Areas sum to 2**62 at most and values are below 2**15, so that sums stay
#: below 2**122 and a power of a value within 64 bits.
HIGHEST = 4


def power_sums(values: NDArray[np.int16], weights: NDArray[np.int64]) -> tuple[int, ...]:
    """Sums of weight times value to the powers 0 to 4, exactly.

    Parameters
    ----------
    values : ndarray of int16, (bin,)
    weights : ndarray of int64, (bin,)
        Not negative; up to 2**62 together.
    """
    sums = Wide.zeros((HIGHEST + 1,))
    _add_powers()(values.astype(np.int64), weights.astype(np.int64), sums.low, sums.high)
    return tuple(sums.to_ints())


def _add(values, weights, low, high):  # type: ignore[no-untyped-def]
    for place in range(values.size):
        power = np.int64(1)
        for order in range(low.size):
            term = product(weights[place], power)
            low[order], high[order] = plus((low[order], high[order]), term)
            power *= values[place]


@cache
def _add_powers() -> Any:
    whole, limbs = numba.types.int64[::1], numba.types.uint64[::1]
    return numba.njit(numba.types.void(whole, whole, limbs, whole), nogil=True)(_add)
