"""Regions drawn as polygons in longitude and latitude, filled exactly at pixel centres.

Edges are straight in longitude and latitude, as they look on a simple cylindrical map. A row's
crossings are computed from its latitude alone and every edge is walked from south to north, so
a pixel's group does not depend on the window, and neighbours that share an edge share no pixel
and leave none between them.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.groupings import digest_of
from lunarscale.grid.raster import RasterGrid, Window

Ring = NDArray[np.float64]

#: Fraction of a pixel by which a crossing may lie past a centre and still be on it: an outline
#: that closes over the seam is the same line 360 degrees on, but for the rounding.
NEAR = 1e-7


@dataclass(frozen=True, eq=False)
class Polygon:
    """Rings that bound one area by the even-odd rule: an outline and its holes.

    Parameters
    ----------
    number : int
        Group it belongs to.
    edges : ndarray of float64, (edge, 4)
        South end's longitude and latitude, north end's longitude and latitude, degrees;
        edges along a parallel bound nothing and are left out.
    """

    number: int
    edges: NDArray[np.float64]

    @classmethod
    def of_rings(cls, number: int, rings: list[Ring]) -> "Polygon":
        """The polygon of closed rings, each ``(vertex, 2)`` longitudes and latitudes."""
        edges = np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in rings])
        edges = edges[edges[:, 1] != edges[:, 3]]
        falls = edges[:, 1] > edges[:, 3]
        edges[falls] = edges[falls][:, [2, 3, 0, 1]]
        return cls(number, edges)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in degrees."""
        lons = self.edges[:, [0, 2]]
        south, north = self.edges[:, 1].min(), self.edges[:, 3].max()
        return float(lons.min()), float(south), float(lons.max()), float(north)


@dataclass(frozen=True, eq=False)
class PolygonGrouping:
    """Groups of polygons; where they overlap the first listed wins.

    Longitudes may run from -360 to 540: a polygon over the seam goes on past 180 or is split
    there, and is found from either side.

    Parameters
    ----------
    name : str
    groups : tuple of str
    polygons : tuple of Polygon
    """

    name: str
    groups: tuple[str, ...]
    polygons: tuple[Polygon, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the names and outlines."""
        outlines = [
            (polygon.number, hashlib.sha256(np.ascontiguousarray(polygon.edges).data).hexdigest())
            for polygon in self.polygons
        ]
        return digest_of("PolygonGrouping", self.name, self.groups, outlines)

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Number of the first polygon that holds each pixel, ``(height, width)``; 0 outside."""
        out = np.zeros((window.height, window.width), dtype=np.uint16)
        west, south, east, north = grid.bounds(window)
        for polygon in self.polygons:
            p_west, p_south, p_east, p_north = polygon.bounds
            if p_south > north or p_north < south:
                continue
            for turn in range(-2, 4):
                if p_west + 360.0 * turn <= east and p_east + 360.0 * turn >= west:
                    _fill(polygon, turn, grid=grid, window=window, out=out)
        return out


def _fill(
    polygon: Polygon, turn: int, *, grid: RasterGrid, window: Window, out: NDArray[np.uint16]
) -> None:
    """Give the polygon's number to the pixels within it that have none yet."""
    rows, lons = _crossings(polygon.edges, grid.lats(window))
    if not rows.size:
        return
    # the first column whose centre lies at or east of the crossing, in the whole grid's columns
    cols = np.ceil((lons + 180.0) * (grid.around / 360.0) - 0.5 - NEAR).astype(np.int64)
    cols = np.clip(cols + grid.around * turn - (grid.col + window.col), 0, window.width)
    top, bottom = int(rows.min()), int(rows.max()) + 1
    left, right = int(cols.min()), int(cols.max())
    if left == right:
        return
    toggles = np.zeros((bottom - top, right - left + 1), dtype=np.uint8)
    np.add.at(toggles, (rows - top, cols - left), np.uint8(1))
    inside = (np.cumsum(toggles, axis=1, dtype=np.uint8)[:, :-1] & 1).astype(bool)
    part = out[top:bottom, left:right]
    part[inside & (part == 0)] = polygon.number


def _crossings(
    edges: NDArray[np.float64], lats: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where the edges cross the rows: row numbers and longitudes, in no order.

    An edge holds its south end and not its north end, so a vertex is crossed once.
    """
    west, south, east, north = edges.T
    # rows run from north to south: ascending is the mirrored order
    first = len(lats) - np.searchsorted(lats[::-1], north, side="left")
    stop = len(lats) - np.searchsorted(lats[::-1], south, side="left")
    length = stop - first
    which = np.repeat(np.arange(len(edges)), length)
    before = np.cumsum(length) - length
    rows = np.arange(len(which)) - np.repeat(before, length) + first[which]
    slope = (east - west) / (north - south)
    return rows, west[which] + (lats[rows] - south[which]) * slope[which]
