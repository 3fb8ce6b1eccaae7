"""Laying a tile's counts row by row, as loops: nearest pixels, or means of those inside.

Counts are read as the file has them, in either byte order, and a table of all the 65,536 says why
one is none. Sums are integers, so no order of adding shows in them; the one division is float64
and rounds half to even. Compiled at first use, once a process.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.flags import VALID
from lunarscale.grid.matching import Centres, Columns, columns_of_line, sample_at

_VALID = np.uint8(VALID)

#: A valid count, above the sum of counts in one number: sums are below 2**39 in magnitude, which
#: 16 million pixels in one target pixel could pass.
_ONE_BIT = 40
_ONE, _HALF = 1 << _ONE_BIT, 1 << (_ONE_BIT - 1)

_kernel = njit(nogil=True, error_model="numpy")
_part = njit(nogil=True, error_model="numpy", forceinline=True)


class Counts(NamedTuple):
    """A rectangle of an image, as the file has it.

    Parameters
    ----------
    bits : ndarray of uint16, (band, line, sample)
        The counts' bits as this machine reads them.
    swapped : bool
        Whether their bytes stand the other way round.
    reasons : ndarray of uint8, (65536,)
        Why a count is none, by its bits in the right order; 0 where it is a measurement.
    """

    bits: NDArray[np.uint16]
    swapped: bool
    reasons: NDArray[np.uint8]


class Laid(NamedTuple):
    """What is laid so far: counts, and reasons (0 where a count is), each ``(band, row, col)``."""

    counts: NDArray[np.int16]
    reasons: NDArray[np.uint8]


class Sums(NamedTuple):
    """What the tiles so far hold of the target pixels that are not settled.

    Parameters
    ----------
    total, valid : ndarray of int64 and int32, (band, row, col)
        Sum and number of the valid counts; anything where ``most`` is 0.
    most : ndarray of int32, (row, col)
        The most source pixels that one tile has in a target pixel.
    """

    total: NDArray[np.int64]
    valid: NDArray[np.int32]
    most: NDArray[np.int32]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "Sums":
        """For a window of bands, rows and columns: memory is taken where sums are kept only."""
        return cls(
            np.empty(shape, np.int64), np.empty(shape, np.int32), np.zeros(shape[1:], np.int32)
        )


@_part
def _count_of(bits, swapped):  # type: ignore[no-untyped-def]
    """A count's bits in the right order."""
    if swapped:
        return np.uint16((bits << np.uint16(8)) | (bits >> np.uint16(8)))
    return bits


@_kernel
def cover(image: Counts, centres: Centres, laid: Laid) -> Any:
    """Settle what is not settled with the nearest pixels: the first valid one wins.

    Returns
    -------
    int
        Settled pixels for which this tile has another valid count.
    """
    bits, swapped, reasons = image
    bands, _, samples = bits.shape
    rows, cols = laid.counts.shape[1:]
    source = np.empty(cols, np.int32)
    target = np.empty(cols, np.int32)
    disagreements = 0
    for row in range(rows):
        line = centres.lines[row]
        if line < 0:
            continue
        found = 0
        for col in range(cols):
            sample = sample_at(centres, row, col)
            if 0 <= sample < samples:
                source[found], target[found] = sample, col
                found += 1
        for band in range(bands):
            theirs = bits[band, line]
            count_row, met = laid.counts[band, row], laid.reasons[band, row]
            for place in range(found):
                col = target[place]
                count = _count_of(theirs[source[place]], swapped)
                reason = reasons[count]
                if met[col] == _VALID:
                    disagreements += reason == _VALID and np.int16(count) != count_row[col]
                elif reason == _VALID:
                    count_row[col], met[col] = np.int16(count), _VALID
                else:
                    met[col] = max(met[col], reason)
    return disagreements


