"""The loops of the products: each row's pixels in 64 bits, times their area in 128."""

from functools import cache
from typing import Any

import numba
import numpy as np

from lunarscale.flags import NO_DATA
from lunarscale.grid.compiling import LOOP, PART
from lunarscale.reduce.wide import plus, product

#: Stands for a group where a pixel is cut: its parts are added one by one.
CUT = -1


def _add(given, row, keys, sums, used, scratch):  # type: ignore[no-untyped-def]
    counts, groups, areas = given
    valid, of_row, touched = scratch
    layers, rows, width = counts.shape
    slot = np.int64(0)
    while row < rows and used + width <= keys.shape[0]:
        for col in range(width):
            valid[col] = 0
        for layer in range(layers):
            bit = np.int64(1) << layer
            for col in range(width):
                valid[col] |= bit * np.int64(counts[layer, row, col] != NO_DATA)
        start = np.int64(0)
        while start < width:
            group, layers_here = np.int64(groups[row, start]), valid[start]
            stop = start + 1
            while stop < width and valid[stop] == layers_here and groups[row, stop] == group:
                stop += 1
            if group != CUT:
                slot, used = _slot_of(keys, used, group, layers_here, slot)
                touched[slot] = 1
                _add_run(counts, row, start, stop, layers_here, of_row[slot])
            start = stop
        for other in range(used):
            if touched[other] != 0:
                touched[other] = 0
                _flush(areas[row], of_row[other], sums, other)
        row += 1
    return row, used


def _add_single(given, part, keys, sums, used, scratch):  # type: ignore[no-untyped-def]
    counts, places = given
    layers, parts = counts.shape[0], places.shape[1]
    terms = scratch[1][0]
    slot = np.int64(0)
    while part < parts and used < keys.shape[0]:
        row, col = places[1, part], places[2, part]
        valid = np.int64(0)
        for layer in range(layers):
            valid |= (np.int64(1) << layer) * np.int64(counts[layer, row, col] != NO_DATA)
        slot, used = _slot_of(keys, used, places[0, part], valid, slot)
        _add_run(counts, row, col, col + 1, valid, terms)
        _flush(places[3, part], terms, sums, slot)
        part += 1
    return part, used


@numba.njit(**PART)
def _slot_of(keys, used, group, valid, slot):  # type: ignore[no-untyped-def]
    """The slot of a group and a set of layers, looked for at ``slot`` first, and the slots used."""
    if slot < used and keys[slot, 0] == group and keys[slot, 1] == valid:
        return slot, used
    slot = np.int64(0)
    while slot < used and (keys[slot, 0] != group or keys[slot, 1] != valid):
        slot += 1
    if slot == used:
        keys[slot, 0] = group
        keys[slot, 1] = valid
        used += 1
    return slot, used


@numba.njit(**PART)
def _add_run(counts, row, start, stop, valid, terms):  # type: ignore[no-untyped-def]
    """Add a run of a row's pixels, all of one slot, to the sums of the row."""
    layers = counts.shape[0]
    # unsigned, so that nothing counts from an array's end and the loops pack
    at, first, last = np.uint64(row), np.uint64(start), np.uint64(stop)
    terms[0] += stop - start
    place = 1 + layers
    for i in range(layers):
        if valid >> i & 1:
            total = np.int64(0)
            for col in range(first, last):
                total += counts[i, at, col]
            terms[1 + i] += total
            for j in range(i + 1):
                if valid >> j & 1:
                    total = np.int64(0)
                    for col in range(first, last):
                        total += np.int64(counts[i, at, col]) * np.int64(counts[j, at, col])
                    terms[place + j] += total
        place += i + 1


@numba.njit(**PART)
def _flush(area, terms, sums, slot):  # type: ignore[no-untyped-def]
    """Add a row's sums, times the area of its pixels, and empty them."""
    lows, highs = sums
    for term in range(terms.size):
        low, high = plus((lows[slot, term], highs[slot, term]), product(area, terms[term]))
        lows[slot, term] = low
        highs[slot, term] = high
        terms[term] = 0


@cache
def add_products() -> Any:
    """Kernel: add a chunk from a row on, as long as there is room for one more row's slots.

    ``((counts int16 (layer, row, col), groups int32 (row, col), areas int64 (row,)), row, keys
    int64 (slot, 2), limbs (slot, term), used, scratch)``; returns the next row and the slots in
    use. Pixels of the group ``CUT`` are left out. The scratch is ``(int64 (col,), int64 (slot,
    term), uint8 (slot,))``; the last two are zeros, before and after.
    """
    groups, areas = numba.types.int32[:, ::1], numba.types.int64[::1]
    return _compiled(_add, numba.types.Tuple([_COUNTS, groups, areas]))


@cache
def add_parts() -> Any:
    """Kernel: add parts of pixels from one on, as long as there is a free slot.

    ``((counts int16 (layer, row, col), (group, row, col, area) int64 (4, part)), part, keys, limbs,
    used, scratch)``; returns the next part and the slots in use.
    """
    return _compiled(_add_single, numba.types.Tuple([_COUNTS, numba.types.int64[:, ::1]]))


#: A chunk's counts, which are only read.
_COUNTS = numba.types.Array(numba.types.int16, 3, "C", readonly=True)


def _compiled(kernel: Any, given: Any) -> Any:
    limbs = numba.types.Tuple([numba.types.uint64[:, ::1], numba.types.int64[:, ::1]])
    whole = numba.types.int64
    result = numba.types.UniTuple(whole, 2)
    scratch = numba.types.Tuple([whole[::1], whole[:, ::1], numba.types.uint8[::1]])
    signature = result(given, whole, whole[:, ::1], limbs, whole, scratch)
    return numba.njit(signature, **LOOP)(kernel)
