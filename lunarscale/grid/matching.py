"""Which pixels of an image belong to which pixels of a grid's window.

Two answers: the nearest source pixel of each target pixel (``Centres``), and the target pixel that
holds each source pixel's centre (``Columns``). Both depend on the row and column alone: the same
bits in every window. What lies on an edge belongs to the pixel south and east of it, as everywhere
on the grid.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.grid.projections import Lattice
from lunarscale.grid.raster import RasterGrid, Window

#: Part of a pixel by which a centre may miss an edge and still be on it: the rounding of float64.
ON_EDGE = 1e-9

#: Part of a pixel within which of an edge a column is worked out by the rule, not by the slope:
#: a thousand times what float64 may miss it by on a grid of 10 m.
NEAR_EDGE = 1e-6


@dataclass(frozen=True)
class Part:
    """A rectangle of an image.

    Parameters
    ----------
    lattice : Lattice
        Of the whole image.
    shape : (int, int)
        Lines and samples of the rectangle.
    first : (int, int)
        Its first line and sample, counted from 0 in the image.
    """

    lattice: Lattice
    shape: tuple[int, int]
    first: tuple[int, int]


class Centres(NamedTuple):
    """Where the centres of a window's pixels lie in a part of an image.

    Parameters
    ----------
    lines : ndarray of int64, (row,)
        Line of the part that holds each row's centre; -1 for none.
    per_degree : ndarray of float64, (row,)
        Samples a degree on each row's parallel.
    east : ndarray of float64, (col,)
        Degrees east of the central meridian, in (-180, 180].
    offset : float
        Sample of the central meridian, counted from 1 in the image.
    first : int
        First sample of the part, counted from 0 in the image.
    reach : ndarray of int64, (row, 2)
        The columns of each row that the part can reach, half-open.
    """

    lines: NDArray[np.int64]
    per_degree: NDArray[np.float64]
    east: NDArray[np.float64]
    offset: float
    first: int
    reach: NDArray[np.int64]


def centres(part: Part, grid: RasterGrid, window: Window) -> Centres:
    """The source pixel that holds each target pixel's centre.

    A centre halfway between two source pixels goes to the one north or west of it: that one's own
    centre is on the edge that belongs to the target pixel (``RasterGrid.locate``), so a lattice
    as fine as the grid, half a pixel off, is laid pixel by pixel.
    """
    lattice = part.lattice
    lats = grid.lats(window)
    line = np.ceil(lattice.line_of(lats) - (0.5 + ON_EDGE)).astype(np.int64) - 1 - part.first[0]
    line[(line < 0) | (line >= part.shape[0])] = -1
    # in (-180, 180], as its eastern half of a source pixel is the one that a centre can be on
    east = 180.0 - (180.0 - (grid.lons(window) - lattice.lon0)) % 360.0
    return Centres(
        lines=line,
        per_degree=lattice.samples_per_degree(lats),
        east=east,
        offset=float(lattice.sample_offset),
        first=part.first[1],
        reach=_reach(part, grid, window),
    )


def _reach(part: Part, grid: RasterGrid, window: Window) -> NDArray[np.int64]:
    """The columns that a part can reach in each row, and a few more; ``(row, 2)``.

    All of them where it goes over the window's own meridian, or around a pole.
    """
    lattice, lats = part.lattice, grid.lats(window)
    edges = np.clip(lats + np.array([[0.5], [-0.5]]) * grid.pixel_deg, -90.0, 90.0)
    per_degree = np.maximum(lattice.samples_per_degree(edges), 1e-9)
    ends = np.array([0.5, part.shape[1] + 0.5]) + (part.first[1] - lattice.sample_offset)
    east = ends[:, None, None] / per_degree
    base = grid.col + window.col
    west, last = ((lattice.lon0 + east + 180.0) / grid.pixel_deg - base)[[0, 1]]
    west, last = np.floor(west.min(axis=0)) - 2.0, np.ceil(last.max(axis=0)) + 2.0
    left = west % grid.around
    right = left + (last - west)
    reach = np.minimum(np.stack([left, right], axis=1), window.width)
    reach[right >= grid.around] = 0.0, window.width
    return np.asarray(reach, dtype=np.int64)


class Columns(NamedTuple):
    """Where the centres of a part's pixels lie in a window.

    Parameters
    ----------
    starts : ndarray of int64, (row + 1,)
        First line of the part in each row of the window, and past the last.
    per_degree : ndarray of float64, (line,)
        Samples a degree on each line.
    offset : float
        Sample of the central meridian, counted from 1 in the image.
    first : int
        First sample of the part, counted from 0 in the image.
    lon0, pixel_deg : float
        Central meridian, and the size of a target pixel.
    around, base, width : int
        Target pixels around the Moon, first column of the window, and its columns.
    """

    starts: NDArray[np.int64]
    per_degree: NDArray[np.float64]
    offset: float
    first: int
    lon0: float
    pixel_deg: float
    around: int
    base: int
    width: int


def columns(part: Part, grid: RasterGrid, window: Window) -> Columns:
    """The target pixel that holds each source pixel's centre."""
    lattice, (first_line, first_sample) = part.lattice, part.first
    lats: NDArray[np.float64] = lattice.lat_of(np.arange(part.shape[0]) + first_line + 1)
    rows = np.floor((90.0 - lats) / grid.pixel_deg + ON_EDGE).astype(np.int64)
    rows -= grid.row + window.row
    # from north to south, so those on the Moon stand together
    on_moon = np.flatnonzero(np.abs(lats) <= 90.0)
    top, bottom = (int(on_moon[0]), int(on_moon[-1]) + 1) if on_moon.size else (0, 0)
    starts = np.searchsorted(rows[top:bottom], np.arange(window.height + 1)) + top
    return Columns(
        starts=starts.astype(np.int64),
        per_degree=lattice.samples_per_degree(lats),
        offset=float(lattice.sample_offset),
        first=first_sample,
        lon0=float(lattice.lon0),
        pixel_deg=grid.pixel_deg,
        around=grid.around,
        base=(grid.col + window.col) % grid.around,
        width=window.width,
    )


