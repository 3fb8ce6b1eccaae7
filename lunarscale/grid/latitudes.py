"""Bands of latitude as a grouping."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.groupings import digest_of
from lunarscale.grid.raster import RasterGrid, Window

#: Group numbers are uint16.
MOST_BANDS = 0xFFFF


@dataclass(frozen=True)
class LatitudeBands:
    """Bands of latitude of one height, from the south pole to the north pole.

    A place on an edge is in the band south of it, as in ``RasterGrid.locate``.

    Parameters
    ----------
    step_deg : float
        Height of a band in degrees; must divide 180.

    Raises
    ------
    RegionError
        If it does not, or gives more bands than groups can be numbered.
    """

    step_deg: float
    name: str = "latitude"

    def __post_init__(self) -> None:
        step = self.step_deg
        # a float stands for the decimal number that it is written as: 0.1 is a tenth
        fits = 0.0 < step <= 180.0 and (180 / Fraction(str(step))).denominator == 1
        if not fits:
            raise RegionError(
                f"latitude bands of {step:g} degrees: {_advice(step)}, so that bands run from pole "
                "to pole"
            )
        if self.bands > MOST_BANDS:
            raise RegionError(
                f"latitude bands of {step:g} degrees: {self.bands:,} bands are more than the "
                f"{MOST_BANDS:,} groups that a table can have; give a larger step"
            )

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(180 / Fraction(str(self.step_deg)))

    @property
    def groups(self) -> tuple[str, ...]:
        """``90 S to 85 S`` and on to the north."""
        return _names(self.bands)

    @property
    def digest(self) -> str:
        """SHA-256 of the number of bands."""
        return digest_of("LatitudeBands", self.bands)

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Number of the band at each pixel, 1 at the south pole, ``(height, width)``."""
        rows = np.arange(window.height, dtype=np.int64) + (grid.row + window.row)
        # in whole numbers: a centre lies (2 row + 1) / around of the way from the north pole
        from_north = (2 * rows + 1) * self.bands // grid.around
        column = (self.bands - from_north).astype(np.uint16)
        if column[0] == column[-1]:
            return np.broadcast_to(column[0], (window.height, window.width))
        return np.broadcast_to(column[:, None], (window.height, window.width))


@lru_cache(maxsize=8)
def _names(bands: int) -> tuple[str, ...]:
    """Names of so many bands; kept, for they are asked for with every chunk."""
    edges = [_named(Fraction(180 * k, bands) - 90) for k in range(bands + 1)]
    return tuple(f"{south} to {north}" for south, north in pairwise(edges))


def _named(lat: Fraction) -> str:
    """A latitude in words: ``85 S``, ``0``, ``7.5 N``."""
    return f"{float(abs(lat)):g} {'S' if lat < 0 else 'N'}" if lat else "0"


def _advice(step: float) -> str:
    """What a step should be: the nearest whole numbers that divide 180, where it is near some."""
    divisors = [k for k in range(1, 181) if 180 % k == 0]
    below = max((k for k in divisors if k < step), default=None)
    above = min((k for k in divisors if k > step), default=None)
    if below is None or above is None:
        return "the step must divide 180, as 5 or 10 does"
    return f"the step must divide 180, as {below} or {above} does"
