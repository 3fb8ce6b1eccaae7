"""Area means of a map on all the coarser grids of a pyramid, in one pass from north to south.

Every sum is an integer: counts times areas, and the areas of each reason and each qualifier. A row
of the map is added to the first coarser row, upright; a coarser row that is complete is gathered
across, its means are settled, and its sums, not its means, are carried to the next grid. So each
mean is of the map's own pixels, rounded once, and no cut of the work shows in it. Compiled at first
use, once a process.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, OUTSIDE_MARE, REASON_MASK, MapReason
from lunarscale.grid.compiling import LOOP, PART
from lunarscale.grid.halving import TAPS, Columns, Rows

#: What is summed: counts; the area of each reason; that of each qualifier.
REASONS = range(1, REASON_MASK + 1)
QUALIFIERS = (NEGATIVE, EXTRAPOLATED, OUTSIDE_MARE)
KINDS = 1 + len(REASONS) + len(QUALIFIERS)

#: Pixels of a row, of the map or of a level, that are looked at together: where all have plain
#: values there is less to do.
_RUN = 512

_NO_DATA, _NO_INPUT = np.int16(NO_DATA), np.uint8(MapReason.NO_INPUT)
_REASON_MASK = np.uint8(REASON_MASK)
_FIRST_QUALIFIER = 1 + len(REASONS)
_SHIFT = NEGATIVE.bit_length() - 1  # the qualifiers are neighbouring bits
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)

#: A part of the loop, put into it before it is compiled: that takes two thirds of the time.
_part = njit(error_model="numpy", inline="always", **PART)


class Pieces(NamedTuple):
    """Some rows of a layer of the map in pieces, as it is kept: its chunks, side by side.

    Parameters
    ----------
    counts, flags : ndarray of int16 and uint8, (piece, row, col)
    runs : ndarray of int64, (run, 4)
        From west to east: a piece, the first of its columns, how many of them, and which column
        of the strip the first one is.
    """

    counts: NDArray[np.int16]
    flags: NDArray[np.uint8]
    runs: NDArray[np.int64]


class Sums(NamedTuple):
    """What is summed and not settled yet, of one strip of columns from north to south.

    Parameters
    ----------
    upright : ndarray of int64, (kind, column of the map)
        With a few more at the end, which stay zero.
    levels : ndarray of int64, (kind, columns of all levels side by side)
    seen : ndarray of bool, (1 + level, kind)
        Which kinds are not all zero, in ``upright`` and in each level.
    weights, halves : ndarray of int64, (level,)
        Weight of the rows in it, and rows of the level before.
    starts, widths : ndarray of int64, (level,)
        The levels' columns in ``levels``.
    kinds, valid, most : ndarray of uint8, int64 and int64
        Room for reasons and areas of pixels that are at hand.
    """

    upright: NDArray[np.int64]
    levels: NDArray[np.int64]
    seen: NDArray[np.bool_]
    weights: NDArray[np.int64]
    halves: NDArray[np.int64]
    starts: NDArray[np.int64]
    widths: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    valid: NDArray[np.int64]
    most: NDArray[np.int64]

    @classmethod
    def of(cls, columns: int, widths: list[int]) -> "Sums":
        """For so many columns of the map, and of each level."""
        count = len(widths)
        return cls(
            np.zeros((KINDS, columns), np.int64),
            np.zeros((KINDS, sum(widths)), np.int64),
            np.zeros((count + 1, KINDS), np.bool_),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.cumsum([0, *widths[:-1]]),
            np.array(widths),
            np.zeros(_RUN, np.uint8),
            np.zeros(_RUN, np.int64),
            np.zeros(_RUN, np.int64),
        )


class Made(NamedTuple):
    """Rows that are settled, of all levels one after the other.

    Parameters
    ----------
    counts, flags : ndarray of int16 and uint8, (pixels,)
    rows, starts : ndarray of int64, (level,)
        Rows of each level there are, and where its first begins.
    """

    counts: NDArray[np.int16]
    flags: NDArray[np.uint8]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, widths: list[int], heights: list[int]) -> "Made":
        """With room for so many rows of each level."""
        sizes = [width * height for width, height in zip(widths, heights, strict=True)]
        return cls(
            np.empty(sum(sizes), np.int16),
            np.empty(sum(sizes), np.uint8),
            np.zeros(len(sizes), np.int64),
            np.cumsum([0, *sizes[:-1]]),
        )


class Means:
    """Means of a strip of columns of one layer, from north to south.

    Parameters
    ----------
    columns : Columns
        Of the first coarser grid.
    heights : list of int
        Rows of each coarser grid that are held until they are taken.
    """

    def __init__(self, columns: Columns, *, heights: list[int]) -> None:
        self.widths = [columns.first.size >> level for level in range(len(heights))]
        self._columns = columns
        self._sums = Sums.of(int(columns.width) + TAPS, self.widths)
        self._made = Made.of(self.widths, heights)

    def add(self, pieces: Pieces, rows: Rows) -> None:
        """Add parts of some rows of the map.

        Parameters
        ----------
        pieces : Pieces
        rows : Rows
            ``lines`` being those of the pieces.
        """
        add_lines(pieces, rows, self._columns, self._sums, self._made)

    def ready(self, level: int) -> int:
        """Rows of a level that are settled and not taken."""
        return int(self._made.rows[level])

    def take(self, level: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Counts and flags of these rows, until more are added."""
        rows, width = self.ready(level), self.widths[level]
        start = int(self._made.starts[level])
        of = slice(start, start + rows * width)
        self._made.rows[level] = 0
        shape = (rows, width)
        return self._made.counts[of].reshape(shape), self._made.flags[of].reshape(shape)


