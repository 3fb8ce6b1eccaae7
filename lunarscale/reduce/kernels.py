"""The loops of the tally: one visit a pixel, integer additions only.

Compiled on first use, once a process and outside the interpreter's lock, so that the threads of
a worker run side by side. Not cached on disk (numba#4807) and not parallel: threads come from
above. Comparisons are written out, for numba compiles ``min`` and ``max`` anew for any two types.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

from lunarscale.grid.compiling import LOOP, PART

#: The bits of ``NO_DATA`` as an unsigned number.
NO_DATA_BITS = np.uint16(0x8000)

#: Where a count's bin is looked up, this stands for no-data.
NO_BIN = np.uint16(0xFFFF)

#: No-data, and what moves the least count that is a value to 0.
NO_DATA, LARGEST = np.int16(-32768), np.uint16(32767)

#: What turns a count's bits into its place in a table whose first entry is -32768.
SIGN_BIT = np.uint16(0x8000)

#: The same bit of the four counts that one load of eight bytes brings, and one count of them.
SIGN_BITS, ONE_COUNT = np.uint64(0x8000_8000_8000_8000), np.uint64(0xFFFF)

#: Most pixels that are looked at and then added: counts and flags of them fit the L1 cache.
STRETCH = 8192

#: Flags that are compared at once, under 256.
BLOCK = np.uint64(128)


@numba.njit(**PART)
def _span(counts, start, stop):  # type: ignore[no-untyped-def]
    # NO_DATA is the least count, and comes behind the greatest where -32767 is moved to 0
    low, high = np.uint16(0xFFFF), NO_DATA
    for pixel in range(start, stop):
        count = counts[pixel]
        moved = np.uint16(count + LARGEST)
        low = moved if moved < low else low
        signed = np.int16(count)
        high = signed if signed > high else high
    return np.int64(low) + 1, np.int64(high) + 32768


@numba.njit(error_model="numpy", **PART)
def _add_counts(counts, words, start, stop, weight, areas):  # type: ignore[no-untyped-def]
    # One load brings four counts: a table's rate is its loads, additions and stores. Returns how
    # many are no-data: what place 0, which nobody else reads, comes to tells of the single ones.
    gaps = np.uint64(0)
    head = (start + np.uint64(3)) >> np.uint64(2) << np.uint64(2)
    tail = stop >> np.uint64(2) << np.uint64(2)
    if weight == 0 or tail < head:  # a pixel too small for the weights' unit still is one
        head = tail = stop
    for pixel in range(start, head):
        areas[counts[pixel] ^ SIGN_BIT] += weight
        gaps += np.uint64(counts[pixel] == NO_DATA_BITS)
    areas[0] = 0
    for word in range(head >> np.uint64(2), tail >> np.uint64(2)):
        four = words[word] ^ SIGN_BITS
        if four != 0:  # no-data lies together, and its sums would wait for one another
            areas[four & ONE_COUNT] += weight
            areas[(four >> np.uint64(16)) & ONE_COUNT] += weight
            areas[(four >> np.uint64(32)) & ONE_COUNT] += weight
            areas[four >> np.uint64(48)] += weight
        else:
            gaps += np.uint64(4)
    gaps += np.uint64(areas[0]) // np.uint64(weight)  # 0 where there is no weight
    for pixel in range(tail, stop):
        areas[counts[pixel] ^ SIGN_BIT] += weight
        gaps += np.uint64(counts[pixel] == NO_DATA_BITS)
    return np.int64(gaps)


@numba.njit(**PART)
def _add_flags(flags, start, stop, weight, areas):  # type: ignore[no-untyped-def]
    # Flags are few: mostly a row has one or two. No branches within, so all are compared at once.
    flag, bits, third = flags[start], np.uint8(0), np.uint8(0)
    for pixel in range(start, stop):
        bits = np.uint8(bits | np.uint8(flags[pixel] ^ flag))
    if bits == 0:
        areas[flag] += weight * np.int64(stop - start)
        return
    others = np.int64(0)
    for block in range(start, stop, BLOCK):
        end = block + BLOCK
        end = end if end < stop else stop
        differ = np.uint8(0)  # as wide as the flags: a block's number of pixels fits
        for pixel in range(block, end):
            # with two flags what a pixel has other than the first one is nothing or all of it
            more = np.uint8(flags[pixel] ^ flag)
            less = np.uint8(more ^ bits)
            third = np.uint8(third | (more if more < less else less))
            differ = np.uint8(differ + np.uint8(more != 0))
        others += np.int64(differ)
    if third == 0:
        areas[flag] += weight * (np.int64(stop - start) - others)
        areas[flag ^ bits] += weight * others
        return
    since = start  # three and more lie in runs: each is added once
    for pixel in range(start, stop):
        if flags[pixel] != flag:
            areas[flag] += weight * np.int64(pixel - since)
            flag, since = flags[pixel], pixel
    areas[flag] += weight * np.int64(stop - since)


def _add(counts, words, flags, runs, slots, weights, width, areas, flag_areas, valid):  # type: ignore[no-untyped-def]
    starts, atoms = runs
    low, high, end = np.int64(65536), np.int64(-1), np.int64(0)
    while end < atoms.size:
        # as many runs of one atom as fit the cache together
        first, end = end, end + 1
        while end < atoms.size and atoms[end] == atoms[first]:
            if starts[end + 1] - starts[first] > STRETCH:
                break
            end += 1
        slot = slots[atoms[first]]
        if slot < 0:
            continue
        # unsigned, so that nothing counts from an array's end and the loops pack
        start, stop = np.uint64(starts[first]), np.uint64(starts[end])
        least, most = _span(counts, start, stop)
        low = least if least < low else low
        high = most if most > high else high
        for run in range(first, end):
            start, stop = np.uint64(starts[run]), np.uint64(starts[run + 1])
            weight = weights[starts[run] // width]
            _add_flags(flags, start, stop, weight, flag_areas[slot])
            if most > 0:
                gaps = _add_counts(counts, words, start, stop, weight, areas[slot])
                valid[slot] += np.int64(stop - start) - gaps
    return low, high


def _add_pairs(counts, qualified, groups, weights, lookups, areas, whole):  # type: ignore[no-untyped-def]
    first, second = counts
    rows, cols = groups.shape
    for row in range(rows):
        weight = weights[row]
        for col in range(cols):
            group = groups[row, col]
            whole[group] += weight
            a, b = lookups[0][first[row, col]], lookups[1][second[row, col]]
            if a != NO_BIN and b != NO_BIN:
                areas[group, qualified[row, col], a, b] += weight


def _range(counts):  # type: ignore[no-untyped-def]
    return _span(counts, np.uint64(0), np.uint64(counts.size))


def _add_singles(counts, flags, at, slots, weights, ones, areas, flag_areas, pixels):  # type: ignore[no-untyped-def]
    # neighbours mostly share slot and flag: their sums wait until one differs
    rows, cols = at
    slot, flag, waiting, valid = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for single in range(len(slots)):
        row, col = rows[single], cols[single]
        if slots[single] != slot or flags[row, col] != flag:
            flag_areas[slot, flag] += waiting
            pixels[slot] += valid
            slot, flag = slots[single], np.int64(flags[row, col])
            waiting = valid = np.int64(0)
        waiting += weights[single]
        count = counts[row, col]
        if count != NO_DATA_BITS:
            areas[slot, count ^ SIGN_BIT] += weights[single]
            valid += ones[single]
    flag_areas[slot, flag] += waiting
    pixels[slot] += valid


@cache
def add_runs() -> Callable[..., Any]:
    """Kernel: add a chunk, run by run; returns the range of places that its counts fall on.

    ``(counts uint16, words uint64, flags uint8, (starts int64 (run + 1,), atoms int64 (run,)),
    slots int64 (atom,), weights int64 (row,), width int64; areas int64 (slot, 65536), flag_areas
    int64 (slot, 256), valid int64 (slot,))``; the last three are added to. Counts and flags are
    those of the pixels, row by row, and words are the same counts four at a time. A run is in one
    row; one of an atom without a slot, below 0, is left out. Areas stand in the order of the
    counts, from -32768 on; the first of them means nothing.
    """
    pixels = [_read(dtype) for dtype in ("uint16", "uint64", "uint8")]
    whole = numba.types.int64
    signature = numba.types.UniTuple(whole, 2)(
        *pixels,
        numba.types.UniTuple(_read("int64"), 2),
        *[_read("int64")] * 2,
        whole,
        *[whole[:, ::1]] * 2,
        whole[::1],
    )
    return numba.njit(signature, **LOOP)(_add)


@cache
def add_singles() -> Callable[..., Any]:
    """Kernel: add single pixels of a chunk.

    ``(counts uint16, flags uint8: (row, col); (rows, cols), places, weights, ones, each int64
    (single,); areas, flag_areas, pixels)`` as of ``add_atoms``; ``ones`` is what a single adds to
    the number of pixels.
    """
    # a grouping may keep its places, and hand them out to be read only
    places, sums = numba.types.Array(numba.types.int64, 1, "C", readonly=True), numba.types.int64
    signature = numba.types.void(
        numba.types.uint16[:, ::1],
        numba.types.uint8[:, ::1],
        numba.types.UniTuple(places, 2),
        *[sums[::1]] * 3,
        *[sums[:, ::1]] * 2,
        sums[::1],
    )
    return numba.njit(signature, **LOOP)(_add_singles)


@cache
def range_of() -> Callable[..., Any]:
    """Kernel: first and last place in a row of ``areas`` that a chunk's counts fall on.

    ``(counts uint16 (pixel,))``, as their bits; the last is 0 where there is no value.
    """
    signature = numba.types.UniTuple(numba.types.int64, 2)(_read("uint16"))
    kernel: Callable[..., Any] = numba.njit(signature, **LOOP)(_range)
    return kernel


@cache
def add_pairs() -> Callable[..., Any]:
    """Kernel: add a chunk of two maps.

    ``((counts uint16, counts uint16), qualified uint8, groups uint16: (row, col);
    weights int64 (row,), (lookup uint16 (65536,), lookup), areas int64 (group, 2, bin, bin),
    whole int64 (group,))``, counts as their bits; the last two are added to.
    """
    counts = numba.types.Array(numba.types.uint16, 2, "C", readonly=True)
    bits = numba.types.Array(numba.types.uint8, 2, "C", readonly=True)
    table = numba.types.uint16[::1]
    sums = numba.types.int64
    signature = numba.types.void(
        numba.types.UniTuple(counts, 2),
        bits,
        counts,
        sums[::1],
        numba.types.UniTuple(table, 2),
        sums[:, :, :, ::1],
        sums[::1],
    )
    return numba.njit(signature, **LOOP)(_add_pairs)


def _read(dtype: str) -> Any:
    """The type of a contiguous array that is only read, as a source or a grouping may hand out."""
    return numba.types.Array(getattr(numba.types, dtype), 1, "C", readonly=True)
