"""The shapes that published equations have, each a small value with its exact float64 form.

With ``r`` the reflectance at the base band (750 nm) and ``q`` the ratio of the other band to it:

- ``AngleLine``: a line in the angle about an origin (iron; the angles themselves).
- ``AnglePower``: a power of that angle (titanium).
- ``OriginDistance``: the distance from the origin (optical maturity).
- ``Plane``: a plane over reflectance and ratio.

Origins and coefficients carry the papers' symbols; reflectances are fractions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _minus(value: float) -> str:
    """The end of a sum as people write it: `` − 0.08``, `` + 0.108``, or nothing for zero."""
    if value == 0:
        return ""
    return f" {'−' if value > 0 else '+'} {_number(abs(value))}"


def _angle(law: "AngleLine | AnglePower", base: str, other: str) -> str:
    run = f"({base}{_minus(law.x0)})" if law.x0 else base
    return f"arctan(({other}/{base}{_minus(law.y0)}) / {run})"


@dataclass(frozen=True)
class AngleLine:
    """``a theta + b`` with ``theta = sign arctan((q - y0) / (r - x0))`` in radians.

    Parameters
    ----------
    x0, y0 : float
        The origin: reflectance and ratio.
    sign : int
        -1 for the iron angle, +1 for the titanium angle.
    a, b : float
        The line; 1 and 0 give the angle itself.
    """

    x0: float
    y0: float
    sign: int
    a: float = 1.0
    b: float = 0.0

    @property
    def floor(self) -> float:
        """Reflectance at and below which there is no value."""
        return max(self.x0, 0.0)

    def exact(self, r: Floats, q: Floats) -> Floats:
        """The value in float64; NaN outside the law's domain."""
        with np.errstate(divide="ignore", invalid="ignore"):
            angle = self.sign * np.arctan((q - self.y0) / (r - self.x0))
        return np.where(r > self.floor, self.a * angle + self.b, np.nan)

    def formula(self, quantity: str, base: str, other: str) -> str:
        """The equation with its numbers."""
        angle = ("−" if self.sign < 0 else "") + _angle(self, base, other)
        if (self.a, self.b) == (1.0, 0.0):
            return f"{quantity} = {angle}"
        return f"{quantity} = {_number(self.a)} θ{_minus(-self.b)}, θ = {angle}"


@dataclass(frozen=True)
class AnglePower:
    """``a theta^p`` with ``theta = arctan((q - y0) / (r - x0))``, where theta is positive.

    Parameters
    ----------
    x0, y0 : float
        The origin: reflectance and ratio.
    a, p : float
        Factor and power.
    """

    x0: float
    y0: float
    a: float
    p: float

    @property
    def floor(self) -> float:
        """Reflectance at and below which there is no value."""
        return max(self.x0, 0.0)

    def exact(self, r: Floats, q: Floats) -> Floats:
        """The value in float64; NaN outside the law's domain."""
        with np.errstate(divide="ignore", invalid="ignore"):
            angle = np.arctan((q - self.y0) / (r - self.x0))
            value = self.a * angle**self.p
        return np.where((r > self.floor) & (angle > 0.0), value, np.nan)

    def formula(self, quantity: str, base: str, other: str) -> str:
        """The equation with its numbers."""
        power = f"{_number(self.a)} θ^{_number(self.p)}"
        return f"{quantity} = {power}, θ = {_angle(self, base, other)}"


@dataclass(frozen=True)
class OriginDistance:
    """``sqrt((r - x0)^2 + (q - y0)^2)``.

    Parameters
    ----------
    x0, y0 : float
        The origin: reflectance and ratio.
    """

    x0: float
    y0: float

    @property
    def floor(self) -> float:
        """Reflectance at and below which there is no value."""
        return max(self.x0, 0.0)

    def exact(self, r: Floats, q: Floats) -> Floats:
        """The value in float64; NaN outside the law's domain."""
        return np.where(r > self.floor, np.hypot(r - self.x0, q - self.y0), np.nan)

    def formula(self, quantity: str, base: str, other: str) -> str:
        """The equation with its numbers."""
        return f"{quantity} = √(({base}{_minus(self.x0)})² + ({other}/{base}{_minus(self.y0)})²)"


@dataclass(frozen=True)
class Plane:
    """``a (u r + v q) + b``.

    Parameters
    ----------
    a, u, v, b : float
        Slope along the direction (u, v) of reflectance and ratio, and the constant.
    """

    a: float
    u: float
    v: float
    b: float

    @property
    def floor(self) -> float:
        """Reflectance at and below which there is no value."""
        return 0.0

    def exact(self, r: Floats, q: Floats) -> Floats:
        """The value in float64; NaN outside the law's domain."""
        return np.where(r > 0.0, self.a * (self.u * r + self.v * q) + self.b, np.nan)

    def formula(self, quantity: str, base: str, other: str) -> str:
        """The equation with its numbers."""
        plane = f"{_number(self.u)} {base} + {_number(self.v)} {other}/{base}"
        return f"{quantity} = {_number(self.a)} ({plane}){_minus(-self.b)}"


Law = AngleLine | AnglePower | OriginDistance | Plane
