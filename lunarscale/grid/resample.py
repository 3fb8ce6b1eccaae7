"""Laying an archive's pixels onto the grid: nearest, or the mean of those inside.

A tile whose lattice is nearly as coarse as the grid (a target pixel under ``MEAN_FROM`` native
ones) gives each target pixel its nearest pixel. A finer one gives the mean of its pixels whose
centres fall inside the target pixel; where meridians converge and no centre falls inside, its
nearest pixel. Tiles contribute in a fixed order until at least half of what a target pixel
could hold is valid: so a null never covers a valid pixel, the first valid tile wins where two
disagree, and a pixel on the border of two tiles is filled from both.
"""

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA, BandReason
from lunarscale.grid.projections import Lattice
from lunarscale.grid.raster import RasterGrid, Window

#: Native pixels a target pixel, from which on it takes the mean.
MEAN_FROM = 1.5


def source_lines(lattice: Lattice, grid: RasterGrid, *, window: Window, lines: int) -> slice:
    """The lines of an image (counted from 0) that a window of the grid can need."""
    _, south, _, north = grid.bounds(window)
    first, last = lattice.line_of(np.array([north, south]))
    return slice(max(0, int(np.floor(first)) - 2), max(0, min(lines, int(np.ceil(last)) + 2)))


class Overlay:
    """One window of a mosaic being laid, tile by tile.

    Parameters
    ----------
    grid : RasterGrid
    window : Window
    bands : int

    Attributes
    ----------
    disagreements : int
        Pixels of a band in which a later tile had a valid value of its own, and another one.
    """

    def __init__(self, grid: RasterGrid, window: Window, bands: int) -> None:
        shape = (bands, window.height, window.width)
        self.grid, self.window = grid, window
        self.counts = np.full(shape, NO_DATA, dtype=np.int16)
        self.disagreements = 0
        self._settled = np.zeros(shape, dtype=bool)
        self._reasons = np.zeros(shape, dtype=np.uint8)
        self._sum = np.zeros(shape, dtype=np.int32)
        self._valid = np.zeros(shape, dtype=np.int32)
        self._most = np.zeros(shape[1:], dtype=np.int32)

    @property
    def reasons(self) -> NDArray[np.uint8]:
        """``BandReason`` of every pixel of every band so far, ``(band, row, col)``."""
        unknown = np.where(self._reasons == 0, np.uint8(BandReason.NULL), self._reasons)
        return np.where(self._settled, np.uint8(BandReason.VALID), unknown)

    def lay(
        self,
        counts: NDArray[np.int16],
        reasons: NDArray[np.uint8],
        *,
        lattice: Lattice,
        first_line: int,
    ) -> None:
        """Lay some lines of a tile.

        Parameters
        ----------
        counts : ndarray of int16, (band, line, sample)
            All the lines that the window needs (``source_lines``), at full width.
        reasons : ndarray of uint8, of the same shape
            ``BandReason``; 0 where the count is valid.
        lattice : Lattice
            Of the whole image.
        first_line : int
            The image's line, counted from 0, of ``counts[:, 0]``.
        """
        finer = lattice.ppd * self.grid.pixel_deg >= MEAN_FROM
        rows, cols, lines, samples = self._nearest(counts.shape[1:], lattice, first_line)
        shape = self.counts.shape
        number = np.zeros(shape[1:], dtype=np.int32)
        total, valid = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        worst = np.zeros(shape, np.uint8)
        if finer:
            self._gather_inside(counts, reasons, (number, total, valid, worst),
                                lattice=lattice, first_line=first_line)  # fmt: skip
            bare = number[rows, cols] == 0
            rows, cols, lines, samples = rows[bare], cols[bare], lines[bare], samples[bare]
        picked = reasons[:, lines, samples]
        good = picked == BandReason.VALID
        number[rows, cols] = 1
        total[:, rows, cols] = np.where(good, counts[:, lines, samples], 0)
        valid[:, rows, cols] = good
        worst[:, rows, cols] = picked
        self._add(number, total, valid=valid, worst=worst)

    def _add(
        self,
        number: NDArray[np.int32],
        total: NDArray[np.int32],
        *,
        valid: NDArray[np.int32],
        worst: NDArray[np.uint8],
    ) -> None:
        """Take one tile's contributions into the running totals, and settle what is full."""
        own = (valid >= 1) & (2 * valid >= number)
        rival = own & self._settled
        if rival.any():
            theirs = np.rint(total[rival] / valid[rival]).astype(np.int16)
            self.disagreements += int(np.count_nonzero(theirs != self.counts[rival]))
        open_ = ~self._settled
        self._most = np.maximum(self._most, number)
        self._sum += np.where(open_, total, 0)
        self._valid += np.where(open_, valid, 0)
        self._reasons = np.where(open_, np.maximum(self._reasons, worst), self._reasons)
        full = open_ & (self._valid >= 1) & (2 * self._valid >= self._most)
        # int32 sums over int32 counts are exact in float64, so a tie is a tie
        self.counts[full] = np.rint(self._sum[full] / self._valid[full]).astype(np.int16)
        self._settled |= full

    def _nearest(
        self, shape: tuple[int, int], lattice: Lattice, first_line: int
    ) -> tuple[NDArray[np.intp], ...]:
        """Target rows and columns whose centres lie in the image, and their nearest pixels."""
        lats, lons = self.grid.lats(self.window), self.grid.lons(self.window)
        line = np.floor(lattice.line_of(lats) + 0.5).astype(np.intp) - 1 - first_line
        inside = (line >= 0) & (line < shape[0])
        rows = np.flatnonzero(inside)
        east = (lons - lattice.lon0 + 180.0) % 360.0 - 180.0
        per_degree = lattice.samples_per_degree(lats[rows])
        sample = np.floor(lattice.sample_offset + east * per_degree[:, None] + 0.5)
        within = (sample >= 1) & (sample <= shape[1])
        at, cols = np.nonzero(within)
        return rows[at], cols, line[rows[at]], sample[within].astype(np.intp) - 1

    def _gather_inside(
        self,
        counts: NDArray[np.int16],
        reasons: NDArray[np.uint8],
        sums: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]],
        *,
        lattice: Lattice,
        first_line: int,
    ) -> None:
        """Add every source pixel to the target pixel that holds its centre, line by line."""
        number, total, valid, worst = sums
        grid, window, pixel = self.grid, self.window, self.grid.pixel_deg
        lats = lattice.lat_of(np.arange(counts.shape[1]) + first_line + 1)
        rows = np.floor((90.0 - lats) / pixel).astype(np.intp) - grid.row - window.row
        offsets = np.arange(counts.shape[2]) + 1 - lattice.sample_offset
        good = reasons == BandReason.VALID
        measured = np.where(good, counts, 0).astype(np.int32)
        for line in np.flatnonzero((rows >= 0) & (rows < window.height) & (np.abs(lats) <= 90.0)):
            row = rows[line]
            east = offsets / lattice.samples_per_degree(lats[line])
            turn = (east + lattice.lon0 + 180.0) % 360.0
            col = np.minimum(np.floor(turn / pixel).astype(np.intp), grid.around - 1)
            col = (col - grid.col - window.col) % grid.around
            here = np.flatnonzero((east >= -180.0) & (east < 180.0) & (col < window.width))
            if here.size == 0:
                continue
            # samples run eastward, so equal columns stand together
            starts = np.flatnonzero(np.diff(col[here], prepend=-1))
            cols = col[here][starts]
            np.add.at(number, (row, cols), np.diff(starts, append=here.size))
            for band in range(counts.shape[0]):
                piece = np.add.reduceat(measured[band, line, here], starts)
                np.add.at(total[band, row], cols, piece)
                np.add.at(
                    valid[band, row],
                    cols,
                    np.add.reduceat(good[band, line, here].astype(np.int32), starts),
                )
                reason = np.maximum.reduceat(reasons[band, line, here], starts)
                np.maximum.at(worst[band, row], cols, reason)
