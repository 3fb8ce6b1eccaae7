"""Which pixels a polygon's edges bound, as loops over edges and rows in whole numbers.

Vertices become whole numbers of 1 / 2**32 of a pixel in the rows and columns of the whole grid.
What an edge does to a pixel is rounded once and follows from the edge, the row and the column
alone; the rest is adding. So a pixel's part is the same bit for bit in every window, and an edge
that two polygons share takes from one exactly what it gives to the other. Edges are straight in
longitude and latitude. Compiled at first use, once a process.
"""

import math

import numpy as np
from numba import njit

from lunarscale.grid.groupings import WHOLE_PIXEL

#: Fractional bits of a place in pixels.
BITS = 32
HALF = 1 << (BITS - 1)

#: Edges of which one look tells whether any touches the window. Neighbours along an outline, they
#: lie close together.
BLOCK_EDGES = 128

_kernel = njit(nogil=True, error_model="numpy")


@_kernel
def _place(degrees, around):  # type: ignore[no-untyped-def]
    """Degrees from the whole grid's west or north edge in 1 / 2**32 pixels.

    Whole degrees are turned exactly, so that a place 360 degrees on is the same place.
    """
    whole = np.int64(math.floor(degrees))
    pixels, rest = whole * around // 360, whole * around % 360
    part = (rest + (degrees - whole) * around) * (WHOLE_PIXEL / 360.0)
    return (pixels << BITS) + np.int64(np.rint(part))


@_kernel
def _along(edge, y):  # type: ignore[no-untyped-def]
    """Where an edge, from its north end ``x0, y0`` to its south end ``x1, y1``, crosses ``y``."""
    x0, y0, x1, y1 = edge
    if y == y0:
        return x0
    return x0 + np.int64(np.rint((y - y0) / (y1 - y0) * (x1 - x0)))


@_kernel
def _ends(edge, frame, turn):  # type: ignore[no-untyped-def]
    """An edge's north and south end in the window's own places, ``x0, y0, x1, y1``."""
    around, row, col = frame[0], frame[1], frame[2]
    east = (turn * around - col) << BITS
    x0, x1 = _place(edge[2] + 180.0, around) + east, _place(edge[0] + 180.0, around) + east
    north = row << BITS
    return x0, _place(90.0 - edge[3], around) - north, x1, _place(90.0 - edge[1], around) - north


@_kernel
def _misses(span, frame, turns):  # type: ignore[no-untyped-def]
    """Whether edges that span so much lie north, south or east of the window, by a pixel at least.

    What lies west of it counts: it says whether the window's west edge is inside.
    """
    around, row, col, height, width = frame
    degree = around / 360.0
    if (90.0 - span[1]) * degree < row - 1 or (90.0 - span[2]) * degree > row + height + 1:
        return True
    return (span[0] + 180.0) * degree + turns[0] * around > col + width + 1


@_kernel
def toggle(edges, spans, frame, turns, toggles):  # type: ignore[no-untyped-def]
    """Mark where the rows' middle lines cross the edges: inside and outside change there.

    An edge holds its south end and not its north end, so a vertex is crossed once; a centre on an
    edge lies east of it.

    Parameters
    ----------
    edges, spans : ndarray of float64, (edge, 4) and (block, 3)
        As of ``Polygon``.
    frame : (around, row, col, height, width)
        The window, in the whole grid's rows and columns.
    turns : (first, stop)
        Whole turns eastwards to move the edges by.
    toggles : ndarray of uint8, (height, width + 1)
        Its lowest bit is turned over at the first centre east of a crossing.
    """
    for block in range(len(spans)):
        if _misses(spans[block], frame, turns):
            continue
        start = block * BLOCK_EDGES
        for edge in edges[start : start + BLOCK_EDGES]:
            for turn in range(turns[0], turns[1]):
                _toggle_edge(_ends(edge, frame, turn), toggles)


@_kernel
def _toggle_edge(ends, toggles):  # type: ignore[no-untyped-def]
    height, width = toggles.shape
    first = max((ends[1] + HALF) >> BITS, 0)
    last = min((ends[3] - HALF) >> BITS, height - 1)
    for r in range(first, last + 1):
        x = _along(ends, (np.int64(r) << BITS) + HALF)
        col = (x + HALF - 1) >> BITS
        toggles[r, min(max(col, 0), width - 1)] ^= 1


@_kernel
def paint(toggles, number, out):  # type: ignore[no-untyped-def]
    """Give a number to the pixels within, by ``toggle``'s marks, that have none yet."""
    for r in range(out.shape[0]):
        inside = np.uint8(0)
        for c in range(out.shape[1]):
            inside ^= toggles[r, c]
            if inside & 1 and out[r, c] == 0:
                out[r, c] = number


