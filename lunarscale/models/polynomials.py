"""Arctangent and powers without a branch, for float32 loops.

The mathematical library's functions are scalar calls in double precision, and one of them in a
loop keeps the whole loop scalar. These are polynomials with selects, so that a loop over pixels
compiles to packed instructions.
"""

import math

import numpy as np
from numba import njit
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray

from lunarscale.errors import ModelError
from lunarscale.grid.compiling import PART

#: Contraction to fused multiply-adds is all that the loops gain from. Reassociation would undo
#: the exact integer steps of the kernels, and reciprocal estimates would let the packed part of
#: a loop differ from its scalar end: a value would depend on how an image is cut.
FAST = {"contract", "nnan", "ninf", "nsz"}

#: A part of a pixel's value. LLVM puts it into the loop around it, which takes less time than
#: numba's own inlining; so it has its mathematics from here, not from the loop.
part = njit(forceinline=True, fastmath=FAST, error_model="numpy", **PART)

#: How far the polynomial of a power may be from it, in the value's units.
POWER_ERROR = 5e-5

_HALF_PI = np.float32(math.pi / 2)

# arctan(t) = t P(t^2) on [0, 1] with a relative error of 1.6e-8; the constant term rounds to 1.
# A minimax fit by Remez exchange, in float64 on 200,001 Chebyshev points, rounded to float32;
# the function as it runs, in float32, is measured in tests/models/test_polynomials.py.
_A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8 = map(
    np.float32,
    [
        -0.3333307206630707,
        0.1999261975288391,
        -0.14203643798828125,
        0.10640934109687805,
        -0.07504294812679291,
        0.04269152134656906,
        -0.016068629920482635,
        0.002849889686331153,
    ],
)


@part
def steepness(rise, run):  # type: ignore[no-untyped-def]
    """arctan(rise / run) in radians, 0 to pi/2, for ``rise`` >= 0 and ``run`` > 0.

    The smaller is divided by the larger, so one division serves both halves of the range.
    """
    steep = rise > run  # written out: numba compiles ``min`` and ``max`` anew for any two types
    t = (run if steep else rise) / (rise if steep else run)
    s = t * t
    p = _A7 + s * _A8
    p = _A6 + s * p
    p = _A5 + s * p
    p = _A4 + s * p
    p = _A3 + s * p
    p = _A2 + s * p
    p = _A1 + s * p
    angle = t + t * (s * p)
    return _HALF_PI - angle if steep else angle


@part
def inclination(rise, run):  # type: ignore[no-untyped-def]
    """arctan(rise / run) in radians, -pi/2 to pi/2, for ``run`` > 0."""
    angle = steepness(abs(rise), run)
    return -angle if rise < np.float32(0) else angle


def power_coefficients(factor: float, power: float) -> NDArray[np.float32]:
    """Coefficients, constant first, of a polynomial that is ``factor * angle**power``.

    A power of 3 and a half or more is so smooth on 0 to pi/2 that its Chebyshev interpolant of
    degree 8 is nearer to it than a logarithm and an exponential in float32, at a third of their
    cost.

    Raises
    ------
    ModelError
        If the polynomial misses the power by more than ``POWER_ERROR`` anywhere.
    """

    def law(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        return factor * angle**power

    domain = [0.0, math.pi / 2]
    fit = Chebyshev.interpolate(law, 8, domain=domain)
    angles = np.linspace(0.0, math.pi / 2, 10_001)
    error = float(np.abs(fit(angles) - law(angles)).max()) if power > 0.0 else math.inf
    if not error <= POWER_ERROR:
        raise ModelError(
            f"{factor:g} times an angle to the power {power:g} is {error:.1g} from its polynomial, "
            f"more than {POWER_ERROR:g}; powers from about 3.5 to 8 can be mapped"
        )
    return fit.convert(kind=Polynomial).coef.astype(np.float32)
