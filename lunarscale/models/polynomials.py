"""Arctangent, binary logarithm and exponential without a branch, for float32 loops.

The mathematical library's functions are scalar calls in double precision, and one of them in a
loop keeps the whole loop scalar. These are polynomials with selects, so that a loop over pixels
compiles to packed instructions.

The coefficients are minimax fits by Remez exchange, done in float64 on 200,001 Chebyshev points
and rounded to float32. The errors stated are those of the fits; the functions as they run, in
float32, are measured in ``tests/models/test_polynomials.py``.
"""

import math

import numpy as np
from numba import njit

#: Contraction to fused multiply-adds is all that the loops gain from. Reassociation would undo
#: the exact integer steps of the kernels, and reciprocal estimates would let the packed part of
#: a loop differ from its scalar end: a value would depend on how an image is cut.
FAST = {"contract", "nnan", "ninf", "nsz"}

_HALF_PI = np.float32(math.pi / 2)
_SQRT_HALF = np.int32(np.float32(math.sqrt(0.5)).view(np.int32))

# arctan(t) = t P(t^2) on [0, 1], relative error 1.6e-8; the constant term rounds to 1.
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

# log2(1 + u) = u P(u) on [sqrt(1/2) - 1, sqrt(2) - 1], absolute error 4.9e-8.
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7 = map(
    np.float32,
    [
        1.4426947832107544,
        -0.7213571071624756,
        0.4809393882751465,
        -0.3600881099700928,
        0.2867085337638855,
        -0.25006118416786194,
        0.2368825376033783,
        -0.14575764536857605,
    ],
)

# 2^u = P(u) on [-1/2, 1/2], relative error 7.5e-8.
_E0, _E1, _E2, _E3, _E4, _E5 = map(
    np.float32,
    [
        1.0000001192092896,
        0.6931469440460205,
        0.24022120237350464,
        0.05550713092088699,
        0.009675540961325169,
        0.0013276472454890609,
    ],
)


@njit(inline="always")
def steepness(rise, run):  # type: ignore[no-untyped-def]
    """arctan(rise / run) in radians, 0 to pi/2, for ``rise`` >= 0 and ``run`` > 0.

    The smaller is divided by the larger, so one division serves both halves of the range.
    """
    t = min(rise, run) / max(rise, run)
    s = t * t
    p = _A7 + s * _A8
    p = _A6 + s * p
    p = _A5 + s * p
    p = _A4 + s * p
    p = _A3 + s * p
    p = _A2 + s * p
    p = _A1 + s * p
    angle = t + t * (s * p)
    return _HALF_PI - angle if rise > run else angle


@njit(inline="always")
def inclination(rise, run):  # type: ignore[no-untyped-def]
    """arctan(rise / run) in radians, -pi/2 to pi/2, for ``run`` > 0."""
    angle = steepness(abs(rise), run)
    return -angle if rise < np.float32(0) else angle


@njit(inline="always")
def log2(x):  # type: ignore[no-untyped-def]
    """Binary logarithm of a positive, normal float32."""
    bits = np.float32(x).view(np.int32)
    exponent = np.int32(bits - _SQRT_HALF) >> 23
    u = np.int32(bits - (exponent << 23)).view(np.float32) - np.float32(1)
    p = _L6 + u * _L7
    p = _L5 + u * p
    p = _L4 + u * p
    p = _L3 + u * p
    p = _L2 + u * p
    p = _L1 + u * p
    p = _L0 + u * p
    return np.float32(exponent) + u * p


@njit(inline="always")
def exp2(x):  # type: ignore[no-untyped-def]
    """2 to the power of a float32 between -125 and 127."""
    whole = np.rint(x)
    u = x - whole
    p = _E4 + u * _E5
    p = _E3 + u * p
    p = _E2 + u * p
    p = _E1 + u * p
    p = _E0 + u * p
    # p lies near 1: adding to its exponent multiplies it by a power of two
    bits = np.float32(p).view(np.int32)
    return np.int32(bits + (np.int32(whole) << 23)).view(np.float32)
