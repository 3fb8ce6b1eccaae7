"""Which pixels of an image belong to which pixels of a grid's window.

Two answers: the nearest source pixel of each target pixel, and the source pixels whose centres
fall inside each target pixel. Both come in blocks of a few rows that stay in the cache, and
depend on the row and column alone: the same bits in every window. What lies on an edge belongs to
the pixel south and east of it, as everywhere on the grid.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.projections import Lattice
from lunarscale.grid.raster import RasterGrid, Window

#: Target rows, or source lines, worked on at a time.
BLOCK_ROWS = 32

#: Part of a pixel by which a centre may miss an edge and still be on it: the rounding of float64.
ON_EDGE = 1e-9


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


@dataclass(frozen=True)
class Nearest:
    """The nearest source pixels of a block of target pixels.

    Parameters
    ----------
    at : (slice, slice)
        Rows and columns of the window.
    source : ndarray of intp, (row, col)
        Index of the source pixel in the flattened part; anything outside ``within``.
    within : ndarray of bool, (row, col)
        Where the target pixel's centre lies in the part.
    """

    at: tuple[slice, slice]
    source: NDArray[np.intp]
    within: NDArray[np.bool_]


def nearest(part: Part, grid: RasterGrid, window: Window) -> Iterator[Nearest]:
    """Block by block, the source pixel that holds each target pixel's centre.

    A centre halfway between two source pixels goes to the one north or west of it: that one's own
    centre is on the edge that belongs to the target pixel (``RasterGrid.locate``), so a lattice
    as fine as the grid, half a pixel off, is laid pixel by pixel.
    """
    lattice, (lines, samples), first = part.lattice, part.shape, part.first
    lats, lons = grid.lats(window), grid.lons(window)
    line = np.ceil(lattice.line_of(lats) - (0.5 + ON_EDGE)).astype(np.intp) - 1 - first[0]
    rows = np.flatnonzero((line >= 0) & (line < lines))
    # in (-180, 180], as its eastern half of a source pixel is the one that a centre can be on
    east = 180.0 - (180.0 - (lons - lattice.lon0)) % 360.0
    for start in range(0, rows.size, BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        per_degree = lattice.samples_per_degree(lats[block])[:, None]
        reach = lattice.sample_offset - first[1] + east * [[per_degree.min()], [per_degree.max()]]
        near = np.flatnonzero((reach.max(axis=0) >= 0) & (reach.min(axis=0) <= samples + 1))
        if near.size == 0:
            continue
        cols = slice(int(near[0]), int(near[-1]) + 1)
        sample = east[cols] * per_degree
        sample += lattice.sample_offset
        sample -= 0.5 + ON_EDGE
        source = np.ceil(sample, out=sample).astype(np.intp)
        source -= 1 + first[1]
        within = (source >= 0) & (source < samples)
        source += line[block, None] * samples
        yield Nearest((slice(int(block[0]), int(block[-1]) + 1), cols), source, within)


@dataclass(frozen=True)
class Shares:
    """Source pixels of a block of lines, by the target pixels that hold their centres.

    Runs of samples that fall into one target pixel stand together.

    Parameters
    ----------
    lines : slice
        Lines of the part.
    rows : slice
        Rows of the window that they reach.
    starts : ndarray of intp, (run + 1,)
        First index of each run in the flattened lines, and their size.
    places : ndarray of intp, (run,)
        Target pixel of each run: its index in the flattened rows; -1 outside the window.
    """

    lines: slice
    rows: slice
    starts: NDArray[np.intp]
    places: NDArray[np.intp]

    def count(self, number: NDArray[np.int32]) -> None:
        """Add the source pixels of each target pixel to ``number``, ``(row, col)``."""
        inside, lengths = self.places >= 0, np.diff(self.starts).astype(np.int32)
        np.add.at(number[self.rows].reshape(-1), self.places[inside], lengths[inside])


def shares(part: Part, grid: RasterGrid, window: Window) -> Iterator[Shares]:
    """Block by block, the target pixel that holds each source pixel's centre."""
    lattice, first = part.lattice, part.first
    lats: NDArray[np.float64] = lattice.lat_of(np.arange(part.shape[0]) + first[0] + 1)
    rows = np.floor((90.0 - lats) / grid.pixel_deg + ON_EDGE).astype(np.intp)
    rows -= grid.row + window.row
    inside = np.flatnonzero((rows >= 0) & (rows < window.height) & (np.abs(lats) <= 90.0))
    samples = np.arange(part.shape[1], dtype=np.float64) + (first[1] + 1)
    offsets = samples - lattice.sample_offset
    for start in range(0, inside.size, BLOCK_ROWS):
        block = inside[start : start + BLOCK_ROWS]
        top, bottom = int(rows[block[0]]), int(rows[block[-1]]) + 1
        # on a cylinder all lines are alike
        parallels = lats[block] if lattice.projection == "sinusoidal" else lats[block[:1]]
        col = _columns(offsets, lattice, parallels, grid=grid, window=window)
        place = np.where(col < 0, -1, col + (rows[block, None] - top) * window.width)
        begins = np.ones(place.shape, dtype=bool)
        np.not_equal(place[:, 1:], place[:, :-1], out=begins[:, 1:])
        starts = np.flatnonzero(begins)
        yield Shares(
            lines=slice(int(block[0]), int(block[-1]) + 1),
            rows=slice(top, bottom),
            starts=np.append(starts, place.size),
            places=place.ravel()[starts],
        )


def _columns(
    offsets: NDArray[np.float64], lattice: Lattice, lats: NDArray[np.float64], *,
    grid: RasterGrid, window: Window,
) -> NDArray[np.intp]:  # fmt: skip
    """Columns of the window that hold the source pixels' centres; -1 outside."""
    east = offsets / lattice.samples_per_degree(lats)[:, None]
    turn = east + lattice.lon0
    turn += 180.0
    turn -= 360.0 * np.floor(turn / 360.0)
    col = np.floor(turn / grid.pixel_deg + ON_EDGE).astype(np.intp) % grid.around
    col -= (grid.col + window.col) % grid.around
    col[col < 0] += grid.around
    col[(east < -180.0) | (east >= 180.0) | (col >= window.width)] = -1
    return col