@njit(error_model="numpy", **LOOP)
def add_lines(pieces, rows, columns, sums, made):  # type: ignore[no-untyped-def]
    """Add parts of rows, and settle the means of every level's rows that are complete."""
    first = 0
    for part in range(rows.lines.size):
        sums.weights[0] += rows.weights[part]
        if rows.ends[part] or part + 1 == rows.lines.size:
            _add_parts(pieces, rows, first, part + 1, sums)
            first = part + 1
        if rows.ends[part]:
            _gather(columns, sums)
            level = 0
            while True:
                _settle(level, columns.coarse << level, sums, made)
                _carry(level, sums)
                level += 1
                if level == sums.widths.size or sums.halves[level] < 2:
                    break


@_part
def _add_parts(pieces, rows, begin, end, sums):  # type: ignore[no-untyped-def]
    """Add the parts of one coarser row, all of a few columns while their sums are in the cache."""
    sums.seen[0, 0] = True
    for run in range(pieces.runs.shape[0]):
        piece, first, length, at = pieces.runs[run]
        for start in range(first, first + length, _RUN):
            stop = min(start + _RUN, first + length)
            for part in range(begin, end):
                line = rows.lines[part]
                counts = pieces.counts[piece, line, start:stop]
                flags = pieces.flags[piece, line, start:stop]
                _add_run(counts, flags, rows.weights[part], at + start - first, sums)


@_part
def _add_run(counts, flags, weight, at, sums):  # type: ignore[no-untyped-def]
    """Add pixels next to each other; where all of them have values there is less to do."""
    total = sums.upright[0, at : at + counts.size]
    found, lowest = np.uint8(0), np.int16(0)
    for col in range(np.uint64(counts.size)):
        found |= flags[col]
        lowest = min(lowest, counts[col])
    if found & _REASON_MASK == 0 and lowest != _NO_DATA:
        for col in range(np.uint64(counts.size)):
            total[col] += weight * np.int64(counts[col])
    else:
        _add_gaps(counts, flags, weight, at, sums)
    for kind in range(_FIRST_QUALIFIER, KINDS):
        bit = np.uint8(1 << (_SHIFT + kind - _FIRST_QUALIFIER))
        if found & bit:
            sums.seen[0, kind] = True
            area = sums.upright[kind, at : at + counts.size]
            for col in range(np.uint64(counts.size)):
                # its bit, and no reason besides
                is_so = (flags[col] & (bit | _REASON_MASK)) == bit
                area[col] += weight * np.int64(is_so)


@_part
def _add_gaps(counts, flags, weight, at, sums):  # type: ignore[no-untyped-def]
    """Add pixels some of which have no value, and the areas of their reasons."""
    reasons, here = sums.kinds, np.uint32(0)
    for col in range(np.uint64(counts.size)):
        # a count that is none has a reason, or the store is not ours
        reason = max(flags[col] & _REASON_MASK, np.uint8(counts[col] == _NO_DATA))
        reasons[col] = reason
        here |= np.uint32(1) << np.uint32(reason)
    total = sums.upright[0, at : at + counts.size]
    for col in range(np.uint64(counts.size)):
        total[col] += weight * np.int64(counts[col]) * np.int64(reasons[col] == 0)
    for reason in range(1, _FIRST_QUALIFIER):
        if (here >> np.uint32(reason)) & np.uint32(1):
            sums.seen[0, reason] = True
            area = sums.upright[reason, at : at + counts.size]
            for col in range(np.uint64(counts.size)):
                area[col] += weight * np.int64(reasons[col] == np.uint8(reason))


