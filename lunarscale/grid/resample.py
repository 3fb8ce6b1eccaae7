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
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NEVER_IMAGED, NO_DATA, VALID
from lunarscale.grid.matching import Nearest, Part, Shares, nearest, shares
from lunarscale.grid.projections import Lattice
from lunarscale.grid.raster import RasterGrid, Window

#: Native pixels a target pixel, from which on it takes the mean.
MEAN_FROM = 1.5

_VALID = np.uint8(VALID)


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
        self._sums: _Sums | None = None

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
        part = Part(lattice, (counts.shape[1], counts.shape[2]), first)
        if lattice.ppd * self.grid.pixel_deg >= MEAN_FROM:
            self._sums = self._sums or _Sums.of(self.counts.shape)
            self._blend(counts, reasons, list(shares(part, self.grid, self.window)), part)
        elif self._sums is not None:
            self._blend(counts, reasons, [], part)
        else:
            flat = counts.reshape(len(counts), -1), reasons.reshape(len(counts), -1)
            for block in nearest(part, self.grid, self.window):
                self._cover(block, *flat)

    def _cover(self, block: Nearest, counts: NDArray[np.int16], reasons: NDArray[np.uint8]) -> None:
        """Settle what is not settled with single pixels: the first valid one wins."""
        outside = None if block.within.all() else ~block.within
        for band in range(len(counts)):
            laid, met = self.counts[band][block.at], self.reasons[band][block.at]
            # clipped: what lies outside the part is masked, wherever it points
            theirs = counts[band].take(block.source, mode="clip")
            reason = reasons[band].take(block.source, mode="clip")
            if outside is not None:
                reason[outside] = NEVER_IMAGED
            valid, waiting = reason == _VALID, met != _VALID
            if not waiting.all():
                rival = valid & ~waiting & (theirs != laid)
                self.disagreements += int(np.count_nonzero(rival))
            elif valid.all():  # most blocks: nothing to choose
                laid[...], met[...] = theirs, _VALID
                continue
            np.copyto(laid, theirs, where=valid & waiting)
            np.multiply(np.maximum(met, reason), (waiting & ~valid).view(np.uint8), out=met)

    def _blend(
        self, counts: NDArray[np.int16], reasons: NDArray[np.uint8], runs: list[Shares],
        part: Part,
    ) -> None:  # fmt: skip
        """Sum a tile's pixels target by target, and settle what is full."""
        shape = self.counts.shape[1:]
        number = np.zeros(shape, dtype=np.int32)
        for share in runs:
            number[share.rows] += share.spread(share.lengths).astype(np.int32)
        bare = []
        for block in nearest(part, self.grid, self.window):
            rows, cols = np.nonzero(block.within & (number[block.at] == 0))
            top, left = block.at[0].start, block.at[1].start
            bare.append(np.stack([rows + top, cols + left, block.source[rows, cols]]))
        rows, cols, source = np.concatenate([np.zeros((3, 0), np.intp), *bare], axis=1)
        number[rows, cols] = 1
        assert self._sums is not None
        np.maximum(self._sums.most, number, out=self._sums.most)
        for band in range(len(counts)):
            tile = _Tile.of(shape)
            for share in runs:
                tile.gather(share, counts[band, share.lines], reasons[band, share.lines])
            picked = reasons[band].reshape(-1)[source]
            good = picked == _VALID
            tile.total[rows, cols] = np.where(good, counts[band].reshape(-1)[source], 0)
            tile.valid[rows, cols] = good
            tile.worst[rows, cols] = picked
            self._settle(band, number, tile=tile, sums=self._sums)

    def _settle(
        self, band: int, number: NDArray[np.int32], *, tile: "_Tile", sums: "_Sums"
    ) -> None:
        """Take one tile's part of a band into the sums, and settle what is full."""
        laid, met = self.counts[band], self.reasons[band]
        waiting = met != _VALID
        rival = ~waiting & (tile.valid >= 1) & (2 * tile.valid >= number)
        if rival.any():
            theirs = np.rint(tile.total[rival] / tile.valid[rival])
            self.disagreements += int(np.count_nonzero(theirs != laid[rival]))
        sums.total[band] += tile.total
        sums.valid[band] += tile.valid
        valid = sums.valid[band]
        full = waiting & (valid >= 1) & (2 * valid >= sums.most)
        # sums below 2**53 over counts: the quotient rounds correctly, so a tie is a tie
        laid[full] = np.rint(sums.total[band][full] / valid[full]).astype(np.int16)
        np.multiply(np.maximum(met, tile.worst), (waiting & ~full).view(np.uint8), out=met)


@dataclass(frozen=True)
class _Sums:
    """What the tiles so far hold of every target pixel; read where it is not settled yet."""

    total: NDArray[np.int64]
    valid: NDArray[np.int32]
    most: NDArray[np.int32]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "_Sums":
        return cls(
            np.zeros(shape, np.int64), np.zeros(shape, np.int32), np.zeros(shape[1:], np.int32)
        )


@dataclass(frozen=True)
class _Tile:
    """What one tile contributes to one band of a window."""

    total: NDArray[np.int64]
    valid: NDArray[np.int32]
    worst: NDArray[np.uint8]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "_Tile":
        return cls(np.zeros(shape, np.int64), np.zeros(shape, np.int32), np.zeros(shape, np.uint8))

    def gather(self, share: Shares, counts: NDArray[np.int16], reasons: NDArray[np.uint8]) -> None:
        """Add one block of lines."""
        measured, reason, lengths = counts.ravel(), reasons.ravel(), share.lengths
        bad = np.flatnonzero(reason)
        if bad.size:
            measured = np.where(reason == _VALID, measured, np.int16(0))
            runs = share.runs[bad]
            lengths = lengths - np.bincount(runs, minlength=lengths.size)
            worst, places = self.worst[share.rows].reshape(-1), share.places[runs]
            here = places < worst.size
            np.maximum.at(worst, places[here], reason[bad[here]])
        sums = np.add.reduceat(measured, share.starts, dtype=np.int64)
        self.total[share.rows] += share.spread(sums)
        self.valid[share.rows] += share.spread(lengths).astype(np.int32)
