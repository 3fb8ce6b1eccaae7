"""The loops of the tally: one visit a pixel, integer additions only.

Compiled on first use, once a process and outside the interpreter's lock, so that the threads of
a worker run side by side. Not cached on disk (numba#4807) and not parallel: threads come from
above.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

#: The bits of ``NO_DATA`` as an unsigned number.
NO_DATA_BITS = np.uint16(0x8000)

#: Where a count's bin is looked up, this stands for no-data.
NO_BIN = np.uint16(0xFFFF)

#: What turns a count's bits into its place in a table whose first entry is -32768.
SIGN_BIT = np.uint16(0x8000)

#: Pixels of a line that are compared at once.
BLOCK = 32


@numba.njit(nogil=True)
def _run_end(line, start):  # type: ignore[no-untyped-def]
    """Where the run of equal numbers ends that begins at a place of a line."""
    first, stop = line[start], start + 1
    while stop + BLOCK <= line.size:  # a block has no branches: it is compared at once
        other = line[stop] ^ first
        for place in range(stop + 1, stop + BLOCK):
            other |= line[place] ^ first
        if other:
            break
        stop += BLOCK
    while stop < line.size and line[stop] == first:
        stop += 1
    return stop


@numba.njit(nogil=True)
def _add_run(counts, flags, weight, sums):  # type: ignore[no-untyped-def]
    # Flags come in long runs, so a run is added once: one addition a pixel is left, and that
    # rarely waits for the one before it.
    areas, flag_areas = sums
    flag = flags[0]
    start = 0
    valid = 0
    for col in range(counts.size):
        if flags[col] != flag:
            flag_areas[flag] += weight * (col - start)
            flag = flags[col]
            start = col
        count = counts[col]
        if count != NO_DATA_BITS:
            areas[count ^ SIGN_BIT] += weight
            valid += 1
    flag_areas[flag] += weight * (counts.size - start)
    return valid


def _add(counts, flags, atoms, places, weights, areas, flag_areas, pixels):  # type: ignore[no-untyped-def]
    rows, cols = counts.shape
    for row in range(rows):
        start = 0
        while start < cols:
            stop = _run_end(atoms[row], start)
            place = places[atoms[row, start]]
            own = areas[place], flag_areas[place]
            run = counts[row, start:stop], flags[row, start:stop]
            pixels[place] += _add_run(run[0], run[1], weights[row], own)
            start = stop


def _add_one(counts, flags, weights, areas, flag_areas):  # type: ignore[no-untyped-def]
    valid = 0
    for row in range(counts.shape[0]):
        valid += _add_run(counts[row], flags[row], weights[row], (areas, flag_areas))
    return valid


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
    # NO_DATA is the least place, 0: one less wraps it around to the greatest
    rows, cols = counts.shape
    low, high = np.uint16(0xFFFF), np.uint16(0)
    for row in range(rows):
        for col in range(cols):
            place = np.uint16(counts[row, col] ^ SIGN_BIT)
            low = min(low, np.uint16(place - np.uint16(1)))
            high = max(high, place)
    return low + 1, high


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


def _measure(atoms, places, weights, areas, pixels):  # type: ignore[no-untyped-def]
    rows, cols = atoms.shape
    for row in range(rows):
        start = 0
        while start < cols:
            stop = _run_end(atoms[row], start)
            place = places[atoms[row, start]]
            areas[place] += weights[row] * (stop - start)
            pixels[place] += stop - start
            start = stop


def _refine(atoms, numbers, radix, places):  # type: ignore[no-untyped-def]
    found = 0
    rows, cols = atoms.shape
    for row in range(rows):
        for col in range(cols):
            code = atoms[row, col] * radix + numbers[row, col]
            place = places[code]
            if place < 0:
                place = found
                places[code] = place
                found += 1
            atoms[row, col] = place


@cache
def add_atoms() -> Callable[..., Any]:
    """Kernel: add a chunk of several atoms.

    ``(counts uint16, flags uint8, atoms uint16: (row, col); places int64 (atom,),
    weights int64 (row,); areas int64 (place, 65536), flag_areas int64 (place, 256),
    pixels int64 (place,))``, counts as their bits; the last three are added to. Areas stand in
    the order of the counts, from -32768 on.
    """
    whole = numba.types.int64
    signature = numba.types.void(
        numba.types.uint16[:, ::1],
        numba.types.uint8[:, ::1],
        numba.types.Array(numba.types.uint16, 2, "C", readonly=True),
        *[whole[::1]] * 2,
        *[whole[:, ::1]] * 2,
        whole[::1],
    )
    return numba.njit(signature, nogil=True)(_add)


@cache
def add_one_atom() -> Callable[..., Any]:
    """Kernel: add a chunk that lies in one atom; returns the number of valid pixels.

    As ``add_atoms``, with that atom's rows of ``areas`` and ``flag_areas``.
    """
    signature = "int64(uint16[:,::1], uint8[:,::1], int64[::1], int64[::1], int64[::1])"
    return numba.njit(signature, nogil=True)(_add_one)


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
    return numba.njit(signature, nogil=True)(_add_singles)


@cache
def range_of() -> Callable[..., Any]:
    """Kernel: first and last place in a row of ``areas`` that a chunk's counts fall on.

    ``(counts uint16 (row, col))``, as their bits; the last is 0 where there is no value.
    """
    return numba.njit("UniTuple(int64, 2)(uint16[:,::1])", nogil=True)(_range)


@cache
def measure_atoms() -> Callable[..., Any]:
    """Kernel: area and number of pixels of each atom.

    ``(atoms uint16 (row, col), places int64 (atom,), weights int64 (row,); areas int64 (place,),
    pixels int64 (place,))``; the last two are added to.
    """
    atoms = numba.types.Array(numba.types.uint16, 2, "C", readonly=True)
    signature = numba.types.void(atoms, *[numba.types.int64[::1]] * 4)
    return numba.njit(signature, nogil=True)(_measure)


@cache
def refine_atoms() -> Callable[..., Any]:
    """Kernel: split atoms by the group numbers of one more grouping.

    ``(atoms uint16, numbers uint16: (row, col); radix int64, places int32 (code,))``: a pixel's
    code is ``atom * radix + number``; ``places``, all -1 before, tells the new atom of each code,
    numbered as they are met; atoms are replaced.
    """
    numbers = numba.types.Array(numba.types.uint16, 2, "C", readonly=True)
    atoms, places = numba.types.uint16[:, ::1], numba.types.int32[::1]
    signature = numba.types.void(atoms, numbers, numba.types.int64, places)
    return numba.njit(signature, nogil=True)(_refine)


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
    return numba.njit(signature, nogil=True)(_add_pairs)
