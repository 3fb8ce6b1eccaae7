"""From float32 values to the integers of a layer: half to even, and nothing wraps."""

import math
from functools import lru_cache
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA, REASON_MASK, MapReason
from lunarscale.grid.compiling import LOOP, PART

#: Largest magnitude that a layer holds; -32768 stands for no-data.
LARGEST = 32767

_LARGEST, _NO_DATA = np.float32(LARGEST), np.float32(NO_DATA)
_REASONS, _BEYOND = np.uint8(REASON_MASK), np.uint8(MapReason.BEYOND_RANGE)

Compiled: TypeAlias = Any  # numba's functions carry no types
_compiling = Lock()


def quantise(
    values: NDArray[np.float32],
    flags: NDArray[np.uint8],
    quantum: float,
    *,
    out: tuple[NDArray[np.int16], NDArray[np.uint8]] | None = None,
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Integers of a layer and its flags.

    Parameters
    ----------
    values : ndarray of float32
        In the quantity's units, any shape, contiguous.
    flags : ndarray of uint8
        Of the same shape, ``lunarscale.flags``.
    quantum : float
        Step of the integers, in the same units.
    out : (ndarray of int16, ndarray of uint8), optional
        Where to put the results, contiguous; they must not overlap the inputs.

    Returns
    -------
    counts : ndarray of int16
        ``value / quantum`` rounded half to even; ``NO_DATA`` where a reason says that there is
        no value, and where the result is beyond +-32767 or not a number.
    flags : ndarray of uint8
        As given; ``BEYOND_RANGE`` alone where only the range voids a value.
    """
    if out is None:
        out = np.empty(values.shape, np.int16), np.empty(values.shape, np.uint8)
    with _compiling:  # threads that meet here must not each compile the same loop
        loop = _loop(quantum)
    loop(*(np.reshape(array, -1, copy=False) for array in (values, flags, *out)))
    return out


def steps_of(quantum: float, most: float = math.inf) -> tuple[np.float32, bool]:
    """What ``rounded`` asks of a quantum: its reciprocal, and whether every value fits.

    Parameters
    ----------
    quantum : float
    most : float, optional
        What no value exceeds in magnitude, nor is any NaN: if it fits, none is looked at.
    """
    return np.float32(1.0 / quantum), most <= (LARGEST - 1) * quantum  # 1 for float32's rounding


# said outright, as numba would take the mathematics of the loop that is compiled first
@njit(forceinline=True, fastmath=False, error_model="numpy", **PART)
def rounded(value, flag, steps):  # type: ignore[no-untyped-def]
    """``(float32, uint8, steps_of) -> (int16, uint8)`` of one pixel, for loops over pixels.

    Whatever mathematics the loop has, here a NaN compares as one and is voided.
    """
    per_quantum, always = steps
    scaled = np.rint(value * per_quantum)
    fits = always | (abs(scaled) <= _LARGEST)
    void = (flag & _REASONS) != 0
    count = np.int16(np.int32(scaled if fits & (not void) else _NO_DATA))
    return count, (flag if fits | void else _BEYOND)


@lru_cache(maxsize=32)
def _loop(quantum: float) -> Compiled:
    steps = steps_of(quantum)

    @njit("void(float32[::1], uint8[::1], int16[::1], uint8[::1])", **LOOP)
    def loop(values, flags, counts, final):  # type: ignore[no-untyped-def]
        for pixel in range(values.size):
            counts[pixel], final[pixel] = rounded(values[pixel], flags[pixel], steps)

    return loop
