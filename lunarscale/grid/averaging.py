"""The mean of the source pixels in each target pixel, as loops: one tile's part, then the settling.

Sums are integers, so no order of adding shows in them; the one division is float64 and rounds half
to even. Compiled at first use, once a process.
"""

import numpy as np
from numba import njit

from lunarscale.flags import VALID

_VALID = np.uint8(VALID)

_kernel = njit(nogil=True, error_model="numpy")


@_kernel
def gather(counts, reasons, runs, part):  # type: ignore[no-untyped-def]
    """Add one block of a band's source pixels to what a tile has of each target pixel.

    Parameters
    ----------
    counts : ndarray of int16, (source pixel,)
    reasons : ndarray of uint8, (source pixel,)
    runs : (starts, places)
        Where each run of source pixels begins (with the end of the last), and its target pixel,
        -1 for none.
    part : (total int64, valid int32, worst uint8), each (target pixel,)
        Sum and number of the valid counts, and the largest reason.
    """
    starts, places = runs
    total, valid, worst = part
    for run in range(places.size):
        place = places[run]
        if place < 0:
            continue
        summed, number, largest = np.int64(0), np.int32(0), _VALID
        for pixel in range(starts[run], starts[run + 1]):
            if reasons[pixel] == _VALID:
                summed += counts[pixel]
                number += 1
            else:
                largest = max(largest, reasons[pixel])
        total[place] += summed
        valid[place] += number
        worst[place] = max(worst[place], largest)


@_kernel
def settle(laid, met, sums, part, number):  # type: ignore[no-untyped-def]
    """Take one tile's part of a band into the sums, and settle what is full.

    Parameters
    ----------
    laid, met : ndarray of int16 and of uint8, (row, col)
        Counts laid so far, and reasons: 0 where a count is laid.
    sums : (total int64, valid int32, most int32), each (row, col)
        Of all tiles so far, and the most pixels that one of them has in a target pixel.
    part : (total int64, valid int32, worst uint8), each (row, col)
        This tile's, from ``gather``.
    number : ndarray of int32, (row, col)
        Source pixels of this tile, valid or not.

    Returns
    -------
    int
        Settled pixels of which at least half of this tile's would make another count.
    """
    total, valid, most = sums
    theirs, their_valid, worst = part
    disagreements = 0
    for row in range(laid.shape[0]):
        for col in range(laid.shape[1]):
            here, all_here = their_valid[row, col], number[row, col]
            if all_here == 0:
                continue
            if met[row, col] == _VALID:
                if here >= 1 and 2 * here >= all_here:
                    count = np.rint(theirs[row, col] / here)
                    disagreements += count != laid[row, col]
                continue
            total[row, col] += theirs[row, col]
            valid[row, col] += here
            held = valid[row, col]
            if held >= 1 and 2 * held >= most[row, col]:
                # sums below 2**53 over counts: the quotient rounds correctly, so a tie is a tie
                laid[row, col] = np.int16(np.rint(total[row, col] / held))
                met[row, col] = _VALID
            else:
                met[row, col] = max(met[row, col], worst[row, col])
    return disagreements
