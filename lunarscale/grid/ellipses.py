"""A basin drawn as an ellipse on the sphere."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.groupings import digest_of, wrapped_lons
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.moon import RADIUS_M, SOUTH_POLE_AITKEN, Ellipse

#: Numbers of the groups.
INSIDE, OUTSIDE = np.uint16(1), np.uint16(2)

#: Rows and columns of a block of pixels that may be settled at once.
BLOCK = 32

#: Radians: a larger block, of a coarse grid, is worked out pixel by pixel.
LARGEST_BLOCK = 0.05

#: Above d / sin d as far as such a block reaches from an edge 1,200 km from the centre.
STRETCH = 1.15


@dataclass(frozen=True)
class SouthPoleAitken:
    """The basin as an ellipse, and the rest of the Moon.

    The ellipse is laid on the sphere by distance and azimuth from its centre: a place at the
    great-circle distance d and at the angle b from the long axis is inside where
    (d cos b / a)^2 + (d sin b / c)^2 <= 1 with half axes a and c. Either axis then has its
    published length on the ground, and a circle is a circle. A plane map that keeps areas would
    shorten the axes; this one holds 3.4 % less area than the plane ellipse of the same axes, as
    a cap of that size holds less than a disc.

    Parameters
    ----------
    ellipse : Ellipse
        Half axes up to 1,200 km; Garrick-Bethell and Zuber 2009 by default.
    """

    ellipse: Ellipse = SOUTH_POLE_AITKEN
    name: str = "spa"
    groups: tuple[str, ...] = ("South Pole-Aitken", "outside South Pole-Aitken")

    @property
    def digest(self) -> str:
        """SHA-256 of the ellipse."""
        return digest_of("SouthPoleAitken", list(self.ellipse))

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """1 inside, 2 outside, ``(height, width)``."""
        lats, lons = np.radians(grid.lats(window)), np.radians(wrapped_lons(grid, window))
        blocks = _Blocks.of(self.ellipse, lats, lons)
        if not blocks.open.any() and blocks.inside.all() == blocks.inside.any():
            one = INSIDE if blocks.inside.all() else OUTSIDE
            return np.broadcast_to(one, (window.height, window.width))
        codes = np.where(blocks.inside, INSIDE, OUTSIDE)
        out = codes.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: window.height, : window.width]
        for row in np.flatnonzero(blocks.open.any(axis=1)).tolist():
            open_cols = np.flatnonzero(blocks.open[row])
            rows = slice(row * BLOCK, (row + 1) * BLOCK)
            cols = slice(open_cols[0] * BLOCK, (open_cols[-1] + 1) * BLOCK)
            reach = _reach(self.ellipse, lats[rows], lons[cols])
            out[rows, cols] = np.where(reach <= 1.0, INSIDE, OUTSIDE)
        return out


class _Blocks(NamedTuple):
    """Squares of pixels: whether the middle is inside, and whether some pixel may differ."""

    inside: NDArray[np.bool_]
    open: NDArray[np.bool_]

    @classmethod
    def of(
        cls, ellipse: Ellipse, lats: NDArray[np.float64], lons: NDArray[np.float64]
    ) -> "_Blocks":
        """The blocks of rows and columns at these latitudes and longitudes, in radians.

        A block is settled by its middle where that is farther from the edge than any of its
        pixels is from the middle. On the ground as the ellipse sees it, steps across the line of
        sight are longer than they are by d / sin d, under ``STRETCH`` for all that matters here.
        """
        middle_lats, half_height = _middles(lats)
        # a window over the seam has a block on it, whose middle is nowhere near
        middle_lons, half_width = _middles(np.unwrap(lons))
        widest = np.cos(np.maximum(np.abs(middle_lats) - half_height, 0.0))
        radius = half_height[:, None] + half_width[None, :] * widest[:, None]
        reach = _reach(ellipse, middle_lats, middle_lons)
        margin = STRETCH * radius / (ellipse.short_km * 500.0 / RADIUS_M)
        settled = (np.abs(reach - 1.0) > margin) & (radius < LARGEST_BLOCK)
        return cls(reach <= 1.0, ~settled)


def _middles(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and half the extent of every ``BLOCK`` places, the last ones cut."""
    first = places[::BLOCK]
    last = places[np.minimum(np.arange(first.size) * BLOCK + BLOCK, places.size) - 1]
    return (first + last) / 2.0, np.abs(last - first) / 2.0


def _reach(
    ellipse: Ellipse, lats: NDArray[np.float64], lons: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far out places are: 0 at the centre, 1 on the edge; ``(row, col)``.

    Parameters
    ----------
    ellipse : Ellipse
    lats, lons : ndarray of float64, (row,) and (col,)
        In radians.
    """
    lon, lat, azimuth = np.radians([ellipse.lon, ellipse.lat, ellipse.azimuth_deg])
    sin_lat, cos_lat = np.sin(lats)[:, None], np.cos(lats)[:, None]
    cosines, sines = np.cos(lons - lon), np.sin(lons - lon)
    # east, north and outward at the centre: the first two are sin d times the azimuth's
    east = cos_lat * sines
    north = sin_lat * np.cos(lat) - cos_lat * (np.sin(lat) * cosines)
    outward = sin_lat * np.sin(lat) + cos_lat * (np.cos(lat) * cosines)
    halves = np.array([ellipse.long_km, ellipse.short_km]) * 500.0 / RADIUS_M
    by_long = north * np.cos(azimuth) + east * np.sin(azimuth)
    by_short = east * np.cos(azimuth) - north * np.sin(azimuth)
    across = np.sqrt(by_long**2 + by_short**2)
    stretch = np.sqrt((by_long / halves[0]) ** 2 + (by_short / halves[1]) ** 2)
    distance = np.arctan2(across, outward)
    # at the centre itself the sine and the arc are one
    return np.asarray(stretch * np.divide(distance, across, where=across > 0, out=across + 1.0))
