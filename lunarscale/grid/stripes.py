"""Stripes: a window's groups as stretches of pixels, which are few where pixels are many."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_FIRST = np.zeros(1, dtype=np.int64)


class Stripes(NamedTuple):
    """Stretches of pixels that have one group number, in the pixels' order.

    One stretch if all of the window has one number; else every stretch lies in one row, and the
    next one begins where the number changes or at the next row.

    Parameters
    ----------
    starts : ndarray of int64, (stripe,)
        The first pixel of each, counted row by row.
    numbers : ndarray of uint16, (stripe,)
    """

    starts: NDArray[np.int64]
    numbers: NDArray[np.uint16]

    @classmethod
    def of_one(cls, number: int) -> Self:
        """A window that has one number all over."""
        return cls(_FIRST, np.array([number], dtype=np.uint16))

    @classmethod
    def of_numbers(cls, numbers: NDArray[np.uint16]) -> Self:
        """A window whose pixels have these numbers, ``(row, col)``, of any strides."""
        if not any(numbers.strides):
            return cls(_FIRST, numbers[0, :1])
        starts = np.arange(0, numbers.size, numbers.shape[1])
        found = numbers[:, 0]
        if numbers.strides[1]:  # else it is the same all along a row
            starts = _breaks(numbers)
            found = numbers.reshape(-1)[starts]
        one = (found == found[0]).all()
        return cls(_FIRST, found[:1]) if one else cls(starts, found)

    def drawn(self, shape: tuple[int, int]) -> NDArray[np.uint16]:
        """The number of every pixel, read-only, with strides of 0 where it is one all over.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of the window.
        """
        if self.numbers.size == 1:
            return np.broadcast_to(self.numbers[0], shape)
        lengths = np.diff(self.starts, append=shape[0] * shape[1])
        drawn = np.repeat(self.numbers, lengths).reshape(shape)
        drawn.setflags(write=False)
        return drawn


def _breaks(numbers: NDArray[np.uint16]) -> NDArray[np.int64]:
    """First pixels of the stretches of a row in which the number does not change."""
    flat = numbers.reshape(-1)
    new = np.empty(flat.size, dtype=bool)
    np.not_equal(flat[1:], flat[:-1], out=new[1:])
    new[:: numbers.shape[1]] = True
    return np.flatnonzero(new)
