"""Laying an archive's pixels onto the grid: nearest, or the mean of those inside.

A tile whose lattice is nearly as coarse as the grid (a target pixel under ``MEAN_FROM`` native
ones) gives each target pixel its nearest pixel. A finer one gives the mean of its pixels whose
centres fall inside the target pixel; where meridians converge and no centre falls inside, its
nearest pixel. Tiles contribute in a fixed order until at least half of what the fullest of them
so far has in a target pixel is valid: so a null never covers a valid pixel, and the first valid
tile wins where two disagree. A pixel on the border of two tiles, neither of which fills half of
it, is filled from both; a valid sliver of the first tile with nothing invalid beside it is taken.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import BITS_PER_BAND, NEVER_IMAGED, NO_DATA
from lunarscale.grid.averaging import Counts, Laid, Sums, blend, cover, pack
from lunarscale.grid.matching import Part, centres, columns
from lunarscale.grid.projections import Lattice
from lunarscale.grid.raster import RasterGrid, Window

#: Native pixels a target pixel, from which on it takes the mean.
MEAN_FROM = 1.5


def touches(lattice: Lattice, shape: tuple[int, int], *, grid: RasterGrid, window: Window) -> bool:
    """Whether an image of (lines, samples) can reach a window of the grid.

    A rectangle of sinusoidal pixels is widest in degrees where it is nearest a pole.
    """
    west, south, east, north = grid.bounds(window)
    margin = grid.pixel_deg + 1.0 / lattice.ppd
    top, bottom = lattice.lat_of(np.array([0.5, shape[0] + 0.5]))
    top, bottom = min(top, north) + margin, max(bottom, south) - margin
    if bottom > top:
        return False
    steepest = min(max(abs(top), abs(bottom)), 90.0)
    if float(lattice.samples_per_degree(steepest)) <= (shape[1] + 2) / 360.0:
        return True
    # towards the central meridian it reaches farthest where it is nearest the equator
    lats = np.array([top, bottom, min(max(0.0, bottom), top)])
    edges = lattice.lon_of(np.array([0.5, shape[1] + 0.5])[:, None], lats)
    left, right = float(edges.min()) - margin, float(edges.max()) + margin
    return (west - left) % 360.0 <= right - left or (left - west) % 360.0 <= east - west


def source_lines(lattice: Lattice, lines: int, *, grid: RasterGrid, window: Window) -> slice:
    """The lines of an image (counted from 0) that a window of the grid can need."""
    _, south, _, north = grid.bounds(window)
    first, last = lattice.line_of(np.array([north, south]))
    start = min(max(0, math.floor(first) - 2), lines)
    return slice(start, max(start, min(lines, math.ceil(last) + 2)))


def source_samples(lattice: Lattice, samples: int, *, grid: RasterGrid, window: Window) -> slice:
    """The samples of an image (counted from 0) that a window of the grid can need.

    All of them where the window reaches over the meridian opposite the image's centre.
    """
    west, south, east, north = grid.bounds(window)
    left = (west - lattice.lon0 + 180.0) % 360.0 - 180.0
    if left + (east - west) > 180.0 - 2.0 / lattice.ppd or left < -180.0 + 2.0 / lattice.ppd:
        return slice(0, samples)
    lats = np.array([[south], [north], [0.0 if south < 0.0 < north else north]])
    reach = lattice.sample_offset + np.array([left, left + east - west]) * (
        lattice.samples_per_degree(lats)
    )
    start = min(max(0, math.floor(reach.min()) - 3), samples)
    return slice(start, max(start, min(samples, math.ceil(reach.max()) + 3)))


def is_meant(lattice: Lattice, grid: RasterGrid) -> bool:
    """Whether a grid's pixels are means of an image's, and not the nearest of them."""
    return lattice.ppd * grid.pixel_deg >= MEAN_FROM


class Overlay:
    """One window of a mosaic being laid, tile by tile.

    Parameters
    ----------
    grid : RasterGrid
    window : Window
    bands : int

    Attributes
    ----------
    counts : ndarray of int16, (band, row, col)
        What is laid so far; ``NO_DATA`` elsewhere.
    reasons : ndarray of uint8, (band, row, col)
        ``BandReason`` so far: 0 where a count is laid, elsewhere the largest that was met.
    disagreements : int
        Pixels of a band in which a later tile had a valid value of its own, and another one.
    """

    def __init__(self, grid: RasterGrid, window: Window, bands: int) -> None:
        shape = (bands, window.height, window.width)
        self.grid, self.window = grid, window
        self.counts = np.full(shape, NO_DATA, dtype=np.int16)
        self.reasons = np.full(shape, NEVER_IMAGED, dtype=np.uint8)
        self.disagreements = 0
        # single pixels settle at once; sums are kept from the first tile on that is meant
        self._sums: Sums | None = None

    def lay(
        self, counts: NDArray[np.int16], reasons: NDArray[np.uint8], *, lattice: Lattice,
        first: tuple[int, int],
    ) -> None:  # fmt: skip
        """Lay the part of a tile that the window needs.

        Parameters
        ----------
        counts : ndarray of int16, (band, line, sample)
            In either byte order, at least ``source_lines`` and ``source_samples`` of the image.
        reasons : ndarray of uint8, (65536,)
            ``BandReason`` of every count by its bits as an unsigned number; 0 where it is valid.
        lattice : Lattice
            Of the whole image.
        first : (int, int)
            The image's line and sample, counted from 0, of ``counts[:, 0, 0]``.
        """
        part = Part(lattice, (counts.shape[1], counts.shape[2]), first)
        image = Counts.of(counts, reasons)
        means = is_meant(lattice, self.grid)
        if means and self._sums is None:
            self._sums = Sums.of(self.counts.shape)
        near, laid = centres(part, self.grid, self.window), Laid(self.counts, self.reasons)
        if self._sums is None:
            self.disagreements += int(cover(image, near, laid))
            return
        inside = columns(part, self.grid, self.window)
        if not means:  # every target pixel takes its nearest one
            inside.starts[:] = 0
        self.disagreements += int(blend(image, inside, near, laid, self._sums))

    def flags(self, dtype: str) -> NDArray[np.unsignedinteger[Any]]:
        """The reasons of all bands in one number a pixel, ``BITS_PER_BAND`` bits each."""
        packed = np.empty(self.reasons.shape[1:], dtype)
        pack(self.reasons, BITS_PER_BAND, packed)
        return packed
