"""Circles on the sphere, painted on pixels: a block at a time where no circle's edge is near.

A place's *score* in a circle is (1 - cos d) / (1 - cos r), d its distance from the centre and r the
circle's radius: below 1 inside, and the lower the deeper. A block of pixels whose middle scores so
that no pixel of it can score otherwise is settled as a whole; the other blocks are worked out pixel
by pixel, as the definition says.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any, NamedTuple, Self

import numba
import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.compiling import LOOP
from lunarscale.moon import RADIUS_M, Sea

#: Rows and columns of a block.
BLOCK = 32

#: What cosines may be wrong by; blocks that it matters to are worked out.
NEAR = 1e-12

#: The number of a block that is not settled.
OPEN = -1

Floats = NDArray[np.float64]


def paint(circles: "Circles", lats_deg: Floats, lons_deg: Floats) -> NDArray[np.uint16]:
    """Number of the circle that each place lies deepest in, from 1, or 0; ``(row, col)``.

    Read-only, with strides of 0 where it is one number all over. The first listed wins a tie.

    Parameters
    ----------
    circles : Circles
    lats_deg, lons_deg : ndarray of float64, (row,) and (col,)
        Of the rows and columns, southward and eastward; columns may pass the seam.
    """
    lats, lons = np.radians(lats_deg), np.radians(lons_deg)
    shape = lats.size, lons.size
    number, which = circles.overall(lats, lons)
    if number != OPEN:
        return np.broadcast_to(np.uint16(number), shape)
    touching = circles.at(which)
    blocks, near = touching.settle(lats, lons)
    first = blocks.flat[0]
    if first != OPEN and (blocks == first).all():
        return np.broadcast_to(np.uint16(first), shape)
    out = np.empty(shape, dtype=np.uint16)
    along = np.sin(lats) * np.sin(touching.lat)[:, None]
    across = np.cos(lats) * np.cos(touching.lat)[:, None]
    cosines = np.cos(lons - touching.lon[:, None])
    of_row = np.empty(lons.size), np.empty(lons.size, dtype=np.int64)
    which_depth, angles = (touching.numbers, touching.depth), (along, across, cosines)
    _painter()(blocks, near, which_depth, angles, of_row, out)
    out.setflags(write=False)
    return out


class _Circle(NamedTuple):
    """One circle: its centre in radians and as sine and cosine, and its depth."""

    lon: float
    sin_lat: float
    cos_lat: float
    depth: float


@dataclass(frozen=True, eq=False)
class Circles:
    """Circles as arrays, ``(circle,)``: numbers, centres in radians, and depths.

    The depth is what 1 - cos d is multiplied by to be the score.
    """

    numbers: NDArray[np.int64]
    lon: Floats
    lat: Floats
    depth: Floats

    @classmethod
    def of(cls, circles: Sequence[Sea]) -> Self:
        """All circles, numbered as they come; their radii up to a quarter turn."""
        lon, lat = np.radians([[c.lon for c in circles], [c.lat for c in circles]])
        radius = np.array([c.diameter_km * 500.0 / RADIUS_M for c in circles])
        numbers = np.arange(1, len(circles) + 1)
        return cls(numbers, lon, lat, 1.0 / (1.0 - np.cos(radius)))

    def at(self, which: NDArray[np.intp]) -> Self:
        """Some of them."""
        return type(self)(*(getattr(self, part.name)[which] for part in fields(self)))

    def overall(self, lats: Floats, lons: Floats) -> tuple[int, NDArray[np.intp]]:
        """The number of a rectangle's every place or ``OPEN``, and the circles that may count.

        What ``settle`` does to a block; most rectangles are settled here, a number at a time, which
        for so few is faster than arrays.
        """
        (lat, high), (lon, wide) = _middle(lats), _middle(_onward(lons))
        step = high + wide * math.cos(max(abs(lat) - high, 0.0))
        bounds = [_scores(lat, lon, step, circle=circle) for circle in self._each]
        sure = min(1.0, *(most for _, most in bounds))
        which = [circle for circle, (least, _) in enumerate(bounds) if least <= sure]
        if not which:
            return 0, np.empty(0, dtype=np.intp)
        alone = len(which) == 1 and sure < 1.0
        return int(self.numbers[which[0]]) if alone else OPEN, np.array(which)

    @cached_property
    def _each(self) -> list[_Circle]:
        """Circle by circle what ``_scores`` asks."""
        parts = self.lon, np.sin(self.lat), np.cos(self.lat), self.depth
        return list(map(_Circle, *(part.tolist() for part in parts)))

    def settle(self, lats: Floats, lons: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Each block's number or ``OPEN``, ``(row, col)``, and which circles may count in it.

        At a distance d from a circle's centre, a step of s changes cos d by s sin d + s^2 / 2 at
        most.
        """
        middle = _Middles.of(lats, lons, size=BLOCK)
        cosine, step = middle.cosines(self), middle.radius[:, :, None]
        change = step * np.sqrt(np.maximum(1.0 - cosine**2, 0.0)) + step**2 / 2.0 + NEAR
        least, most = (1.0 - (cosine + change)) * self.depth, (1.0 - (cosine - change)) * self.depth
        # a place outside all circles scores 1: what may score less than all that is sure may win
        sure = np.minimum(most.min(axis=2, initial=1.0), 1.0)
        near = least <= sure[:, :, None]
        alone = near.sum(axis=2) == 1
        within = alone & (sure < 1.0)
        numbers = np.where(near.any(axis=2), OPEN, 0)
        numbers[within] = (near[within] * self.numbers).sum(axis=1)
        return numbers, near


