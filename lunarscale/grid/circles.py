"""Circles on the sphere, as stripes of pixels: a block at a time where no circle's edge is near.

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
from lunarscale.grid.raster import Window
from lunarscale.grid.stripes import Stripes
from lunarscale.moon import RADIUS_M, Sea

#: Rows and columns of a block.
BLOCK = 32

#: What cosines may be wrong by; blocks that it matters to are worked out.
NEAR = 1e-12

#: The number of a block that is not settled.
OPEN = -1

Floats = NDArray[np.float64]


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

    def settle(
        self, lats: Floats, lons: Floats, *, size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Each block's number or ``OPEN``, ``(row, col)``, and where each circle may count.

        At a distance d from a circle's centre, a step of s changes cos d by s sin d + s^2 / 2 at
        most.
        """
        middle = _Middles.of(lats, lons, size=size)
        # circles first: NumPy is slow along axes as short as they are few
        cosine, step, depth = middle.cosines(self), middle.radius, self.depth[:, None, None]
        change = step * np.sqrt(np.maximum(1.0 - cosine**2, 0.0)) + (step**2 / 2.0 + NEAR)
        score, change = (1.0 - cosine) * depth, change * depth
        # a place outside all circles scores 1: what may score less than all that is sure may win
        sure = (score + change).min(axis=0, initial=1.0)
        near = score - change <= sure
        found = near.sum(axis=0)
        numbers = np.where(found == 0, 0, OPEN)
        alone = (found == 1) & (sure < 1.0)
        if alone.any():
            numbers[alone] = self.numbers[near.argmax(axis=0)[alone]]
        return numbers, near


@dataclass(frozen=True, eq=False)
class Settled:
    """A rectangle's blocks.

    Parameters
    ----------
    circles : Circles
        Those that may count in it.
    size : int
        Rows and columns of a block.
    blocks : ndarray of int64, (row, col)
        Each block's number or ``OPEN``.
    near : ndarray of bool, (circle, row, col)
        Where each of them may count.
    """

    circles: Circles
    size: int
    blocks: NDArray[np.int64]
    near: NDArray[np.bool_]

    @classmethod
    def of(cls, circles: Circles, lats_deg: Floats, lons_deg: Floats, *, size: int) -> Self:
        """A rectangle of rows and columns at these degrees, in blocks of so many.

        Parameters
        ----------
        circles : Circles
        lats_deg, lons_deg : ndarray of float64, (row,) and (col,)
            Southward and eastward; columns may pass the seam.
        size : int
        """
        lats, lons = np.radians(lats_deg), np.radians(lons_deg)
        number, which = circles.overall(lats, lons)
        touching = circles.at(which)
        if number == OPEN:
            return cls(touching, size, *touching.settle(lats, lons, size=size))
        shape = -(-lats.size // size), -(-lons.size // size)
        near = np.broadcast_to(np.True_, (which.size, *shape))
        return cls(touching, size, np.broadcast_to(np.int64(number), shape), near)

    def part(self, place: Window) -> tuple[int, Circles]:
        """The number of a part's every pixel or ``OPEN``, and the circles that may count in it.

        Parameters
        ----------
        place : Window
            In the rectangle's rows and columns.
        """
        bottom, right = place.row + place.height, place.col + place.width
        rows = slice(place.row // self.size, -(-bottom // self.size))
        within = rows, slice(place.col // self.size, -(-right // self.size))
        blocks, near = self.blocks[within], self.near[:, *within]
        number = int(blocks[0, 0])
        if number != OPEN and (blocks == number).all():
            return number, self.circles
        return OPEN, self.circles.at(np.flatnonzero(near.any(axis=(1, 2))))


def stripes_of(circles: Circles, lats_deg: Floats, lons_deg: Floats) -> Stripes:
    """Number of the circle that each place lies deepest in, from 1, or 0.

    The first listed wins a tie.

    Parameters
    ----------
    circles : Circles
        Few as a rule: those that may count there.
    lats_deg, lons_deg : ndarray of float64, (row,) and (col,)
        Of the rows and columns, southward and eastward; columns may pass the seam.
    """
    lats, lons = np.radians(lats_deg), np.radians(lons_deg)
    blocks, near = circles.settle(lats, lons, size=BLOCK)
    along = np.sin(lats) * np.sin(circles.lat)[:, None]
    across = np.cos(lats) * np.cos(circles.lat)[:, None]
    cosines = np.cos(lons - circles.lon[:, None])
    most = lats.size * blocks.shape[1] + np.count_nonzero(blocks == OPEN) * BLOCK**2
    found = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.uint16)
    of_block = np.empty(BLOCK), np.empty(BLOCK, dtype=np.int64)
    which_depth, angles = (circles.numbers, circles.depth), (along, across, cosines)
    count = _striper()(blocks, near, which_depth, angles, of_block, found)
    # copies: what is kept is the stripes, not the room that was made for them
    starts, numbers = (part[:count].copy() for part in found)
    one = (numbers == numbers[0]).all()
    return Stripes.of_one(int(numbers[0])) if one else Stripes(starts, numbers)


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
        """Cosines of their distances from circles' centres, ``(circle, row, col)``."""
        lats, lons = self.lats[:, None], self.lons[None, :]
        lat, lon = circles.lat[:, None, None], circles.lon[:, None, None]
        level = (np.cos(lats) * np.cos(lat)) * np.cos(lons - lon)
        return np.asarray(np.sin(lats) * np.sin(lat) + level)


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
def _striper() -> Any:
    """Compiled on first use, once a process; without fast mathematics, as the definition says."""

    # a block's arrays are handed in: to make them would take as long to compile as the loops
    @numba.njit(**LOOP)
    def striper(blocks, near, circles, angles, of_block, found):  # type: ignore[no-untyped-def]
        numbers, depths = circles
        along, across, cosines = angles
        best, won = of_block
        starts, which = found
        width, count = cosines.shape[1], 0
        for row in range(along.shape[1]):
            last = OPEN
            for block in range(blocks.shape[1]):
                first = block * BLOCK
                number = blocks[row // BLOCK, block]
                if number != OPEN:
                    if number != last:
                        starts[count], which[count] = row * width + first, number
                        last, count = number, count + 1
                    continue
                end = first + BLOCK if first + BLOCK < width else width
                # unsigned, so that nothing counts from an array's end and the loops pack
                left, size = np.uint64(first), np.uint64(end - first)
                for col in range(size):
                    best[col], won[col] = 1.0, 0
                for circle in range(numbers.size):
                    if near[circle, row // BLOCK, block]:
                        for col in range(size):
                            cosine = across[circle, row] * cosines[circle, left + col]
                            score = (1.0 - (cosine + along[circle, row])) * depths[circle]
                            wins = score < best[col]
                            best[col] = score if wins else best[col]
                            won[col] = numbers[circle] if wins else won[col]
                for col in range(size):
                    if won[col] != last:
                        starts[count] = row * width + first + np.int64(col)
                        which[count] = won[col]
                        last, count = won[col], count + 1
        return count

    return striper
