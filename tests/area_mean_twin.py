"""Area means by brute force, in float64: every pixel against every other, cut where it is cut."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA, REASON_MASK
from lunarscale.grid.raster import RasterGrid

Floats = NDArray[np.float64]

#: Bits of the qualifiers of a value.
QUALIFIERS = (8, 16, 32)


class Truth(NamedTuple):
    """What a coarser level should hold, ``(row, col)``.

    Parameters
    ----------
    means : ndarray of float64
        Of the valid pixels; NaN where there are none.
    valid : ndarray of float64
        Share of the pixel's area that is.
    reasons : ndarray of float64, (reason, row, col)
        Shares of the area that have each, 0 to 7.
    qualifiers : ndarray of float64, (qualifier, row, col)
        Shares of the valid area.
    """

    means: Floats
    valid: Floats
    reasons: Floats
    qualifiers: Floats


def area_means(
    counts: NDArray[np.int16], flags: NDArray[np.uint8], base: RasterGrid, level: RasterGrid
) -> Truth:
    """The truth of a level; what lies beyond the map is no input."""
    rows = _shares(_heights(level), _heights(base))
    turns = [_shares(_turns(level), _turns(base) + turn) for turn in (-1, 0, 1)]
    cols = np.sum(turns, axis=0)
    area = np.diff(_heights(level))[:, None] * np.diff(_turns(level))

    def share(of: NDArray[np.generic]) -> Floats:
        return np.asarray(rows @ of.astype(np.float64) @ cols.T / area)

    reason = flags & REASON_MASK
    has_value = (reason == 0) & (counts != NO_DATA)
    valid = share(has_value)
    reasons = np.stack([share(reason == each) for each in range(8)])
    reasons[1] += 1 - share(np.ones(counts.shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = share(np.where(has_value, counts, 0)) / valid
        qualifiers = [share(has_value & (flags & bit != 0)) / valid for bit in QUALIFIERS]
    return Truth(means, valid, reasons, np.stack(qualifiers))


def assert_true(
    counts: NDArray[np.int16], flags: NDArray[np.uint8], truth: Truth, *, off: float = 1e-3
) -> None:
    """A level's pixels are the truth's, rounded; what lies on an edge of a rule may go either way.

    Parameters
    ----------
    counts, flags : ndarray
    truth : Truth
    off : float
        Counts by which a mean may be off before it is rounded.
    """
    is_sure = np.abs(truth.valid - 0.5) > 1e-6
    stands = truth.valid >= 0.5
    has_value = counts != NO_DATA
    assert np.array_equal(has_value[is_sure], stands[is_sure])
    assert np.abs(counts[has_value] - truth.means[has_value]).max(initial=0) <= 0.5 + off
    assert np.all(flags[has_value] & REASON_MASK == 0)
    given = np.take_along_axis(
        truth.reasons[1:], np.maximum(flags[None] & REASON_MASK, 1) - 1, axis=0
    )[0]
    assert np.all(given[~has_value] >= truth.reasons[1:].max(axis=0)[~has_value] - 1e-6)
    assert np.all((flags[~has_value] > 0) & (flags[~has_value] <= REASON_MASK))
    for bit, share in zip(QUALIFIERS, truth.qualifiers, strict=True):
        is_told = has_value & (np.abs(share - 0.5) > 1e-6)
        assert np.array_equal((flags & bit != 0)[is_told], (share >= 0.5)[is_told])


def _heights(grid: RasterGrid) -> Floats:
    """Edges of the rows as areas of the sphere north of them."""
    edges = (np.arange(grid.height + 1) + grid.row) / grid.around
    return np.asarray(np.sin(np.pi * edges) ** 2)


def _turns(grid: RasterGrid) -> Floats:
    """Edges of the columns in turns from 180 W."""
    return np.asarray((np.arange(grid.width + 1) + grid.col) / grid.around)


def _shares(coarse: Floats, fine: Floats) -> Floats:
    """Length that each coarse interval has in common with each fine one."""
    start = np.maximum(coarse[:-1, None], fine[None, :-1])
    stop = np.minimum(coarse[1:, None], fine[None, 1:])
    return np.maximum(stop - start, 0)
