"""The equations' loops over pixels: from counts to values and flags, or to a layer's integers.

What a loop does to a pixel is one function of ``kernels``, and one of ``quantise``; a loop has no
equation of its own. Everything is compiled at first use, once a process for each law, scale and
quantum, outside the interpreter's lock; importing compiles nothing.
"""

from functools import lru_cache
from threading import Lock
from typing import Any, TypeAlias

from numba import njit

from lunarscale.grid.compiling import LOOP
from lunarscale.models.kernels import flag_of, kernel_of, most_of
from lunarscale.models.laws import Law
from lunarscale.models.polynomials import FAST
from lunarscale.models.quantise import rounded, steps_of

#: A law, the range of reflectances it was fitted on, and the reflectance of one count.
Scaled: TypeAlias = tuple[Law, tuple[float, float], float]

Loop: TypeAlias = Any  # numba's functions carry no types

#: Without NumPy's rule for a division by zero, each would be a branch and nothing would pack.
_PACKED: dict[str, Any] = {"fastmath": FAST, "error_model": "numpy", **LOOP}

_compiling = Lock()


def values_loop(scaled: Scaled) -> Loop:
    """``(base, other: int16; values: float32, flags: uint8)``, each (pixel,) and contiguous.

    The last two are filled.

    Raises
    ------
    ModelError
        As ``kernels.kernel_of``.
    """
    with _compiling:  # threads that meet here must not each compile the same loop
        return _values_loop(scaled)


def counts_loop(scaled: Scaled, quantum: float) -> Loop:
    """``(base, other: int16; counts: int16, flags: uint8)``, each (pixel,) and contiguous.

    The last two are filled, with what ``quantise`` makes of the values and flags.

    Raises
    ------
    ModelError
        As ``kernels.kernel_of``.
    """
    with _compiling:
        return _counts_loop(scaled, quantum)


@lru_cache(maxsize=256)
def _values_loop(scaled: Scaled) -> Loop:
    value_of, limits = kernel_of(*scaled)

    @njit("void(int16[::1], int16[::1], float32[::1], uint8[::1])", **_PACKED)
    def loop(base, other, values, flags):  # type: ignore[no-untyped-def]
        for pixel in range(base.size):
            value = value_of(base[pixel], other[pixel])
            values[pixel] = value
            flags[pixel] = flag_of(base[pixel], other[pixel], value, limits)

    return loop


@lru_cache(maxsize=256)
def _counts_loop(scaled: Scaled, quantum: float) -> Loop:
    value_of, limits = kernel_of(*scaled)
    steps = steps_of(quantum, most_of(scaled[0]))

    @njit("void(int16[::1], int16[::1], int16[::1], uint8[::1])", **_PACKED)
    def loop(base, other, counts, flags):  # type: ignore[no-untyped-def]
        for pixel in range(base.size):
            value = value_of(base[pixel], other[pixel])
            flag = flag_of(base[pixel], other[pixel], value, limits)
            counts[pixel], flags[pixel] = rounded(value, flag, steps)

    return loop
