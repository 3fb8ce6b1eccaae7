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

#: Samples that are piled up at a time, and looked at one by one where any of them is doubtful.
_RUN = 64

_kernel = njit(nogil=True, error_model="numpy")
_part = njit(nogil=True, error_model="numpy", forceinline=True)


class Counts(NamedTuple):
    """A rectangle of an image, as the file has it.

    Parameters
    ----------
    bits : ndarray of uint16, (band, line, sample)
        The counts' bits as this machine reads them.
    turned : int
        Bits by which they must be turned round in their 16: 8 where the file has the other byte
        order than this machine, else 0.
    reasons : ndarray of uint8, (65536,)
        Why a count is none, by its bits in the right order; 0 where it is a measurement.
    sure : int
        Counts from 0 to this are measurements, all of them.
    """

    bits: NDArray[np.uint16]
    turned: np.int32
    reasons: NDArray[np.uint8]
    sure: np.int32

    @classmethod
    def of(cls, counts: NDArray[np.int16], reasons: NDArray[np.uint8]) -> "Counts":
        """From counts in any byte order, and their camera's table of reasons."""
        bits = np.ascontiguousarray(counts).view(np.uint16)
        bad = np.flatnonzero(reasons[:32768])
        highest = int(bad[0]) - 1 if bad.size else 32767
        return cls(bits, np.int32(0 if counts.dtype.isnative else 8), reasons, np.int32(highest))


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
def _count_of(bits, turned):  # type: ignore[no-untyped-def]
    """A count's bits in the right order, as a number of 0-65535."""
    wide = np.int32(bits)
    return ((wide << turned) | (wide >> (np.int32(16) - turned))) & np.int32(0xFFFF)


@_kernel
def cover(image: Counts, centres: Centres, laid: Laid) -> Any:
    """Settle what is not settled with the nearest pixels: the first valid one wins.

    Returns
    -------
    int
        Settled pixels for which this tile has another valid count.
    """
    bits, turned, reasons, _ = image
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
        for col in range(centres.reach[row, 0], centres.reach[row, 1]):
            sample = sample_at(centres, row, col)
            if 0 <= sample < samples:
                source[found], target[found] = sample, col
                found += 1
        for band in range(bands):
            theirs = bits[band, line]
            count_row, met = laid.counts[band, row], laid.reasons[band, row]
            for place in range(found):
                col = target[place]
                count = _count_of(theirs[source[place]], turned)
                reason = reasons[count]
                if met[col] == _VALID:
                    disagreements += reason == _VALID and np.int16(count) != count_row[col]
                elif reason == _VALID:
                    count_row[col], met[col] = np.int16(count), _VALID
                else:
                    met[col] = max(met[col], reason)
    return disagreements


class _Row(NamedTuple):
    """One row of target pixels while a tile's lines are added to it; the last column is outside.

    Parameters
    ----------
    number : ndarray of int32, (col + 1,)
        Source pixels, valid or not.
    total, bad : ndarray of int64 and int32, (band, col + 1)
        Sum of the valid counts, and number of the others.
    worst : ndarray of uint8, (band, col + 1)
        Largest reason of the others.
    columns : ndarray of int32, (2, sample)
        Columns of the first line's samples, and of the line's at hand.
    piled : ndarray of int32, (band, sample)
        Sums of the lines, sample by sample, by the first line's columns.
    """

    number: NDArray[np.int32]
    total: NDArray[np.int64]
    bad: NDArray[np.int32]
    worst: NDArray[np.uint8]
    columns: NDArray[np.int32]
    piled: NDArray[np.int32]


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
    here = _Row(
        np.zeros(cols + 1, np.int32),
        np.zeros((bands, cols + 1), np.int64),
        np.zeros((bands, cols + 1), np.int32),
        np.zeros((bands, cols + 1), np.uint8),
        np.empty((2, samples), np.int32),
        np.zeros((bands, samples), np.int32),
    )
    disagreements = 0
    for row in range(rows):
        first, last = columns.starts[row], columns.starts[row + 1]
        left, right = centres.reach[row]
        if first < last:
            _add_lines(image, columns, (first, last), here)
        if centres.lines[row] >= 0:
            _pick(image, centres, row, here)
        if left < right:
            disagreements += _settle(row, here, centres.reach[row], laid, sums)
            here.number[left:right] = 0
            here.total[:, left:right] = 0
            here.bad[:, left:right] = 0
            here.worst[:, left:right] = 0
    return disagreements


