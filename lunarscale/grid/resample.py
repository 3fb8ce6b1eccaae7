"""Laying an archive's pixels onto the grid: nearest, or the mean of those inside.

A tile whose lattice is nearly as coarse as the grid (a target pixel under ``MEAN_FROM`` native
ones) gives each target pixel its nearest pixel. A finer one gives the mean of its pixels whose
centres fall inside the target pixel; where meridians converge and no centre falls inside, its
nearest pixel. Tiles contribute in a fixed order until at least half of what a target pixel
could hold is valid: so a null never covers a valid pixel, the first valid tile wins where two
disagree, and a pixel on the border of two tiles is filled from both.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA, BandReason
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
    edges = lattice.lon_of(np.array([0.5, shape[1] + 0.5])[:, None], np.array([top, bottom]))
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
        self._sum = np.zeros(shape, dtype=np.int64)
        self._valid = np.zeros(shape, dtype=np.int32)
        self._most = np.zeros(shape[1:], dtype=np.int32)

    @property
    def reasons(self) -> NDArray[np.uint8]:
        """``BandReason`` of every pixel of every band so far, ``(band, row, col)``."""
        unknown = np.maximum(self._reasons, np.uint8(BandReason.NULL))
        return np.where(self._settled, np.uint8(BandReason.VALID), unknown)

    def lay(
        self, counts: NDArray[np.int16], reasons: NDArray[np.uint8], *, lattice: Lattice,
        first: tuple[int, int],
    ) -> None:  # fmt: skip
        """Lay the part of a tile that the window needs.

        Parameters
        ----------
        counts : ndarray of int16, (band, line, sample)
            At least ``source_lines`` and ``source_samples`` of the image.
        reasons : ndarray of uint8, of the same shape
            ``BandReason``; 0 where the count is valid.
        lattice : Lattice
            Of the whole image.
        first : (int, int)
            The image's line and sample, counted from 0, of ``counts[:, 0, 0]``.
        """
        shape = (counts.shape[1], counts.shape[2])
        rows, cols, lines, samples = self._nearest(shape, lattice, first)
        number = np.zeros(self.counts.shape[1:], dtype=np.int32)
        runs: list[_Run] = []
        if lattice.ppd * self.grid.pixel_deg >= MEAN_FROM:
            runs = list(self._runs(shape, lattice, first))
            for run in runs:
                number[run.row, run.cols] += run.numbers
            bare = number[rows, cols] == 0
            rows, cols, lines, samples = rows[bare], cols[bare], lines[bare], samples[bare]
        number[rows, cols] = 1
        np.maximum(self._most, number, out=self._most)
        for band in range(counts.shape[0]):
            parts = _Parts.of(number.shape)
            parts.gather(runs, counts[band], reasons[band])
            picked = reasons[band, lines, samples]
            good = picked == BandReason.VALID
            parts.total[rows, cols] = np.where(good, counts[band, lines, samples], 0)
            parts.valid[rows, cols] = good
            parts.worst[rows, cols] = picked
            self._add(band, number, parts)

    def _add(self, band: int, number: NDArray[np.int32], parts: "_Parts") -> None:
        """Take one tile's part of a band into the running totals, and settle what is full."""
        settled, laid = self._settled[band], self.counts[band]
        rival = settled & (parts.valid >= 1) & (2 * parts.valid >= number)
        if rival.any():
            theirs = np.rint(parts.total[rival] / parts.valid[rival])
            self.disagreements += int(np.count_nonzero(theirs != laid[rival]))
        waiting = ~settled
        np.add(self._sum[band], parts.total, out=self._sum[band], where=waiting)
        np.add(self._valid[band], parts.valid, out=self._valid[band], where=waiting)
        np.maximum(self._reasons[band], parts.worst, out=self._reasons[band], where=waiting)
        valid = self._valid[band]
        full = waiting & (valid >= 1) & (2 * valid >= self._most)
        # sums below 2**53 over counts: the quotient rounds correctly, so a tie is a tie
        laid[full] = np.rint(self._sum[band][full] / valid[full]).astype(np.int16)
        settled |= full

    def _nearest(
        self, shape: tuple[int, int], lattice: Lattice, first: tuple[int, int]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Target rows and columns whose centres lie in the image, and their nearest pixels."""
        lats, lons = self.grid.lats(self.window), self.grid.lons(self.window)
        line = np.floor(lattice.line_of(lats) + 0.5).astype(np.intp) - 1 - first[0]
        rows = np.flatnonzero((line >= 0) & (line < shape[0]))
        east = (lons - lattice.lon0 + 180.0) % 360.0 - 180.0
        per_degree = lattice.samples_per_degree(lats[rows])
        sample = np.floor(lattice.sample_offset + east * per_degree[:, None] + 0.5)
        sample -= 1 + first[1]
        within = (sample >= 0) & (sample < shape[1])
        at, cols = np.nonzero(within)
        return rows[at], cols, line[rows[at]], sample[within].astype(np.intp)

    def _runs(
        self, shape: tuple[int, int], lattice: Lattice, first: tuple[int, int]
    ) -> Iterator["_Run"]:
        """For every source line in the window, which samples fall into which target pixel."""
        grid, window, pixel = self.grid, self.window, self.grid.pixel_deg
        lats = lattice.lat_of(np.arange(shape[0]) + first[0] + 1)
        rows = np.floor((90.0 - lats) / pixel).astype(np.intp) - grid.row - window.row
        offsets = np.arange(shape[1]) + first[1] + 1 - lattice.sample_offset
        for line in np.flatnonzero((rows >= 0) & (rows < window.height) & (np.abs(lats) <= 90.0)):
            east = offsets / lattice.samples_per_degree(lats[line])
            turn = (east + lattice.lon0 + 180.0) % 360.0
            col = np.minimum(np.floor(turn / pixel).astype(np.intp), grid.around - 1)
            col = (col - grid.col - window.col) % grid.around
            here = np.flatnonzero((east >= -180.0) & (east < 180.0) & (col < window.width))
            if here.size:
                # samples run eastward, so those of one column stand together
                starts = np.flatnonzero(np.diff(col[here], prepend=-1))
                # a grid that goes all the way around meets its first column twice at the most
                for part in _without_repeats(col[here][starts]):
                    yield _Run(
                        row=int(rows[line]), cols=col[here][starts][part], line=int(line),
                        samples=here, starts=starts, part=part,
                        numbers=np.diff(starts, append=here.size)[part],
                    )  # fmt: skip


def _without_repeats(cols: NDArray[np.intp]) -> list[slice]:
    """Cut a run of columns where it returns to its first one."""
    again = np.flatnonzero(cols[1:] == cols[0])
    if again.size == 0:
        return [slice(0, cols.size)]
    cut = int(again[0]) + 1
    return [slice(0, cut), slice(cut, cols.size)]


@dataclass(frozen=True)
class _Run:
    """Samples of one source line, by the columns of one target row that hold their centres."""

    row: int
    cols: NDArray[np.intp]
    line: int
    samples: NDArray[np.intp]
    starts: NDArray[np.intp]
    part: slice
    numbers: NDArray[np.intp]


@dataclass(frozen=True)
class _Parts:
    """What one tile contributes to one band of a window."""

    total: NDArray[np.int64]
    valid: NDArray[np.int32]
    worst: NDArray[np.uint8]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "_Parts":
        return cls(np.zeros(shape, np.int64), np.zeros(shape, np.int32), np.zeros(shape, np.uint8))

    def gather(
        self, runs: "list[_Run]", counts: NDArray[np.int16], reasons: NDArray[np.uint8]
    ) -> None:
        """Sum the runs of one band."""
        for run in runs:
            reason = reasons[run.line, run.samples]
            good = reason == BandReason.VALID
            measured = np.where(good, counts[run.line, run.samples], 0).astype(np.int64)
            row, cols = run.row, run.cols
            self.total[row, cols] += np.add.reduceat(measured, run.starts)[run.part]
            self.valid[row, cols] += np.add.reduceat(good.astype(np.int32), run.starts)[run.part]
            worst = np.maximum.reduceat(reason, run.starts)[run.part]
            self.worst[row, cols] = np.maximum(self.worst[row, cols], worst)