@njit(nogil=True, error_model="numpy", forceinline=True)
def sample_at(centres, row, col):  # type: ignore[no-untyped-def]
    """Sample of the part that holds the centre of a target pixel; anything outside it."""
    sample = centres.east[col] * centres.per_degree[row]
    sample += centres.offset
    sample -= 0.5 + ON_EDGE
    return np.int64(math.ceil(sample)) - (1 + centres.first)


@njit(nogil=True, error_model="numpy", forceinline=True)
def _column_of(columns, east):  # type: ignore[no-untyped-def]
    """Column of the window that holds a place so many degrees east; its width for none."""
    if east < -180.0 or east >= 180.0:
        return columns.width
    turn = east + columns.lon0
    turn += 180.0
    turn -= 360.0 * math.floor(turn / 360.0)
    col = np.int64(math.floor(turn / columns.pixel_deg + ON_EDGE)) % columns.around - columns.base
    if col < 0:
        col += columns.around
    return min(col, columns.width)


@njit(nogil=True, error_model="numpy")
def columns_of_line(columns, line, places):  # type: ignore[no-untyped-def]
    """Fill ``places`` int32 (sample,) with the columns that hold a line's centres.

    ``columns.width`` stands for none. Columns are worked out by the slope, which vectorises; where
    that is too near an edge to tell, by the rule.

    Returns
    -------
    (int, int)
        The samples from the first that is in the window to the last.
    """
    per_degree = columns.per_degree[line]
    slope = 1.0 / (per_degree * columns.pixel_deg)
    shift = (columns.lon0 + 180.0) / columns.pixel_deg - columns.base
    shift -= columns.around * math.floor(shift / columns.around)
    half, around, width = 0.5 * columns.around, np.int32(columns.around), np.int32(columns.width)
    first = columns.first + 1
    unsure = 0
    for sample in range(places.size):
        way = (np.float64(sample + first) - columns.offset) * slope
        at = min(max(way + shift, -1.0 * around), 2.0 * around)
        floor = math.floor(at)
        past = at - floor
        col = np.int32(floor)
        col += around if col < 0 else np.int32(0)
        col -= around if col >= around else np.int32(0)
        col = col if col < width else width
        off = abs(way) - half
        col = width if off > NEAR_EDGE else col
        doubt = (past < NEAR_EDGE) | (past > 1.0 - NEAR_EDGE) | (abs(off) <= NEAR_EDGE)
        places[sample] = np.int32(-1) if doubt else col
        unsure += doubt
    if unsure > 0:
        for sample in range(places.size):
            if places[sample] < 0:
                east = (np.float64(sample + first) - columns.offset) / per_degree
                places[sample] = _column_of(columns, east)
    start, stop = 0, places.size
    while start < stop and places[start] == width:
        start += 1
    while stop > start and places[stop - 1] == width:
        stop -= 1
    return start, stop
