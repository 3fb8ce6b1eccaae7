"""The equations as numbers of one pixel: from two counts to a value and its flag, in float32.

Each law is written down here once, as a function of one pixel's counts with the constants baked
in; ``loops`` puts it into loops over pixels. Written with care for two things.

*Speed.* Nothing branches or leaves 32 bits, so LLVM packs the loop around it.

*Exactness near the origin.* ``R750 - x0`` and ``ratio - y0`` cancel there, and float32 would lose
all digits. So both differences are formed in integers: ``y0`` is a fraction with a denominator of
at most 10,000, and ``x0`` in counts is a whole number, subtracted exactly, and a remainder.

Importing compiles nothing.
"""

import math
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lunarscale.errors import ModelError
from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, MapReason
from lunarscale.models.laws import AngleLine, AnglePower, Law, OriginDistance, Plane
from lunarscale.models.polynomials import (
    POWER_ERROR,
    inclination,
    part,
    power_coefficients,
    steepness,
)
from lunarscale.models.quantise import LARGEST

#: Part of every model's digest: raise it whenever any value or flag may change.
KERNEL_VERSION = 1

#: Largest denominator of ``y0``: 2 x 10,000 x 32,767 still fits 32 bits.
_FINEST_Y0 = 10_000

OfPixel: TypeAlias = Any  # numba's functions carry no types

#: A law's lowest count, the lowest and highest that it was fitted on, its ratio's origin as a
#: fraction, and what makes the angle's condition hold always.
Limits: TypeAlias = tuple[np.int32, ...]

i32, f32 = np.int32, np.float32

_NO_INPUT, _OUTSIDE, _ANGLE, _NEGATIVE, _EXTRAPOLATED = map(
    i32,
    (
        MapReason.NO_INPUT,
        MapReason.OUTSIDE_DOMAIN,
        MapReason.ANGLE_NOT_POSITIVE,
        NEGATIVE,
        EXTRAPOLATED,
    ),
)


class Kernel(NamedTuple):
    """A law at one scale, for loops over pixels.

    Parameters
    ----------
    value : (int16, int16) -> float32
        From the counts of the base band and the other; finite for any counts.
    limits : tuple of int32
        What ``flag_of`` asks besides the counts and the value.
    """

    value: OfPixel
    limits: Limits


def kernel_of(law: Law, fitted_range: tuple[float, float], scale: float) -> Kernel:
    """A law for counts of a scale; nothing is compiled yet.

    Parameters
    ----------
    law : Law
    fitted_range : tuple of float
        Reflectances of the base band beyond which a value is flagged as extrapolated.
    scale : float
        Reflectance of one count.

    Raises
    ------
    ModelError
        If the scale is not positive, or the law's ``y0`` is no multiple of 0.0001.
    """
    if not (math.isfinite(scale) and scale > 0.0):
        raise ModelError(f"a count stands for a positive reflectance, not {scale}; see the store")
    return Kernel(_value_of(law, scale), _limits_of(law, fitted_range, scale))


def _value_of(law: Law, scale: float) -> OfPixel:
    match law:
        case AngleLine():
            return _line(law, scale)
        case AnglePower():
            return _power(law, scale)
        case OriginDistance():
            return _distance(law, scale)
        case Plane():
            return _plane(law, scale)


#: Beyond it a product with a reflectance may overflow float32.
LARGEST_COEFFICIENT = 1e30


def require_computable(law: Law) -> None:
    """Refuse a law that no kernel can compute, without compiling one.

    Raises
    ------
    ModelError
        If its ``y0`` is no multiple of 0.0001 from 0 up to 2, its power too far from a
        polynomial, or a number of it beyond float32.
    """
    for name, value in vars(law).items():
        if abs(value) > LARGEST_COEFFICIENT:
            raise ModelError(
                f"{name} is {value:g}, but maps are computed in float32; give a number up to "
                f"{LARGEST_COEFFICIENT:g}"
            )
    if not isinstance(law, Plane):
        _ratio_origin(law.y0)
    if isinstance(law, AnglePower):
        power_coefficients(law.a, law.p)


def most_of(law: Law) -> float:
    """What no value of a law exceeds in magnitude, whatever the counts; infinite where not known.

    A loop need not look whether its values fit where this does.
    """
    match law:
        case AngleLine():
            return abs(law.a) * math.pi / 2 + abs(law.b)
        case AnglePower():
            return abs(law.a) * math.pow(math.pi / 2, law.p) + POWER_ERROR
        case _:
            return math.inf


def first_count_above(reflectance: float, scale: float) -> int:
    """The lowest count whose reflectance, in float64, exceeds the given one, or one beyond all."""
    count = _just_below(reflectance, scale)
    while count <= LARGEST and count * scale <= reflectance:
        count += 1
    return count


def _just_below(reflectance: float, scale: float) -> int:
    """A count below a reflectance, or the least one, or the greatest."""
    return math.floor(min(max(reflectance / scale - 1, -LARGEST), LARGEST))


