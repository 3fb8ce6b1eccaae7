"""The chunks of a grid that a tile's pixels lie in, and taking the pixels from them."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.grid.compiling import LOOP
from lunarscale.service.tiles.places import Pixels

#: Chunks of the rectangle about those that a tile touches, at most: what is noted of each takes
#: 16 bytes. Round a pole of the whole Moon at 10 m these are two thousand.
MOST_CHUNKS = 2**18


class Part(NamedTuple):
    """One chunk, and the part of the tile that it may fill.

    Parameters
    ----------
    row, col : int
        Of the chunk, counted in chunks.
    span : tuple of int
        First row, the one past the last, first column and the one past the last of the tile.
    """

    row: int
    col: int
    span: tuple[int, int, int, int]


class Parts:
    """The chunks that pixels lie in.

    Parameters
    ----------
    pixels : Pixels
    chunk : int
        Edge of a chunk in pixels.
    first : tuple of int
        Row and column of the first chunk that may be one of them.
    shape : tuple of int
        Rows and columns of chunks that may be.
    """

    def __init__(
        self, pixels: Pixels, chunk: int, *, first: tuple[int, int], shape: tuple[int, int]
    ) -> None:
        self._pixels, self._chunk, self._first = pixels, chunk, first
        size = max(pixels.rows.shape)
        self._spans = np.empty((*shape, 4), np.int32)
        self._spans[...] = (size, 0, size, 0)
        _mark(pixels, chunk, first, self._spans)

    @classmethod
    def of(cls, pixels: Pixels, chunk: int) -> Self | None:
        """The chunks of some pixels; None where they lie too far apart to be noted."""
        top, bottom, left, right = map(int, _reach(pixels, chunk))
        shape = max(bottom - top, 0), max(right - left, 0)
        if shape[0] * shape[1] > MOST_CHUNKS:
            return None
        return cls(pixels, chunk, first=(top, left), shape=shape)

    def __len__(self) -> int:
        """How many there are."""
        return int(np.count_nonzero(self._spans[:, :, 1]))

    def __iter__(self) -> Iterator[Part]:
        """One after the other, row by row."""
        for row, col in np.argwhere(self._spans[:, :, 1]).tolist():
            first, last, left, right = self._spans[row, col].tolist()
            top, start = self._first
            yield Part(top + row, start + col, (first, last, left, right))

    def take(self, part: Part, source: NDArray[np.generic], into: NDArray[np.generic]) -> None:
        """Set those of a tile's pixels that lie in a chunk.

        Parameters
        ----------
        part : Part
        source : ndarray, (chunk, chunk)
        into : ndarray, (row, col)
            The tile.
        """
        _take(self._pixels, part, self._chunk, source, into)


@njit(error_model="numpy", **LOOP)
def _reach(pixels, chunk):  # type: ignore[no-untyped-def]
    """First row of chunks, the one past the last, first column, the one past the last."""
    top = left = np.int64(2**31)
    bottom = right = np.int64(-1)
    for i in range(pixels.rows.shape[0]):
        for j in range(pixels.rows.shape[1]):
            row, col = np.int64(pixels.rows[i, j]), np.int64(pixels.cols[i, j])
            if row >= 0:
                top, bottom = min(top, row), max(bottom, row)
                left, right = min(left, col), max(right, col)
    if bottom < 0:
        return top, bottom, left, right
    return top // chunk, bottom // chunk + 1, left // chunk, right // chunk + 1


@njit(error_model="numpy", **LOOP)
def _mark(pixels, chunk, first, spans):  # type: ignore[no-untyped-def]
    height, width = pixels.rows.shape
    for i in range(height):
        j = 0
        while j < width:
            row, col = np.int64(pixels.rows[i, j]), np.int64(pixels.cols[i, j])
            start, j = j, j + 1
            if row < 0:
                continue
            down, east = row // chunk, col // chunk
            top, left = down * chunk, east * chunk
            # a line's pixels mostly lie in the chunk of those before them: no more to divide
            while (
                j < width
                and 0 <= pixels.rows[i, j] - top < chunk
                and 0 <= pixels.cols[i, j] - left < chunk
            ):
                j += 1
            down, east = down - first[0], east - first[1]
            spans[down, east, 0] = min(spans[down, east, 0], i)
            spans[down, east, 1] = max(spans[down, east, 1], i + 1)
            spans[down, east, 2] = min(spans[down, east, 2], start)
            spans[down, east, 3] = max(spans[down, east, 3], j)


@njit(error_model="numpy", **LOOP)
def _take(pixels, part, chunk, source, into):  # type: ignore[no-untyped-def]
    top, left = part.row * chunk, part.col * chunk
    for i in range(part.span[0], part.span[1]):
        for j in range(part.span[2], part.span[3]):
            row, col = pixels.rows[i, j] - top, pixels.cols[i, j] - left
            # a row of -1 is in no chunk: the first chunk's rows begin with 0
            if 0 <= row < chunk and 0 <= col < chunk:
                into[i, j] = source[row, col]