@_kernel
def _cover_row(parts, ends, sign):  # type: ignore[no-untyped-def]
    """Add what lies east of one edge's way through one row.

    Parameters
    ----------
    parts : ndarray of int64, (width + 1,)
        Changes of the covered share from column to column.
    ends : (west, east, height)
        The way's ends in places, and its height in 1 / 2**32 of the row.
    sign : int
        1 if the polygon lies east of the edge, -1 if west.
    """
    west, east, height = ends
    width = len(parts) - 1
    if west >> BITS >= width:
        return
    passed = np.int64(0)  # height of the way that lies west of the column
    first = west >> BITS
    if first < 0:
        first = 0
        passed = height if east <= 0 else _passed(ends, np.int64(0))
        parts[0] += sign * passed
    last = min((east - 1) >> BITS, width - 1) if east > west else first
    for col in range(first, last + 1):
        start = max(west, np.int64(col) << BITS)
        stop = min(east, np.int64(col + 1) << BITS)
        if stop < start:
            break
        until = _passed(ends, stop)
        here = until - passed
        # a trapezium: its height times the mean of its two distances from the column's east edge
        apart = (np.int64(col + 1) << (BITS + 1)) - start - stop
        share = np.int64(np.rint(float(here) * float(apart) / (2.0 * WHOLE_PIXEL)))
        parts[col] += sign * share
        parts[col + 1] += sign * (here - share)
        passed = until


@_kernel
def _passed(ends, x):  # type: ignore[no-untyped-def]
    """Height of the part of a way that lies west of ``x``."""
    west, east, height = ends
    if x >= east:
        return height
    return np.int64(np.rint(float(x - west) / float(east - west) * float(height)))


@_kernel
def cover(edges, spans, signs, frame, turns, parts):  # type: ignore[no-untyped-def]
    """Add the shares that the edges bound, as changes from column to column.

    Parameters
    ----------
    edges, spans : ndarray of float64, (edge, 4) and (block, 3)
        As of ``Polygon``.
    signs : ndarray of int8, (edge,)
        As of ``Polygon``.
    frame : (around, row, col, height, width)
        The window, in the whole grid's rows and columns.
    turns : (first, stop)
        Whole turns eastwards to move the edges by.
    parts : ndarray of int64, (height, width + 1)
        Added to; the sums along a row are the shares in 1 / ``WHOLE_PIXEL``.
    """
    for block in range(len(spans)):
        if _misses(spans[block], frame, turns):
            continue
        start = block * BLOCK_EDGES
        for e in range(start, min(start + BLOCK_EDGES, len(edges))):
            for turn in range(turns[0], turns[1]):
                _cover_edge(_ends(edges[e], frame, turn), signs[e], parts)


@_kernel
def _cover_edge(ends, sign, parts):  # type: ignore[no-untyped-def]
    height, width = parts.shape[0], parts.shape[1] - 1
    if min(ends[0], ends[2]) >> BITS >= width:
        return
    first = max(ends[1] >> BITS, 0)
    last = min((ends[3] - 1) >> BITS, height - 1)
    for r in range(first, last + 1):
        top = max(ends[1], np.int64(r) << BITS)
        bottom = min(ends[3], np.int64(r + 1) << BITS)
        if max(ends[0], ends[2]) <= 0:  # west of the window: all of it lies east of the edge
            parts[r, 0] += sign * (bottom - top)
            continue
        a, b = _along(ends, top), _along(ends, bottom)
        _cover_row(parts[r], (min(a, b), max(a, b), bottom - top), sign)


@_kernel
def share_out(parts, left, number, numbers):  # type: ignore[no-untyped-def]
    """Give a polygon its shares of what earlier ones have left; whole pixels get its number.

    Parameters
    ----------
    parts : ndarray of int64, (row, col + 1)
        From ``cover``; becomes the share that the polygon gets in each pixel.
    left : ndarray of int64, (row, col)
        Share that is still free; what is given is taken from it.
    number : int
    numbers : ndarray of uint16, (row, col)

    Returns
    -------
    int
        Pixels of which the polygon gets a part.
    """
    cut = 0
    for r in range(left.shape[0]):
        share = np.int64(0)
        for c in range(left.shape[1]):
            share += parts[r, c]
            given = min(max(share, 0), left[r, c])
            parts[r, c] = given
            left[r, c] -= given
            if given == WHOLE_PIXEL:
                numbers[r, c] = number
            elif given > 0:
                cut += 1
    return cut


@_kernel
def collect(parts, rows, cols, shares):  # type: ignore[no-untyped-def]
    """Write down the parts of pixels that ``share_out`` gave."""
    found = 0
    for r in range(parts.shape[0]):
        for c in range(parts.shape[1] - 1):
            if 0 < parts[r, c] < WHOLE_PIXEL:
                rows[found], cols[found], shares[found] = r, c, parts[r, c]
                found += 1
