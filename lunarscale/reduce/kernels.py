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


def _add(counts, flags, atoms, weights, areas, flag_areas, pixels):  # type: ignore[no-untyped-def]
    # Flags come in long runs, so a run is added once: one addition a pixel is left, and that
    # rarely waits for the one before it.
    rows, cols = counts.shape
    for row in range(rows):
        weight = weights[row]
        atom = atoms[row, 0]
        flag = flags[row, 0]
        start = 0
        valid = 0
        for col in range(cols):
            if atoms[row, col] != atom or flags[row, col] != flag:
                flag_areas[atom, flag] += weight * (col - start)
                if atoms[row, col] != atom:
                    pixels[atom] += valid
                    valid = 0
                atom = atoms[row, col]
                flag = flags[row, col]
                start = col
            count = counts[row, col]
            if count != NO_DATA_BITS:
                areas[atom, count] += weight
                valid += 1
        flag_areas[atom, flag] += weight * (cols - start)
        pixels[atom] += valid


def _add_one(counts, flags, weights, areas, flag_areas):  # type: ignore[no-untyped-def]
    rows, cols = counts.shape
    valid = 0
    for row in range(rows):
        weight = weights[row]
        flag = flags[row, 0]
        start = 0
        for col in range(cols):
            if flags[row, col] != flag:
                flag_areas[flag] += weight * (col - start)
                flag = flags[row, col]
                start = col
            count = counts[row, col]
            if count != NO_DATA_BITS:
                areas[count] += weight
                valid += 1
        flag_areas[flag] += weight * (cols - start)
    return valid


def _measure(atoms, weights, areas, pixels):  # type: ignore[no-untyped-def]
    rows, cols = atoms.shape
    for row in range(rows):
        for col in range(cols):
            areas[atoms[row, col]] += weights[row]
            pixels[atoms[row, col]] += 1


@cache
def add_atoms() -> Callable[..., Any]:
    """Kernel: add a chunk of several atoms.

    ``(counts uint16, flags uint8, atoms uint16: (row, col); weights int64 (row,);
    areas int64 (atom, 65536), flag_areas int64 (atom, 256), pixels int64 (atom,))``, counts as
    their bits; the last three are added to.
    """
    signature = (
        "void(uint16[:,::1], uint8[:,::1], uint16[:,::1], int64[::1],"
        " int64[:,::1], int64[:,::1], int64[::1])"
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
def measure_atoms() -> Callable[..., Any]:
    """Kernel: area and number of pixels of each atom.

    ``(atoms uint16 (row, col), weights int64 (row,), areas int64 (atom,),
    pixels int64 (atom,))``; the last two are added to.
    """
    signature = "void(uint16[:,::1], int64[::1], int64[::1], int64[::1])"
    return numba.njit(signature, nogil=True)(_measure)