@_part
def _add_lines(image, columns, lines, here):  # type: ignore[no-untyped-def]
    """Add the lines of one target row.

    Lines that follow one another have nearly the same columns: their counts are piled up sample
    by sample, which vectorises, and go to the columns of the first line together. The few samples
    that another line has elsewhere are taken off the pile.
    """
    base, theirs = here.columns[0], here.columns[1]
    start, stop = columns_of_line(columns, lines[0], base)
    _copy(base, theirs)
    for line in range(lines[0], lines[1]):
        is_alike = columns.per_degree[line] == columns.per_degree[lines[0]]  # so on a cylinder
        if not is_alike:
            begin, end = columns_of_line(columns, line, theirs)
            start, stop = min(start, begin), max(stop, end)
        for band in range(image.bits.shape[0]):
            _pile(image, (band, line), (start, stop), here)
        if not is_alike:
            for sample in range(np.uint64(start), np.uint64(stop)):
                if theirs[sample] != base[sample]:
                    _take_off(image, line, sample, here)
        elif line > lines[0]:
            _copy(base, theirs)
    for sample in range(np.uint64(start), np.uint64(stop)):
        here.number[np.uint32(base[sample])] += lines[1] - lines[0]
    for band in range(image.bits.shape[0]):
        total, piled = here.total[band], here.piled[band]
        for sample in range(np.uint64(start), np.uint64(stop)):
            total[np.uint32(base[sample])] += piled[sample]
        piled[start:stop] = 0


@_part
def _copy(source, target):  # type: ignore[no-untyped-def]
    # not target[:] = source: the error that it could raise takes numba three seconds to compile
    for place in range(source.size):
        target[place] = source[place]


@_part
def _pile(image, at, span, here):  # type: ignore[no-untyped-def]
    """Add one band of a line to the pile; what is no measurement is counted instead."""
    counts, piled = image.bits[at[0], at[1]], here.piled[at[0]]
    bad, worst = here.bad[at[0]], here.worst[at[0]]
    for start in range(span[0], span[1], _RUN):
        stop = min(start + _RUN, span[1])
        largest = np.int32(0)
        for sample in range(np.uint64(start), np.uint64(stop)):
            count = _count_of(counts[sample], image.turned)
            piled[sample] += count
            largest = max(largest, count)
        if largest > image.sure:
            for sample in range(np.uint64(start), np.uint64(stop)):
                count = _count_of(counts[sample], image.turned)
                reason, place = image.reasons[count], here.columns[1, sample]
                if reason == _VALID:
                    piled[sample] += np.int32(np.int16(count)) - count
                else:
                    piled[sample] -= count
                    bad[place] += 1
                    worst[place] = max(worst[place], reason)


@_part
def _take_off(image, line, sample, here):  # type: ignore[no-untyped-def]
    """Move a sample of a line from the first line's column to its own."""
    here.number[here.columns[0, sample]] -= 1
    here.number[here.columns[1, sample]] += 1
    for band in range(image.bits.shape[0]):
        count = _count_of(image.bits[band, line, sample], image.turned)
        if image.reasons[count] == _VALID:
            here.piled[band, sample] -= np.int32(np.int16(count))
            here.total[band, here.columns[1, sample]] += np.int16(count)


@_part
def _pick(image, centres, row, here):  # type: ignore[no-untyped-def]
    """Take the nearest pixel of every target pixel of a row that holds none."""
    bands, _, samples = image.bits.shape
    line = centres.lines[row]
    for col in range(centres.reach[row, 0], centres.reach[row, 1]):
        if here.number[col] == 0:
            sample = sample_at(centres, row, col)
            if 0 <= sample < samples:
                here.number[col] = 1
                for band in range(bands):
                    count = _count_of(image.bits[band, line, sample], image.turned)
                    reason = image.reasons[count]
                    if reason == _VALID:
                        here.total[band, col] = np.int16(count)
                    else:
                        here.bad[band, col], here.worst[band, col] = 1, reason


@_part
def _settle(row, here, reach, laid, sums):  # type: ignore[no-untyped-def]
    """Take a row of one tile into the sums, and settle what is full."""
    disagreements = 0
    most = sums.most[row]
    for band in range(here.total.shape[0]):
        counts, met = laid.counts[band, row], laid.reasons[band, row]
        total, valid = sums.total[band, row], sums.valid[band, row]
        for col in range(np.uint64(reach[0]), np.uint64(reach[1])):
            number = here.number[col]
            if number == 0:
                continue
            held, good = here.total[band, col], number - here.bad[band, col]
            if met[col] == _VALID:
                if good >= 1 and 2 * good >= number:
                    disagreements += np.rint(held / good) != counts[col]
                continue
            if most[col] > 0:
                held += total[col]
                good += valid[col]
            if good >= 1 and 2 * good >= max(most[col], number):
                # sums below 2**53 over counts: the quotient rounds correctly, so a tie is a tie
                counts[col], met[col] = np.int16(np.rint(held / good)), _VALID
            else:
                total[col], valid[col] = held, good
                met[col] = max(met[col], here.worst[band, col])
    for col in range(reach[0], reach[1]):
        most[col] = max(most[col], here.number[col])
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