@dataclass(frozen=True, eq=False)
class _Middles:
    """The middles of a rectangle's blocks, and how far their pixels are from them, in radians.

    ``lats`` (row,), ``lons`` (col,), ``radius`` (row, col).
    """

    lats: Floats
    lons: Floats
    radius: Floats

    @classmethod
    def of(cls, lats: Floats, lons: Floats, *, size: int) -> Self:
        """Those of blocks of so many rows and columns, the last ones cut."""
        middle_lats, half_height = _middles(lats, size)
        middle_lons, half_width = _middles(_onward(lons), size)
        # along the parallel and then along the meridian no place is nearer than straight on
        widest = np.cos(np.maximum(np.abs(middle_lats) - half_height, 0.0))
        radius = half_height[:, None] + half_width[None, :] * widest[:, None]
        return cls(middle_lats, middle_lons, radius)

    def cosines(self, circles: Circles) -> Floats:
        """Cosines of their distances from circles' centres, ``(row, col, circle)``."""
        lats, lons = self.lats[:, None, None], self.lons[None, :, None]
        level = np.cos(lats) * np.cos(circles.lat) * np.cos(lons - circles.lon)
        return np.asarray(np.sin(lats) * np.sin(circles.lat) + level)


def _middles(places: Floats, size: int) -> tuple[Floats, Floats]:
    """Middle and half the extent of every ``size`` places."""
    first = places[::size]
    last = places[np.minimum(np.arange(first.size) * size + size, places.size) - 1]
    return (first + last) / 2.0, np.abs(last - first) / 2.0


def _middle(places: Floats) -> tuple[float, float]:
    """Middle and half the extent of all places."""
    first, last = float(places[0]), float(places[-1])
    return (first + last) / 2.0, abs(last - first) / 2.0


def _onward(lons: Floats) -> Floats:
    """Longitudes that go on past the seam: a block on it has its middle there."""
    return lons if lons[-1] >= lons[0] else np.where(lons < lons[0], lons + 2 * np.pi, lons)


def _scores(lat: float, lon: float, step: float, *, circle: _Circle) -> tuple[float, float]:
    """Least and most that a place scores in a circle up to a step from another, in radians."""
    cosine = math.sin(lat) * circle.sin_lat + math.cos(lat) * circle.cos_lat * math.cos(
        lon - circle.lon
    )
    change = step * math.sqrt(max(1.0 - cosine**2, 0.0)) + step**2 / 2.0 + NEAR
    return (1.0 - (cosine + change)) * circle.depth, (1.0 - (cosine - change)) * circle.depth


@cache
def _painter() -> Any:
    """Compiled on first use, once a process; without fast mathematics, as the definition says."""

    # a row's arrays are handed in: to make them would take as long to compile as the loops
    @numba.njit(**LOOP)
    def painter(blocks, near, circles, angles, of_row, out):  # type: ignore[no-untyped-def]
        numbers, depths = circles
        along, across, cosines = angles
        best, won = of_row
        for row in range(out.shape[0]):
            for block in range(blocks.shape[1]):
                # unsigned, so that nothing counts from an array's end and the loops pack
                first = np.uint64(block * BLOCK)
                end = block * BLOCK + BLOCK
                last = np.uint64(end if end < out.shape[1] else out.shape[1])
                settled = blocks[row // BLOCK, block]
                for col in range(first, last):
                    won[col] = settled if settled != OPEN else 0
                    best[col] = 1.0
                if settled != OPEN:
                    continue
                for circle in range(numbers.size):
                    if near[row // BLOCK, block, circle]:
                        for col in range(first, last):
                            cosine = across[circle, row] * cosines[circle, col]
                            score = (1.0 - (cosine + along[circle, row])) * depths[circle]
                            wins = score < best[col]
                            best[col] = score if wins else best[col]
                            won[col] = numbers[circle] if wins else won[col]
            for col in range(out.shape[1]):
                out[row, col] = won[col]

    return painter
