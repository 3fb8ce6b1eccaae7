"""From float32 values to the integers of a layer: half to even, and nothing wraps."""

from functools import lru_cache
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
from numba import vectorize
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA, REASON_MASK, MapReason

#: Largest magnitude that a layer holds; -32768 stands for no-data.
LARGEST = 32767

Ufunc: TypeAlias = Any  # numba's ufuncs carry no types
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
        In the quantity's units, any shape.
    flags : ndarray of uint8
        Of the same shape, ``lunarscale.flags``.
    quantum : float
        Step of the integers, in the same units.
    out : (ndarray of int16, ndarray of uint8), optional
        Where to put the results; they must not overlap the inputs.

    Returns
    -------
    counts : ndarray of int16
        ``value / quantum`` rounded half to even; ``NO_DATA`` where a reason says that there is
        no value, and where the result is beyond +-32767 or not a number.
    flags : ndarray of uint8
        As given; ``BEYOND_RANGE`` alone where only the range voids a value.
    """
    with _compiling:  # threads that meet here must not each compile the same pair
        to_count, to_flag = _ufuncs(quantum)
    counts, final = (None, None) if out is None else out
    # what is not a number or out of range is voided: that it was met is no news
    with np.errstate(invalid="ignore", over="ignore"):
        return to_count(values, flags, out=counts), to_flag(values, flags, out=final)


@lru_cache(maxsize=32)
def _ufuncs(quantum: float) -> tuple[Ufunc, Ufunc]:
    # no fast mathematics here: a NaN must compare as one and be voided
    per_quantum = np.float32(1.0 / quantum)
    largest, no_data = np.float32(LARGEST), np.float32(NO_DATA)
    reasons, beyond = np.uint8(REASON_MASK), np.uint8(MapReason.BEYOND_RANGE)

    @vectorize(["int16(float32, uint8)"])
    def to_count(value, flag):  # type: ignore[no-untyped-def]
        steps = np.rint(value * per_quantum)
        fits = (abs(steps) <= largest) & ((flag & reasons) == 0)
        return np.int16(np.int32(steps if fits else no_data))

    @vectorize(["uint8(float32, uint8)"])
    def to_flag(value, flag):  # type: ignore[no-untyped-def]
        fits = (abs(np.rint(value * per_quantum)) <= largest) | ((flag & reasons) != 0)
        return flag if fits else beyond

    return to_count.ufunc, to_flag.ufunc
