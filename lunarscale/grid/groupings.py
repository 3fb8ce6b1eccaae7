"""Groupings: which group of places a pixel belongs to, and the ones that come built in.

A pixel belongs to a group by its centre. A grouping knows nothing of windows' sizes: a pixel's
number is the same bit for bit in every window and every crop that holds it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.circles import OPEN, Circles, Settled, stripes_of
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.stripes import Stripes
from lunarscale.moon import SEAS, Sea

#: Rows worked on at a time, so that what lies between two steps stays in the cache.
BLOCK_ROWS = 64

#: Edge in pixels of what is looked at at once for circles' edges, a shard as a rule, and blocks of
#: it along an edge; and how many of these a process keeps, for each of a worker's threads one.
REGION, BLOCKS, REGIONS = 2048, 16, 16

#: A whole pixel in the shares of ``Pieces``.
WHOLE_PIXEL = 1 << 32


class Grouping(Protocol):
    """A division of the Moon into named groups of pixels; hashable, small or cheap to pickle."""

    @property
    def name(self) -> str:
        """Name for people and tables, ``seas``."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups: number g is ``groups[g - 1]``."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines the numbers."""

    @property
    def kept_bytes(self) -> int:
        """Memory that it takes in every process, for the plan; 0 where it is small."""

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Group numbers of a window's pixels, ``(height, width)``, read-only; 0 is no group."""


class Pieces(NamedTuple):
    """The parts of the pixels that borders cut, pixel by pixel in row order.

    Every cut pixel has all its parts, that of group 0 too, and they sum to exactly
    ``WHOLE_PIXEL``.

    Parameters
    ----------
    rows, cols : ndarray of int64, (part,)
        The pixel, counted in the window.
    groups : ndarray of uint16, (part,)
        Each group once a pixel.
    shares : ndarray of int64, (part,)
        In 1 / ``WHOLE_PIXEL`` of the pixel, above 0.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    groups: NDArray[np.uint16]
    shares: NDArray[np.int64]

    def at(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Pieces":
        """Some of the parts, by position or condition."""
        return Pieces(self.rows[which], self.cols[which], self.groups[which], self.shares[which])


@runtime_checkable
class Covering(Grouping, Protocol):
    """A grouping that can say which share of a pixel each group covers.

    Its ``numbers`` are those of the pixels that lie in one group as a whole, and 0 in the pixels
    that ``pieces`` lists as well as outside all groups.
    """

    @property
    def centred(self) -> Grouping:
        """The same groups by pixels' centres, for what cannot be divided; another digest."""

    def pieces(self, grid: RasterGrid, window: Window) -> Pieces:
        """The parts of the window's cut pixels, the same in every window that holds them."""


def by_centres(groupings: Iterable[Grouping]) -> tuple[Grouping, ...]:
    """Groupings none of which divides a pixel: those that do in their form by centres."""
    return tuple(g.centred if isinstance(g, Covering) else g for g in groupings)


def digest_of(*parts: object) -> str:
    """SHA-256 of values that JSON can write; equal values give equal digests."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def wrapped_lons(grid: RasterGrid, window: Window) -> NDArray[np.float64]:
    """Longitudes of the columns' centres in -180..180, past the seam too.

    Wrapped as column numbers, so that a pixel has one longitude, bit for bit, in every crop.
    """
    cols = (np.arange(window.width) + (grid.col + window.col)) % grid.around
    return (2 * cols + 1).astype(np.float64) * (180.0 / grid.around) - 180.0


@dataclass(frozen=True)
class WholeMoon:
    """One group that holds every pixel."""

    name: str = "moon"
    groups: tuple[str, ...] = ("Moon",)

    @property
    def digest(self) -> str:
        """SHA-256 of the grouping's name."""
        return digest_of("WholeMoon")

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """All ones, ``(height, width)``."""
        return np.broadcast_to(np.uint16(1), (window.height, window.width))

    def stripes(self, grid: RasterGrid, window: Window) -> Stripes:
        """One."""
        return Stripes.of_one(1)


@dataclass(frozen=True)
class Seas:
    """Named seas as circles on the sphere.

    A pixel belongs to the circle that holds its centre by great-circle distance d. Where
    circles of radius r overlap, the one of smallest (1 - cos d) / (1 - cos r) wins, that is,
    the one that the place lies deepest in; the first listed wins a tie.

    Parameters
    ----------
    seas : tuple of Sea
        Centres in degrees and diameters in kilometres; radii up to a quarter turn.
    """

    seas: tuple[Sea, ...] = SEAS
    name: str = "seas"

    @property
    def groups(self) -> tuple[str, ...]:
        """The seas' names."""
        return tuple(sea.name for sea in self.seas)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the circles."""
        return digest_of("Seas", [list(sea) for sea in self.seas])

    def __hash__(self) -> int:
        # asked for every chunk; the same in every process, as it may travel with what is cached
        return int(self.digest[:15], 16)

    @cached_property
    def circles(self) -> Circles:
        """The circles as arrays."""
        return Circles.of(self.seas)

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Number of the sea at each pixel, ``(height, width)``; 0 outside all."""
        return _seas_of(self, grid, window)

    def stripes(self, grid: RasterGrid, window: Window) -> Stripes:
        """The same as stripes, which are fewer and sooner made."""
        return _stripes_of(self, grid, window)


@lru_cache(maxsize=2)
def _seas_of(seas: Seas, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
    """Number of the sea at each pixel, read-only; kept, for maria are asked for beside seas."""
    return _stripes_of(seas, grid, window).drawn((window.height, window.width))


@lru_cache(maxsize=2)
def _stripes_of(seas: Seas, grid: RasterGrid, window: Window) -> Stripes:
    region = _region(grid, window)
    place = Window(window.row - region.row, window.col - region.col, window.height, window.width)
    number, circles = _settled(seas, grid, region).part(place)
    if number != OPEN:
        return Stripes.of_one(number)
    return stripes_of(circles, grid.lats(window), wrapped_lons(grid, window))


@lru_cache(maxsize=REGIONS)
def _settled(seas: Seas, grid: RasterGrid, region: Window) -> Settled:
    """What is known of a region's blocks; a shard's chunks ask for the same one."""
    lats, lons = grid.lats(region), wrapped_lons(grid, region)
    return Settled.of(seas.circles, lats, lons, size=REGION // BLOCKS)


def _region(grid: RasterGrid, window: Window) -> Window:
    """The square of ``REGION`` that a window lies in, cut by the grid; else the window."""
    row, col = window.row // REGION * REGION, window.col // REGION * REGION
    bottom, right = min(row + REGION, grid.height), min(col + REGION, grid.width)
    if window.row + window.height > bottom or window.col + window.width > right:
        return window
    return Window(row, col, bottom - row, right - col)
