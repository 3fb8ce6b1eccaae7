"""Circles on the sphere, painted on pixels: a block at a time where no circle's edge is near.

A place's *score* in a circle is (1 - cos d) / (1 - cos r), d its distance from the centre and r the
circle's radius: below 1 inside, and the lower the deeper. A block of pixels whose middle scores so
that no pixel of it can score otherwise is settled as a whole; the other blocks are worked out pixel
by pixel, as the definition says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Self

import numba
import numpy as np
from numpy.typing import NDArray

from lunarscale.moon import RADIUS_M, Sea

#: Rows and columns of a block.
BLOCK = 32

#: What cosines may be wrong by; blocks that it matters to are worked out.
NEAR = 1e-12

#: The number of a block that is not settled.
OPEN = -1

Floats = NDArray[np.float64]


def paint(
    circles: Sequence[Sea], lats_deg: Floats, lons_deg: Floats
) -> NDArray[np.uint16]:  # fmt: skip
    """Number of the circle that each place lies deepest in, from 1, or 0; ``(row, col)``.

    Read-only, with strides of 0 where it is one number all over. The first listed wins a tie.

    Parameters
    ----------
    circles : sequence of Sea
        Their radii up to a quarter turn.
    lats_deg, lons_deg : ndarray of float64, (row,) and (col,)
        Of the rows and columns, southward and eastward; columns may pass the seam.
    """
    lats, lons = np.radians(lats_deg), np.radians(lons_deg)
    every, shape = _circles(tuple(circles)), (lats.size, lons.size)
    which = np.flatnonzero(every.touch(lats, lons))
    if not which.size:
        return np.broadcast_to(np.uint16(0), shape)
    touching = every.at(which)
    blocks, near = touching.settle(lats, lons)
    first = blocks.flat[0]
    if first != OPEN and (blocks == first).all():
        return np.broadcast_to(np.uint16(first), shape)
    out = np.empty(shape, dtype=np.uint16)
    along = np.sin(lats) * np.sin(touching.lat)[:, None]
    across = np.cos(lats) * np.cos(touching.lat)[:, None]
    cosines = np.cos(lons - touching.lon[:, None])
    _painter()(blocks, near, (touching.numbers, touching.depth), (along, across, cosines), out)
    out.setflags(write=False)
    return out


@dataclass(frozen=True, eq=False)
class _Circles:
    """Circles as arrays, ``(circle,)``: numbers, centres and radii in radians, and depths.

    The depth is what 1 - cos d is multiplied by to be the score.
    """

    numbers: NDArray[np.int64]
    lon: Floats
    lat: Floats
    radius: Floats
    depth: Floats

    @classmethod
    def of(cls, circles: Sequence[Sea]) -> Self:
        """All circles, numbered as they come."""
        lon, lat = np.radians([[c.lon for c in circles], [c.lat for c in circles]])
        radius = np.array([c.diameter_km * 500.0 / RADIUS_M for c in circles])
        numbers = np.arange(1, len(circles) + 1)
        return cls(numbers, lon, lat, radius, 1.0 / (1.0 - np.cos(radius)))

    def at(self, which: NDArray[np.intp]) -> Self:
        """Some of them."""
        return type(self)(*(array[which] for array in vars(self).values()))

    def touch(self, lats: Floats, lons: Floats) -> NDArray[np.bool_]:
        """Which circles may hold a place of a rectangle; few others are among them."""
        middle = _Middles.of(lats, lons, size=max(lats.size, lons.size))
        cosine = middle.cosines(self)[0, 0]
        reach = np.minimum(self.radius + middle.radius[0, 0], np.pi)
        return np.asarray(cosine >= np.cos(reach) - NEAR)

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


@lru_cache(maxsize=8)
def _circles(circles: tuple[Sea, ...]) -> _Circles:
    return _Circles.of(circles)


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
        # columns past the seam go on: a block on it has its middle there
        middle_lons, half_width = _middles(np.where(lons < lons[0], lons + 2 * np.pi, lons), size)
        # along the parallel and then along the meridian no place is nearer than straight on
        widest = np.cos(np.maximum(np.abs(middle_lats) - half_height, 0.0))
        radius = half_height[:, None] + half_width[None, :] * widest[:, None]
        return cls(middle_lats, middle_lons, radius)

    def cosines(self, circles: _Circles) -> Floats:
        """Cosines of their distances from circles' centres, ``(row, col, circle)``."""
        lats, lons = self.lats[:, None, None], self.lons[None, :, None]
        level = np.cos(lats) * np.cos(circles.lat) * np.cos(lons - circles.lon)
        return np.asarray(np.sin(lats) * np.sin(circles.lat) + level)


def _middles(places: Floats, size: int) -> tuple[Floats, Floats]:
    """Middle and half the extent of every ``size`` places."""
    first = places[::size]
    last = places[np.minimum(np.arange(first.size) * size + size, places.size) - 1]
    return (first + last) / 2.0, np.abs(last - first) / 2.0


@cache
def _painter() -> Any:
    """Compiled on first use, once a process; without fast mathematics, as the definition says."""

    @numba.njit(nogil=True)
    def painter(blocks, near, circles, angles, out):  # type: ignore[no-untyped-def]
        numbers, depths = circles
        along, across, cosines = angles
        best, won = np.empty(out.shape[1]), np.empty(out.shape[1], dtype=np.int64)
        for row in range(out.shape[0]):
            for block in range(blocks.shape[1]):
                # unsigned, so that nothing counts from an array's end and the loops pack
                first = np.uint64(block * BLOCK)
                last = np.uint64(min(block * BLOCK + BLOCK, out.shape[1]))
                settled = max(blocks[row // BLOCK, block], 0)
                for col in range(first, last):
                    won[col], best[col] = settled, 1.0
                if blocks[row // BLOCK, block] != OPEN:
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