def _ratio_origin(y0: float) -> tuple[int, int]:
    """Numerator and denominator of ``y0``, exact."""
    fraction = Fraction(repr(y0))
    if fraction.denominator > _FINEST_Y0 or not 0 <= fraction < 2:
        raise ModelError(
            f"an origin's y0 is a multiple of 0.0001 from 0 up to 2, not {y0}; round it "
            "(the fit to stations is flat over thousandths)"
        )
    return fraction.numerator, fraction.denominator


def _count_origin(x0: float, scale: float) -> tuple[np.float32, np.float32]:
    """``x0`` in counts: a whole number, which a count loses exactly, and the rest."""
    whole = math.floor(x0 / scale)
    return f32(whole), f32(x0 / scale - whole)


def _line(law: AngleLine, scale: float) -> OfPixel:
    lowest = i32(first_count_above(law.floor, scale))
    numerator, denominator = _ratio_origin(law.y0)
    whole, rest = _count_origin(law.x0, scale)
    unit = f32(scale * denominator)
    slope, offset = f32(law.sign * law.a), f32(law.b)

    @part
    def value(base, other):  # type: ignore[no-untyped-def]
        count = base if base > lowest else lowest
        rise = f32(i32(other * denominator - count * numerator))
        run = f32(count) * ((f32(count) - whole - rest) * unit)
        return offset + slope * inclination(rise, run)

    return value


def _power(law: AnglePower, scale: float) -> OfPixel:
    lowest = i32(first_count_above(law.floor, scale))
    numerator, denominator = _ratio_origin(law.y0)
    whole, rest = _count_origin(law.x0, scale)
    unit = f32(scale * denominator)
    c0, c1, c2, c3, c4, c5, c6, c7, c8 = power_coefficients(law.a, law.p)

    @part
    def value(base, other):  # type: ignore[no-untyped-def]
        count = base if base > lowest else lowest
        # where the angle is not positive the value is 0, and a flag voids it
        rise = f32(max(i32(other * denominator - count * numerator), i32(0)))
        run = f32(count) * ((f32(count) - whole - rest) * unit)
        angle = steepness(rise, run)
        p = c7 + angle * c8
        p = c6 + angle * p
        p = c5 + angle * p
        p = c4 + angle * p
        p = c3 + angle * p
        p = c2 + angle * p
        p = c1 + angle * p
        return max(c0 + angle * p, f32(0))

    return value


def _distance(law: OriginDistance, scale: float) -> OfPixel:
    lowest = i32(first_count_above(law.floor, scale))
    numerator, denominator = _ratio_origin(law.y0)
    whole, rest = _count_origin(law.x0, scale)
    unit, per_denominator = f32(scale), f32(1.0 / denominator)

    @part
    def value(base, other):  # type: ignore[no-untyped-def]
        count = base if base > lowest else lowest
        rise = f32(i32(other * denominator - count * numerator)) * per_denominator / f32(count)
        run = (f32(count) - whole - rest) * unit
        return np.sqrt(run * run + rise * rise)

    return value


def _plane(law: Plane, scale: float) -> OfPixel:
    lowest = i32(first_count_above(law.floor, scale))
    per_count, per_ratio = f32(law.a * law.u * scale), f32(law.a * law.v)
    offset = f32(law.b)

    @part
    def value(base, other):  # type: ignore[no-untyped-def]
        count = f32(base if base > lowest else lowest)
        return offset + per_count * count + per_ratio * (f32(other) / count)

    return value


@part
def flag_of(base, other, value, limits):  # type: ignore[no-untyped-def]
    """Flag of a pixel from its counts, its value and a law's limits; compiled once for all laws."""
    lowest, fitted_low, fitted_high, numerator, denominator, always = limits
    stretched = _NEGATIVE if value < f32(0) else i32(0)
    stretched |= _EXTRAPOLATED if (base < fitted_low) | (base > fitted_high) else i32(0)
    # below the lowest count another reason stands, so ``value``'s own rise will do
    rise = i32(other * denominator - (base if base > lowest else lowest) * numerator + always)
    reason = stretched if rise > 0 else _ANGLE
    reason = _OUTSIDE if base < lowest else reason
    return np.uint8(_NO_INPUT if (base == NO_DATA) | (other == NO_DATA) else reason)


def _limits_of(law: Law, fitted_range: tuple[float, float], scale: float) -> Limits:
    # a law without a condition on its angle gets one that always holds: 0 - 0 + 1 > 0
    checks_angle = isinstance(law, AnglePower)
    numerator, denominator = _ratio_origin(law.y0) if isinstance(law, AnglePower) else (0, 0)
    fitted = _fitted_counts(fitted_range, scale)
    numbers = first_count_above(law.floor, scale), *fitted, numerator, denominator, not checks_angle
    return tuple(map(i32, numbers))


def _fitted_counts(fitted_range: tuple[float, float], scale: float) -> tuple[int, int]:
    """The lowest and highest count within the fitted range, edges included."""
    low, high = fitted_range
    lowest = _just_below(low, scale)
    while lowest <= LARGEST and lowest * scale < low:
        lowest += 1
    return lowest, first_count_above(high, scale) - 1
