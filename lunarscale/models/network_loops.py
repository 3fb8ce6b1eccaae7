"""The loops behind a network, from its output to values and flags.

Compiled at first use, once a process, as in ``kernels``; importing compiles nothing.
"""

from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numba import vectorize

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, MapReason

_OUTSIDE_DOMAIN = np.uint8(MapReason.OUTSIDE_DOMAIN)
_NO_INPUT = np.uint8(MapReason.NO_INPUT)


class Loops(NamedTuple):
    """Compiled ufuncs.

    Parameters
    ----------
    flag : (float32 value, int16 lowest count of its bands, uint8 stretched) -> uint8
        The value's flag; NO_DATA is the lowest count there is.
    finite : (float32) -> float32
        0 for what is not.
    beyond : (int16 count, float64 low, float64 high, uint8 flag) -> uint8
        ``EXTRAPOLATED`` outside, else the flag.
    """

    flag: Any
    finite: Any
    beyond: Any


_compiling = Lock()


def compiled_loops() -> Loops:
    """The loops over pixels, compiled at the first call in a process."""
    with _compiling:  # threads that meet here must not each compile them
        return _compile()


@lru_cache(maxsize=1)
def _compile() -> Loops:
    # no fast mathematics here: a NaN must compare as one and be voided
    @vectorize(["uint8(float32, int16, uint8)"])
    def flag_of(value, lowest, stretched):  # type: ignore[no-untyped-def]
        reason = stretched | np.uint8(NEGATIVE if value < 0 else 0)
        reason = reason if np.isfinite(value) else _OUTSIDE_DOMAIN
        return _NO_INPUT if lowest == NO_DATA else reason

    @vectorize(["float32(float32)"])
    def finite(value):  # type: ignore[no-untyped-def]
        return value if np.isfinite(value) else np.float32(0)

    @vectorize(["uint8(int16, float64, float64, uint8)"])
    def beyond(count, low, high, stretched):  # type: ignore[no-untyped-def]
        return np.uint8(EXTRAPOLATED) if (count < low) | (count > high) else stretched

    return Loops(flag_of.ufunc, finite.ufunc, beyond.ufunc)
