"""Regions drawn as polygons in longitude and latitude, filled exactly at pixel centres.

Edges are straight in longitude and latitude, as they look on a simple cylindrical map. What an
edge bounds follows from the edge and the pixel alone (``grid.scanning``), so a pixel's group does
not depend on the window, and neighbours that share an edge share no pixel and leave none between
them.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid import scanning
from lunarscale.grid.groupings import digest_of
from lunarscale.grid.raster import RasterGrid, Window

Ring = NDArray[np.float64]

#: Coordinates are taken to the nearest multiple of this, half a micrometre on the Moon: then a
#: place written 360 degrees on is the same place, bit for bit.
STEP_DEG = 2.0**-36


@dataclass(frozen=True, eq=False)
class Polygon:
    """An outline and its holes, which bound one area.

    Parameters
    ----------
    number : int
        Group it belongs to.
    edges : ndarray of float64, (edge, 4)
        South end's longitude and latitude, north end's longitude and latitude, degrees;
        edges along a parallel bound nothing and are left out.
    signs : ndarray of int8, (edge,)
        1 if the polygon lies east of the edge, -1 if west.
    """

    number: int
    edges: NDArray[np.float64]
    signs: NDArray[np.int8]

    @classmethod
    def of_rings(cls, number: int, rings: list[Ring]) -> "Polygon":
        """The polygon of an outline and its holes.

        Parameters
        ----------
        number : int
        rings : list of ndarray of float64, (vertex, 2)
            Closed rings of longitudes and latitudes, turning either way; the first is the
            outline, the others lie within it. Rings may touch, but not cross.
        """
        turned = [_turned(ring, left=position == 0) for position, ring in enumerate(rings)]
        edges = np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in turned])
        edges = edges[edges[:, 1] != edges[:, 3]]
        # an outline turns left: where it goes south the polygon lies to the east
        falls = edges[:, 1] > edges[:, 3]
        edges[falls] = edges[falls][:, [2, 3, 0, 1]]
        return cls(number, edges, np.where(falls, 1, -1).astype(np.int8))

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in degrees."""
        lons = self.edges[:, [0, 2]]
        south, north = self.edges[:, 1].min(), self.edges[:, 3].max()
        return float(lons.min()), float(south), float(lons.max()), float(north)

    @cached_property
    def spans(self) -> NDArray[np.float64]:
        """West, south and north of every ``scanning.BLOCK_EDGES`` edges, ``(block, 3)``."""
        starts = np.arange(0, len(self.edges), scanning.BLOCK_EDGES)
        west = np.minimum(self.edges[:, 0], self.edges[:, 2])
        return np.stack(
            [
                np.minimum.reduceat(west, starts),
                np.minimum.reduceat(self.edges[:, 1], starts),
                np.maximum.reduceat(self.edges[:, 3], starts),
            ],
            axis=1,
        )

    @property
    def kept_bytes(self) -> int:
        """Those of its edges."""
        return self.edges.nbytes + self.signs.nbytes


class Reach(NamedTuple):
    """The part of a window that a polygon's bounding box touches."""

    rows: slice
    cols: slice
    frame: tuple[int, int, int, int, int]
    turns: tuple[int, int]

    @classmethod
    def of(cls, polygon: Polygon, grid: RasterGrid, window: Window) -> "Reach | None":
        """The reach in a window, None if the polygon does not touch it.

        A polygon is moved by whole turns to wherever it meets the window, to both ends of a
        window that goes all the way round if need be.
        """
        west, south, east, north = polygon.bounds
        left, bottom, right, top = grid.bounds(window)
        pixel = grid.pixel_deg  # and to spare at every side, so that no rounding is felt
        first = math.ceil((left - pixel - east) / 360.0)
        turns = first, math.floor((right + pixel - west) / 360.0) + 1
        if turns[0] >= turns[1] or south > top + pixel or north < bottom - pixel:
            return None
        rows = _between((top - north) / pixel, (top - south) / pixel, window.height)
        cols = _between(
            (west + 360.0 * turns[0] - left) / pixel,
            (east + 360.0 * (turns[1] - 1) - left) / pixel,
            window.width,
        )
        size = rows.stop - rows.start, cols.stop - cols.start
        if min(size) <= 0:
            return None
        row, col = grid.row + window.row + rows.start, grid.col + window.col + cols.start
        return cls(rows, cols, (grid.around, row, col, *size), turns)


@dataclass(frozen=True, eq=False)
class PolygonGrouping:
    """Groups of polygons; where they overlap the first listed wins.

    A polygon over the seam may go on past 180, begin before -180 or be split there: it is found
    from either side.

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
        """SHA-256 of the names and outlines, and of how pixels on a border count."""
        outlines = [
            (
                polygon.number,
                hashlib.sha256(np.ascontiguousarray(polygon.edges).data).hexdigest(),
                hashlib.sha256(polygon.signs.data).hexdigest(),
            )
            for polygon in self.polygons
        ]
        return digest_of(type(self).__name__, self.name, self.groups, outlines)

    @property
    def kept_bytes(self) -> int:
        """Those of its polygons' edges."""
        return sum(polygon.kept_bytes for polygon in self.polygons)

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Number of the first polygon that holds each pixel, ``(height, width)``; 0 outside."""
        out = np.zeros((window.height, window.width), dtype=np.uint16)
        for polygon, reach in self.reaching(grid, window):
            height, width = reach.frame[3:]
            toggles = np.zeros((height, width + 1), dtype=np.uint8)
            scanning.toggle(polygon.edges, polygon.spans, reach.frame, reach.turns, toggles)
            scanning.paint(toggles, np.uint16(polygon.number), out[reach.rows, reach.cols])
        return out

    def reaching(self, grid: RasterGrid, window: Window) -> Iterator[tuple[Polygon, Reach]]:
        """The polygons whose bounding boxes touch a window, as listed."""
        for polygon in self.polygons:
            reach = Reach.of(polygon, grid, window)
            if reach is not None:
                yield polygon, reach

    def require_within(self, grid: RasterGrid) -> None:
        """Make sure that some polygon touches a map.

        Raises
        ------
        RegionError
            If none does.
        """
        if not any(True for _ in self.reaching(grid, grid.window)):
            west, south, east, north = grid.bounds()
            raise RegionError(
                f"{self.name}: none of its {len(self.polygons):,} polygons touches the map, which "
                f"lies within longitudes {west:g} to {east:g} and latitudes {south:g} to "
                f"{north:g}; give regions of that part of the Moon"
            )


def to_step(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates to the nearest multiple of ``STEP_DEG``; whole turns then add exactly."""
    return np.asarray(np.rint(degrees / STEP_DEG) * STEP_DEG)


def _turned(ring: Ring, *, left: bool) -> Ring:
    """The ring to the nearest step, turning left (counter-clockwise) or right."""
    lon, lat = ring[:, 0] - ring[0, 0], ring[:, 1] - ring[0, 1]
    turns_left = (lon[:-1] * lat[1:] - lon[1:] * lat[:-1]).sum() > 0
    stepped = to_step(ring)
    return stepped if turns_left == left else stepped[::-1]


def _between(first: float, last: float, size: int) -> slice:
    """The pixels of a line of ``size`` that touch an interval, with one to spare at each end."""
    return slice(max(math.floor(first) - 1, 0), min(math.ceil(last) + 1, size))