@_part
def _gather(columns, sums):  # type: ignore[no-untyped-def]
    """The first level's row out of what stands upright, which begins anew."""
    for kind in range(KINDS):
        if sums.seen[0, kind]:
            for turn in range(columns.turns.size - 1):
                start, stop = columns.turns[turn], columns.turns[turn + 1]
                level = sums.levels[kind, start:stop]
                upright = sums.upright[kind, columns.first[start] :]
                one, two = columns.shares[0, start:stop], columns.shares[1, start:stop]
                three, four = columns.shares[2, start:stop], columns.shares[3, start:stop]
                for col in range(np.uint64(level.size)):
                    at = _TWO * col
                    level[col] = (
                        one[col] * upright[at]
                        + two[col] * upright[at + _ONE]
                        + three[col] * upright[at + _TWO]
                        + four[col] * upright[at + _THREE]
                    )
            whole = sums.upright[kind]
            for col in range(np.uint64(whole.size)):
                whole[col] = 0
            sums.seen[0, kind] = False
            sums.seen[1, kind] = True


@_part
def _carry(level, sums):  # type: ignore[no-untyped-def]
    """Add a level's row to the next one's; it begins anew."""
    is_last = level + 1 == sums.widths.size
    start, width = sums.starts[level], sums.widths[level]
    for kind in range(KINDS):
        if sums.seen[level + 1, kind]:
            row = sums.levels[kind, start : start + width]
            if not is_last:
                following = sums.levels[kind, start + width :]
                for col in range(np.uint64(width // 2)):
                    following[col] += row[_TWO * col] + row[_TWO * col + _ONE]
                sums.seen[level + 2, kind] = True
            for col in range(np.uint64(row.size)):
                row[col] = 0
            sums.seen[level + 1, kind] = False
    if not is_last:
        sums.weights[level + 1] += sums.weights[level]
        sums.halves[level + 1] += 1
    sums.weights[level] = 0
    sums.halves[level] = 0


@_part
def _settle(level, width_units, sums, made):  # type: ignore[no-untyped-def]
    """Write the means of a level's row, and why there are none."""
    width, seen = sums.widths[level], sums.seen[level + 1]
    whole = sums.weights[level] * width_units
    row = made.starts[level] + made.rows[level] * width
    made.rows[level] += 1
    for left in range(0, width, _RUN):
        right = min(left + _RUN, width)
        counts, flags = made.counts[row + left : row + right], made.flags[row + left : row + right]
        start, stop = sums.starts[level] + left, sums.starts[level] + right
        total, missing = sums.levels[0, start:stop], np.int64(0)
        for col in range(np.uint64(flags.size)):
            flags[col] = 0
        for kind in range(1, _FIRST_QUALIFIER):
            if seen[kind]:
                area = sums.levels[kind, start:stop]
                for col in range(np.uint64(area.size)):
                    missing |= area[col]
        if missing == 0:
            inverse = 1.0 / whole
            for col in range(np.uint64(counts.size)):
                counts[col] = _mean(total[col], whole, inverse)
        else:
            _settle_gaps((start, stop), whole, seen, sums, counts, flags)
        for kind in range(_FIRST_QUALIFIER, KINDS):
            if seen[kind]:
                area = sums.levels[kind, start:stop]
                bit, valid = np.uint8(1 << (_SHIFT + kind - _FIRST_QUALIFIER)), sums.valid
                for col in range(np.uint64(area.size)):
                    ground = valid[col] if missing else whole
                    is_so = (flags[col] & _REASON_MASK == 0) & (2 * area[col] >= ground)
                    flags[col] |= bit * np.uint8(is_so)


@_part
def _settle_gaps(columns, whole, seen, sums, counts, flags):  # type: ignore[no-untyped-def]
    """Write the means of some columns where something is missing, and the reasons."""
    start, stop = columns
    total, valid, most = sums.levels[0, start:stop], sums.valid, sums.most
    for col in range(np.uint64(total.size)):
        valid[col], most[col] = whole, 1
    for kind in range(1, _FIRST_QUALIFIER):
        if seen[kind]:
            area = sums.levels[kind, start:stop]
            for col in range(np.uint64(total.size)):
                valid[col] -= area[col]
                flags[col] = np.uint8(kind) if area[col] >= most[col] else flags[col]
                most[col] = max(most[col], area[col])
    for col in range(np.uint64(total.size)):
        ground = valid[col]
        stands = (ground > 0) & (2 * ground >= whole)
        mean = _mean(total[col], ground, 1.0 / max(ground, 1))
        counts[col] = mean if stands else _NO_DATA
        flags[col] = np.uint8(0) if stands else flags[col]


@_part
def _mean(total, area, inverse):  # type: ignore[no-untyped-def]
    """The quotient rounded half to even, exactly: the float's guess is one off at the most."""
    # by way of int32, which every processor converts many at a time
    count = np.int64(np.int32(np.rint(total * inverse)))
    rest = 2 * (total - count * area)
    is_odd = (count & 1) == 1
    is_low = (rest > area) | ((rest == area) & is_odd)
    is_high = (rest < -area) | ((rest == -area) & is_odd)
    return np.int16(count + np.int64(is_low) - np.int64(is_high))