@_kernel
def blend(image: Counts, columns: Columns, centres: Centres, laid: Laid, sums: Sums) -> Any:
    """Sum a tile's pixels row by row, and settle what is full.

    Where no source pixel's centre lies in a target pixel, it takes the nearest one.

    Returns
    -------
    int
        Settled pixels of which at least half of this tile's would make another count.
    """
    bands, _, samples = image.bits.shape
    rows, cols = laid.counts.shape[1:]
    places, per_degree = np.empty(samples, np.int32), -1.0
    start = stop = 0
    # the last column is for what lies outside
    number = np.zeros(cols + 1, np.int32)
    held = np.zeros((bands, cols + 1), np.int64)
    worst = np.zeros((bands, cols + 1), np.uint8)
    disagreements = 0
    for row in range(rows):
        lines = range(columns.starts[row], columns.starts[row + 1])
        if len(lines) == 0 and centres.lines[row] < 0:
            continue
        number[:], held[:], worst[:] = 0, 0, 0
        for line in lines:
            if columns.per_degree[line] != per_degree:  # on a cylinder all lines are alike
                per_degree = columns.per_degree[line]
                start, stop = columns_of_line(columns, line, places)
            for sample in range(start, stop):
                number[places[sample]] += 1
            for band in range(bands):
                _add(image, (band, line), (start, stop), places, held[band], worst[band])
        if centres.lines[row] >= 0:
            _pick(image, centres, row, number, held, worst)
        disagreements += _settle(row, number, held, worst, laid, sums)
    return disagreements


@_part
def _add(image, at, span, places, held, worst):  # type: ignore[no-untyped-def]
    """Add one band of one line to what its target pixels hold."""
    theirs, reasons, swapped = image.bits[at[0], at[1]], image.reasons, image.swapped
    for sample in range(span[0], span[1]):
        count = _count_of(theirs[sample], swapped)
        reason, place = reasons[count], places[sample]
        if reason == _VALID:
            held[place] += np.int64(np.int16(count)) + _ONE
        else:
            worst[place] = max(worst[place], reason)


@_part
def _pick(image, centres, row, number, held, worst):  # type: ignore[no-untyped-def]
    """Take the nearest pixel of every target pixel of a row that holds none."""
    bands, _, samples = image.bits.shape
    line = centres.lines[row]
    for col in range(number.size - 1):
        if number[col] == 0:
            sample = sample_at(centres, row, col)
            if 0 <= sample < samples:
                number[col] = 1
                for band in range(bands):
                    count = _count_of(image.bits[band, line, sample], image.swapped)
                    worst[band, col] = image.reasons[count]
                    if worst[band, col] == _VALID:
                        held[band, col] = np.int64(np.int16(count)) + _ONE


@_part
def _settle(row, number, held, worst, laid, sums):  # type: ignore[no-untyped-def]
    """Take a row of one tile into the sums, and settle what is full."""
    disagreements = 0
    most = sums.most[row]
    for band in range(held.shape[0]):
        counts, met = laid.counts[band, row], laid.reasons[band, row]
        total, valid = sums.total[band, row], sums.valid[band, row]
        for col in range(number.size - 1):
            if number[col] == 0:
                continue
            here = (held[band, col] + _HALF) >> _ONE_BIT
            theirs = held[band, col] - (here << _ONE_BIT)
            if met[col] == _VALID:
                if here >= 1 and 2 * here >= number[col]:
                    disagreements += np.rint(theirs / here) != counts[col]
                continue
            if most[col] > 0:
                theirs += total[col]
                here += valid[col]
            if here >= 1 and 2 * here >= max(most[col], number[col]):
                # sums below 2**53 over counts: the quotient rounds correctly, so a tie is a tie
                counts[col], met[col] = np.int16(np.rint(theirs / here)), _VALID
            else:
                total[col], valid[col] = theirs, here
                met[col] = max(met[col], worst[band, col])
    for col in range(number.size - 1):
        most[col] = max(most[col], number[col])
    return disagreements


@_kernel
def pack(reasons, bits, packed):  # type: ignore[no-untyped-def]
    """Put the bands' reasons (band, row, col) side by side, so many bits a band.

    Parameters
    ----------
    reasons : ndarray of uint8, (band, row, col)
    bits : int
    packed : ndarray of an unsigned integer, (row, col)
        Filled.
    """
    for row in range(packed.shape[0]):
        for col in range(packed.shape[1]):
            packed[row, col] = reasons[0, row, col]
        for band in range(1, reasons.shape[0]):
            for col in range(packed.shape[1]):
                packed[row, col] |= packed.dtype.type(reasons[band, row, col]) << (bits * band)
