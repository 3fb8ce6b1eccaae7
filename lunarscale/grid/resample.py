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
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NEVER_IMAGED, NO_DATA, VALID
from lunarscale.grid.averaging import gather, settle
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
        self, counts: NDArray[np.int16], reasons: NDArray[np.uint8], blocks: list[Shares],
        part: Part,
    ) -> None:  # fmt: skip
        """Sum a tile's pixels target by target, and settle what is full."""
        number = np.zeros(self.counts.shape[1:], dtype=np.int32)
        for share in blocks:
            share.count(number)
        single = self._unshared(number, part)
        number[single.rows, single.cols] = 1
        assert self._sums is not None
        np.maximum(self._sums.most, number, out=self._sums.most)
        box = _box(number)
        for band in range(len(counts)):
            held = _Held.none(number.shape)
            for share in blocks:
                held.gather(share, counts[band, share.lines], reasons[band, share.lines])
            held.pick(single, counts[band], reasons[band])
            self.disagreements += int(
                settle(
                    self.counts[band][box],
                    self.reasons[band][box],
                    self._sums.of_band(band, box),
                    held.within(box),
                    number[box],
                )
            )

    def _unshared(self, number: NDArray[np.int32], part: Part) -> "_Single":
        """The target pixels that hold no source pixel's centre, and their nearest ones."""
        bare = [np.zeros((3, 0), np.intp)]
        for block in nearest(part, self.grid, self.window):
            rows, cols = np.nonzero(block.within & (number[block.at] == 0))
            top, left = block.at[0].start, block.at[1].start
            bare.append(np.stack([rows + top, cols + left, block.source[rows, cols]]))
        return _Single(*np.concatenate(bare, axis=1))


Box: TypeAlias = tuple[slice, slice]


def _box(number: NDArray[np.int32]) -> Box:
    """The rectangle that holds all the target pixels of which a tile has anything."""
    rows, cols = (np.flatnonzero(number.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


class _Single(NamedTuple):
    """Target pixels that take one source pixel: where they are, and its place in the part."""

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    source: NDArray[np.intp]


@dataclass(frozen=True)
class _Sums:
    """What the tiles so far hold of every target pixel that is not settled yet."""

    total: NDArray[np.int64]
    valid: NDArray[np.int32]
    most: NDArray[np.int32]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "_Sums":
        return cls(
            np.zeros(shape, np.int64), np.zeros(shape, np.int32), np.zeros(shape[1:], np.int32)
        )

    def of_band(self, band: int, box: Box) -> tuple[NDArray[np.integer[Any]], ...]:
        return self.total[band][box], self.valid[band][box], self.most[box]


@dataclass(frozen=True)
class _Held:
    """What one tile holds of one band of a window."""

    total: NDArray[np.int64]
    valid: NDArray[np.int32]
    worst: NDArray[np.uint8]

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "_Held":
        return cls(np.zeros(shape, np.int64), np.zeros(shape, np.int32), np.zeros(shape, np.uint8))

    def within(self, box: Box) -> tuple[NDArray[np.integer[Any]], ...]:
        return self.total[box], self.valid[box], self.worst[box]

    def gather(self, share: Shares, counts: NDArray[np.int16], reasons: NDArray[np.uint8]) -> None:
        """Add one block of lines."""
        part = tuple(
            layer[share.rows].reshape(-1) for layer in (self.total, self.valid, self.worst)
        )
        gather(counts.reshape(-1), reasons.reshape(-1), (share.starts, share.places), part)

    def pick(self, single: _Single, counts: NDArray[np.int16], reasons: NDArray[np.uint8]) -> None:
        """Take the nearest pixels of those that hold none."""
        reason = reasons.reshape(-1)[single.source]
        good, at = reason == _VALID, (single.rows, single.cols)
        self.total[at] = np.where(good, counts.reshape(-1)[single.source], 0)
        self.valid[at] = good
        self.worst[at] = reason
